//! [`Os`] where the target has a backend: the system's calls, and a guard for the day that they fail.

mod backend;
mod guard;

use core::num::NonZeroU32;

use self::backend::{Backend, Native, Scope};
use crate::sync::atomic::AtomicU32;
use crate::{Capabilities, Deadline, Os, Platform, PlatformError, WaitOutcome};

#[cfg(target_arch = "wasm32")]
pub use backend::set_clock;

// SAFETY: `Native` keeps the contract where it answers; where it fails, `guard` returns, which F2 allows.
unsafe impl Platform for Os {
    #[inline]
    fn wait(word: &AtomicU32, expected: u32, deadline: Deadline) -> WaitOutcome {
        guard::wait::<Native>(Scope::Private, word, expected, deadline)
    }

    #[inline]
    fn wake(word: *const AtomicU32, count: NonZeroU32) -> Option<u32> {
        guard::wake::<Native>(Scope::Private, word, count)
    }

    #[inline]
    fn now() -> Deadline {
        Native::now()
    }

    #[inline]
    fn yield_now() {
        Native::yield_now();
    }

    #[inline]
    fn heavy_fence() -> bool {
        Native::heavy_fence()
    }

    #[inline]
    fn has_heavy_fence() -> bool {
        Native::has_heavy_fence()
    }
}

pub(crate) fn probe() -> Result<Capabilities, PlatformError> {
    guard::probe::<Native>(cfg!(any(
        target_os = "linux",
        target_os = "android",
        target_os = "freebsd",
        target_vendor = "apple"
    )))
}

#[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd", target_vendor = "apple"))]
pub(crate) fn wait_shared(word: &AtomicU32, expected: u32, deadline: Deadline) -> WaitOutcome {
    guard::wait::<Native>(Scope::Shared, word, expected, deadline)
}

#[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd", target_vendor = "apple"))]
pub(crate) fn wake_shared(word: *const AtomicU32, count: NonZeroU32) -> Option<u32> {
    guard::wake::<Native>(Scope::Shared, word, count)
}

#[cfg(all(test, target_os = "linux"))]
mod tests;
