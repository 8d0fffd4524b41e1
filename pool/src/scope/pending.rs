//! What a scope waits for: its body and the tasks that are not done.
//!
//! ```text
//!   count   one for each task that is not done, and the body's share
//!   share   one for the body, and those that it has taken in advance, for tasks to come
//! ```
//!
//! A body that spawns many tasks would write the word that the ends of these tasks write. So it takes counts in advance, hands
//! one to each task, and gives the rest back with its own when it ends.
//!
//! *Invariant.* Until the body has ended its share is at least one, and `count` is the share and the tasks: it is zero only when
//! all is done. Spawns by anybody else, and by the body's thread later on, are steps of `count`.
//!
//! Checked by the models `scope_*`, in `loom-tests/models/pool`.

use core::fmt;

use reveille_deque::Padded;
use reveille_futex::sync::atomic::{AtomicUsize, Ordering};
use reveille_futex::{Platform, const_unless_loom};

use crate::signal::Signal;

/// How many counts a body takes at once. Few under loom, so that a model takes them twice.
const ADVANCE: usize = if cfg!(loom) { 2 } else { 1 << 10 };

/// How many are not done, and the signal of the last one.
pub struct Pending {
    /// The body's alone, and apart from what the tasks write. Zero after the body has ended.
    share: Padded<AtomicUsize>,
    /// Read-modify-writes only.
    count: AtomicUsize,
    /// Set by whoever takes `count` to zero: the last access but by the owner.
    pub done: Signal,
}

impl Pending {
    const_unless_loom! {
        /// The body, and what it has in advance.
        pub const fn new() -> Self {
            let share = 1 + ADVANCE;
            Pending {
                share: Padded::new(AtomicUsize::new(share)),
                count: AtomicUsize::new(share),
                done: Signal::new(),
            }
        }
    }

    /// One more. Called by who is counted itself.
    pub fn add_one(&self) {
        self.add(1);
    }

    /// One more, out of the body's share while it has one.
    ///
    /// # Safety
    ///
    /// Called on the thread that runs the body, or ran it, and by who is counted itself.
    #[inline]
    pub unsafe fn add_one_from_body(&self) {
        let share = match self.share.load(Ordering::Relaxed) {
            0 => return self.add(1), // the body has ended
            1 => {
                self.add(ADVANCE);
                1 + ADVANCE
            }
            share => share,
        };
        self.share.store(share - 1, Ordering::Relaxed); // one thread's
    }

    fn add(&self, counts: usize) {
        self.count.fetch_add(counts, Ordering::Relaxed); // the caller holds the count above zero, and the queue publishes the task
    }

    /// One less, because a task is done; `true` if it was the last one, which alone may still use what waits, until it calls
    /// [`tell`](Self::tell).
    ///
    /// # Safety
    ///
    /// Called once for each count, which keeps this alive till then.
    pub unsafe fn finish_one(this: *const Self) -> bool {
        // SAFETY: the caller's promise.
        unsafe { Self::finish(this, 1) }
    }

    /// [`finish_one`](Self::finish_one), because the body is done: its share goes.
    ///
    /// # Safety
    ///
    /// Called once, on the body's thread.
    pub unsafe fn finish_body(this: *const Self) -> bool {
        // SAFETY: the body's count keeps this alive.
        let share = unsafe { &(*this).share };
        let counts = share.load(Ordering::Relaxed); // one thread's
        share.store(0, Ordering::Relaxed); // as above
        // SAFETY: the share is the body's.
        unsafe { Self::finish(this, counts) }
    }

    /// # Safety
    ///
    /// The counts are the caller's, and keep this alive till then.
    unsafe fn finish(this: *const Self, counts: usize) -> bool {
        // SAFETY: the caller's promise.
        let count = unsafe { &raw const (*this).count };
        // Release: the task's work, to the owner. Acquire: the last one passes on what the others released.
        // SAFETY: as above.
        unsafe { (*count).fetch_sub(counts, Ordering::AcqRel) == counts }
    }

    /// Tells the owner that all is done; `true` if it watches with its park word, and must be woken by that.
    ///
    /// # Safety
    ///
    /// The caller was the last one. This may be gone when the call returns.
    pub unsafe fn tell<P: Platform>(this: *const Self) -> bool {
        // SAFETY: the owner waits for the signal.
        let done = unsafe { &raw const (*this).done };
        // SAFETY: as above; this is the last access.
        unsafe { Signal::set::<P>(done) }
    }
}

impl fmt::Debug for Pending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (count, share) = (self.count.load(Ordering::Relaxed), self.share.load(Ordering::Relaxed)); // hints
        f.debug_struct("Pending").field("count", &count).field("share", &share).finish()
    }
}
