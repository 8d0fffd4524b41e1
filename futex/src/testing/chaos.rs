//! A platform that uses every liberty the contract gives it.

use core::fmt;
use core::marker::PhantomData;
use core::num::NonZeroU32;
use core::time::Duration;

use super::TAGS;
use crate::sync::atomic::{AtomicU32, Ordering};
use crate::{Deadline, Os, Platform, WaitOutcome};

/// Passes calls on to `P`, but lets waits return for no reason, wakes more threads than asked for, and gives the
/// processor away between a caller's step and its effect.
///
/// A caller that trusts a wait, rather than the word it waits for, fails on this platform within a few thousand rounds.
/// The choices are pseudo-random, from a counter of the `TAG`: a single-threaded test repeats exactly.
///
/// ```
/// use reveille_futex::{AtomicU32, Deadline, Platform, testing::Chaos};
///
/// // Nobody will ever wake this word, and yet the wait returns now and then.
/// let word = AtomicU32::new(0);
/// Chaos::<0>::wait(&word, 0, Deadline::NEVER);
/// ```
pub struct Chaos<const TAG: usize, P: Platform = Os>(PhantomData<fn() -> P>);

/// A wait is cut off after this long at the latest, as if by a signal.
const SLICE: Duration = Duration::from_micros(200);

static STEPS: [AtomicU32; TAGS] = [const { AtomicU32::new(0) }; TAGS];

impl<const TAG: usize, P: Platform> Chaos<TAG, P> {
    /// The next of sixteen equally likely choices.
    fn choose() -> u32 {
        const { assert!(TAG < TAGS, "a tag is below testing::TAGS") };
        // Relaxed: any number will do.
        let step = STEPS[TAG].fetch_add(1, Ordering::Relaxed);
        // The finalizer of a well-known hash: neighbours differ in half their bits.
        let mut mixed = step.wrapping_add(TAG as u32).wrapping_mul(0x9E37_79B9);
        mixed = (mixed ^ (mixed >> 16)).wrapping_mul(0x85EB_CA6B);
        mixed = (mixed ^ (mixed >> 13)).wrapping_mul(0xC2B2_AE35);
        (mixed ^ (mixed >> 16)) % 16
    }
}

// SAFETY: F1 is `P`'s; a wait that returns early, a wake of more threads and a yield are within F2.
unsafe impl<const TAG: usize, P: Platform> Platform for Chaos<TAG, P> {
    fn wait(word: &AtomicU32, expected: u32, deadline: Deadline) -> WaitOutcome {
        match Self::choose() {
            0..4 => return WaitOutcome::Returned, // without a look at the word
            4..6 => P::yield_now(),
            6 => {
                P::wake(word, NonZeroU32::MAX); // others return for no reason
            }
            _ => {}
        }
        let slice = P::now().saturating_add(SLICE);
        match P::wait(word, expected, deadline.min(slice)) {
            WaitOutcome::TimedOut if slice < deadline => WaitOutcome::Returned,
            outcome => outcome,
        }
    }

    fn wake(word: *const AtomicU32, count: NonZeroU32) -> Option<u32> {
        match Self::choose() {
            0..2 => P::yield_now(), // the waiter may see the word first, return, and free it
            2 => return P::wake(word, NonZeroU32::MAX),
            _ => {}
        }
        P::wake(word, count)
    }

    fn now() -> Deadline {
        P::now()
    }

    fn yield_now() {
        P::yield_now();
    }

    fn heavy_fence() -> bool {
        P::heavy_fence()
    }
}

impl<const TAG: usize, P: Platform> fmt::Debug for Chaos<TAG, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chaos").field("tag", &TAG).finish()
    }
}
