//! The barrier for any number of callers.
//!
//! ```text
//!            arrive (one addition)            last one: completion step
//!   open ------------------------> open ... ---------------------------> closing
//!    ^  \                                                                  | one step: generation + 1, arrived 0
//!    |   +--break--> BROKEN --give back--> ... --try_reset--> next gen     |
//!    +------------------------------------------------------------------- +
//! ```
//!
//! *Words.* `state` decides everything and is read by whoever looks. Nobody sleeps on it, because arrivals change it
//! (R1, R2): sleepers wait on `wakes`, which changes only when a phase ends with the flag SLEEPERS up. A sleeper reads
//! `wakes`, then `state`, raises the flag in the same phase, then sleeps on what it read. On a core of 32 bits without an
//! operating system, where nobody looks before it sleeps, every phase has sleepers: there each end of one wakes, unasked.
//!
//! *Surplus.* A caller that finds everybody arrived is not counted: it waits for the next generation and comes again. Its
//! addition goes with the reset of the count.
//!
//! *Broken.* From the moment the flag is up nobody can complete the phase; each arrival is given back by its owner, and a
//! reset needs all of them back, so a waiter cannot mistake the generation after a reset for success.
//! Whoever finds a flag of a break asks whether barriers break at all ([`BREAKS`]), so that programs in which none does are
//! linked without that (R20).
//!
//! Checked by the `barrier_*` models of `loom-tests/models/barrier`; twins R3, R4, R6, R13, R18, R19, R20.

use core::fmt;
use core::marker::PhantomData;
use core::num::NonZeroU32;
use core::time::Duration;

use reveille_futex::relax;
use reveille_futex::sync::atomic::{AtomicU32, Ordering, fence};
use reveille_futex::sync::cell::UnsafeCell;
use reveille_futex::wakers::WakerList;
use reveille_futex::{Deadline, Os, Platform, WaitOutcome, const_unless_loom};

use crate::completion::{Completion, NoCompletion};
use crate::host;
use crate::state::{ARRIVAL, Atomic, BREAK_NEXT, BREAKS, BROKEN, MAX_PARTIES, SLEEPERS, Standing, State, WAKERS};
use crate::{ArrivalToken, Broken, PartiesError, WaitError};

/// A barrier for any number of callers, with `std`'s names.
///
/// Each phase lets [`parties`](Self::parties) callers go together. Callers need no handle; more callers than parties share
/// the phases between them. The last to arrive is the *leader* of the phase and runs the completion step, if there is one.
///
/// *Memory ordering.* What any party did before it arrived happens before the completion step, and that before any wait of
/// the phase returns.
///
/// *Breaking.* A broken barrier releases everybody with an error and stays broken until [`try_reset`](Self::try_reset).
/// Panics break it through [`guard`](Self::guard) or a dropped [`ArrivalToken`].
///
/// Waiting blocks; nothing allocates. Not for interrupts, but for [`arrive`](Self::arrive) without a completion step.
///
/// ```
/// use reveille_barrier::Barrier;
/// use std::sync::atomic::{AtomicU32, Ordering};
///
/// static BARRIER: Barrier = Barrier::new(4);
/// static SUM: AtomicU32 = AtomicU32::new(0);
/// std::thread::scope(|s| {
///     for i in 1..=4 {
///         s.spawn(move || {
///             SUM.fetch_add(i, Ordering::Relaxed);
///             BARRIER.wait();
///             assert_eq!(SUM.load(Ordering::Relaxed), 10);
///         });
///     }
/// });
/// ```
pub struct Barrier<P: Platform = Os, C: Completion = NoCompletion> {
    /// Read-modify-writes only.
    pub(crate) state: Atomic,
    /// The word to sleep on: read-modify-writes by whoever ends a phase.
    wakes: AtomicU32,
    /// Why the barrier broke; swapped before the flag goes up.
    pub(crate) reason: AtomicU32,
    pub(crate) wakers: WakerList,
    /// The leader's, between the last arrival and the next generation.
    completion: UnsafeCell<C>,
    platform: PhantomData<P>,
}

