//! The group barrier past one process and one machine.
//!
//! A producer hands out tasks and waits for the last of them; workers complete them. Nobody waits for ever, and nobody is let
//! go early, whatever is delivered twice, crashes or restarts.
//!
//! | place | feature | between | what it stands on |
//! |---|---|---|---|
//! | [`local`] | | threads | `reveille-latch` |
//! | `shm` | `shm` | processes, on Linux | a file in memory, `BitBarrier`, a futex, a lock per member that the kernel releases |
//! | `redis` | `redis`, `tokio` | machines | one script per operation on a Redis server, 7.0 or later |
//!
//! One vocabulary: [`Group`], [`Worker`], [`Recorded`], [`Report`], [`WaitError`].
//!
//! # What is promised
//!
//! | | |
//! |---|---|
//! | a wait returns a report | only if every task of that run has an outcome |
//! | a task has one outcome | the first that was recorded; everybody else is told [`Recorded::Duplicate`] |
//! | a message of another run | changes nothing: every call carries the epoch |
//! | the place has lost something | [`WaitError::Vanished`], never a report |
//! | a deadline | is kept by the server's clock, and by the caller's where there is no answer |
//! | an error | has a type; only a timeout is a timeout |

/// The README's example.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}

mod error;
mod group;
pub mod local;
#[cfg(feature = "redis")]
pub mod redis;
#[cfg(all(feature = "shm", any(target_os = "linux", target_os = "android"), target_has_atomic = "64"))]
pub mod shm;

pub use error::{Cause, Error, WaitError};
pub use group::{Epoch, Group, Lease, OnFailure, OnRunning, Options, Outcome, Recorded, Report, Taken, Task, Worker};
