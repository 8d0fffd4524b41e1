//! One bit: somebody sets it, any number of threads wait for it.
//!
//! ```text
//!   0 --wait--> SLEEPERS --set (wake all)--> SET --wait--> SET | SLEEPERS
//!   +----------------set (no wake)------------^
//! ```
//!
//! *Invariant.* Whoever sleeps does so on SLEEPERS alone, and only the one swap to SET ends it: the setter's last access. A
//! waiter that comes too late leaves its flag beside SET, where it means nothing.
//!
//! Checked by the `latch_*` models of `loom-tests/models/latch`.

use core::fmt;
use core::marker::PhantomData;
use core::num::NonZeroU32;
use core::time::Duration;

use reveille_futex::relax::{self, Budget};
use reveille_futex::sync::atomic::{AtomicU32, Ordering};
use reveille_futex::{Deadline, Os, Platform, WaitOutcome, const_unless_loom};

const UNSET: u32 = 0;
const SLEEPERS: u32 = 1; // somebody sleeps or is about to; the setter must wake
const SET: u32 = 2;

/// A latch is set once and seldom within a microsecond: a short look, one offer of the processor to a setter that may be
/// waiting for it, then the futex. Measured with `benches/latch.rs`, row "one-shot round trip".
pub(crate) const LOOK: Budget = Budget { nanos: 300, yields: 1 };

/// A flag that threads can wait for.
///
/// Any number of setters, any number of waiters. Setting is sticky: a set latch stays set until [`reset`](Self::reset).
///
/// *Memory ordering.* What happened before [`set`](Self::set) happens before [`probe`](Self::probe) returns `true` and
/// before a wait returns.
///
/// Four bytes, no allocation; an interrupt may call `set` and `probe` where the platform's wake may be called.
///
/// ```
/// use reveille_latch::Latch;
///
/// static READY: Latch = Latch::new();
/// std::thread::scope(|s| {
///     s.spawn(|| READY.set());
///     READY.wait();
/// });
/// assert!(READY.probe());
/// ```
#[repr(transparent)]
pub struct Latch<P: Platform = Os> {
    /// Read-modify-writes only: setters swap, waiters add their flag.
    state: AtomicU32,
    platform: PhantomData<P>,
}

impl Latch {
    const_unless_loom! {
        /// Creates an unset latch on the built-in platform.
        pub const fn new() -> Self {
            Self::new_on()
        }
    }
}

impl<P: Platform> Latch<P> {
    const_unless_loom! {
        /// Creates an unset latch on platform `P`.
        pub const fn new_on() -> Self {
            Self { state: AtomicU32::new(UNSET), platform: PhantomData }
        }
    }

    /// Whether the latch is set. Acquires what the setter released. Never blocks.
    #[inline]
    pub fn probe(&self) -> bool {
        // Acquire: pairs with the swap in `set_raw`; without it a waiter would not see the setter's data.
        self.state.load(Ordering::Acquire) & SET != 0
    }

    /// Sets the latch and wakes everybody who sleeps; returns whether this call set it. A call that did not sees what the
    /// one did that did.
    ///
    /// Never blocks or allocates.
    #[inline]
    pub fn set(&self) -> bool {
        // SAFETY: `self` is live for the whole call.
        unsafe { Self::set_raw(self) }
    }

    /// [`set`](Self::set) for a latch that a waiter may free as soon as it sees it set.
    ///
    /// The swap of the state is the last access; the wake after it uses the address alone.
    ///
    /// # Safety
    ///
    /// `this` points to a live latch until the swap makes it set.
    #[inline]
    pub unsafe fn set_raw(this: *const Self) -> bool {
        // SAFETY: the caller keeps the latch alive until it is set; the place is not accessed after the swap.
        let state = unsafe { &raw const (*this).state };
        // Release: publishes the setter's data. Acquire: a setter that comes second may rely on the first one's data.
        // SAFETY: as above.
        let before = unsafe { (*state).swap(SET, Ordering::AcqRel) };
        if before == SLEEPERS {
            P::wake(state, NonZeroU32::MAX);
        }
        before & SET == 0
    }

    /// Blocks until the latch is set.
    #[inline]
    pub fn wait(&self) {
        self.wait_until(Deadline::NEVER);
    }

    /// Blocks until the latch is set, for at most `timeout`; returns whether it is set. A zero timeout never blocks.
    #[inline]
    pub fn wait_timeout(&self, timeout: Duration) -> bool {
        self.probe() || self.wait_slow(Deadline::after_on::<P>(timeout))
    }

    /// Blocks until the latch is set or `deadline` passes; returns whether it is set.
    #[inline]
    pub fn wait_until(&self, deadline: Deadline) -> bool {
        self.probe() || self.wait_slow(deadline)
    }

    /// Makes the latch unset again. Nobody can be waiting: the reference is exclusive.
    pub fn reset(&mut self) {
        *self = Self::new_on();
    }

    #[cold]
    #[inline(never)]
    fn wait_slow(&self, deadline: Deadline) -> bool {
        if deadline == Deadline::PASSED {
            return self.probe();
        }
        if relax::until::<P>(LOOK, || self.probe()) {
            return true;
        }
        loop {
            // One step says that somebody sleeps and whether that is in vain. Acquire: as in `probe`; it publishes nothing.
            if self.state.fetch_or(SLEEPERS, Ordering::Acquire) & SET != 0 {
                return true;
            }
            if P::wait(&self.state, SLEEPERS, deadline) == WaitOutcome::TimedOut {
                return self.probe();
            }
        }
    }
}

impl<P: Platform> Default for Latch<P> {
    fn default() -> Self {
        Self::new_on()
    }
}

impl<P: Platform> fmt::Debug for Latch<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Relaxed: a picture for a person.
        let set = self.state.load(Ordering::Relaxed) & SET != 0;
        f.debug_struct("Latch").field("set", &set).finish()
    }
}
