//! A count that goes down to zero once, and everybody who waits for that.
//!
//! ```text
//!   bit  31 ........ 3   2         1        0
//!        count, signed   POISONED  WAKERS   SLEEPERS
//!
//!   open  <=>  count <= 0 and not WAKERS
//! ```
//!
//! One word decides, is slept on, and is written last: there is no second word that the last decrementer would have to
//! touch after a waiter may have left (REGRESSIONS R16). With futures in the list, the last decrement leaves WAKERS set,
//! so the latch is not open yet; the decrementer takes the list, then clears WAKERS: that is the last access.
//!
//! Sleeping on a word that others decrement is sound here, unlike in a barrier: a value never comes back as long as nobody
//! adds, every value of an open latch differs from every value that anyone sleeps on, and a mismatch costs one more look,
//! at most one for each decrement.
//!
//! Checked by the `countdown_*` models of `loom-tests/models/latch`; twins R4, R6, R7, R8, R9, R16 and R18.

use core::fmt;
use core::marker::PhantomData;
use core::num::NonZeroU32;
use core::time::Duration;

use reveille_futex::relax;
use reveille_futex::sync::atomic::{AtomicU32, Ordering};
use reveille_futex::wakers::WakerList;
use reveille_futex::{Deadline, Os, Platform, WaitOutcome, const_unless_loom};

use crate::latch::LOOK;
use crate::{AddError, CountGuard, Poisoned, Underflow, WaitError};

/// One reading of the word.
#[derive(Clone, Copy)]
pub(crate) struct Word(u32);

impl Word {
    const SLEEPERS: u32 = 1; // somebody sleeps or is about to: whoever opens the latch must wake
    const WAKERS: u32 = 2; // the list may hold futures: whoever brings the count to zero must empty it
    const POISONED: u32 = 4; // somebody failed
    const SHIFT: u32 = 3;
    const ONE: u32 = 1 << Self::SHIFT;

    const fn new(count: u32) -> Self {
        Word(count << Self::SHIFT)
    }

    #[inline]
    const fn count(self) -> i32 {
        self.0 as i32 >> Self::SHIFT
    }

    #[inline]
    const fn has(self, flag: u32) -> bool {
        self.0 & flag != 0
    }

    #[inline]
    pub(crate) const fn is_open(self) -> bool {
        self.count() <= 0 && !self.has(Self::WAKERS)
    }

    #[inline]
    pub(crate) const fn verdict(self) -> Result<(), Poisoned> {
        if self.has(Self::POISONED) { Err(Poisoned) } else { Ok(()) }
    }
}

/// A latch that opens when it was counted down to zero, and then stays open.
///
/// C++'s `std::latch` and Java's `CountDownLatch`, with deadlines, poisoning, futures, and safe destruction. Whoever waits
/// does not count: in a bulk-synchronous program the producer waits and the workers count down.
///
/// *Memory ordering.* What happened before any of the count-downs happens before a wait returns and before
/// [`is_released`](Self::is_released) returns `true`.
///
/// *Interrupts.* Counting down never blocks and may be done from an interrupt where the platform's wake may; except for
/// the last count-down of a latch that futures wait for, which takes a lock for a few instructions.
///
/// ```
/// use reveille_latch::CountdownLatch;
///
/// static DONE: CountdownLatch = CountdownLatch::new(4);
/// std::thread::scope(|s| {
///     for _ in 0..4 {
///         s.spawn(|| DONE.count_down().unwrap());
///     }
///     DONE.wait().unwrap();
/// });
/// assert!(DONE.is_released());
/// assert!(DONE.count_down().is_err(), "a fifth one is a mistake");
/// ```
pub struct CountdownLatch<P: Platform = Os> {
    /// Read-modify-writes only.
    pub(crate) state: AtomicU32,
    pub(crate) wakers: WakerList,
    platform: PhantomData<P>,
}

impl CountdownLatch {
    const_unless_loom! {
        /// Creates a latch on the built-in platform. With a count of zero it is open.
        ///
        /// # Panics
        ///
        /// If `count` is above [`MAX`](Self::MAX). In a constant that is a compile-time error.
        pub const fn new(count: u32) -> Self {
            Self::new_on(count)
        }
    }
}

impl<P: Platform> CountdownLatch<P> {
    /// The largest count.
    pub const MAX: u32 = i32::MAX as u32 >> Word::SHIFT;

    const_unless_loom! {
        /// Creates a latch on platform `P`.
        ///
        /// # Panics
        ///
        /// If `count` is above [`MAX`](Self::MAX).
        pub const fn new_on(count: u32) -> Self {
            assert!(count <= Self::MAX, "the count is too large");
            Self { state: AtomicU32::new(Word::new(count).0), wakers: WakerList::new(), platform: PhantomData }
        }
    }

    #[inline]
    pub(crate) fn read(&self) -> Word {
        // Acquire: pairs with the release of every count-down, through the release sequence of the read-modify-writes;
        // without it a waiter would not see what the participants wrote (R18).
        Word(self.state.load(Ordering::Acquire))
    }

