//! The queues beside a seat's deque: the mailbox that only its owner opens, and one queue for each other [`Priority`].
//!
//! ```text
//!   a look for work:   mail  ->  high  ->  own deque  ->  joins and deques of others, injector  ->  low
//!   every 32nd look:   mail  ->  the oldest of what waits longest: injector and low in turn      ->  as above
//! ```
//!
//! There is no sorted structure and no lock: a task goes into the queue of its class, on the worker that spawned it, and the
//! order is the order in which workers look. A worker that looks for high or low tasks first reads how many are queued
//! anywhere; while nobody uses priorities that is one load of a line that nobody writes.
//!
//! *Nothing is overlooked.* The count goes up before the task is queued and down after it was taken, so it is never too
//! low. Both happen before the wake check of the spawn, as with every other queue (M15): a worker that announces itself
//! later reads the count, one that did so before sees the JEC moved.
//!
//! Mail is posted like a shutdown is: push, mark the park word. Model
//! `wake_path_a_close_reaches_every_worker` checks those steps.

#[cfg(all(feature = "std", not(any(loom, target_os = "none"))))]
mod memory;
#[cfg(all(feature = "std", not(any(loom, target_os = "none"))))]
mod threads;
#[cfg(all(feature = "std", not(any(loom, target_os = "none"))))]
pub(crate) use {
    memory::{fetch, store},
    threads::{Lanes, SharedLanes},
};

#[cfg(not(all(feature = "std", not(any(loom, target_os = "none")))))]
mod nothing;
#[cfg(not(all(feature = "std", not(any(loom, target_os = "none")))))]
pub(crate) use nothing::{Lanes, SharedLanes};
#[cfg(all(feature = "alloc", not(all(feature = "std", not(any(loom, target_os = "none"))))))]
pub(crate) use nothing::{fetch, store};

/// How urgent a spawned task is.
///
/// A worker that looks for its next task takes a high one first, wherever in the pool it is queued, then normal ones, then
/// low ones. Tasks of one class spawned by one thread start in the order in which they were spawned, if they are high or
/// low; normal ones as `spawn` says. Nothing that runs is interrupted.
///
/// *No starvation.* Every 32nd look of a worker begins at the other end: it takes the oldest task from outside and the
/// oldest low task in turn, if there is one. So while a worker runs `n` tasks, at least `n / 64` of them are low ones as
/// long as there are any, and likewise those from outside, however many high ones there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Priority {
    /// When there is nothing else to do.
    Low,
    /// What `spawn` uses, and the halves of joins.
    #[default]
    Normal,
    /// Before anything else.
    High,
}
