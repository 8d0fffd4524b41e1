//! Arriving and waiting apart.
//!
//! ```text
//!   arrive --> ArrivalToken --wait-----------> result, or Broken
//!                 |   ^------timed out----------+
//!                 +--withdraw--> as if it had not arrived
//!                 +--break_with--> everybody is told
//!                 +--dropped--> the arrival stands; by a panic: breaks
//! ```
//!
//! *Invariant.* A token is one arrival of one phase. It borrows its barrier and is consumed, so it cannot be used with
//! another one or twice. In a broken phase it is given back exactly once.
//!
//! Checked by `barrier_token_*` of `loom-tests/models/barrier`.

use core::fmt;
use core::mem;
use core::time::Duration;

use reveille_futex::sync::atomic::Ordering;
use reveille_futex::{Deadline, Os, Platform};

use crate::completion::{Completion, NoCompletion};
use crate::host;
use crate::state::{ARRIVAL, BROKEN, Standing, State};
use crate::{ArriveError, Barrier, BarrierWaitResult, Broken, Completed, WaitError};

/// One arrival at a [`Barrier`], to be waited for later.
///
/// Dropped without a wait, the arrival stands and the phase goes on without anybody waiting for it; dropped by a panic
/// (feature `std`), it breaks the barrier, unless the phase is complete already, when it breaks the next one.
///
/// A token is good for half the generations: 2^31 phases, or 2^12 on targets without 64-bit atomics.
#[must_use = "an arrival is to be waited for"]
pub struct ArrivalToken<'a, P: Platform = Os, C: Completion = NoCompletion> {
    pub(crate) barrier: &'a Barrier<P, C>,
    pub(crate) result: BarrierWaitResult,
}

impl<P: Platform, C: Completion> Barrier<P, C> {
    /// Arrives without waiting. The last to arrive runs the completion step and lets the others go, here and now.
    ///
    /// Never blocks, but for that.
    ///
    /// # Errors
    ///
    /// [`ArriveError::Full`] if everybody has arrived and the phase is not over yet: the caller is one too many.
    /// [`ArriveError::Broken`].
    ///
    /// ```
    /// use reveille_barrier::Barrier;
    ///
    /// let barrier = Barrier::new(2);
    /// let mine = barrier.arrive().unwrap();
    /// // work that needs nobody
    /// assert!(!mine.is_passed());
    /// barrier.arrive().unwrap().wait().unwrap();
    /// assert!(!mine.wait().unwrap().is_leader());
    /// ```
    pub fn arrive(&self) -> Result<ArrivalToken<'_, P, C>, ArriveError> {
        // Relaxed: the compare-exchange confirms the reading.
        let mut now = State(self.state.load(Ordering::Relaxed));
        loop {
            if now.has(BROKEN) {
                self.read();
                return Err(self.why().into());
            }
            if now.is_closing() {
                return Err(ArriveError::Full);
            }
            let next = State(now.0.wrapping_add(ARRIVAL));
            // AcqRel: as the addition in `checked_wait`.
            match self.state.compare_exchange_weak(now.0, next.0, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => {
                    let leader = next.is_closing();
                    if leader {
                        self.complete(next, 1);
                    }
                    let result = BarrierWaitResult { leader, generation: now.generation(), arrival: now.arrived() };
                    return Ok(ArrivalToken { barrier: self, result });
                }
                Err(other) => now = State(other),
            }
        }
    }

    /// Arrives in the first phase that takes this caller.
    pub(crate) fn arrive_for_wait(&self) -> Result<ArrivalToken<'_, P, C>, Broken> {
        loop {
            match self.arrive() {
                Ok(token) => return Ok(token),
                Err(ArriveError::Broken(broken)) => return Err(broken),
                Err(ArriveError::Full) => {
                    let now = self.read();
                    if now.is_closing() {
                        self.look(now.generation(), now.parties(), Deadline::NEVER);
                    }
                }
            }
        }
    }
}

