//! The four-state latch on which one owner sleeps and which anyone sets.
//!
//! ```text
//!            get_sleepy            fall_asleep
//!   UNSET ---------------> SLEEPY -------------> SLEEPING
//!     ^ <----- wake_up ------+                      |
//!     |                      | set                  | set (and wake)
//!     +---- reset ---- SET <-+----------------------+
//! ```
//!
//! The state word is itself the futex word, so there is no window between "SLEEPING is published" and "is asleep"
//! (REGRESSIONS M14): a setter in that window changes the word and the wait does not block. Transitions of the owner are
//! strong compare-exchanges: a spurious failure would be taken for SET (M12).
//!
//! Checked by `loom-tests/tests/latch.rs`.

use core::fmt;
use core::marker::PhantomData;
use core::num::NonZeroU32;

use reveille_futex::sync::atomic::{AtomicU32, Ordering};
use reveille_futex::{Deadline, Os, Platform, WaitOutcome, const_unless_loom};

const UNSET: u32 = 0;
const SLEEPY: u32 = 1; // the owner looks for work one last time; a setter need not wake
const SLEEPING: u32 = 2; // the owner blocks, or is about to; a setter must wake
const SET: u32 = 3;

/// A latch with one owner, who may sleep on it, and any number of setters.
///
/// Runtimes use it to let a worker wait for one event while it still looks for other work: the owner announces that it
/// gets sleepy, searches once more, and only then falls asleep. A setter makes a system call only if the owner sleeps.
///
/// The owner is whoever calls [`get_sleepy`](Self::get_sleepy), [`fall_asleep`](Self::fall_asleep),
/// [`wake_up`](Self::wake_up), [`wait`](Self::wait) or [`reset`](Self::reset): one thread at a time. That is not checked,
/// and breaking it costs lost sleep or lost wake-ups, never memory safety.
///
/// *Memory ordering.* What happened before [`set`](Self::set) happens before [`probe`](Self::probe) returns `true` and
/// before [`wait`](Self::wait) returns. What the owner did before [`fall_asleep`](Self::fall_asleep) happens before
/// [`mark`](Self::mark) or [`claim`](Self::claim) finds it asleep.
///
/// Four bytes, no allocation.
///
/// ```
/// use reveille_latch::CoreLatch;
///
/// static DONE: CoreLatch = CoreLatch::new();
/// std::thread::scope(|s| {
///     s.spawn(|| DONE.set());
///     DONE.wait();
/// });
/// assert!(DONE.probe());
/// ```
#[repr(transparent)]
pub struct CoreLatch<P: Platform = Os> {
    /// Read-modify-writes only: setters swap, the owner compare-exchanges.
    state: AtomicU32,
    platform: PhantomData<P>,
}

impl CoreLatch {
    const_unless_loom! {
        /// Creates an unset latch on the built-in platform.
        pub const fn new() -> Self {
            Self::new_on()
        }
    }
}

impl<P: Platform> CoreLatch<P> {
    const_unless_loom! {
        /// Creates an unset latch on platform `P`.
        pub const fn new_on() -> Self {
            Self { state: AtomicU32::new(UNSET), platform: PhantomData }
        }
    }

    /// Whether the latch is set. Acquires what the setter released. Never blocks; may be called from an interrupt.
    #[inline]
    pub fn probe(&self) -> bool {
        // Acquire: pairs with the swap in `set_raw`; without it the owner would not see the setter's data.
        self.state.load(Ordering::Acquire) == SET
    }

    /// Sets the latch and wakes the owner if it sleeps; returns whether a wake was sent.
    ///
    /// Setting a set latch does nothing. Never blocks or allocates; may be called from an interrupt where the platform's
    /// wake may.
    #[inline]
    pub fn set(&self) -> bool {
        // SAFETY: `self` is live for the whole call.
        unsafe { Self::set_raw(self) }
    }

    /// [`set`](Self::set) for a latch that the owner may free as soon as it sees it set.
    ///
    /// The swap of the state is the last access; the wake after it uses the address alone.
    ///
    /// # Safety
    ///
    /// `this` points to a live latch until the swap makes it set.
    #[inline]
    pub unsafe fn set_raw(this: *const Self) -> bool {
        // SAFETY: the caller keeps the latch alive until it is set.
        let state = unsafe { &raw const (*this).state };
        // SAFETY: as above; the latch is not accessed after this.
        let must_wake = unsafe { (*this).mark() };
        if must_wake {
            P::wake(state, NonZeroU32::MIN);
        }
        must_wake
    }

