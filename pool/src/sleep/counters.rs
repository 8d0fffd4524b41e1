//! The packed word of the wake path: who sleeps, who searches, and the jobs event counter.
//!
//! ```text
//!   jobs event counter (JEC) | searching | sleeping
//!         32 bits (16)         16 (8)      16 (8)        on 64-bit (32-bit) targets
//! ```
//!
//! The JEC is even when somebody has announced that it is about to sleep, odd when work was posted since. Announcers move
//! it from odd to even, posters from even to odd; both moving it the same way would stop it after one step (M8).
//! One word, so that "one sleeps, none searches" is one reading and not two (M4).
//!
//! Whoever claims a sleeper counts on its behalf, and the sleeper may run before that: it sees that it was claimed. Until
//! the claimer's step, the word shows one sleeper too many and one searcher too few, never the other way round; so nobody
//! trusts a searcher that is not there. A searcher that leaves in that moment takes the searching field below zero: the
//! field is kept with a bias, so that it does not borrow from its neighbour (M21).

use core::fmt;

use reveille_futex::const_unless_loom;
use reveille_futex::sync::atomic::{AtomicUsize, Ordering, fence};

#[cfg(target_pointer_width = "64")]
const FIELD_BITS: u32 = 16;
#[cfg(not(target_pointer_width = "64"))]
const FIELD_BITS: u32 = 8;

const FIELD_MASK: usize = (1 << FIELD_BITS) - 1;
const ONE_SLEEPING: usize = 1;
const ONE_SEARCHING: usize = 1 << FIELD_BITS;

/// What the searching field holds when nobody searches.
const BIAS: usize = 1 << (FIELD_BITS - 1);

/// Under loom and shuttle one bit, so that they reach its roll-over.
const JEC_SHIFT: u32 = if cfg!(any(loom, shuttle)) { usize::BITS - 1 } else { 2 * FIELD_BITS };
const ONE_JEC: usize = 1 << JEC_SHIFT;

/// Nobody is idle, and nobody is sleepy.
const RESTING: usize = ONE_JEC | BIAS << FIELD_BITS;

/// The largest number of seats that one pool can count.
pub(crate) const MAX_SEATS: usize = (1 << (FIELD_BITS - 1)) - 1;

/// One reading of the counters.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Counts(usize);

impl Counts {
    /// Workers that are parked, or about to be.
    #[inline]
    pub fn sleeping(self) -> usize {
        self.0 & FIELD_MASK
    }

    /// Workers that are awake and look for work.
    #[inline]
    pub fn searching(self) -> usize {
        (self.0 >> FIELD_BITS & FIELD_MASK).saturating_sub(BIAS)
    }

    /// Searching or sleeping.
    #[inline]
    pub fn idle(self) -> usize {
        self.sleeping() + self.searching()
    }

    #[inline]
    fn jec(self) -> Jec {
        Jec(self.0 >> JEC_SHIFT)
    }
}

impl fmt::Debug for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} sleeping, {} searching, jec {}", self.sleeping(), self.searching(), self.jec().0)
    }
}

/// A reading of the jobs event counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Jec(usize);

impl Jec {
    fn is_sleepy(self) -> bool {
        self.0 & 1 == 0
    }
}

/// The word. Read-modify-writes only, and Relaxed: it publishes nothing. Who decides by it and by something else has a
/// fence between the two, as [`post`](Self::post) and [`announce`](Self::announce) do themselves.
pub(crate) struct Counters(AtomicUsize);

impl Counters {
    const_unless_loom! {
        pub(crate) const fn new() -> Self {
            Counters(AtomicUsize::new(RESTING))
        }
    }

    const_unless_loom! {
        /// All zero; [`begin`](Self::begin) comes before any use.
        pub(crate) const fn unused() -> Self {
            Counters(AtomicUsize::new(0))
        }
    }

