//! Synchronization primitives and a work-stealing fork-join pool.
#![no_std]
#![cfg_attr(docsrs, feature(doc_cfg))]

pub use reveille_barrier as barrier;
pub use reveille_bridge as bridge;
pub use reveille_deque as deque;
pub use reveille_futex as futex;
pub use reveille_latch as latch;
pub use reveille_pool as pool;

#[cfg(all(feature = "std", not(target_os = "none")))]
pub use reveille_pool::{JoinHandle, ThreadPool, ThreadPoolBuilder, current_num_threads, join, scope, spawn};
pub use reveille_pool::{Pool, Worker};

/// The examples of README.md are tests.
#[cfg(all(doctest, feature = "std"))]
#[doc = include_str!("../README.md")]
pub struct Readme;
