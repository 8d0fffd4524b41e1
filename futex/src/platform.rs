//! What a target must provide: the [`Platform`] trait, and [`Os`], the built-in one.

use core::num::NonZeroU32;

use crate::sync::atomic::AtomicU32;
use crate::{Deadline, WaitOutcome};

/// Blocking, waking, a clock and two scheduling hooks: everything the layers above need from a target.
///
/// Every primitive of the workspace is generic over a platform and defaults to [`Os`], so that a kernel, an RTOS or a
/// test supplies its own. The functions are associated, not methods: a platform is a type, and a primitive that uses it
/// stays as small as its state word.
///
/// # Safety
///
/// An implementation guarantees:
///
/// * *Compare-and-block* (F1). [`wait`](Platform::wait) compares the word with `expected` and starts to block in one step
///   with respect to [`wake`](Platform::wake): a wake that starts after the word was changed either finds the waiter or
///   the waiter compared with the new value. A wake that is lost is a deadlock above.
/// * `wake` never dereferences `word`; the address may be dead, or reused by another object (F4).
/// * [`heavy_fence`](Platform::heavy_fence) returns `true` only if the caller and every other thread of the process
///   executed a full fence, or was not running, between the call and the return.
///
/// Nothing else is promised to callers: a wait may return at any time (F2), and neither function orders memory (F3).
pub unsafe trait Platform: Sized + Send + Sync + 'static {
    /// Blocks while `word == expected`, until woken, interrupted, or past `deadline`.
    ///
    /// [`Deadline::NEVER`] waits without a limit; a deadline that has passed does not block.
    fn wait(word: &AtomicU32, expected: u32, deadline: Deadline) -> WaitOutcome;

    /// Wakes at most `count` threads blocked on the address `word`; returns how many, where that is known.
    fn wake(word: *const AtomicU32, count: NonZeroU32) -> Option<u32>;

    /// The monotonic clock.
    fn now() -> Deadline;

    /// Lets other threads run.
    fn yield_now();

    /// A full fence on this thread and on every other running thread of the process; `false` if the platform has none.
    ///
    /// Callers choose a protocol by the first answer. Once `false`, it stays `false`. After `true`, a `false` means that the
    /// system withdrew the call, and that nothing was ordered this time.
    ///
    /// Use it through [`asym::heavy`](crate::asym::heavy).
    fn heavy_fence() -> bool;

    /// Whether [`heavy_fence`](Platform::heavy_fence) answers `true` now, without making the fence where that costs more
    /// than the answer.
    ///
    /// Use it through [`asym::is_available`](crate::asym::is_available).
    fn has_heavy_fence() -> bool {
        Self::heavy_fence()
    }
}

/// The built-in platform of this target.
///
/// Under `cfg(loom)` it is the modelled futex of the module `model`, under `cfg(shuttle)` one that shuttle schedules.
#[derive(Clone, Copy, Debug, Default)]
pub struct Os;

/// Makes a [`Platform`] the built-in one, [`Os`], of a target that has none.
///
/// Write it once in the final program of a kernel or of bare metal; every primitive that says nothing about its platform
/// then uses this one. Libraries need nothing: without it they build, and the program does not link. On a target that has
/// a built-in platform it has no effect.
///
/// ```
/// use reveille_futex::{Deadline, Spin};
///
/// reveille_futex::platform!(Spin);
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! platform {
    ($platform:ty) => {
        const _: () = {
            use ::core::num::NonZeroU32;
            use ::core::option::Option;
            use $crate::{AtomicU32, Deadline, Platform, WaitOutcome};

            #[unsafe(no_mangle)]
            extern "Rust" fn reveille_futex_0_1_wait(
                word: &AtomicU32,
                expected: u32,
                deadline: Deadline,
            ) -> WaitOutcome {
                <$platform as Platform>::wait(word, expected, deadline)
            }

            #[unsafe(no_mangle)]
            extern "Rust" fn reveille_futex_0_1_wake(word: *const AtomicU32, count: NonZeroU32) -> Option<u32> {
                <$platform as Platform>::wake(word, count)
            }

            #[unsafe(no_mangle)]
            extern "Rust" fn reveille_futex_0_1_now() -> Deadline {
                <$platform as Platform>::now()
            }

            #[unsafe(no_mangle)]
            extern "Rust" fn reveille_futex_0_1_yield_now() {
                <$platform as Platform>::yield_now();
            }

            #[unsafe(no_mangle)]
            extern "Rust" fn reveille_futex_0_1_heavy_fence() -> bool {
                <$platform as Platform>::heavy_fence()
            }
        };
    };
}