    /// What [`new`](Self::new) starts with.
    pub(crate) fn begin(&self) {
        self.0.swap(RESTING, Ordering::Relaxed); // happens before every use
    }

    /// A reading for decisions that a later exchange or fence confirms.
    #[inline]
    pub(crate) fn load(&self) -> Counts {
        Counts(self.0.load(Ordering::Relaxed)) // callers fence first, or take it as a hint
    }

    /// Poster, after publishing: makes the JEC odd, and reads who could take the work.
    #[inline]
    pub(crate) fn post(&self) -> Counts {
        // Between the publication and the reading. Pairs with the fences in `announce` and in `Sleep::park`: either the
        // poster sees the idle worker, or that worker's next look sees the work (M1).
        fence(Ordering::SeqCst);
        let mut now = self.load();
        while now.jec().is_sleepy() {
            match self.0.compare_exchange_weak(now.0, now.0.wrapping_add(ONE_JEC), Ordering::Relaxed, Ordering::Relaxed)
            {
                Ok(_) => return Counts(now.0.wrapping_add(ONE_JEC)),
                Err(newer) => now = Counts(newer),
            }
        }
        now
    }

    /// Searcher: makes the JEC even, and takes its snapshot after that step (M9). What is posted from now on changes the
    /// JEC; what was posted before is found by a search that starts now (M2).
    pub(crate) fn announce(&self) -> Jec {
        let mut now = self.load();
        while !now.jec().is_sleepy() {
            match self.0.compare_exchange_weak(now.0, now.0.wrapping_add(ONE_JEC), Ordering::Relaxed, Ordering::Relaxed)
            {
                Ok(_) => now = Counts(now.0.wrapping_add(ONE_JEC)),
                Err(newer) => now = Counts(newer),
            }
        }
        // Between the announcement and the search. Pairs with the fence in `post`.
        fence(Ordering::SeqCst);
        now.jec()
    }

    /// Searcher: counts itself as a sleeper if nothing was posted since its snapshot.
    pub(crate) fn fall_asleep(&self, snapshot: Jec) -> bool {
        let mut now = self.load();
        while now.jec() == snapshot {
            let asleep = now.0 - ONE_SEARCHING + ONE_SLEEPING;
            // Whoever claims the park word that is published next finds this step done: the latch releases it.
            match self.0.compare_exchange_weak(now.0, asleep, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return true,
                Err(newer) => now = Counts(newer),
            }
        }
        false
    }

    /// Whether something was posted since the snapshot.
    pub(crate) fn posted_since(&self, snapshot: Jec) -> bool {
        self.load().jec() != snapshot // the caller's fence pairs with `post`
    }

    /// Whoever claimed a sleeper counts it as a searcher, on its behalf (M5).
    pub(crate) fn awaken(&self) -> Counts {
        // After the sleeper's own step: the claim has acquired what the sleeper's latch released.
        let before = Counts(self.0.fetch_add(ONE_SEARCHING - ONE_SLEEPING, Ordering::Relaxed));
        debug_assert!(before.sleeping() > 0, "{before:?}"); // claimed, so counted: never below zero (M21)
        before
    }

    /// A worker without work begins to search.
    pub(crate) fn start_search(&self) {
        // Whoever relies on a searcher relies on its later announcement.
        let before = Counts(self.0.fetch_add(ONE_SEARCHING, Ordering::Relaxed));
        debug_assert!(before.idle() < MAX_SEATS, "{before:?}");
    }

