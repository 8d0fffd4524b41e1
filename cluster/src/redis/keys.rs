//! Where a group lies on the server.

use crate::Error;

/// The keys of one group: in one slot of a Redis cluster, by the braces.
#[derive(Clone, Debug)]
pub(super) struct Keys([String; Keys::COUNT]);

impl Keys {
    pub(super) const COUNT: usize = 5;

    /// # Errors
    ///
    /// [`Error::Name`]: the name is empty or has braces.
    pub(super) fn new(name: &str) -> Result<Self, Error> {
        if name.is_empty() {
            return Err(Error::Name("empty"));
        }
        if name.contains(['{', '}']) {
            return Err(Error::Name("it has braces, by which Redis clusters place keys"));
        }
        // The order that the scripts expect.
        Ok(Keys(["meta", "pending", "done", "queue", "events"].map(|part| format!("reveille:{{{name}}}:{part}"))))
    }

    pub(super) fn all(&self) -> &[String] {
        &self.0
    }

    pub(super) fn events(&self) -> &str {
        &self.0[4]
    }
}
