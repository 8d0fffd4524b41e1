//! Synchronization primitives and a work-stealing fork-join pool.
#![no_std]

pub use reveille_barrier as barrier;
pub use reveille_deque as deque;
pub use reveille_futex as futex;
pub use reveille_latch as latch;
pub use reveille_pool as pool;
