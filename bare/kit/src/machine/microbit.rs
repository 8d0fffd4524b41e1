//! The micro:bit: a Cortex-M0 without compare-and-swap, in an nRF51 that has timers of its own.

use super::enable;
use crate::write;

/// How many there are.
pub const CORES: usize = 1;

pub(super) const STACK: usize = 6 << 10;

const TIMER: usize = 0x4000_8000;
const TIMER_INTERRUPT: u32 = 8;
const START: usize = TIMER;
const STOP: usize = TIMER + 0x004;
const CLEAR: usize = TIMER + 0x00C;
const REACHED: usize = TIMER + 0x140;
const INTERRUPT_WHEN: usize = TIMER + 0x304;
const BIT_MODE: usize = TIMER + 0x508;
const PRESCALER: usize = TIMER + 0x510;
const COMPARE: usize = TIMER + 0x540;

pub(crate) fn init(_core: usize) {
    write(BIT_MODE, 3); // 32 bits
    write(PRESCALER, 0); // 16 MHz
    write(INTERRUPT_WHEN, 1 << 16); // the first compare register is reached
    enable(TIMER_INTERRUPT);
}

/// The number of this core.
pub fn core() -> usize {
    0
}

/// Interrupts after so many steps.
pub(crate) fn start_timer(steps: u32) {
    write(COMPARE, steps);
    write(CLEAR, 1);
    write(START, 1);
}

/// No interrupt comes any more, or is pending.
pub(crate) fn stop_timer() {
    write(STOP, 1);
    write(REACHED, 0);
    write(super::CLEAR_PENDING, 1 << TIMER_INTERRUPT);
}

/// Atomics, on a processor that has none: nothing comes between two instructions of one while interrupts are masked.
mod atomics {
    use critical_section::RawRestoreState;

    use crate::machine::{mask, unmask};

    struct Masked;
    critical_section::set_impl!(Masked);

    // SAFETY: there is one core, and what is not interrupted is alone on it.
    unsafe impl critical_section::Impl for Masked {
        unsafe fn acquire() -> RawRestoreState {
            mask()
        }

        unsafe fn release(were_masked: RawRestoreState) {
            if !were_masked {
                unmask();
            }
        }
    }
}