impl<P: Platform, C: Completion> ArrivalToken<'_, P, C> {
    /// Waits until everybody has arrived.
    ///
    /// # Errors
    ///
    /// [`Broken`].
    pub fn wait(self) -> Result<BarrierWaitResult, Broken> {
        match self.wait_until(Deadline::NEVER) {
            Ok(result) => Ok(result),
            Err(WaitError::Broken(broken)) => Err(broken),
            Err(WaitError::TimedOut(token)) => Ok(token.result), // not reached: `NEVER` does not pass
        }
    }

    /// Waits for at most `timeout`. A zero timeout never blocks.
    ///
    /// # Errors
    ///
    /// [`WaitError::TimedOut`] gives the token back: wait again, [`withdraw`](Self::withdraw), or
    /// [`break_with`](Self::break_with). [`WaitError::Broken`].
    pub fn wait_timeout(self, timeout: Duration) -> Result<BarrierWaitResult, WaitError<Self>> {
        self.wait_until(Deadline::after_on::<P>(timeout))
    }

    /// Waits until `deadline` at the latest.
    ///
    /// # Errors
    ///
    /// As [`wait_timeout`](Self::wait_timeout).
    pub fn wait_until(self, deadline: Deadline) -> Result<BarrierWaitResult, WaitError<Self>> {
        let now = self.barrier.read();
        let mut standing = now.standing(self.result.generation);
        if standing == Standing::Pending {
            standing = self.barrier.look(self.result.generation, now.parties(), deadline);
        }
        match standing {
            Standing::Pending => Err(WaitError::TimedOut(self)),
            Standing::Passed => Ok(self.spend()),
            Standing::Broken => {
                let broken = self.barrier.give_back();
                self.spend();
                Err(WaitError::Broken(broken))
            }
        }
    }

    /// Takes the arrival back, so that the phase waits for somebody else.
    ///
    /// Blocks only for the completion step of a phase that is complete.
    ///
    /// # Errors
    ///
    /// [`Completed`] if the phase is: then nothing is taken back.
    pub fn withdraw(self) -> Result<(), Completed> {
        loop {
            let now = self.barrier.read();
            match now.standing(self.result.generation) {
                Standing::Passed => {
                    self.spend();
                    return Err(Completed);
                }
                Standing::Broken => {
                    self.barrier.give_back();
                    self.spend();
                    return Ok(());
                }
                Standing::Pending if now.is_closing() => {
                    self.barrier.look(self.result.generation, now.parties(), Deadline::NEVER);
                }
                Standing::Pending => {
                    if self.barrier.exchange(now, State(now.0 - ARRIVAL)) {
                        self.spend();
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Breaks the barrier, as [`Barrier::break_with`] does, and gives the token up.
    pub fn break_with(self, code: u32) -> bool {
        self.barrier.break_with(code)
    }

    /// Whether the phase is over, so that a wait returns at once. Acquires what a wait would.
    pub fn is_passed(&self) -> bool {
        self.barrier.read().standing(self.result.generation) == Standing::Passed
    }

    /// The phase and the number of this arrival, and whether it was the last.
    pub fn arrival(&self) -> BarrierWaitResult {
        self.result
    }

    /// The arrival is accounted for.
    pub(crate) fn spend(self) -> BarrierWaitResult {
        let result = self.result;
        mem::forget(self);
        result
    }
}

impl<P: Platform, C: Completion> Drop for ArrivalToken<'_, P, C> {
    fn drop(&mut self) {
        if host::panicking() {
            self.barrier.break_with(Broken::PANICKED);
        }
        if self.barrier.read().standing(self.result.generation) == Standing::Broken {
            self.barrier.give_back();
        }
    }
}

impl<P: Platform, C: Completion> fmt::Debug for ArrivalToken<'_, P, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ArrivalToken").field("arrival", &self.result).finish_non_exhaustive()
    }
}
