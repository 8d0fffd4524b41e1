//! Work-stealing fork-join pool.
#![cfg_attr(not(any(test, feature = "std")), no_std)]
