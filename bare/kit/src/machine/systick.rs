//! The timer that is part of the processor.

use crate::write;

const CONTROL: usize = 0xE000_E010;
const RELOAD: usize = 0xE000_E014;
const VALUE: usize = 0xE000_E018;
const ON: u32 = 0b111;
const STATE: usize = 0xE000_ED04;
const FORGET: u32 = 1 << 25;

/// The most that it can count.
pub(crate) const LONGEST: u32 = 0xFF_FFFF;

/// Interrupts after so many steps.
pub(crate) fn start_timer(steps: u32) {
    write(RELOAD, steps.clamp(1, LONGEST));
    write(VALUE, 0);
    write(CONTROL, ON);
}

/// No interrupt comes any more, or is pending.
pub(crate) fn stop_timer() {
    write(CONTROL, 0);
    write(STATE, FORGET);
}
