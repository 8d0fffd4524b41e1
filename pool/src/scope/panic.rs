//! The first panic of a scope's tasks.

pub(super) use imp::FirstPanic;

#[cfg(all(feature = "std", not(target_os = "none")))]
mod imp {
    use core::ptr;

    use std::boxed::Box;

    use reveille_futex::sync::atomic::{AtomicPtr, Ordering};

    use crate::unwind::{self, Payload};

    /// An exchange from null, then the scope's owner's. Relaxed: the owner takes it when the scope's count has told it that
    /// every task is done, and the count carries what the tasks did.
    pub(in crate::scope) struct FirstPanic(AtomicPtr<Payload>);

    impl FirstPanic {
        pub(in crate::scope) fn new() -> Self {
            FirstPanic(AtomicPtr::new(ptr::null_mut()))
        }

        pub(in crate::scope) fn keep(&self, payload: Payload) {
            let payload = Box::into_raw(Box::new(payload));
            let kept = self.0.compare_exchange(ptr::null_mut(), payload, Ordering::Relaxed, Ordering::Relaxed);
            if kept.is_err() {
                // SAFETY: made above and not kept.
                let payload = unsafe { Box::from_raw(payload) };
                unwind::swallow(|| drop(payload));
            }
        }

        pub(in crate::scope) fn take(&self) -> Option<Payload> {
            let payload = self.0.swap(ptr::null_mut(), Ordering::Relaxed);
            // SAFETY: `keep` made it from a box, and the swap took it.
            (!payload.is_null()).then(|| *unsafe { Box::from_raw(payload) })
        }
    }

    impl Drop for FirstPanic {
        fn drop(&mut self) {
            drop(self.take()); // the body's own panic came first
        }
    }
}

#[cfg(not(all(feature = "std", not(target_os = "none"))))]
mod imp {
    use crate::unwind::Payload;

    /// No panic is ever caught.
    pub(in crate::scope) struct FirstPanic;

    impl FirstPanic {
        pub(in crate::scope) fn new() -> Self {
            FirstPanic
        }

        pub(in crate::scope) fn keep(&self, payload: Payload) {
            match payload {}
        }

        pub(in crate::scope) fn take(&self) -> Option<Payload> {
            None
        }
    }
}
