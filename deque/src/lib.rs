//! Chase-Lev work-stealing deque.
//!
//! One *owner* pushes and pops at one end; any number of *thieves* steal from the other. The owner pays no locked
//! instruction for a push and one for a pop; a thief pays one for an item. Names and meanings are crossbeam-deque's; what
//! is added is static storage without an allocator, growth without epochs or thread-locals, and no data race at all: a
//! slot is made of atomic words, and [`Token`] says how an item becomes words.
//!
//! | storage | memory | when full |
//! |---|---|---|
//! | [`Inline<N>`] | in the deque itself, so it can be a `static` | the item comes back |
//! | [`Borrowed`] | a slice of yours | the item comes back |
//! | [`Donated`] | blocks of yours | the item comes back; [`Worker::donate`] adds a larger block |
//! | `Growable` (feature `alloc`) | the heap | doubles; the item comes back only if the allocator refuses |
//!
//! ```
//! use reveille_deque::{Deque, Inline, Steal};
//!
//! static TASKS: Deque<u32, Inline<256>> = Deque::new();
//!
//! let worker = TASKS.claim().expect("nobody else owns it");
//! worker.try_push(1).unwrap();
//! worker.try_push(2).unwrap();
//! std::thread::scope(|s| {
//!     s.spawn(|| assert_eq!(TASKS.stealer().steal(), Steal::Success(1))); // the oldest
//! });
//! assert_eq!(worker.pop(), Some(2)); // the newest
//! assert_eq!(worker.pop(), None);
//! ```
//!
//! # The protocol
//!
//! ```text
//!         top                        bottom
//!          v                           v
//!   . . .  x   x   x   x   x   x   x   .  . .      indices only grow in the long run; slot = index & (capacity - 1)
//!          ^ thieves: CAS top + 1      ^ owner: store bottom + 1 (push), store bottom - 1, fence, look at top (pop)
//! ```
//!
//! *Invariants.* `bottom` is written by the owner alone. `top` only grows, by compare-and-swap, and whoever moves it over
//! an index owns that item. `top <= bottom`, except while a pop that finds the deque empty has not restored `bottom`;
//! hence distances are signed. A slot is overwritten only after `top` passed it.
//!
//! Checked by `loom-tests/tests/deque.rs`, with a twin for every mistake in REGRESSIONS.md, and by the property tests and
//! the stress test of this crate.
//!
//! # Orderings
//!
//! | operation | step | ordering | or else |
//! |---|---|---|---|
//! | push | full? look at `top` again | Acquire | a slot is overwritten while a thief reads it (D12) |
//! | | write the slot | Relaxed | |
//! | | `bottom + 1` | Release | a thief reads an unwritten slot (D1, D18) |
//! | grow | copy, publish the buffer, renew the owner's view | Release | a thief reads an unwritten buffer (D9); the owner writes to the old one (D10) |
//! | pop | empty, for all the owner knows | | |
//! | | one item, for all the owner knows: step of `top` | SeqCst / Acquire | both take it (D16) |
//! | | else `bottom - 1` | Release | a thief that reads it misses earlier pushes (D2) |
//! | | fence, then `top` | SeqCst, Acquire | both take the last but one (D4) |
//! | | last item: step of `top`, `bottom + 1` | SeqCst / Acquire, Release | |
//! | steal | `top`, then `bottom` | SeqCst, or Relaxed, fence, Acquire | both take the last but one (D6, D7, D15) |
//! | | the buffer | Acquire | a thief reads an unwritten buffer (D8) |
//! | | the slot | Relaxed | |
//! | | step of `top` | SeqCst / Acquire | |
//!
//! No SeqCst access is needed for loom's form of the steal, which has a fence; the form that runs has SeqCst loads in its
//! place, which x86 gives for nothing. The argument for it is in `src/ends.rs`. `loom-tests/sweep/deque.md` lists every
//! ordering with the model that fails without it.
//!
#![doc = include_str!("../INTERRUPTS.md")]
#![cfg_attr(not(test), no_std)]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "alloc")]
extern crate alloc;

mod batch;
mod deque;
mod ends;
mod handle;
mod index;
#[cfg(feature = "alloc")]
mod injector;
mod owner;
mod steal;
mod stealer;
#[allow(missing_debug_implementations, reason = "the types behind a sealed trait; nobody sees one")]
mod storage;
mod token;
mod token_impls;
mod worker;

pub use deque::Deque;
pub use handle::{Claim, Handle, Owned};
#[doc(hidden)]
pub use index::Padded;
#[cfg(feature = "alloc")]
pub use injector::Injector;
pub use steal::Steal;
pub use stealer::Stealer;
#[cfg(feature = "alloc")]
pub use storage::Growable;
pub use storage::{Block, Borrowed, Donated, Inline, Slot, Storage};
pub use token::{Token, Word, Words};
pub use worker::{Full, Worker};
