//! Backpressure: a publisher takes a credit per item, the loop gives it back when it has run the item.
//!
//! ```text
//!   word: SHUT | credits left      sleeping threads wait for "0 left, not shut"
//!   take:  CAS  n -> n - k         give: add k; fence; wake min(k, sleepers); wake the tasks
//!   sleep: count in; fence; the futex compares; take; ...; count out
//! ```
//!
//! *Invariant.* A publisher counts itself in before it confirms that nothing is left, and the giver looks at the count
//! after it gave, with a full fence between on both sides: one of them sees the other. Nobody sleeps while a credit is
//! left that no awake publisher has seen: each credit given wakes one sleeper (REGRESSIONS B2).
//!
//! Checked by `credits_*` of `loom-tests/models/bridge.rs`.

use core::marker::PhantomData;
use core::num::NonZeroU32;
use core::pin::Pin;
use core::task::Waker;

use reveille_futex::sync::atomic::{AtomicU32, Ordering, fence};
use reveille_futex::wakers::{Entry, WakerList};
use reveille_futex::{Deadline, Platform, WaitOutcome, const_unless_loom};

/// Nothing is given out any more, whatever is left.
const SHUT: u32 = 1 << 31;

/// As many as the word can count.
pub(crate) const MOST: u32 = SHUT - 1;

/// What an attempt to take credits came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Take {
    Taken,
    Full,
    Shut,
}

pub(crate) struct Credits<P: Platform> {
    /// Read-modify-writes only. The futex word of sleeping publishers.
    word: AtomicU32,
    /// Threads that sleep or are about to.
    sleepers: AtomicU32,
    /// Futures that have waited and are not yet done.
    tasks: AtomicU32,
    wakers: WakerList,
    /// `None`: credits are not counted.
    capacity: Option<u32>,
    platform: PhantomData<P>,
}

impl<P: Platform> Credits<P> {
    const_unless_loom! {
        pub(crate) const fn new(capacity: Option<u32>) -> Self {
            let left = match capacity {
                Some(capacity) => capacity,
                None => MOST,
            };
            Credits {
                word: AtomicU32::new(left),
                sleepers: AtomicU32::new(0),
                tasks: AtomicU32::new(0),
                wakers: WakerList::new(),
                capacity,
                platform: PhantomData,
            }
        }
    }

    /// How many are taken, if they are counted.
    pub(crate) fn taken(&self) -> Option<u32> {
        // Relaxed: a number for people.
        self.capacity.map(|capacity| capacity - (self.word.load(Ordering::Relaxed) & MOST).min(capacity))
    }

    #[inline]
    pub(crate) fn take(&self, count: u32) -> Take {
        if self.capacity.is_none() {
            return Take::Taken; // the lane says whether it is closed
        }
        // Relaxed, here and below: a credit is a number and carries no data.
        let mut word = self.word.load(Ordering::Relaxed);
        loop {
            if word & SHUT != 0 {
                return Take::Shut;
            }
            if word < count {
                return Take::Full;
            }
            match self.word.compare_exchange_weak(word, word - count, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return Take::Taken,
                Err(now) => word = now,
            }
        }
    }

    /// Takes one, sleeping until there is one or `deadline` passes. Blocks.
    #[cold]
    pub(crate) fn take_asleep(&self, deadline: Deadline) -> Take {
        self.sleepers.fetch_add(1, Ordering::Relaxed); // ordered by the fence
        // Between counting in and the futex's comparison; pairs with the one in `tell`. Without it the giver may miss
        // the count while this thread misses the credit.
        fence(Ordering::SeqCst);
        let outcome = loop {
            // The outcome decides only whether time is up.
            let timed_out = P::wait(&self.word, 0, deadline) == WaitOutcome::TimedOut;
            match self.take(1) {
                // A credit that arrived with the timeout was tried for: a wake meant for this thread is not wasted.
                Take::Full if !timed_out => {}
                outcome => break outcome,
            }
        };
        self.sleepers.fetch_sub(1, Ordering::Relaxed);
        outcome
    }

    /// Gives `count` back and wakes as many publishers.
    #[inline]
    pub(crate) fn give(&self, count: u32) {
        if self.capacity.is_some() && count > 0 {
            self.word.fetch_add(count, Ordering::Relaxed); // ordered by the fence in `tell`
            self.tell(count);
        }
    }

    /// Ends every wait, now and later.
    pub(crate) fn shut(&self) {
        self.word.fetch_or(SHUT, Ordering::Relaxed); // ordered by the fence in `tell`
        self.tell(u32::MAX);
    }

    fn tell(&self, count: u32) {
        // Between the change of the word and the look at who waits; pairs with those in `take_asleep` and `listen`.
        fence(Ordering::SeqCst);
        // Relaxed: ordered by the fence.
        let sleepers = self.sleepers.load(Ordering::Relaxed);
        if let Some(wakes) = NonZeroU32::new(count.min(sleepers)) {
            P::wake(&raw const self.word, wakes);
        }
        if self.tasks.load(Ordering::Relaxed) > 0 {
            // SAFETY: the list lives as long as `self`.
            unsafe { WakerList::notify_all::<P>(&raw const self.wakers, &mut || ()) };
        }
    }

    /// A future begins to wait; [`deafen`](Self::deafen) ends it.
    pub(crate) fn enlist(&self) {
        self.tasks.fetch_add(1, Ordering::Relaxed); // ordered by the fence in `listen`
    }

    /// Leaves the waker of an enlisted future, unless there may be a credit now.
    ///
    /// # Safety
    ///
    /// The entry is used with this list only, and [`deafen`](Self::deafen) is called before it is dropped.
    pub(crate) unsafe fn listen(&self, entry: Pin<&Entry>, waker: &Waker) -> bool {
        let none_left = || {
            // Between enlisting and the look at the credits; pairs with the one in `tell`.
            fence(Ordering::SeqCst);
            self.word.load(Ordering::Relaxed) == 0
        };
        // SAFETY: the caller's promise.
        unsafe { self.wakers.register::<P>(entry, waker, none_left) }
    }

    /// # Safety
    ///
    /// The entry is used with this list only.
    pub(crate) unsafe fn deafen(&self, entry: Pin<&Entry>) {
        // SAFETY: the caller's promise.
        unsafe { self.wakers.remove::<P>(entry) };
        self.tasks.fetch_sub(1, Ordering::Relaxed); // a hint that may lag
    }
}
