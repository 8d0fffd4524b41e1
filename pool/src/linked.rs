//! What only some programs need, and others are linked without: queued tasks, the end of a pool, a policy other than the first.
//!
//! A program that only joins has no task in a queue, and one whose pool serves for ever does not close it. On a core of 32 bits
//! without an operating system the code for both is behind a static of the program, [`Way`], which the first task that is
//! queued, or the first shutdown, opens. Where the program is optimised as a whole (`lto`), one that does neither is linked
//! without the code. Everywhere else each way is open from the start, and nothing is read.
//!
//! *Nothing is overlooked.* The way is opened before the task is queued, and before the state says that the pool drains.
//! So whatever orders a look at the queue or at the state behind the push or the drain orders the look at the way too: the
//! wake path's fences (M1, M11) or the owner's program order (M28). Who sees the way too late would have seen the queue
//! empty. Model `linked_a_sleeper_finds_the_way_to_a_queue`.

use reveille_futex::const_unless_loom;
use reveille_futex::need::Need;

#[cfg(loom)]
use Open as Known;
#[cfg(not(loom))]
use Way as Known;

/// Opened before a task is queued.
pub(crate) static QUEUES: Known = Known::new();
/// Opened before a lifecycle drains.
pub(crate) static ENDING: Known = Known::new();
/// Opened before a fork whose owner may want to know the thief.
pub(crate) static LEAPFROGS: Known = Known::new();
/// Opened before a policy is set.
pub(crate) static POLICY: Known = Known::new();

/// Whether what only some programs need may be needed.
#[derive(Debug)]
pub struct Way(Need);

#[allow(clippy::new_without_default, reason = "only in statics, and in models")]
impl Way {
    const_unless_loom! {
        /// Nobody needs it yet.
        pub const fn new() -> Self {
            Way(Need::new())
        }
    }

    /// Does what may bring the need, the wake of those who sleep over it included.
    #[inline]
    pub fn before<R>(&self, need: impl FnOnce() -> R) -> R {
        self.0.arises(); // what orders a look behind `need` orders this too (M28)
        need()
    }

    /// Whether anybody may need it.
    #[inline]
    pub fn is_open(&self) -> bool {
        self.0.has_arisen()
    }
}

/// A way that is open, for the models of the pool: one more word to read would be one more to explore.
#[cfg(loom)]
pub(crate) struct Open;

#[cfg(loom)]
impl Open {
    const fn new() -> Self {
        Open
    }

    pub(crate) fn before<R>(&self, need: impl FnOnce() -> R) -> R {
        need()
    }

    pub(crate) fn is_open(&self) -> bool {
        true
    }
}