    /// Counts down by one; returns whether that opened the latch.
    ///
    /// One atomic instruction, and a system call only if it opens the latch for somebody who sleeps.
    ///
    /// # Errors
    ///
    /// [`Underflow`] if the count is zero already.
    #[inline]
    pub fn count_down(&self) -> Result<bool, Underflow> {
        // SAFETY: `self` is live for the whole call.
        unsafe { Self::count_down_raw(self) }
    }

    /// [`count_down`](Self::count_down) for a latch that a waiter may free as soon as it is open.
    ///
    /// The instruction that opens the latch is the last access to it; the wake after it uses the address alone.
    ///
    /// # Safety
    ///
    /// `this` points to a latch that is live until it opens, and this call is one of those that it was made to count.
    #[inline]
    pub unsafe fn count_down_raw(this: *const Self) -> Result<bool, Underflow> {
        // SAFETY: the caller keeps the latch alive until it is open; the place is not accessed after that.
        let state = unsafe { &raw const (*this).state };
        // Release: publishes this participant's data to the waiters. Acquire: whoever is told to be the last sees the data
        // of the others.
        // SAFETY: as above.
        let before = Word(unsafe { (*state).fetch_sub(Word::ONE, Ordering::AcqRel) });
        if before.count() > 1 {
            return Ok(false);
        }
        // SAFETY: as above; the count was taken once.
        unsafe { Self::counted(this, before, 1) }
    }

    /// After the count went from `before.count()` down by `n`, to zero or below.
    ///
    /// # Safety
    ///
    /// As for `count_down_raw`.
    #[inline]
    unsafe fn counted(this: *const Self, before: Word, n: u32) -> Result<bool, Underflow> {
        // SAFETY: the caller keeps the latch alive until it is open.
        let state = unsafe { &raw const (*this).state };
        if before.count() <= 0 {
            // Relaxed: takes back what nobody may rely on. A count below zero reads as zero to everybody.
            // SAFETY: only a caller who breaks the contract of the raw call gets here with a dead latch.
            unsafe { (*state).fetch_add(n << Word::SHIFT, Ordering::Relaxed) };
            return Err(Underflow);
        }
        let mut sleepers = before.has(Word::SLEEPERS);
        if before.has(Word::WAKERS) {
            // SAFETY: as above: WAKERS keeps the latch closed.
            sleepers = unsafe { Self::open_for_wakers(this) };
        }
        if sleepers {
            P::wake(state, NonZeroU32::MAX);
        }
        Ok(true)
    }

    /// Takes the futures out of the list, opens the latch, wakes them; returns whether somebody sleeps besides.
    ///
    /// # Safety
    ///
    /// The count is zero, by this caller, and WAKERS is set.
    #[cold]
    #[inline(never)]
    unsafe fn open_for_wakers(this: *const Self) -> bool {
        // SAFETY: WAKERS keeps the latch closed, and so alive, until `publish`.
        let state = unsafe { &raw const (*this).state };
        // SAFETY: as above.
        let wakers = unsafe { &raw const (*this).wakers };
        // Release: whoever frees the open latch does so after the list was taken; what the count-downs published goes on in
        // their release sequence.
        let mut before = Word(0);
        // SAFETY: as above.
        let mut publish = || before = Word(unsafe { (*state).fetch_and(!Word::WAKERS, Ordering::Release) });
        // SAFETY: as above.
        unsafe { WakerList::notify_all::<P>(wakers, &mut publish) };
        before.has(Word::SLEEPERS)
    }

