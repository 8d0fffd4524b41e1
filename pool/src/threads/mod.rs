//! What `std` adds: threads, the global pool, free functions.

mod abandoned;
mod broadcast;
mod builder;
mod free;
mod handle;
mod inner;
mod thread_pool;

pub use abandoned::{Cancelled, UnrunTask};
pub use builder::{BuildError, ThreadPoolBuilder};
pub use free::{
    broadcast, current_num_threads, current_thread_has_pending_tasks, current_worker_index, in_place_scope, join,
    scope, spawn, spawn_broadcast, spawn_with, yield_local, yield_now,
};
pub use handle::JoinHandle;
pub use inner::Rejected;
pub use thread_pool::ThreadPool;
