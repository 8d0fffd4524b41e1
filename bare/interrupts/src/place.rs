//! Where the main program leaves what interrupts are to use.

use core::ptr;
use core::sync::atomic::{AtomicPtr, Ordering};

use kit::machine::storm;

/// A reference that the main program lends to interrupts.
pub(crate) struct Place<T>(AtomicPtr<T>);

impl<T: Sync> Place<T> {
    pub(crate) const fn empty() -> Self {
        Place(AtomicPtr::new(ptr::null_mut()))
    }

    /// Lends `value` to the interrupts that come until `f` returns; they have started again after an earlier calm.
    pub(crate) fn lend(&self, value: &T, f: impl FnOnce()) {
        self.0.store(ptr::from_ref(value).cast_mut(), Ordering::Release); // an interrupt sees the value whole
        storm::go_on();
        f();
        assert!(self.get().is_none(), "an interrupt lets the main program go on, and is done with it before");
    }

    /// What is lent.
    pub(crate) fn get(&self) -> Option<&T> {
        // SAFETY: lent, and so alive. It is cleared before the main program can go on.
        unsafe { self.0.load(Ordering::Acquire).as_ref() }
    }

    /// The interrupt is done with it, but for a last step.
    pub(crate) fn clear(&self) {
        self.0.store(ptr::null_mut(), Ordering::Relaxed);
    }
}