// SAFETY: the completion step is reached by one leader at a time, and each hands it to the next by the arrivals.
unsafe impl<P: Platform, C: Completion + Send> Sync for Barrier<P, C> {}

/// What a wait tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BarrierWaitResult {
    pub(crate) leader: bool,
    pub(crate) generation: u32,
    pub(crate) arrival: u32,
}

impl BarrierWaitResult {
    /// Whether this was the last to arrive. Exactly one party of each phase is told so.
    pub fn is_leader(&self) -> bool {
        self.leader
    }

    /// Which phase it was. Wraps.
    pub fn generation(&self) -> u32 {
        self.generation
    }

    /// How many had arrived before in the same phase.
    pub fn arrival(&self) -> u32 {
        self.arrival
    }
}

/// Breaks the barrier if a panic drops it; see [`Barrier::guard`].
#[must_use = "watches until it is dropped"]
pub struct BreakGuard<'a, P: Platform = Os, C: Completion = NoCompletion> {
    barrier: &'a Barrier<P, C>,
}

impl Barrier {
    const_unless_loom! {
        /// Creates a barrier for `parties` parties on the built-in platform.
        ///
        /// # Panics
        ///
        /// If `parties` is zero or above [`MAX`](Self::MAX). In a constant that is a compile-time error:
        ///
        /// ```compile_fail
        /// static BARRIER: reveille_barrier::Barrier = reveille_barrier::Barrier::new(0);
        /// # fn main() {}
        /// ```
        pub const fn new(parties: usize) -> Self {
            Self::new_on(parties)
        }
    }

    /// Creates a barrier for `parties` parties.
    ///
    /// # Errors
    ///
    /// [`PartiesError`] if `parties` is zero or above [`MAX`](Self::MAX).
    pub fn try_new(parties: usize) -> Result<Self, PartiesError> {
        if parties == 0 || parties > Self::MAX { Err(PartiesError) } else { Ok(Self::new(parties)) }
    }
}

impl<C: Completion> Barrier<Os, C> {
    const_unless_loom! {
        /// Creates a barrier whose last arrival of each phase runs `completion`, before anybody is released.
        ///
        /// ```
        /// use reveille_barrier::Barrier;
        ///
        /// let mut phases = 0;
        /// let barrier = Barrier::with_completion(2, || phases += 1);
        /// std::thread::scope(|s| {
        ///     for _ in 0..2 {
        ///         s.spawn(|| (0..10).for_each(|_| _ = barrier.wait()));
        ///     }
        /// });
        /// drop(barrier);
        /// assert_eq!(phases, 10);
        /// ```
        ///
        /// # Panics
        ///
        /// If `parties` is zero or above [`MAX`](Self::MAX).
        pub const fn with_completion(parties: usize, completion: C) -> Self {
            Self::with_completion_on(parties, completion)
        }
    }
}

impl<P: Platform> Barrier<P> {
    const_unless_loom! {
        /// Creates a barrier on platform `P`.
        ///
        /// # Panics
        ///
        /// If `parties` is zero or above [`MAX`](Self::MAX).
        pub const fn new_on(parties: usize) -> Self {
            Self::with_completion_on(parties, NoCompletion)
        }
    }
}

impl<P: Platform, C: Completion> Barrier<P, C> {
    /// The largest number of parties: 8,191, or 127 on targets without 64-bit atomics.
    pub const MAX: usize = MAX_PARTIES as usize;

    const_unless_loom! {
        /// Creates a barrier with a completion step on platform `P`.
        ///
        /// # Panics
        ///
        /// If `parties` is zero or above [`MAX`](Self::MAX).
        pub const fn with_completion_on(parties: usize, completion: C) -> Self {
            assert!(parties > 0 && parties <= Self::MAX, "no parties, or too many");
            Self::starting_at(parties as u32, 0, completion)
        }
    }

