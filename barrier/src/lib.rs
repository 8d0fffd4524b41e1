//! Cyclic barriers.
#![cfg_attr(not(test), no_std)]
