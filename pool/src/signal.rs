//! The one-shot event that a joiner waits for while it does other work.
//!
//! ```text
//!   PENDING --watch--> WATCHED        set: PENDING -> DONE            nobody to wake
//!      \------set-------> DONE <--set-/     WATCHED -> DONE           wake the watcher
//! ```
//!
//! A worker that does other work meanwhile does not block on the signal but on its own park word, so that new work can
//! wake it too; the signal tells the setter that this is needed. A waiter that wants nothing else blocks on the signal
//! itself (BLOCKED), which is then its futex word.

use core::num::NonZeroU32;
use core::time::Duration;

use reveille_futex::sync::atomic::{AtomicU32, Ordering};
use reveille_futex::{Deadline, Platform, const_unless_loom};

const PENDING: u32 = 0;
const WATCHED: u32 = 1; // the waiter parks, or is about to: the setter wakes its seat
const BLOCKED: u32 = 2; // the waiter blocks on this word: the setter wakes it
const DONE: u32 = 3;

/// See the module's documentation. Read-modify-writes only, but for the owner's reset.
#[derive(Debug)]
pub struct Signal(AtomicU32);

impl Signal {
    const_unless_loom! {
        /// Not happened.
        pub const fn new() -> Self {
            Signal(AtomicU32::new(PENDING))
        }
    }

    /// Whether the event has happened; if so, what led to it happens before this.
    #[inline]
    pub fn is_done(&self) -> bool {
        // Acquire: the thief's results. Pairs with the swap in `set`.
        self.0.load(Ordering::Acquire) == DONE
    }

    /// The waiter, before it parks: from now on the setter wakes it. `false` if the event has happened.
    #[inline]
    pub fn watch(&self) -> bool {
        // Relaxed: the setter answers with an exchange of the same word, and a waiter that is told `false` asks `is_done`.
        match self.0.compare_exchange(PENDING, WATCHED, Ordering::Relaxed, Ordering::Relaxed) {
            Ok(_) => true,
            Err(state) => state == WATCHED,
        }
    }

    /// The waiter: blocks until the event has happened.
    pub fn block<P: Platform>(&self) {
        while !self.block_until::<P>(Deadline::NEVER) {}
    }

    /// The waiter: blocks until the event has happened, for a while at most, and perhaps shorter.
    pub fn block_for<P: Platform>(&self, while_: Duration) {
        self.block_until::<P>(Deadline::after_on::<P>(while_));
    }

    fn block_until<P: Platform>(&self, deadline: Deadline) -> bool {
        // Relaxed on success, as in `watch`. Acquire on failure: as `is_done`.
        if let Err(DONE) = self.0.compare_exchange(PENDING, BLOCKED, Ordering::Relaxed, Ordering::Acquire) {
            return true;
        }
        P::wait(&self.0, BLOCKED, deadline);
        self.is_done()
    }

    /// Makes the event happen, and wakes a waiter that blocks here; returns whether it must be woken on its park word. The
    /// signal may be gone when this returns.
    ///
    /// # Safety
    ///
    /// `this` is live until the swap, which is the last access (M25). The waiter's seat must be known from elsewhere.
    #[inline]
    pub unsafe fn set<P: Platform>(this: *const Self) -> bool {
        // SAFETY: the caller keeps it alive until the swap.
        let word = unsafe { &raw const (*this).0 };
        // Release: publishes the results. Nothing to acquire: a waiter that parks has released what matters by its park word.
        // SAFETY: as above.
        match unsafe { &*word }.swap(DONE, Ordering::Release) {
            WATCHED => true,
            BLOCKED => {
                P::wake(word, NonZeroU32::MIN);
                false
            }
            _ => false,
        }
    }

    /// The waiter, after the event: ready for the next one.
    #[inline]
    pub fn reset(&self) {
        self.0.swap(PENDING, Ordering::Relaxed); // private to the waiter until it publishes the slot again
    }

    /// Whether it is ready for an event, and nobody waits. For whoever has the signal to itself.
    #[cfg(test)]
    pub fn is_reset(&self) -> bool {
        self.0.load(Ordering::Relaxed) == PENDING // private
    }
}
