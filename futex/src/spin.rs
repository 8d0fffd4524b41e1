//! A platform for one program on bare cores, without a scheduler.

use core::fmt;
use core::marker::PhantomData;
use core::num::NonZeroU32;

use crate::sync::atomic::{AtomicU32, Ordering};
use crate::{Deadline, Platform, WaitOutcome};

#[cfg_attr(any(target_arch = "arm", target_arch = "aarch64"), path = "spin/event.rs")]
#[cfg_attr(not(any(target_arch = "arm", target_arch = "aarch64")), path = "spin/pause.rs")]
mod pause;

/// Waits by looking again: with `wfe` and `sev` on Arm, where a waiting core sleeps until an event, and with the
/// processor's pause hint elsewhere.
///
/// For bare metal, where each core runs one thread and nobody else wants the processor. It works on an operating system
/// too, but wastes the processor there. A wake is the barrier and `sev` on Arm and nothing elsewhere.
///
/// Timeouts need a clock. `C` is one; [`NoClock`] stands still, so that only [`Deadline::PASSED`] ever passes.
///
/// Make it the target's platform with [`platform!`](crate::platform!).
///
/// ```
/// use reveille_futex::{AtomicU32, Deadline, Platform, Spin, WaitOutcome};
///
/// let word = AtomicU32::new(1);
/// assert_eq!(<Spin>::wait(&word, 0, Deadline::NEVER), WaitOutcome::Mismatch);
/// ```
pub struct Spin<C: Clock = NoClock>(PhantomData<fn() -> C>);

/// A monotonic clock for [`Spin`].
///
/// ```
/// use reveille_futex::{Clock, Deadline, Platform, Spin};
///
/// struct Ticks;
/// impl Clock for Ticks {
///     fn now() -> Deadline {
///         Deadline::from_nanos(1_000) // a counter's register times its period
///     }
/// }
/// assert_eq!(Spin::<Ticks>::now(), Deadline::from_nanos(1_000));
/// ```
pub trait Clock: 'static {
    /// Nanoseconds since any origin but zero itself; never less than before.
    fn now() -> Deadline;
}

/// The clock that stands still.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoClock;

impl Clock for NoClock {
    fn now() -> Deadline {
        Deadline::from_nanos(1)
    }
}

/// Looks at the word in one wait; then it returns and the caller looks.
const LOOKS: u32 = 64;

// SAFETY: a waiter that looks at the word again and again cannot miss a change, so there is no wake to lose: on Arm the
// event that follows the change is kept until the next `wfe` of the waiting core. `wake` uses no address.
unsafe impl<C: Clock> Platform for Spin<C> {
    fn wait(word: &AtomicU32, expected: u32, deadline: Deadline) -> WaitOutcome {
        for _ in 0..LOOKS {
            // Relaxed: F3, the caller looks at the word itself.
            if word.load(Ordering::Relaxed) != expected {
                return WaitOutcome::Mismatch;
            }
            if deadline == Deadline::PASSED || (!deadline.is_never() && C::now() >= deadline) {
                return WaitOutcome::TimedOut;
            }
            pause::pause(deadline);
        }
        WaitOutcome::Returned
    }

    fn wake(_: *const AtomicU32, _: NonZeroU32) -> Option<u32> {
        pause::announce();
        None
    }

    fn now() -> Deadline {
        C::now()
    }

    fn yield_now() {
        core::hint::spin_loop();
    }

    /// There is no call that reaches the other cores.
    fn heavy_fence() -> bool {
        false
    }
}

impl<C: Clock> fmt::Debug for Spin<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Spin")
    }
}
