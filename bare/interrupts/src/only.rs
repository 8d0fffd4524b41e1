//! What only interrupts use.

use core::cell::UnsafeCell;

/// A value of the interrupts': they do not interrupt each other, so each has it to itself.
pub(crate) struct Only<T>(UnsafeCell<T>);

// SAFETY: `with` is for interrupts, which are one after the other on one core, and for the main program when none comes.
unsafe impl<T> Sync for Only<T> {}

impl<T> Only<T> {
    pub(crate) const fn new(value: T) -> Self {
        Only(UnsafeCell::new(value))
    }

    /// # Safety
    ///
    /// The caller is an interrupt, or none comes; and `f` does not come here again.
    pub(crate) unsafe fn with<R>(&self, f: impl FnOnce(&mut T) -> R) -> R {
        // SAFETY: the caller's promise.
        f(unsafe { &mut *self.0.get() })
    }
}
