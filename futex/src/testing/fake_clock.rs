//! A platform whose time is set by the test.

use core::fmt;
use core::marker::PhantomData;
use core::num::NonZeroU32;
use core::time::Duration;

use super::TAGS;
use crate::sync::atomic::{AtomicU32, Ordering};
use crate::{Deadline, Os, Platform, WaitOutcome};

/// Waits and wakes by `P`, on a clock that only [`advance`](Self::advance) moves.
///
/// The clock starts at zero and counts milliseconds, so that it needs no 64-bit atomics; it overflows after 49 days. A
/// thread that blocks looks at the clock every real millisecond.
///
/// ```
/// use core::time::Duration;
/// use reveille_futex::{AtomicU32, Deadline, Platform, WaitOutcome, testing::FakeClock};
///
/// type Mine = FakeClock<0>;
/// let word = AtomicU32::new(0);
/// let deadline = Deadline::after_on::<Mine>(Duration::from_secs(3600));
/// Mine::advance(Duration::from_secs(3600));
/// assert_eq!(Mine::wait(&word, 0, deadline), WaitOutcome::TimedOut);
/// ```
pub struct FakeClock<const TAG: usize, P: Platform = Os>(PhantomData<fn() -> P>);

/// How long a blocked thread may take to notice that the clock was moved.
const SLICE: Duration = Duration::from_millis(1);

static MILLIS: [AtomicU32; TAGS] = [const { AtomicU32::new(0) }; TAGS];

impl<const TAG: usize, P: Platform> FakeClock<TAG, P> {
    /// Moves the clock forward. A part of a millisecond is dropped.
    ///
    /// What happened before is seen by every wait that ends because of it.
    pub fn advance(by: Duration) {
        const { assert!(TAG < TAGS, "a tag is below testing::TAGS") };
        let millis = u32::try_from(by.as_millis()).unwrap_or(u32::MAX);
        // Release: pairs with the load in `now`, so that a test can prepare what the timeout is to find.
        MILLIS[TAG].fetch_add(millis, Ordering::Release);
    }
}

// SAFETY: blocking is `P`'s; a wait that ends between two slices is a spurious one to `P`'s callers, and this one looks at
// the word again by calling `P::wait`, so F1 holds.
unsafe impl<const TAG: usize, P: Platform> Platform for FakeClock<TAG, P> {
    fn wait(word: &AtomicU32, expected: u32, deadline: Deadline) -> WaitOutcome {
        if deadline.is_never() {
            return P::wait(word, expected, deadline);
        }
        loop {
            let passed = Self::now() >= deadline;
            let slice = if passed { Deadline::PASSED } else { P::now().saturating_add(SLICE) };
            match P::wait(word, expected, slice) {
                WaitOutcome::TimedOut if !passed => {}
                outcome => return outcome,
            }
        }
    }

    fn wake(word: *const AtomicU32, count: NonZeroU32) -> Option<u32> {
        P::wake(word, count)
    }

    fn now() -> Deadline {
        const { assert!(TAG < TAGS, "a tag is below testing::TAGS") };
        // Acquire: pairs with the addition in `advance`.
        let millis = MILLIS[TAG].load(Ordering::Acquire);
        Deadline::from_nanos(u64::from(millis) * 1_000_000)
    }

    fn yield_now() {
        P::yield_now();
    }

    fn heavy_fence() -> bool {
        P::heavy_fence()
    }
}

impl<const TAG: usize, P: Platform> fmt::Debug for FakeClock<TAG, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FakeClock").field("tag", &TAG).field("now", &Self::now()).finish()
    }
}
