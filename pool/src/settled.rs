//! A value that is set once, before it is used, and constant from then on.
//!
//! A plain read: the compiler may keep it in a register, and leaves out one whose value nobody needs.

use reveille_futex::const_unless_loom;
use reveille_futex::sync::cell::UnsafeCell;

/// Such a value.
pub(crate) struct Settled<T: Copy>(UnsafeCell<T>);

// SAFETY: a copy for each reader; whoever sets it does so before all of them, and knows that they may have it.
unsafe impl<T: Copy> Sync for Settled<T> {}

// SAFETY: as above.
unsafe impl<T: Copy> Send for Settled<T> {}

impl<T: Copy> Settled<T> {
    const_unless_loom! {
        /// With a value for those who look before it is set.
        pub(crate) const fn new(value: T) -> Self {
            Settled(UnsafeCell::new(value))
        }
    }

    /// # Safety
    ///
    /// Any thread may have the value. Nobody else is here: each other use happened before this one, or this one happens
    /// before it.
    pub(crate) unsafe fn set(&self, value: T) {
        // SAFETY: the caller's promise.
        self.0.with_mut(|place| unsafe { *place = value });
    }

    #[inline(always)]
    pub(crate) fn get(&self) -> T {
        // SAFETY: nobody sets it meanwhile: that is what `set` was promised.
        self.0.with(|place| unsafe { *place })
    }
}