    /// A searcher has found work, or leaves; returns what is left.
    pub(crate) fn end_search(&self) -> Counts {
        // A poster that still counted on this searcher published before; see `Sleep::end_search`, which has the fence.
        let before = self.0.fetch_sub(ONE_SEARCHING, Ordering::Relaxed);
        Counts(before.wrapping_sub(ONE_SEARCHING))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// The steps of the wake path, by any number of workers, from any event count: the fields keep to themselves, and an
        /// announcement that nothing followed, and only that, lets its worker fall asleep.
        #[test]
        fn a_life_of_the_counters(
            jec in prop_oneof![Just(1), Just(usize::MAX >> JEC_SHIFT), any::<usize>()],
            steps in prop::collection::vec(0..6_u32, 0..80),
        ) {
            let counters = Counters(AtomicUsize::new(jec << JEC_SHIFT | BIAS << FIELD_BITS));
            let (mut searching, mut sleeping) = (0, 0);
            let mut snapshot = None;
            for step in steps {
                match step {
                    0 => {
                        counters.start_search();
                        searching += 1;
                    }
                    1 if searching > 0 => {
                        let left = counters.end_search();
                        searching -= 1;
                        prop_assert_eq!(left.idle(), searching + sleeping);
                    }
                    2 if searching > 0 => {
                        let taken = counters.announce();
                        prop_assert!(taken.is_sleepy() && !counters.posted_since(taken));
                        snapshot = Some(taken);
                    }
                    3 if searching > 0 => {
                        if let Some(snapshot) = snapshot {
                            let quiet = !counters.posted_since(snapshot);
                            prop_assert_eq!(counters.fall_asleep(snapshot), quiet);
                            searching -= usize::from(quiet);
                            sleeping += usize::from(quiet);
                        }
                    }
                    4 if sleeping > 0 => {
                        counters.awaken();
                        sleeping -= 1;
                        searching += 1;
                    }
                    _ => {
                        let counts = counters.post();
                        prop_assert!(!counts.jec().is_sleepy());
                        prop_assert!(snapshot.is_none_or(|snapshot| counters.posted_since(snapshot)));
                    }
                }
                let counts = counters.load();
                prop_assert_eq!((counts.searching(), counts.sleeping()), (searching, sleeping));
                prop_assert_eq!(counts.idle(), searching + sleeping);
            }
        }
    }

    #[test]
    fn fields_do_not_touch_and_the_jec_alternates() {
        let counters = Counters::new();
        counters.start_search();
        counters.start_search();
        let first = counters.announce();
        assert!(first.is_sleepy());
        assert_eq!(counters.announce(), first, "a second announcement changes nothing");
        assert!(counters.fall_asleep(first));
        let counts = counters.post();
        assert_eq!((counts.sleeping(), counts.searching(), counts.jec().is_sleepy()), (1, 1, false));
        assert!(!counters.fall_asleep(first), "posted since");
        assert_eq!(counters.post(), counts, "a second post changes nothing");
        let second = counters.announce();
        assert_ne!(second, first);
        counters.awaken();
        let counts = counters.end_search();
        assert_eq!((counts.sleeping(), counts.searching()), (0, 1));
        assert_eq!(counters.end_search().idle(), 0);
    }

    #[test]
    fn a_claim_that_is_counted_late_touches_no_other_field() {
        let counters = Counters::new();
        counters.start_search();
        let snapshot = counters.announce();
        assert!(counters.fall_asleep(snapshot));
        // Claimed, not counted yet, and it runs: it finds nothing and falls asleep again.
        assert!(counters.fall_asleep(snapshot), "the JEC is untouched");
        assert_eq!((counters.load().sleeping(), counters.load().searching()), (2, 0));
        counters.awaken();
        assert_eq!((counters.load().sleeping(), counters.load().searching()), (1, 0));
    }

    #[test]
    fn the_jec_rolls_over_into_nothing() {
        let counters = Counters(AtomicUsize::new(usize::MAX << JEC_SHIFT | (BIAS + 1) << FIELD_BITS));
        let counts = Counts(counters.0.load(Ordering::Relaxed));
        assert!(!counts.jec().is_sleepy());
        let snapshot = counters.announce();
        assert_eq!(snapshot, Jec(0));
        assert_eq!(counters.load().searching(), 1);
        assert!(counters.fall_asleep(snapshot));
    }
}
