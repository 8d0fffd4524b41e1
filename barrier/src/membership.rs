//! Parties that come and go: registering, leaving, resetting, taking apart.
//!
//! Each is a compare-exchange of the one state word, so it happens entirely before or entirely after any arrival. While a
//! phase is closing its number of parties must not change; then they wait for the next generation first.
//!
//! Checked by `barrier_register_and_leave_*` and `barrier_reset_*` of `loom-tests/models/barrier`.

use reveille_futex::sync::atomic::Ordering;
use reveille_futex::{Deadline, Platform};

use crate::completion::Completion;
use crate::state::{BREAKS, BROKEN, MAX_PARTIES, State};
use crate::{Barrier, Broken, PartiesError, RegisterError, ResetError};

impl<P: Platform, C: Completion> Barrier<P, C> {
    /// Adds a party, from the present phase on; if that one is complete and closing, from the next on.
    ///
    /// Blocks only for the completion step of a closing phase.
    ///
    /// # Errors
    ///
    /// [`RegisterError::TooMany`] at [`MAX`](Self::MAX) parties, [`RegisterError::Broken`].
    pub fn register(&self) -> Result<(), RegisterError> {
        loop {
            let now = self.read();
            if now.has(BROKEN) {
                return Err(self.why().into());
            }
            if now.is_closing() {
                self.look(now.generation(), now.parties(), Deadline::NEVER);
                continue;
            }
            if now.parties() == MAX_PARTIES {
                return Err(RegisterError::TooMany);
            }
            if self.exchange(now, now.with_parties(now.parties() + 1)) {
                return Ok(());
            }
        }
    }

    /// Leaves for good: the present phase and all later ones go on without this party. If it was the only one missing, it
    /// leads: the phase completes now.
    ///
    /// A barrier that everybody has left is broken, with [`Broken::EMPTY`].
    ///
    /// # Errors
    ///
    /// [`Broken`] if the barrier is; the party has left all the same.
    pub fn arrive_and_drop(&self) -> Result<(), Broken> {
        loop {
            let now = self.read();
            if now.is_closing() {
                self.look(now.generation(), now.parties(), Deadline::NEVER);
                continue;
            }
            if now.parties() == 0 {
                return Err(self.why());
            }
            let fewer = now.with_parties(now.parties() - 1);
            if now.has(BROKEN) {
                if self.exchange(now, fewer) {
                    return Err(self.why());
                }
            } else if fewer.parties() == 0 {
                BREAKS.arises();
                // Relaxed: published by the exchange. Nobody has arrived: the phase is open, with one party.
                self.reason.swap(Broken::EMPTY, Ordering::Relaxed);
                if self.exchange(now, fewer.with(BROKEN)) {
                    return Ok(());
                }
            } else if self.exchange(now, fewer) {
                if fewer.is_closing() {
                    self.complete(fewer, 0);
                }
                return Ok(());
            }
        }
    }

    /// Mends a broken barrier: an open phase with nobody arrived. If somebody waits, the barrier is broken first, with
    /// [`Broken::RESET`]. Blocks only for the completion step of a closing phase.
    ///
    /// # Errors
    ///
    /// [`ResetError::Busy`] while arrivals of the broken phase have not been given up: try again when their waits have
    /// returned. The arrival of a token that was dropped, not waited for, before the barrier broke is never given up;
    /// then only [`reset`](Self::reset) helps. [`ResetError::Empty`] if every party has left.
    pub fn try_reset(&self) -> Result<(), ResetError> {
        loop {
            let now = self.read();
            if now.parties() == 0 {
                return Err(ResetError::Empty);
            }
            if !now.has(BROKEN) && now.arrived() == 0 {
                return Ok(());
            }
            if now.is_closing() {
                self.look(now.generation(), now.parties(), Deadline::NEVER);
                continue;
            }
            if !now.has(BROKEN) {
                self.break_with(Broken::RESET);
                continue;
            }
            if now.arrived() > 0 {
                return Err(ResetError::Busy(now.arrived()));
            }
            if self.exchange(now, now.next()) {
                return Ok(());
            }
        }
    }

    /// Starts anew with `parties` parties. Nobody can be waiting: the reference is exclusive.
    ///
    /// # Errors
    ///
    /// [`PartiesError`] if `parties` is zero or above [`MAX`](Self::MAX); nothing changes.
    pub fn reset(&mut self, parties: usize) -> Result<(), PartiesError> {
        if parties == 0 || parties > Self::MAX {
            return Err(PartiesError);
        }
        let generation = self.generation().wrapping_add(1);
        // Relaxed: the reference is exclusive.
        self.state.swap(State::new(parties as u32, generation).0, Ordering::Relaxed);
        Ok(())
    }

    /// Takes the barrier apart: every party calls this once, after its last wait has returned. Exactly one call returns
    /// `true`, when no other party will touch the barrier again; that party may free it, or build a new one in its place.
    ///
    /// The decrement is the last access of all other parties.
    ///
    /// *Memory ordering.* What the others did before happens before the call that returns `true` returns.
    ///
    /// # Safety
    ///
    /// `this` points to a live barrier. There are exactly [`parties`](Self::parties) parties; none of them waits or holds
    /// a token any more, and none touches the barrier after this call, unless it returned `true`.
    pub unsafe fn dissolve(this: *const Self) -> bool {
        // SAFETY: live by the caller's promise, until the last party's exchange.
        let state = unsafe { &raw const (*this).state };
        // Relaxed: the compare-exchange confirms the reading.
        // SAFETY: as above; this party has not given up its share yet.
        let mut now = State(unsafe { (*state).load(Ordering::Relaxed) });
        loop {
            let next = now.with_parties(now.parties() - 1);
            // Release: whatever this party did comes before the end. Acquire: whoever ends it comes after all others.
            // SAFETY: as above.
            match unsafe { (*state).compare_exchange_weak(now.0, next.0, Ordering::AcqRel, Ordering::Relaxed) } {
                Ok(_) => return next.parties() == 0,
                Err(other) => now = State(other),
            }
        }
    }

    pub(crate) fn exchange(&self, now: State, next: State) -> bool {
        // AcqRel: a party that leaves or withdraws publishes like one that arrives, and may be the one that completes.
        self.state.compare_exchange(now.0, next.0, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }
}
