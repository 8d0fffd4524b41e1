//! What a scope waits for: its body and the tasks that are not done.
//!
//! Checked by the models `scope_*`, in `loom-tests/models/pool`.

use core::fmt;

use reveille_futex::sync::atomic::{AtomicUsize, Ordering};
use reveille_futex::{Platform, const_unless_loom};

use crate::signal::Signal;

/// How many are not done, and the signal of the last one.
pub struct Pending {
    /// Read-modify-writes only.
    count: AtomicUsize,
    /// Set by whoever takes `count` to zero: the last access but by the owner.
    pub done: Signal,
}

impl Pending {
    const_unless_loom! {
        /// One: the body.
        pub const fn new() -> Self {
            Pending { count: AtomicUsize::new(1), done: Signal::new() }
        }
    }

    /// One more. Called by who is counted itself.
    pub fn add_one(&self) {
        self.count.fetch_add(1, Ordering::Relaxed); // the caller holds the count above zero, and the queue publishes the task
    }

    /// One less; `true` if it was the last one, which alone may still use what waits, until it calls [`tell`](Self::tell).
    ///
    /// # Safety
    ///
    /// Called once for each count, which keeps this alive till then.
    pub unsafe fn finish_one(this: *const Self) -> bool {
        // SAFETY: the caller's promise.
        let count = unsafe { &raw const (*this).count };
        // Release: the task's work, to the owner. Acquire: the last one passes on what the others released.
        // SAFETY: as above.
        unsafe { (*count).fetch_sub(1, Ordering::AcqRel) == 1 }
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
        f.debug_tuple("Pending").field(&self.count.load(Ordering::Relaxed)).finish() // a hint
    }
}