    const_unless_loom! {
        /// A barrier whose first phase has a given number: for tests of the overflow.
        #[doc(hidden)]
        pub const fn starting_at(parties: u32, generation: u32, completion: C) -> Self {
            Self {
                state: Atomic::new(State::new(parties, generation).0),
                wakes: AtomicU32::new(0),
                reason: AtomicU32::new(0),
                wakers: WakerList::new(),
                completion: UnsafeCell::new(completion),
                platform: PhantomData,
            }
        }
    }

    /// Waits until everybody has arrived.
    ///
    /// # Panics
    ///
    /// If the barrier is broken: the failure of a peer goes on. [`checked_wait`](Self::checked_wait) returns it instead.
    #[inline]
    #[track_caller]
    pub fn wait(&self) -> BarrierWaitResult {
        match self.checked_wait() {
            Ok(result) => result,
            Err(broken) => panic_broken(broken),
        }
    }

    /// Waits until everybody has arrived.
    ///
    /// # Errors
    ///
    /// [`Broken`] if the barrier is, or breaks while this caller waits.
    #[inline]
    pub fn checked_wait(&self) -> Result<BarrierWaitResult, Broken> {
        loop {
            // Release: publishes what this party did to the leader, and by the leader's step to all. Acquire: should this
            // be the leader, it sees what all others did. One instruction gives the generation and the number (R13).
            let before = State(self.state.fetch_add(ARRIVAL, Ordering::AcqRel));
            let generation = before.generation();
            let arrival = before.arrived();
            let mut broken = before.is_broken();
            if !broken {
                if arrival + 1 == before.parties() {
                    self.complete(State(before.0.wrapping_add(ARRIVAL)), 1);
                    return Ok(BarrierWaitResult { leader: true, generation, arrival });
                }
                broken = self.look(generation, before.parties(), Deadline::NEVER) == Standing::Broken;
            }
            if broken {
                return Err(self.give_back());
            }
            if arrival < before.parties() {
                return Ok(BarrierWaitResult { leader: false, generation, arrival });
            }
        }
    }

