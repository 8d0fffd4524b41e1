//! Latches on one futex word: wait for one event, or for the last of many.
//!
//! | type | opens when | bytes | also |
//! |---|---|---|---|
//! | [`Latch`] | somebody sets it | 4 | deadlines, any number of waiters |
//! | [`CountdownLatch`] | its count is down to zero | 8 on 32-bit targets, 16 on 64-bit ones | deadlines, guards that poison, futures |
//! | [`WaitGroup`] | everybody who entered has left | 8 | deadlines, any number of rounds |
//! | [`CoreLatch`] | somebody sets it | 4 | one owner, who looks for other work before it sleeps |
//!
//! All of them are `const fn new`, allocate nothing, make no system call while nobody sleeps, and are generic over the
//! [`Platform`](reveille_futex::Platform). What a thread did before it counted down, set or left happens before the wait
//! of another thread returns.
//!
//! Misuse is an error and not arithmetic: see [`Underflow`] and [`AddError`]. A guard that is dropped by a panic tells the
//! waiters: see [`Poisoned`]. It can tell a panic from a return only with the feature `std`.
//!
#![doc = include_str!("../INTERRUPTS.md")]
#![cfg_attr(not(test), no_std)]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(all(feature = "std", not(target_os = "none")))]
extern crate std;

mod core_latch;
mod countdown;
mod countdown_wait;
mod error;
mod guard;
mod latch;
mod panicking;
mod wait_group;

pub use core_latch::CoreLatch;
pub use countdown::CountdownLatch;
pub use countdown_wait::WaitAsync;
pub use error::{AddError, Poisoned, Underflow, WaitError};
pub use guard::CountGuard;
pub use latch::Latch;
pub use wait_group::{Entered, Full, WaitGroup};
