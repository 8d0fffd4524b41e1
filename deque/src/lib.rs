//! Chase-Lev work-stealing deque.
#![cfg_attr(not(test), no_std)]