    /// Arrives and waits for at most `timeout`. Time starts when the arrival is counted.
    ///
    /// # Errors
    ///
    /// [`WaitError::TimedOut`] with the token of the arrival, which stands: wait again, withdraw, or break.
    /// [`WaitError::Broken`].
    pub fn wait_timeout(&self, timeout: Duration) -> Result<BarrierWaitResult, WaitError<ArrivalToken<'_, P, C>>> {
        self.arrive_for_wait()?.wait_timeout(timeout)
    }

    /// A guard that breaks the barrier if it is dropped by a panic: hold it while peers count on this thread.
    ///
    /// To see a panic takes the feature `std`.
    ///
    /// ```
    /// use reveille_barrier::{Barrier, Broken};
    /// # #[cfg(feature = "std")] {
    /// let barrier = Barrier::new(2);
    /// std::thread::scope(|s| {
    ///     let bad = s.spawn(|| {
    ///         let _guard = barrier.guard();
    ///         panic!("before arriving");
    ///     });
    ///     assert_eq!(barrier.checked_wait().unwrap_err().code(), Broken::PANICKED);
    ///     assert!(bad.join().is_err());
    /// });
    /// # }
    /// ```
    pub fn guard(&self) -> BreakGuard<'_, P, C> {
        BreakGuard { barrier: self }
    }

    /// Breaks the barrier: everybody who waits now or later gets [`Broken`] with `code`. Returns whether this call did it.
    ///
    /// A phase that everybody has reached completes all the same, and the next one is broken.
    pub fn break_with(&self, code: u32) -> bool {
        // Relaxed: the compare-exchange confirms the reading.
        let mut now = State(self.state.load(Ordering::Relaxed));
        loop {
            if now.has(BROKEN | BREAK_NEXT) {
                return false;
            }
            BREAKS.arises();
            // Relaxed: published by the compare-exchange.
            self.reason.swap(code, Ordering::Relaxed);
            let closing = now.is_closing();
            let next = if closing { now.with(BREAK_NEXT) } else { now.with(BROKEN).without(SLEEPERS | WAKERS) };
            // Release: publishes the reason.
            match self.state.compare_exchange_weak(now.0, next.0, Ordering::Release, Ordering::Relaxed) {
                Ok(_) => {
                    if !closing {
                        self.announce_break(now);
                    }
                    return true;
                }
                Err(other) => now = State(other),
            }
        }
    }

    /// Whether the barrier is broken, and why.
    pub fn broken(&self) -> Option<Broken> {
        // Acquire: pairs with the breaker's release; without it the reason could be an old one.
        let now = State(self.state.load(Ordering::Acquire));
        now.has(BROKEN).then(|| self.why())
    }

    /// How many parties a phase needs. A picture of a moment, as are the next two.
    pub fn parties(&self) -> usize {
        // Relaxed: not for decisions.
        State(self.state.load(Ordering::Relaxed)).parties() as usize
    }

    /// How many have arrived in the present phase.
    pub fn arrived(&self) -> usize {
        // Relaxed: not for decisions.
        let now = State(self.state.load(Ordering::Relaxed));
        now.arrived().min(now.parties()) as usize
    }

    /// The number of the present phase. Wraps.
    pub fn generation(&self) -> u32 {
        // Relaxed: not for decisions.
        State(self.state.load(Ordering::Relaxed)).generation()
    }

    pub(crate) fn read(&self) -> State {
        // Acquire: pairs with the leader's step; without it a party would not see what the others did (R18).
        State(self.state.load(Ordering::Acquire))
    }

    pub(crate) fn why(&self) -> Broken {
        // Relaxed: the caller has acquired the flag, which was raised after the swap.
        Broken { code: self.reason.load(Ordering::Relaxed) }
    }

    /// Takes one arrival out of a broken phase.
    #[cold]
    pub(crate) fn give_back(&self) -> Broken {
        let why = self.why();
        // Release: whoever resets the barrier does so after this party is out, and has read why.
        self.state.fetch_sub(ARRIVAL, Ordering::Release);
        why
    }

    /// The last arrival: runs the completion step, goes on to the next generation, wakes. `own` is how much of the count
    /// is the caller's.
    #[inline]
    pub(crate) fn complete(&self, now: State, own: u32) {
        if C::RUNS {
            let unwinding = BreakPhase { barrier: self, own };
            // SAFETY: one leader for each generation; it acquired what the leader before it did.
            self.completion.with_mut(|completion| unsafe { &mut *completion }.complete());
            core::mem::forget(unwinding);
        }
        self.close(now);
    }

    #[inline]
    fn close(&self, mut now: State) {
        // Release: publishes what the completion step did. What the arrivals published goes on in their release sequences, so
        // without a step there is nothing to publish. Acquire on failure: the flags that were raised meanwhile come with what
        // they tell of, as the way to a list of futures (R19).
        let publish = if C::RUNS { Ordering::Release } else { Ordering::Relaxed };
        while let Err(other) = self.state.compare_exchange_weak(now.0, now.next().0, publish, Ordering::Acquire) {
            now = State(other);
        }
        self.announce(now);
    }

    /// [`announce`](Self::announce), with a word that was read by a relaxed step.
    #[cold]
    fn announce_break(&self, ended: State) {
        // Acquire: with the flag WAKERS comes the way to the list (R19).
        fence(Ordering::Acquire);
        self.announce(ended);
    }

    /// Wakes whoever slept in the phase that `ended` was the last word of, read with acquire.
    #[inline]
    fn announce(&self, ended: State) {
        if ended.has_sleepers() || ended.has(WAKERS) {
            self.wake(ended);
        }
    }

    #[cold]
    #[cfg_attr(not(all(target_os = "none", target_pointer_width = "32")), inline(never))]
    fn wake(&self, ended: State) {
        if ended.has_sleepers() {
            // Release: pairs with the acquire in `sleep`: whoever sees the new number sees that the phase has ended. An
            // addition, so that a late leader never takes it back (R15).
            self.wakes.fetch_add(1, Ordering::Release);
            P::wake(&self.wakes, NonZeroU32::MAX);
        }
        if ended.has(WAKERS) {
            // SAFETY: `self` is live for the whole call.
            unsafe { WakerList::notify_all::<P>(&self.wakers, &mut || ()) };
        }
    }

    /// Waits for the end of phase `generation`; `Pending` if `deadline` passed first.
    #[inline]
    pub(crate) fn look(&self, generation: u32, parties: u32, deadline: Deadline) -> Standing {
        if deadline != Deadline::PASSED
            && relax::until::<P>(host::budget(parties), || self.read().standing(generation) != Standing::Pending)
        {
            return self.read().standing(generation);
        }
        self.sleep(generation, deadline)
    }

    #[cold]
    #[cfg_attr(not(all(target_os = "none", target_pointer_width = "32")), inline(never))]
    fn sleep(&self, generation: u32, deadline: Deadline) -> Standing {
        let mut timed_out = deadline == Deadline::PASSED;
        loop {
            // Acquire: before the state is read; the other way round the phase could end unnoticed in between.
            let wakes = self.wakes.load(Ordering::Acquire);
            let now = self.read();
            let standing = now.standing(generation);
            if standing != Standing::Pending || timed_out {
                return standing;
            }
            // Relaxed: publishes nothing; whoever ends the phase finds the flag in the word it changes.
            if !now.has_sleepers()
                && self
                    .state
                    .compare_exchange_weak(now.0, now.with(SLEEPERS).0, Ordering::Relaxed, Ordering::Relaxed)
                    .is_err()
            {
                continue;
            }
            timed_out = P::wait(&self.wakes, wakes, deadline) == WaitOutcome::TimedOut;
            timed_out &= deadline != Deadline::NEVER; // then it cannot be, and nobody need ask
        }
    }
}

