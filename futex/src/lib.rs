//! Wait and wake on one 32-bit word.
//!
//! A futex is the smallest thing on which every other way to block can be built: [`wait`] blocks while a word holds an
//! expected value, [`wake_one`] and [`wake_all`] end such waits. This crate offers it on every target with one contract:
//!
//! * **F1 compare-and-block.** A wake that starts after a change of the word either finds the waiter queued, or the
//!   waiter compared against the new value.
//! * **F2** A wait may return at any time; callers re-check their condition in a loop.
//! * **F3** No memory ordering beyond F1 is promised: publish data by your own release and acquire on the word.
//! * **F4** Waking a dead address costs at most a spurious wake, so the wake functions take a raw pointer and are safe.
//! * **F5** Waits and wakes are private to the process.
//!
//! ```
//! use reveille_futex::{AtomicU32, wait, wake_all};
//! use std::sync::atomic::Ordering;
//!
//! static READY: AtomicU32 = AtomicU32::new(0);
//!
//! std::thread::scope(|s| {
//!     s.spawn(|| {
//!         READY.fetch_add(1, Ordering::Release); // publish, then wake
//!         wake_all(&READY);
//!     });
//!     while READY.load(Ordering::Acquire) == 0 {
//!         wait(&READY, 0);
//!     }
//! });
//! assert_eq!(READY.load(Ordering::Relaxed), 1);
//! ```
//!
#![doc = include_str!("../INTERRUPTS.md")]
#![no_std]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(all(target_arch = "wasm32", target_feature = "atomics"), feature(stdarch_wasm_atomic_wait))]

#[cfg(any(loom, shuttle, test))]
extern crate std;

/// The README's examples.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}

pub mod asym;
#[cfg(not(loom))]
pub mod conformance;
mod deadline;
#[doc(hidden)]
pub mod need;
mod platform;
#[doc(hidden)]
pub mod relax;
#[doc(hidden)]
pub mod sync;
#[cfg(not(loom))]
pub mod testing;
#[doc(hidden)]
pub mod wakers;

#[cfg(loom)]
pub mod model;
#[cfg(loom)]
use model as os;

#[cfg(shuttle)]
mod scheduled;
#[cfg(shuttle)]
use scheduled as os;

#[cfg(not(any(loom, shuttle)))]
#[cfg_attr(
    not(any(
        target_os = "linux",
        target_os = "android",
        windows,
        target_vendor = "apple",
        all(target_arch = "wasm32", target_feature = "atomics"),
        all(unix, feature = "libc")
    )),
    path = "hook.rs"
)]
mod os;

#[cfg(all(
    not(any(loom, shuttle)),
    any(
        target_os = "linux",
        target_os = "android",
        target_vendor = "apple",
        all(target_os = "freebsd", feature = "libc")
    )
))]
pub mod shared;

mod probe;
#[cfg(not(loom))]
mod spin;

use core::num::NonZeroU32;
use core::time::Duration;

pub use deadline::Deadline;
#[cfg(all(not(any(loom, shuttle)), target_arch = "wasm32", target_feature = "atomics"))]
pub use os::set_clock;
pub use platform::{Os, Platform};
pub use probe::{Capabilities, PlatformError};
#[cfg(not(loom))]
pub use spin::{Clock, NoClock, Spin};
pub use sync::atomic::AtomicU32;

/// Why a wait returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WaitOutcome {
    /// Woken, interrupted by a signal, or for no reason at all. Re-check the condition.
    Returned,
    /// The word did not hold the expected value; the call did not block.
    Mismatch,
    /// The deadline passed.
    TimedOut,
}

/// Blocks while `word` holds `expected`, until woken.
///
/// May return at any time; call it in a loop that re-checks the condition with an acquire load. Orders no memory.
/// Blocks, does not allocate, must not be called from an interrupt.
///
/// Source: `futex(2)`, `FUTEX_WAIT`.
#[inline]
pub fn wait(word: &AtomicU32, expected: u32) -> WaitOutcome {
    Os::wait(word, expected, Deadline::NEVER)
}

/// Like [`wait`], for at most `timeout`. A zero timeout never blocks; one too large for the clock never ends.
#[inline]
pub fn wait_timeout(word: &AtomicU32, expected: u32, timeout: Duration) -> WaitOutcome {
    Os::wait(word, expected, Deadline::after(timeout))
}

/// Like [`wait`], until `deadline` at the latest.
#[inline]
pub fn wait_until(word: &AtomicU32, expected: u32, deadline: Deadline) -> WaitOutcome {
    Os::wait(word, expected, deadline)
}

/// Wakes at least one thread that waits on `word`, if there is one.
///
/// Returns how many were woken where the platform knows; the count is a hint, never a basis of correctness. The pointer
/// is not dereferenced. Never blocks or allocates; orders no memory.
#[inline]
pub fn wake_one(word: *const AtomicU32) -> Option<u32> {
    Os::wake(word, NonZeroU32::MIN)
}

/// Wakes at most `count` threads that wait on `word`. Otherwise like [`wake_one`].
#[inline]
pub fn wake(word: *const AtomicU32, count: NonZeroU32) -> Option<u32> {
    Os::wake(word, count)
}

/// Wakes every thread that waits on `word`. Otherwise like [`wake_one`].
#[inline]
pub fn wake_all(word: *const AtomicU32) -> Option<u32> {
    Os::wake(word, NonZeroU32::MAX)
}

/// Asks what this machine can do, by making every call once; call it at start-up, before other threads wait.
///
/// # Errors
///
/// The system refuses a call that it should have, now or earlier: a seccomp filter, a sandbox, a kernel without futexes.
/// Waits work all the same, by spinning and yielding, for as long as the process runs.
///
/// Blocks no longer than a system call, does not allocate.
///
/// ```
/// let capabilities = reveille_futex::probe().expect("this machine has futexes");
/// println!("{}", capabilities.backend);
/// # assert!(!capabilities.backend.is_empty());
/// ```
pub fn probe() -> Result<Capabilities, PlatformError> {
    os::probe()
}
