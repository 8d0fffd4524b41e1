//! A platform that counts calls.

use core::fmt;
use core::marker::PhantomData;
use core::num::NonZeroU32;

use super::TAGS;
use crate::sync::atomic::{AtomicU32, Ordering};
use crate::{Deadline, Os, Platform, WaitOutcome};

/// Passes every call on to `P` and counts it: a path that must not make a system call leaves the counts alone.
///
/// Counts of the same `TAG` are shared by all `P`.
///
/// ```
/// use reveille_futex::{AtomicU32, Platform, testing::Counting};
/// use std::num::NonZeroU32;
///
/// type Mine = Counting<1>;
/// let word = AtomicU32::new(0);
/// Mine::wake(&word, NonZeroU32::MIN);
/// assert_eq!(Mine::counts().blocking_calls(), 1);
/// Mine::reset();
/// assert_eq!(Mine::counts().blocking_calls(), 0);
/// ```
pub struct Counting<const TAG: usize, P: Platform = Os>(PhantomData<fn() -> P>);

/// How often each function of a platform was called.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// Calls of [`Platform::wait`].
    pub waits: u32,
    /// Calls of [`Platform::wake`].
    pub wakes: u32,
    /// Calls of [`Platform::now`].
    pub clock_reads: u32,
    /// Calls of [`Platform::yield_now`].
    pub yields: u32,
    /// Calls of [`Platform::heavy_fence`].
    pub heavy_fences: u32,
}

impl Counts {
    /// Waits and wakes together: what an uncontended path must not do.
    pub fn blocking_calls(self) -> u32 {
        self.waits.wrapping_add(self.wakes)
    }
}

struct Slot {
    waits: AtomicU32,
    wakes: AtomicU32,
    clock_reads: AtomicU32,
    yields: AtomicU32,
    heavy_fences: AtomicU32,
}

static SLOTS: [Slot; TAGS] = [const {
    Slot {
        waits: AtomicU32::new(0),
        wakes: AtomicU32::new(0),
        clock_reads: AtomicU32::new(0),
        yields: AtomicU32::new(0),
        heavy_fences: AtomicU32::new(0),
    }
}; TAGS];

impl<const TAG: usize, P: Platform> Counting<TAG, P> {
    const SLOT: &'static Slot = {
        assert!(TAG < TAGS, "a tag is below testing::TAGS");
        &SLOTS[TAG]
    };

    /// The calls since the start or the last [`reset`](Self::reset).
    ///
    /// A count includes the calls that happened before this one; join the threads of the test first.
    pub fn counts() -> Counts {
        // Relaxed: a test reads after it joined the threads that count.
        Counts {
            waits: Self::SLOT.waits.load(Ordering::Relaxed),
            wakes: Self::SLOT.wakes.load(Ordering::Relaxed),
            clock_reads: Self::SLOT.clock_reads.load(Ordering::Relaxed),
            yields: Self::SLOT.yields.load(Ordering::Relaxed),
            heavy_fences: Self::SLOT.heavy_fences.load(Ordering::Relaxed),
        }
    }

    /// Starts counting from zero.
    pub fn reset() {
        let Slot { waits, wakes, clock_reads, yields, heavy_fences } = Self::SLOT;
        for counter in [waits, wakes, clock_reads, yields, heavy_fences] {
            counter.store(0, Ordering::Relaxed); // no other thread of the test counts now
        }
    }
}

fn count(counter: &AtomicU32) {
    counter.fetch_add(1, Ordering::Relaxed); // a number, read after a join
}

// SAFETY: every call is passed on to `P`, which keeps the contract.
unsafe impl<const TAG: usize, P: Platform> Platform for Counting<TAG, P> {
    fn wait(word: &AtomicU32, expected: u32, deadline: Deadline) -> WaitOutcome {
        count(&Self::SLOT.waits);
        P::wait(word, expected, deadline)
    }

    fn wake(word: *const AtomicU32, limit: NonZeroU32) -> Option<u32> {
        count(&Self::SLOT.wakes);
        P::wake(word, limit)
    }

    fn now() -> Deadline {
        count(&Self::SLOT.clock_reads);
        P::now()
    }

    fn yield_now() {
        count(&Self::SLOT.yields);
        P::yield_now();
    }

    fn heavy_fence() -> bool {
        count(&Self::SLOT.heavy_fences);
        P::heavy_fence()
    }
}

impl<const TAG: usize, P: Platform> fmt::Debug for Counting<TAG, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Counting").field("tag", &TAG).field("counts", &Self::counts()).finish()
    }
}
