//! Latches on one futex word.
#![cfg_attr(not(test), no_std)]

mod core_latch;

pub use core_latch::CoreLatch;
