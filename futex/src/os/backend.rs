//! Which system calls stand behind [`Os`](crate::Os) on this target.
//!
//! | target | file |
//! |---|---|
//! | Linux, Android | `backend/linux.rs`, called through libc or by our own instruction |
//! | Windows | `backend/windows.rs` |
//! | Apple | `backend/apple.rs` |
//! | FreeBSD, with feature `libc` | `backend/freebsd.rs` |
//! | wasm32 with atomics | `backend/wasm.rs` |
//! | other unix, with feature `libc` | `backend/pthread.rs` |
//! | none of these | no backend; `hook.rs`: functions that the program supplies |
//!
//! A backend says what the system answered, errors included; `guard.rs` makes a [`Platform`](crate::Platform) of it.

#[cfg_attr(any(target_os = "linux", target_os = "android"), path = "backend/linux.rs")]
#[cfg_attr(windows, path = "backend/windows.rs")]
#[cfg_attr(target_vendor = "apple", path = "backend/apple.rs")]
#[cfg_attr(target_os = "freebsd", path = "backend/freebsd.rs")]
#[cfg_attr(target_arch = "wasm32", path = "backend/wasm.rs")]
#[cfg_attr(
    all(unix, not(any(target_os = "linux", target_os = "android", target_vendor = "apple", target_os = "freebsd"))),
    path = "backend/pthread.rs"
)]
mod native;

#[cfg(all(test, target_os = "linux", feature = "libc"))]
#[path = "backend/pthread.rs"]
pub(crate) mod pthread;

use core::num::NonZeroU32;

pub(crate) use native::Native;
#[cfg(target_arch = "wasm32")]
pub use native::set_clock;
#[cfg(all(test, target_os = "linux"))]
pub(crate) use native::{Linux, call};

use super::guard::Fault;
use crate::sync::atomic::AtomicU32;
use crate::{Deadline, WaitOutcome};

/// Who can meet on a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Threads of this process, by address.
    Private,
    /// Every process that maps the memory.
    #[cfg_attr(
        not(any(target_os = "linux", target_os = "android", target_os = "freebsd", target_vendor = "apple")),
        expect(dead_code, reason = "nothing to share with")
    )]
    Shared,
}

/// A system call's error number.
pub(crate) type Code = i32;

/// What a system offers, with its errors.
///
/// # Safety
///
/// As for [`Platform`](crate::Platform): `wait` that answers `Ok` compares and blocks in one step, `wake` does not
/// dereference the address, and `heavy_fence` is one.
pub(crate) unsafe trait Backend: Send + Sync + 'static {
    /// What [`Capabilities`](crate::Capabilities) calls it.
    const NAME: &'static str;

    /// Whether a wake knows how many it woke.
    const COUNTS_WAKES: bool;

    /// The first unexpected error of this backend.
    fn fault() -> &'static Fault;

    /// The deadline is not [`Deadline::PASSED`].
    fn wait(scope: Scope, word: &AtomicU32, expected: u32, deadline: Deadline) -> Result<WaitOutcome, Code>;

    fn wake(scope: Scope, address: usize, count: NonZeroU32) -> Result<Option<u32>, Code>;

    fn now() -> Deadline;

    fn yield_now();

    fn heavy_fence() -> bool;

    /// As [`Platform::has_heavy_fence`](crate::Platform::has_heavy_fence).
    fn has_heavy_fence() -> bool {
        Self::heavy_fence()
    }
}
