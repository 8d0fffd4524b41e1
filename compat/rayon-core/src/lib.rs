//! The API of rayon-core 1.13 on the pool of reveille: `rayon` and whatever uses it run on that pool, unchanged.
//!
//! A program says so in its `Cargo.toml`; README.md has the two lines, and says what differs. What each item does is what
//! [rayon's own documentation](https://docs.rs/rayon-core/1.13) says of it; the pages here are short.
//!
//! The global pool is reveille's: a program that uses both has one set of threads.

mod broadcast;
mod builder;
mod configuration;
mod error;
mod global;
mod join;
mod scope;
mod spawn;
mod thread_pool;

pub use broadcast::{BroadcastContext, broadcast, spawn_broadcast};
pub use builder::ThreadPoolBuilder;
#[allow(deprecated, reason = "part of the API")]
pub use configuration::{Configuration, initialize};
pub use error::ThreadPoolBuildError;
pub use join::{FnContext, join, join_context};
pub use reveille_pool::{
    ThreadBuilder, Yield, current_thread_has_pending_tasks, current_thread_index, yield_local, yield_now,
};
pub use scope::{Scope, ScopeFifo, in_place_scope, in_place_scope_fifo, scope, scope_fifo};
pub use spawn::{spawn, spawn_fifo};
pub use thread_pool::ThreadPool;

use reveille_pool::Worker;

/// The most threads that one pool can have; a request for more gets that many.
pub fn max_num_threads() -> usize {
    reveille_pool::ThreadPool::max_threads()
}

/// How many threads the current thread's pool has, or the global one.
///
/// ```
/// let pool = rayon_core::ThreadPoolBuilder::new().num_threads(3).build().unwrap();
/// assert_eq!(pool.install(rayon_core::current_num_threads), 3);
/// ```
pub fn current_num_threads() -> usize {
    Worker::with_current(|worker| match worker {
        Some(worker) => worker.num_threads(),
        None => global::pool().current_num_threads(),
    })
}
