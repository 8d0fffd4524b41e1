//! A work-stealing fork-join pool, wired together by a lock-free wake path.
//!
#![doc = include_str!("../INTERRUPTS.md")]
#![cfg_attr(not(any(test, all(feature = "std", not(target_os = "none")), loom)), no_std)]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "alloc")]
extern crate alloc;

#[cfg(feature = "alloc")]
mod current;
mod events;
#[cfg(all(feature = "std", not(any(loom, target_os = "none"))))]
mod fifo;
mod idle;
mod idle_policy;
mod injector;
mod job;
mod join;
mod lanes;
mod lifecycle;
mod linked;
mod parallel;
mod pool;
mod process;
mod scope;
mod search;
mod seat;
mod settled;
mod shared;
mod signal;
mod sleep;
mod span;
mod stack;
mod stats;
#[cfg(all(feature = "std", not(any(loom, target_os = "none"))))]
mod threads;
mod unwind;
mod worker;
mod yielding;

pub use events::{Event, Observer};
#[cfg(all(feature = "std", not(any(loom, target_os = "none"))))]
pub use fifo::ScopeFifo;
pub use idle::WaitPolicy;
pub use idle_policy::IdlePolicy;
pub use lanes::Priority;
pub use lifecycle::State;
pub use pool::{Crowded, Pool, SeatError};
pub use scope::{Scope, TaskSlot};
pub use stats::WorkerStats;
#[cfg(all(feature = "std", not(any(loom, target_os = "none"))))]
pub use threads::{
    BuildError, Cancelled, JoinHandle, Rejected, ThreadBuilder, ThreadPool, ThreadPoolBuilder, UnrunTask, broadcast,
    current_num_threads, current_thread_has_pending_tasks, current_thread_index, current_worker_index, in_place_scope,
    in_place_scope_fifo, join, scope, scope_fifo, spawn, spawn_broadcast, spawn_detached, spawn_detached_fifo,
    spawn_fifo, spawn_with, yield_local, yield_now,
};
pub use worker::Worker;
pub use yielding::Yield;

/// The protocols apart from the pool, for the model-checking suite. No stability promise.
#[doc(hidden)]
pub mod protocol {
    pub use crate::injector::Injector;
    pub use crate::job::{Job, Task, TaskRef};
    pub use crate::lifecycle::Lifecycle;
    pub use crate::linked::Way;
    pub use crate::scope::pending::Pending;
    pub use crate::seat::Occupancy;
    pub use crate::signal::Signal;
    pub use crate::sleep::counters::{Counts, Jec};
    pub use crate::sleep::{Parked, Sleep};
    pub use crate::stack::{JoinStack, Joined, Slot, heavy};
}

/// The examples of README.md are tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;
