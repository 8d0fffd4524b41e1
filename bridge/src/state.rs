//! What a bridge is apart from its lanes: the word, the credits, and how the loop is told.

use core::fmt;

use reveille_futex::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use reveille_futex::{Deadline, Platform, const_unless_loom};

use crate::credits::{Credits, Take};
use crate::here;
use crate::signal::Signal;
use crate::word::{Phase, Word};

/// Everything of a bridge that does not depend on what it carries.
pub struct Core<P: Platform> {
    /// Read-modify-writes only.
    word: AtomicU32,
    pub(crate) credits: Credits<P>,
    /// Whether a receiver was ever made. Swapped.
    pub(crate) attached: AtomicBool,
    /// The thread that drained last; 0 if unknown. Stored by the loop.
    home: AtomicUsize,
    /// Reasons for the loop to stay. Read-modify-writes only.
    holds: AtomicU32,
    /// Signals sent. Read-modify-writes only.
    edges: AtomicUsize,
}

impl<P: Platform> fmt::Debug for Core<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Core").field("word", &self.word()).finish_non_exhaustive()
    }
}

impl<P: Platform> Core<P> {
    const_unless_loom! {
        pub(crate) const fn new(capacity: Option<u32>) -> Self {
            Core {
                word: AtomicU32::new(Word::INIT.0),
                credits: Credits::new(capacity),
                attached: AtomicBool::new(false),
                home: AtomicUsize::new(0),
                holds: AtomicU32::new(0),
                edges: AtomicUsize::new(0),
            }
        }
    }

    pub(crate) fn word(&self) -> Word {
        // Relaxed: a refusal relies on nothing, and a loop that sees PENDING clears it before it looks for the item.
        Word(self.word.load(Ordering::Relaxed))
    }

    /// Replaces the word by `next` of it; returns the one before.
    fn step(&self, next: impl Fn(Word) -> Word) -> Word {
        let mut word = self.word.load(Ordering::Relaxed); // confirmed by the exchange
        loop {
            // AcqRel on the word: see the callers. The exchange happens also if nothing changes: a plain load could be
            // stale, and the loop would not see the item that was pushed before it (M24).
            match self.word.compare_exchange_weak(word, next(Word(word)).0, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => return Word(word),
                Err(now) => word = now,
            }
        }
    }

    /// Tells the loop that something is there, if nobody has yet.
    #[inline]
    pub(crate) fn post(&self, signal: &impl Signal) {
        // Release: pairs with `clear_pending`; without it the loop may clear PENDING and not find the item.
        if self.step(Word::posted).must_signal() {
            self.send(signal);
        }
    }

    /// Sends the signal that this thread has counted in the word.
    #[cold]
    fn send(&self, signal: &impl Signal) {
        self.edges.fetch_add(1, Ordering::Relaxed); // a number for people
        signal.signal();
        // Release: pairs with the acquire of whoever retires the signal, which must come after this use of it.
        let before = self.word.fetch_sub(Word::SIGNALLER, Ordering::AcqRel);
        if Word(before - Word::SIGNALLER).is_quiet() {
            signal.retire(); // the last one out
        }
    }

    /// The loop, before it takes (R17): from here on the next publication signals again.
    #[inline]
    pub(crate) fn clear_pending(&self) -> Word {
        // Acquire: pairs with `post`; every publication that found PENDING set is in its lane.
        Word(self.word.fetch_and(!Word::PENDING, Ordering::Acquire))
    }

    /// INIT -> RUNNING.
    pub(crate) fn run(&self) {
        self.step(|word| if word.phase() == Phase::Init { word.with_phase(Phase::Running) } else { word });
    }

    /// To DRAINING, and tells the loop; `false` if it was closed already.
    pub(crate) fn close(&self, signal: &impl Signal) -> bool {
        let next = |word: Word| if word.is_open() { word.with_phase(Phase::Draining).posted() } else { word };
        let before = self.step(next);
        if before.is_open() {
            self.credits.shut();
            if before.must_signal() {
                self.send(signal);
            }
        }
        before.is_open()
    }

    /// The loop, when nothing is left: to CLOSED.
    pub(crate) fn finish(&self, signal: &impl Signal) {
        let before = self.step(|word| word.with_phase(Phase::Closed));
        if before.is_open() {
            self.credits.shut();
        }
        if before.phase() != Phase::Closed && before.with_phase(Phase::Closed).is_quiet() {
            signal.retire();
        }
    }

    /// Remembers that the caller is the loop.
    #[inline]
    pub(crate) fn come_home(&self) {
        if let Some(here) = here::current() {
            self.home.store(here, Ordering::Relaxed); // asked for only by this thread about itself
        }
    }

    /// Takes a credit, sleeping if need be. `None`: the caller is the loop.
    pub(crate) fn take_credit(&self, deadline: Deadline) -> Option<Take> {
        match self.credits.take(1) {
            Take::Full => {}
            taken => return Some(taken),
        }
        // Relaxed: if this is the loop's thread, it has stored that itself.
        if here::current().is_some_and(|here| here == self.home.load(Ordering::Relaxed)) {
            return None;
        }
        Some(self.credits.take_asleep(deadline))
    }

    pub(crate) fn edges(&self) -> usize {
        self.edges.load(Ordering::Relaxed)
    }

    pub(crate) fn hold(&self) {
        self.holds.fetch_add(1, Ordering::Relaxed); // published by whatever hands the hold on
    }

    /// `true` for the last hold.
    pub(crate) fn unhold(&self) -> bool {
        // Release: pairs with `is_held`; who sees nobody hold sees what the holders did.
        self.holds.fetch_sub(1, Ordering::Release) == 1
    }

    pub(crate) fn is_held(&self) -> bool {
        self.holds.load(Ordering::Acquire) > 0 // pairs with `unhold`
    }
}
