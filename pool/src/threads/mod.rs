//! What `std` adds: threads, the global pool, free functions.

mod builder;
mod free;
mod handle;
mod inner;
mod thread_pool;

pub use builder::{BuildError, ThreadPoolBuilder};
pub use free::{current_num_threads, current_worker_index, join, scope, spawn};
pub use handle::JoinHandle;
pub use inner::Rejected;
pub use thread_pool::ThreadPool;
