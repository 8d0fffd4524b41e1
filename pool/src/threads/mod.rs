//! What `std` adds: threads, the global pool, free functions.

mod abandoned;
mod broadcast;
mod build;
mod builder;
mod calls;
mod detached;
mod ending;
mod free;
mod handle;
mod inner;
mod slots;
mod spawning;
mod staff;
mod start;
mod thread_pool;

pub use abandoned::{Cancelled, UnrunTask};
pub use builder::{BuildError, ThreadPoolBuilder};
pub use free::{
    broadcast, current_num_threads, current_thread_has_pending_tasks, current_thread_index, current_worker_index,
    in_place_scope, in_place_scope_fifo, join, scope, scope_fifo, spawn, spawn_broadcast, spawn_detached,
    spawn_detached_fifo, spawn_fifo, spawn_with, yield_local, yield_now,
};
pub use handle::JoinHandle;
pub use inner::Rejected;
pub(crate) use staff::Staff;
pub use start::ThreadBuilder;
pub use thread_pool::ThreadPool;
