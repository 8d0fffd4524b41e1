//! The wake path: how a worker goes to sleep and how posted work wakes one. See README.md beside this file.

pub(crate) mod counters;

use core::fmt;

use reveille_deque::Padded;
use reveille_futex::sync::atomic::{Ordering, fence};
use reveille_futex::{Deadline, Platform, const_unless_loom};
use reveille_latch::CoreLatch;

use counters::{Counters, Counts, Jec};

/// The wake path of one pool.
pub struct Sleep {
    counters: Padded<Counters>,
}

/// How a call of [`Sleep::park`] ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parked {
    /// The worker did not sleep.
    Stayed,
    /// The worker slept and was woken.
    Slept,
}

impl Sleep {
    const_unless_loom! {
        /// Nobody is idle.
        pub const fn new() -> Self {
            Sleep { counters: Padded::new(Counters::new()) }
        }
    }

    const_unless_loom! {
        /// All zero, so that a static takes no flash for it. [`begin`](Self::begin) comes before any use.
        pub(crate) const fn unused() -> Self {
            Sleep { counters: Padded::new(Counters::unused()) }
        }
    }

    /// Nobody is idle. Happens before every use.
    pub(crate) fn begin(&self) {
        self.counters.begin();
    }

    /// A reading of the counters: a hint.
    #[inline]
    pub fn counts(&self) -> Counts {
        self.counters.load()
    }

    /// A worker without work begins to search.
    pub fn start_search(&self) {
        self.counters.start_search();
    }

    /// A searcher has found work, or leaves. Returns what is left, before a fence: if anybody is idle, the caller looks for
    /// more work, and if there is some it calls [`post`](Self::post) before it runs what it found (the cascade, M20).
    ///
    /// A poster may have trusted this searcher and woken nobody. It published before it read the counters, so either its
    /// reading shows the searcher gone, or the caller's look shows its work.
    pub fn end_search(&self) -> Counts {
        let left = self.counters.end_search();
        fence(Ordering::SeqCst); // pairs with the fence in `Counters::post`
        left
    }

    /// A searcher announces that it will sleep unless something is posted from now on. A full search follows.
    pub fn announce(&self) -> Jec {
        self.counters.announce()
    }

    /// Tells the sleepers of work that was published before this call. Returns the counters if one of them should be woken, by
    /// [`wake_any`](Self::wake_any).
    ///
    /// No system call and no write if nobody is idle. A worker that is awake and searches is trusted to find the work:
    /// if it finds other work first, it wakes the next one before it runs it.
    #[inline]
    pub fn post(&self) -> Option<Counts> {
        let counts = self.counters.post();
        (counts.sleeping() > 0 && counts.searching() == 0).then_some(counts)
    }

    /// Wakes one sleeper, if one can be claimed, and returns whether it has. One that counts itself but has not parked yet will see the post.
    #[cold]
    pub fn wake_any<'a, P: Platform>(&self, latches: impl Iterator<Item = &'a CoreLatch<P>>) -> bool {
        // Between the step of the JEC and the look at the park words. Pairs with the fence in `park`.
        fence(Ordering::SeqCst);
        for latch in latches {
            if latch.claim() {
                self.counters.awaken(); // before it runs: the next poster sees a searcher
                latch.wake_owner();
                return true;
            }
        }
        false
    }

    /// Wakes the worker that parks on this latch, or keeps it from parking the next time; no look at the counters could tell
    /// which (M11). Returns whether it slept.
    pub fn wake<P: Platform>(&self, latch: &CoreLatch<P>) -> bool {
        let slept = latch.mark();
        if slept {
            self.counters.awaken();
            latch.wake_owner();
        }
        slept
    }

    /// A searcher, after an announcement and a full search that found nothing: sleeps until woken.
    ///
    /// `watch` runs when every waker can find the sleeper; if it returns `false`, what it waits for has happened.
    pub fn park<P: Platform>(&self, latch: &CoreLatch<P>, snapshot: Jec, watch: impl FnOnce() -> bool) -> Parked {
        let mut parked = Parked::Stayed;
        // Count first, park word second: a waker that claims a latch must find its owner counted.
        if latch.get_sleepy() && self.counters.fall_asleep(snapshot) {
            if latch.fall_asleep() {
                // Between the park word and the look at the JEC. Pairs with the fence in `wake_any`: either a poster
                // that saw this sleeper finds its latch asleep, or the sleeper sees that the JEC has moved (M23).
                fence(Ordering::SeqCst);
                if self.counters.posted_since(snapshot) || !watch() {
                    if latch.wake_up() {
                        self.counters.awaken(); // nobody has claimed it
                    }
                } else {
                    latch.sleep(Deadline::NEVER);
                    parked = Parked::Slept; // whoever claimed it has counted
                }
            } else {
                self.counters.awaken(); // set before it was asleep: the setter did not count
            }
        }
        latch.reset();
        parked
    }
}

impl fmt::Debug for Sleep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Sleep").field(&self.counts()).finish()
    }
}
