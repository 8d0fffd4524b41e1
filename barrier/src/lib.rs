//! Cyclic barriers: nobody goes on before everybody has arrived, phase after phase.
//!
//! | type | for | bytes on 64-bit / 32-bit targets |
//! |---|---|---|
//! | [`Barrier`] | any number of callers, `std`'s names; tokens, timeouts, changing numbers of parties, futures | 32 / 16 |
//! | [`Group`] | exactly `N` members who each hold a handle: one atomic instruction per arrival | two cache lines |
//! | [`TreeBarrier`] | the same for many cores: arrivals meet in a tree of padded counters | `N + 2` cache lines |
//! | [`BitBarrier`] | up to 64 members with names: it knows who is missing and goes on without the dead | 32 / 16 |
//!
//! All of them are `const fn new`, allocate nothing, and make no system call while nobody sleeps (on a core of 32 bits without an
//! operating system, where everybody sleeps at once, a [`Barrier`] wakes at the end of every phase). What a party did before
//! it arrived happens before every wait of that phase returns.
//!
//! # No way to hang by mistake
//!
//! | mistake | answer |
//! |---|---|
//! | no parties, or too many | compile-time error in a constant, documented panic otherwise; `try_new` returns [`PartiesError`] |
//! | more arrivals than parties | [`Barrier::wait`] is for any number of callers: it takes the next phase; [`Barrier::arrive`] returns [`ArriveError::Full`] |
//! | a token of another barrier, or used twice | does not compile: a token borrows its barrier and is consumed |
//! | registering beyond the maximum | [`RegisterError::TooMany`] |
//! | a party panics | the barrier breaks, and everybody who waits or comes later gets [`Broken`] (feature `std`) |
//! | a party leaves for good | [`Barrier::arrive_and_drop`]; a [`Member`] that is dropped breaks its group |
//! | the completion step panics | the barrier breaks for all |
//! | a party never comes | every wait has a deadline; then withdraw, break, or wait again |
//!
//! That a panic breaks a `Barrier` takes a [`BreakGuard`] or an [`ArrivalToken`] that the panic drops: a barrier cannot know
//! of threads that have told it nothing.
//!
#![doc = include_str!("../INTERRUPTS.md")]
#![cfg_attr(not(test), no_std)]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(all(feature = "std", not(target_os = "none")))]
extern crate std;

mod barrier;
mod bit;
mod completion;
mod error;
mod group;
mod handles;
mod host;
mod membership;
mod names;
mod state;
mod token;
mod token_future;
mod tree;

pub use barrier::{Barrier, BarrierWaitResult, BreakGuard};
pub use bit::{BitBarrier, BitMember, NoSuchMember};
pub use completion::{Completion, NoCompletion};
pub use error::{AllClaimed, ArriveError, Broken, Completed, PartiesError, RegisterError, ResetError, WaitError};
pub use group::{Group, Member};
pub use names::Names;
pub use token::ArrivalToken;
pub use token_future::ArrivalFuture;
pub use tree::{TreeBarrier, TreeMember};