#[cold]
#[inline(never)]
#[track_caller]
fn panic_broken(broken: Broken) -> ! {
    panic!("{broken}")
}

/// Breaks a phase whose completion step panics: everybody in it is told.
struct BreakPhase<'a, P: Platform, C: Completion> {
    barrier: &'a Barrier<P, C>,
    own: u32,
}

impl<P: Platform, C: Completion> Drop for BreakPhase<'_, P, C> {
    fn drop(&mut self) {
        let barrier = self.barrier;
        BREAKS.arises();
        // Relaxed: published by the compare-exchange.
        barrier.reason.swap(Broken::PANICKED, Ordering::Relaxed);
        // Relaxed: the compare-exchange confirms the reading.
        let mut now = State(barrier.state.load(Ordering::Relaxed));
        loop {
            let next = now.with_arrivals(now.arrived() - self.own).with(BROKEN).without(SLEEPERS | WAKERS | BREAK_NEXT);
            // Release: publishes the reason.
            match barrier.state.compare_exchange_weak(now.0, next.0, Ordering::Release, Ordering::Relaxed) {
                Ok(_) => return barrier.announce_break(now),
                Err(other) => now = State(other),
            }
        }
    }
}

impl<P: Platform, C: Completion> Drop for BreakGuard<'_, P, C> {
    fn drop(&mut self) {
        if host::panicking() {
            self.barrier.break_with(Broken::PANICKED);
        }
    }
}

impl<P: Platform, C: Completion> fmt::Debug for Barrier<P, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Relaxed: a picture for a person.
        let now = State(self.state.load(Ordering::Relaxed));
        f.debug_struct("Barrier")
            .field("parties", &now.parties())
            .field("arrived", &now.arrived())
            .field("generation", &now.generation())
            .field("broken", &now.has(BROKEN))
            .finish()
    }
}

impl<P: Platform, C: Completion> fmt::Debug for BreakGuard<'_, P, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BreakGuard").field("barrier", self.barrier).finish()
    }
}
