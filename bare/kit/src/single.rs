//! The platform of a machine with one core, whose only other activity is interrupts.
//!
//! ```text
//!   wait: mask interrupts; compare; sleep until one is pending; unmask, and it is taken
//!   wake: nothing. It is called by an interrupt, whose arrival has ended the sleep
//! ```
//!
//! There is no lock, so there is nothing that an interrupt could wait for.

use core::num::NonZeroU32;
use core::sync::atomic::Ordering;

use reveille::futex::{AtomicU32, Deadline, Platform, WaitOutcome};

use crate::machine;

/// The platform.
pub struct Single;

// SAFETY: between the comparison and the sleep no interrupt is taken, and one that is pending ends the sleep. `wake` uses
// no address. There is no heavy fence.
unsafe impl Platform for Single {
    fn wait(word: &AtomicU32, expected: u32, deadline: Deadline) -> WaitOutcome {
        let were_masked = machine::mask();
        let outcome = if word.load(Ordering::Relaxed) != expected {
            WaitOutcome::Mismatch
        } else if Self::now() >= deadline {
            WaitOutcome::TimedOut
        } else {
            machine::wait_for_interrupt();
            WaitOutcome::Returned
        };
        if !were_masked {
            machine::unmask();
        }
        outcome
    }

    fn wake(_: *const AtomicU32, _: NonZeroU32) -> Option<u32> {
        None
    }

    fn now() -> Deadline {
        Deadline::from_nanos(1 + machine::now())
    }

    fn yield_now() {
        core::hint::spin_loop();
    }

    fn heavy_fence() -> bool {
        false
    }
}
