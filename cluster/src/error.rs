//! What can go wrong, as values.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use crate::Epoch;

/// Why a place did not do what it was asked.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Error {
    /// The place has no such group, or has lost a part of it: it never existed, expired, or was evicted or flushed. That
    /// is never taken for completion.
    Vanished,
    /// An unfinished run of this name exists, and the new one was told not to supersede it.
    Busy(Epoch),
    /// Two tasks have this id.
    RepeatedTask(String),
    /// A name that the place does not take, and why.
    Name(&'static str),
    /// What lies in shared memory is not what this program can use, and why.
    Layout(&'static str),
    /// The place did not answer in time, however often it was asked.
    Unreachable(Cause),
    /// The place answered with an error.
    Refused(Cause),
}

/// What lies behind an error.
pub type Cause = Arc<dyn StdError + Send + Sync>;

/// Why a wait did not end with a report.
///
/// ```
/// use std::time::Duration;
/// use reveille_cluster::{Group as _, Options, WaitError, local::Place};
///
/// let mut group = Place::new().create("g", ["a"], &Options::new()).unwrap();
/// match group.wait(Duration::from_millis(1)) {
///     Err(WaitError::Timeout { missing }) => assert_eq!(missing, ["a"]),
///     other => panic!("{other:?}"),
/// }
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum WaitError {
    /// The time is up. The run goes on, and can be waited for again.
    Timeout {
        /// The tasks that are not complete, in order.
        missing: Vec<String>,
    },
    /// A task failed in a group that fails fast, or a member died in one that breaks.
    Broken {
        /// Which.
        task: String,
        /// Why.
        reason: String,
    },
    /// Another run of the same name has begun.
    Superseded {
        /// It.
        by: Epoch,
    },
    /// The place has lost the group: see [`Error::Vanished`].
    Vanished,
    /// Somebody cancelled the run.
    Cancelled {
        /// In their words.
        reason: String,
    },
    /// The place could not be asked. Whether the tasks are complete is not known.
    Place(Error),
}

impl From<Error> for WaitError {
    fn from(error: Error) -> Self {
        match error {
            Error::Vanished => WaitError::Vanished,
            other => WaitError::Place(other),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Vanished => f.write_str("the group does not exist, or a part of it was lost"),
            Error::Busy(epoch) => write!(f, "the run {epoch} of this name is not over"),
            Error::RepeatedTask(task) => write!(f, "two tasks are called {task:?}"),
            Error::Name(why) => write!(f, "not a name: {why}"),
            Error::Layout(why) => write!(f, "not a region that this program can use: {why}"),
            Error::Unreachable(_) => f.write_str("no answer in time"),
            Error::Refused(_) => f.write_str("refused"),
        }
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Error::Unreachable(cause) | Error::Refused(cause) => Some(&**cause),
            _ => None,
        }
    }
}

/// How many tasks a message names.
const NAMED: usize = 5;

impl fmt::Display for WaitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            WaitError::Timeout { missing } => {
                write!(f, "timed out; missing: {}", missing[..missing.len().min(NAMED)].join(", "))?;
                if missing.len() > NAMED { write!(f, " and {} more", missing.len() - NAMED) } else { Ok(()) }
            }
            WaitError::Broken { task, reason } => write!(f, "broken by {task}: {reason}"),
            WaitError::Superseded { by } => write!(f, "superseded by the run {by}"),
            WaitError::Vanished => Error::Vanished.fmt(f),
            WaitError::Cancelled { reason } => write!(f, "cancelled: {reason}"),
            WaitError::Place(error) => error.fmt(f),
        }
    }
}

impl StdError for WaitError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            WaitError::Place(error) => error.source(),
            _ => None,
        }
    }
}
