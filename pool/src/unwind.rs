//! Panics that cross threads.
//!
//! With `std`, a panic in a task is caught where it happens and resumed where its result is wanted. Without, nothing can
//! catch it: a panic that would unwind into the pool aborts, because the task's owner would wait for ever.

#[cfg(all(feature = "std", not(target_os = "none")))]
mod imp {
    use std::any::Any;
    use std::boxed::Box;
    use std::panic::{self, AssertUnwindSafe};

    pub(crate) type Payload = Box<dyn Any + Send>;

    #[inline]
    pub(crate) fn catch<R>(f: impl FnOnce() -> R) -> Result<R, Payload> {
        // Unwind safety is the caller's: the payload is resumed, or the pool aborts, before anyone sees a broken state.
        panic::catch_unwind(AssertUnwindSafe(f))
    }

    pub(crate) fn resume(payload: Payload) -> ! {
        panic::resume_unwind(payload)
    }
}

#[cfg(not(all(feature = "std", not(target_os = "none"))))]
mod imp {
    /// No panic is ever caught.
    #[derive(Debug)]
    pub(crate) enum Payload {}

    #[inline]
    pub(crate) fn catch<R>(f: impl FnOnce() -> R) -> Result<R, Payload> {
        let bomb = super::AbortOnDrop("a task panicked, and without `std` nobody can catch it");
        let result = f();
        core::mem::forget(bomb);
        Ok(result)
    }

    pub(crate) fn resume(payload: Payload) -> ! {
        match payload {}
    }
}

pub(crate) use imp::{Payload, catch, resume};

/// Runs `f` and keeps its panic from everybody, for want of anybody to give it to. A payload whose own drop panics ends the
/// matter: what that throws is leaked.
pub(crate) fn swallow(f: impl FnOnce()) {
    if let Err(payload) = catch(f) {
        let ended = catch(move || {
            let _dropped = payload;
        });
        if let Err(again) = ended {
            let _leaked = core::mem::ManuallyDrop::new(again);
        }
    }
}

/// A panic while unwinding is an abort.
#[cfg_attr(
    all(feature = "std", not(target_os = "none")),
    allow(dead_code, reason = "only what nobody can catch aborts")
)]
pub(crate) struct AbortOnDrop(pub(crate) &'static str);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        panic!("{}", self.0);
    }
}