    /// Sets the latch and leaves the wake to the caller: `true` if the owner sleeps, and
    /// [`wake_owner`](Self::wake_owner) must follow.
    ///
    /// A runtime that counts its sleepers counts between the two, so that the count is right before the owner runs.
    #[inline]
    #[must_use = "the owner may sleep"]
    pub fn mark(&self) -> bool {
        // Release: publishes the setter's data to `probe` and `wait`. Acquire: pairs with `fall_asleep`; who finds the
        // owner asleep counts on its behalf after the owner has counted itself.
        self.state.swap(SET, Ordering::AcqRel) == SLEEPING
    }

    /// Like [`mark`](Self::mark), but does nothing unless the owner sleeps. Of several callers, one gets `true`.
    #[inline]
    #[must_use = "the owner sleeps"]
    pub fn claim(&self) -> bool {
        // Relaxed: a hint that saves the exchange; an owner that falls asleep just now has announced it elsewhere.
        self.state.load(Ordering::Relaxed) == SLEEPING
            // Orderings as in `mark`; nothing is published on failure.
            && self.state.compare_exchange(SLEEPING, SET, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }

    /// Wakes the owner, after [`mark`](Self::mark) or [`claim`](Self::claim) returned `true`.
    #[inline]
    pub fn wake_owner(&self) {
        P::wake(&raw const self.state, NonZeroU32::MIN);
    }

    /// Owner: announces that it is about to sleep. `false` if the latch is set.
    #[inline]
    pub fn get_sleepy(&self) -> bool {
        // Relaxed: publishes nothing but itself, and setters answer with a swap.
        self.advance(UNSET, SLEEPY, Ordering::Relaxed)
    }

    /// Owner: goes from sleepy to sleeping. `false` if the latch was set meanwhile. Follow with [`sleep`](Self::sleep).
    #[inline]
    pub fn fall_asleep(&self) -> bool {
        // Release: pairs with `mark` and `claim`; see there.
        self.advance(SLEEPY, SLEEPING, Ordering::Release)
    }

    /// Owner: takes back [`get_sleepy`](Self::get_sleepy) or [`fall_asleep`](Self::fall_asleep). `false` if the latch
    /// was set meanwhile.
    #[inline]
    pub fn wake_up(&self) -> bool {
        // Relaxed: as `get_sleepy`.
        self.advance(SLEEPY, UNSET, Ordering::Relaxed) || self.advance(SLEEPING, UNSET, Ordering::Relaxed)
    }

    /// Owner, after [`fall_asleep`](Self::fall_asleep): blocks until the latch is set or `deadline` passes; returns
    /// whether it is set. Returns at once if the latch is set already.
    #[inline]
    pub fn sleep(&self, deadline: Deadline) -> bool {
        loop {
            // The outcome decides only whether time is up; the state decides whether the latch is set.
            let timed_out = P::wait(&self.state, SLEEPING, deadline) == WaitOutcome::TimedOut;
            // Acquire: as in `probe`.
            let now = self.state.load(Ordering::Acquire);
            // Neither set nor sleeping: the owner took it back, or called out of turn.
            if now != SLEEPING || timed_out {
                return now == SET;
            }
        }
    }

    /// Owner: blocks until the latch is set.
    #[inline]
    pub fn wait(&self) {
        self.wait_until(Deadline::NEVER);
    }

    /// Owner: blocks until the latch is set or `deadline` passes; returns whether it is set. On a timeout the latch is
    /// unset and can be waited for again.
    pub fn wait_until(&self, deadline: Deadline) -> bool {
        if self.probe() {
            return true;
        }
        if self.get_sleepy() && self.fall_asleep() && !self.sleep(deadline) {
            return !self.wake_up();
        }
        true
    }

    /// Owner: makes the latch unset again, so that it can be waited for once more.
    ///
    /// A set that comes before the reset is forgotten; the owner resets before it looks for the reason of the next one.
    #[inline]
    pub fn reset(&self) {
        // Acquire: the owner sees everything the forgotten setter did.
        self.state.swap(UNSET, Ordering::Acquire);
    }

    #[inline]
    fn advance(&self, from: u32, to: u32, success: Ordering) -> bool {
        // Strong: a spurious failure would read as "set" (M12). Acquire on failure: the latch is set.
        self.state.compare_exchange(from, to, success, Ordering::Acquire).is_ok()
    }
}

impl<P: Platform> Default for CoreLatch<P> {
    fn default() -> Self {
        Self::new_on()
    }
}

impl<P: Platform> fmt::Debug for CoreLatch<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.state.load(Ordering::Relaxed) {
            UNSET => "Unset",
            SLEEPY => "Sleepy",
            SLEEPING => "Sleeping",
            _ => "Set",
        };
        f.debug_tuple("CoreLatch").field(&name).finish()
    }
}
