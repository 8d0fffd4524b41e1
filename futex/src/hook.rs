//! [`Os`] on targets without a backend: functions that the final program supplies with [`platform!`](crate::platform!).
//!
//! They are found by name when the program is linked, so that a library for such a target builds as on any other.

use core::num::NonZeroU32;

use crate::sync::atomic::AtomicU32;
use crate::{Capabilities, Deadline, Os, Platform, PlatformError, WaitOutcome};

unsafe extern "Rust" {
    fn reveille_futex_0_1_wait(word: &AtomicU32, expected: u32, deadline: Deadline) -> WaitOutcome;
    fn reveille_futex_0_1_wake(word: *const AtomicU32, count: NonZeroU32) -> Option<u32>;
    fn reveille_futex_0_1_now() -> Deadline;
    fn reveille_futex_0_1_yield_now();
    fn reveille_futex_0_1_heavy_fence() -> bool;
}

// SAFETY: the functions are those of a `Platform`: nobody but `platform!` may define them.
unsafe impl Platform for Os {
    #[inline]
    fn wait(word: &AtomicU32, expected: u32, deadline: Deadline) -> WaitOutcome {
        // SAFETY: defined by `platform!`, with this signature.
        unsafe { reveille_futex_0_1_wait(word, expected, deadline) }
    }

    #[inline]
    #[allow(clippy::not_unsafe_ptr_arg_deref, reason = "a platform's wake uses the address alone (F4)")]
    fn wake(word: *const AtomicU32, count: NonZeroU32) -> Option<u32> {
        // SAFETY: as above.
        unsafe { reveille_futex_0_1_wake(word, count) }
    }

    #[inline]
    fn now() -> Deadline {
        // SAFETY: as above.
        unsafe { reveille_futex_0_1_now() }
    }

    #[inline]
    fn yield_now() {
        // SAFETY: as above.
        unsafe { reveille_futex_0_1_yield_now() };
    }

    #[inline]
    fn heavy_fence() -> bool {
        // SAFETY: as above.
        unsafe { reveille_futex_0_1_heavy_fence() }
    }
}

/// The program's own platform has nothing to ask.
pub(crate) fn probe() -> Result<Capabilities, PlatformError> {
    Ok(Capabilities { backend: "platform!", counts_wakes: false, shared: false, heavy_fence: Os::heavy_fence() })
}
