//! What the barriers of exactly `N` handles have in common: the word that tells the phase, the wait, and the leaving.
//!
//! ```text
//!   word  31 ................ 2   1       0
//!         how far, mod 2^30       BROKEN  SLEEPERS
//! ```
//!
//! A phase is over when the word has reached its target, by wrapping comparison (R14). Each handle computes its targets by
//! itself, so nothing is ever reset.
//!
//! Checked by the `group_*` and `tree_*` models of `loom-tests/models/barrier`.

use reveille_futex::relax;
use reveille_futex::sync::atomic::{AtomicU32, Ordering};
use reveille_futex::{Deadline, Platform, WaitOutcome};

use crate::host;
use crate::{AllClaimed, Broken, WaitError};

/// Somebody sleeps, or is about to.
pub(crate) const SLEEPERS: u32 = 1;
/// A member was dropped: no later phase completes.
pub(crate) const BROKEN: u32 = 2;
/// One step of what the word counts.
pub(crate) const STEP: u32 = 4;
pub(crate) const FLAGS: u32 = SLEEPERS | BROKEN;

/// Whether the word is at `target` or newer.
#[inline]
pub(crate) fn reached(now: u32, target: u32) -> bool {
    (now & !FLAGS).wrapping_sub(target) as i32 >= 0
}

/// A barrier whose handles wait for a word to reach a target.
pub(crate) trait Phased<P: Platform> {
    /// The word. Read-modify-writes only.
    fn word(&self) -> &AtomicU32;

    /// Why the barrier broke; swapped before the flag goes up.
    fn reason(&self) -> &AtomicU32;

    /// What `block` needs of a moment before the word is read.
    fn before_the_word(&self) -> u32;

    /// Blocks, given `before` and the word with SLEEPERS up.
    fn block(&self, before: u32, asleep: u32, deadline: Deadline) -> WaitOutcome;

    /// Wakes everybody who found SLEEPERS up.
    fn wake(&self);

    #[inline]
    fn read(&self) -> u32 {
        // Acquire: pairs with the step that reached the target; without it a member would not see what others did (R18).
        self.word().load(Ordering::Acquire)
    }

    fn why(&self) -> Broken {
        // Relaxed: the flag, raised after the swap, was acquired.
        Broken { code: self.reason().load(Ordering::Relaxed) }
    }

    /// Waits, as one of `members`, until the word has reached `target`: looks for a while, then sleeps.
    #[inline]
    fn wait_for(&self, target: u32, members: u32, deadline: Deadline) -> Result<(), WaitError> {
        let over = || {
            let now = self.read();
            reached(now, target) || now & BROKEN != 0
        };
        if deadline != Deadline::PASSED
            && relax::until::<P>(host::budget(members), over)
            && reached(self.read(), target)
        {
            return Ok(());
        }
        self.sleep(target, deadline)
    }

    #[cold]
    #[inline(never)]
    fn sleep(&self, target: u32, deadline: Deadline) -> Result<(), WaitError> {
        let mut timed_out = deadline == Deadline::PASSED;
        loop {
            let before = self.before_the_word();
            // One reading: it is tested, and the wait is for a change of it (R6).
            let now = self.read();
            if reached(now, target) {
                return Ok(());
            }
            if now & BROKEN != 0 {
                return Err(self.why().into());
            }
            if timed_out {
                return Err(WaitError::TimedOut(()));
            }
            let asleep = now | SLEEPERS;
            // Relaxed: publishes nothing; the leader finds the flag in the word it changes.
            if now != asleep
                && self.word().compare_exchange_weak(now, asleep, Ordering::Relaxed, Ordering::Relaxed).is_err()
            {
                continue;
            }
            timed_out = self.block(before, asleep, deadline) == WaitOutcome::TimedOut;
        }
    }

    /// A handle is dropped: no later phase completes.
    fn leave(&self) {
        let code = if host::panicking() { Broken::PANICKED } else { Broken::LEFT };
        if self.word().load(Ordering::Relaxed) & BROKEN == 0 {
            // Relaxed, as the load above: published by the next step; of two who leave at once either may be named.
            self.reason().swap(code, Ordering::Relaxed);
        }
        // Release: publishes the reason.
        if self.word().fetch_or(BROKEN, Ordering::Release) & SLEEPERS != 0 {
            self.wake();
        }
    }
}

/// The outcome of a wait without a deadline.
#[inline]
pub(crate) fn untimed(result: Result<bool, WaitError>) -> Result<bool, Broken> {
    match result {
        Ok(leader) => Ok(leader),
        Err(WaitError::Broken(broken)) => Err(broken),
        Err(WaitError::TimedOut(())) => Ok(false), // not reached: `NEVER` does not pass
    }
}

/// The number of the next handle, of `members`.
pub(crate) fn claim(claimed: &AtomicU32, members: u32) -> Result<u32, AllClaimed> {
    // Relaxed: the compare-exchange confirms the reading; a claim hands over no data.
    let mut index = claimed.load(Ordering::Relaxed);
    while index < members {
        match claimed.compare_exchange_weak(index, index + 1, Ordering::Relaxed, Ordering::Relaxed) {
            Ok(_) => return Ok(index),
            Err(other) => index = other,
        }
    }
    Err(AllClaimed)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// The word is ahead of a target, at it, or behind it, wherever it wraps, and its flags say nothing about that.
        #[test]
        fn a_target_is_reached_when_the_word_is_not_behind_it(
            target in any::<u32>(), steps in 0..1_u32 << 28, flags in 0..=FLAGS
        ) {
            let target = target & !FLAGS;
            let distance = steps * STEP;
            prop_assert!(reached(target.wrapping_add(distance) | flags, target));
            prop_assert_eq!(reached(target.wrapping_sub(distance) | flags, target), distance == 0);
        }
    }

    #[test]
    fn each_handle_is_given_once() {
        let claimed = AtomicU32::new(0);
        let given: [_; 4] = core::array::from_fn(|_| claim(&claimed, 3));
        assert_eq!(given, [Ok(0), Ok(1), Ok(2), Err(AllClaimed)]);
        assert_eq!(claim(&claimed, 3), Err(AllClaimed));
    }
}