    /// Counts down by `n` at once, or not at all; returns whether that opened the latch.
    ///
    /// # Errors
    ///
    /// [`Underflow`] if the count is below `n`; it stays as it was.
    pub fn count_down_by(&self, n: u32) -> Result<bool, Underflow> {
        // Relaxed: the compare-exchange confirms the reading.
        let mut now = Word(self.state.load(Ordering::Relaxed));
        loop {
            if i64::from(n) > i64::from(now.count().max(0)) {
                return Err(Underflow);
            }
            if n == 0 {
                return Ok(false);
            }
            // AcqRel: as in `count_down_raw`.
            let next = now.0 - (n << Word::SHIFT);
            match self.state.compare_exchange_weak(now.0, next, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) if Word(next).count() > 0 => return Ok(false),
                // SAFETY: `self` is live for the whole call; the count is zero by this caller.
                Ok(_) => return unsafe { Self::counted(self, now, n) },
                Err(other) => now = Word(other),
            }
        }
    }

    /// Counts up by `n`, so that the latch waits for `n` more.
    ///
    /// # Errors
    ///
    /// [`AddError::Released`] if the count is zero: an open latch stays open. [`AddError::Overflow`] above
    /// [`MAX`](Self::MAX).
    pub fn try_add(&self, n: u32) -> Result<(), AddError> {
        // Relaxed: the compare-exchange confirms the reading.
        let mut now = Word(self.state.load(Ordering::Relaxed));
        loop {
            if now.count() <= 0 {
                return Err(AddError::Released);
            }
            if n > Self::MAX - now.count() as u32 {
                return Err(AddError::Overflow);
            }
            let next = now.0 + (n << Word::SHIFT);
            // Relaxed: adding publishes nothing; the count-downs do, and this is part of their release sequence.
            match self.state.compare_exchange_weak(now.0, next, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return Ok(()),
                Err(other) => now = Word(other),
            }
        }
    }

    /// A guard over one of the counts: it counts down when it is dropped, and poisons the latch if a panic drops it.
    ///
    /// Taking it does not raise the count.
    #[inline]
    pub fn guard(&self) -> CountGuard<'_, P> {
        CountGuard::new(self)
    }

    /// Marks the latch: once it is open, waits return [`Poisoned`]. Does not count.
    pub fn poison(&self) {
        // Relaxed: a waiter learns of it from the same word, in that word's order.
        self.state.fetch_or(Word::POISONED, Ordering::Relaxed);
    }

    /// Whether somebody poisoned the latch, open or not.
    pub fn is_poisoned(&self) -> bool {
        self.read().has(Word::POISONED)
    }

    /// Whether the latch is open. Acquires what the participants released. Never blocks.
    #[inline]
    pub fn is_released(&self) -> bool {
        self.read().is_open()
    }

    /// How many are missing. A picture of a moment, for people and logs.
    pub fn count(&self) -> u32 {
        // Relaxed: not for decisions.
        Word(self.state.load(Ordering::Relaxed)).count().max(0) as u32
    }

    /// Blocks until the latch is open. Does not count.
    ///
    /// # Errors
    ///
    /// [`Poisoned`] if it opened by a failure.
    #[inline]
    pub fn wait(&self) -> Result<(), Poisoned> {
        let now = self.read();
        if now.is_open() {
            return now.verdict();
        }
        match self.wait_slow(Deadline::NEVER) {
            Some(open) => open.verdict(),
            None => Ok(()), // not reached: `NEVER` does not pass
        }
    }

    /// [`wait`](Self::wait) for at most `timeout`. A zero timeout never blocks.
    ///
    /// # Errors
    ///
    /// [`WaitError::TimedOut`], [`WaitError::Poisoned`].
    pub fn wait_timeout(&self, timeout: Duration) -> Result<(), WaitError> {
        let now = self.read();
        if now.is_open() {
            return Ok(now.verdict()?);
        }
        self.wait_until(Deadline::after_on::<P>(timeout))
    }

    /// [`wait`](Self::wait) until `deadline` at the latest.
    ///
    /// # Errors
    ///
    /// [`WaitError::TimedOut`], [`WaitError::Poisoned`].
    pub fn wait_until(&self, deadline: Deadline) -> Result<(), WaitError> {
        let now = self.read();
        if now.is_open() {
            return Ok(now.verdict()?);
        }
        let open = self.wait_slow(deadline).ok_or(WaitError::TimedOut)?;
        Ok(open.verdict()?)
    }

    /// Closes the latch again, with a new count and without poison. Nobody can be waiting: the reference is exclusive.
    ///
    /// # Panics
    ///
    /// If `count` is above [`MAX`](Self::MAX).
    pub fn reset(&mut self, count: u32) {
        *self = Self::new_on(count);
    }

    /// The word of the open latch, or `None` once `deadline` has passed.
    #[cold]
    #[inline(never)]
    fn wait_slow(&self, deadline: Deadline) -> Option<Word> {
        if deadline != Deadline::PASSED {
            relax::until::<P>(LOOK, || self.read().is_open());
        }
        let mut timed_out = deadline == Deadline::PASSED;
        loop {
            // One reading: it is tested, and it is what the wait expects (R6).
            let now = self.read();
            if now.is_open() {
                return Some(now);
            }
            if timed_out {
                return None;
            }
            let asleep = Word(now.0 | Word::SLEEPERS);
            // Relaxed: publishes nothing; whoever opens the latch finds the flag in the word it changes.
            if !now.has(Word::SLEEPERS)
                && self.state.compare_exchange_weak(now.0, asleep.0, Ordering::Relaxed, Ordering::Relaxed).is_err()
            {
                continue;
            }
            timed_out = P::wait(&self.state, asleep.0, deadline) == WaitOutcome::TimedOut;
        }
    }

    /// Whether the latch stays closed until the list was emptied: for a future, under the list's lock.
    pub(crate) fn announce_waker(&self) -> bool {
        let mut now = self.read();
        loop {
            if now.is_open() {
                return false;
            }
            let next = now.0 | Word::WAKERS;
            // Release: whoever brings the count to zero finds the flag in the word, with it the way to the list (R19), and the
            // entry under the lock. Relaxed on failure: a future that is told `false` reads the word again.
            match self.state.compare_exchange_weak(now.0, next, Ordering::Release, Ordering::Relaxed) {
                Ok(_) => return true,
                Err(other) => now = Word(other),
            }
        }
    }
}

impl<P: Platform> fmt::Debug for CountdownLatch<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CountdownLatch").field("count", &self.count()).field("poisoned", &self.is_poisoned()).finish()
    }
}
