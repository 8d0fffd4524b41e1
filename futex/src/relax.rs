//! A bounded look before a sleep: pause for a moment, offer the processor a few times, then give up.
//!
//! The primitives above share it, so that they burn alike. The pause is bounded by *time*, because one `pause` takes 5 ns
//! on one processor and 40 on the next, and by a count, because the clock of a test may stand still. Under loom and shuttle,
//! where a spin would only cost steps or never end, both bounds are zero. A core of 32 bits without an operating system does not
//! look at all: it goes to sleep in a few instructions, and would pay for the look in flash.

use crate::Platform;
use crate::sync::hint;

/// Looks without a pause in between, at the start: what ends within some tens of nanoseconds should be seen at once.
const EAGER: u32 = 32;

/// Looks at the clock are this many pauses apart: a look at it costs about one pause.
const PAUSES_PER_LOOK: u32 = 4;

/// The shortest pause of any processor, in nanoseconds: the bound if the clock stands still.
const SHORTEST_PAUSE: u32 = 4;

const SPINS: bool = !cfg!(any(loom, shuttle));

/// Whether there is a look at all.
pub const LOOKS: bool = !cfg!(all(target_os = "none", target_pointer_width = "32"));

/// How long to look for a condition before sleeping on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Nanoseconds of pausing.
    pub nanos: u32,
    /// Offers of the processor to other threads after that.
    pub yields: u32,
}

/// Returns whether `done` became true within the budget. `done` is asked at least once, where there is a look at all.
#[inline]
pub fn until<P: Platform>(budget: Budget, mut done: impl FnMut() -> bool) -> bool {
    if !LOOKS {
        return false;
    }
    if SPINS && budget.nanos > 0 {
        for _ in 0..EAGER {
            if done() {
                return true;
            }
        }
        let end = P::now().saturating_add(core::time::Duration::from_nanos(u64::from(budget.nanos)));
        for _ in 0..budget.nanos / (SHORTEST_PAUSE * PAUSES_PER_LOOK) {
            for _ in 0..PAUSES_PER_LOOK {
                if done() {
                    return true;
                }
                hint::spin_loop();
            }
            if P::now() >= end {
                break;
            }
        }
    }
    if SPINS {
        for _ in 0..budget.yields {
            if done() {
                return true;
            }
            P::yield_now();
        }
    }
    done()
}
