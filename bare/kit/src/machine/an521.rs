//! MPS2 with the image of application note 521: two Cortex-M33, in their secure state.
//!
//! The second core waits until the first one lets it run. Each can interrupt the other by a message unit. Interrupts stay
//! masked: a pending one ends a `wfi`.

use super::{CLEAR_PENDING, VECTORS, enable, systick, wait_for_interrupt};
use crate::{read, write};

/// How many there are.
pub const CORES: usize = 2;

pub(super) const STACK: usize = 1 << 16;

const CORE_NUMBER: usize = 0x5001_F000;

/// The system's control registers.
const SECOND_VECTORS: usize = 0x5002_1114;
const CORES_WAIT: usize = 0x5002_1118;

/// The message unit: for each core a register of bits, one to set them and one to clear them.
const MESSAGES: usize = 0x5000_3000;
const MESSAGE: u32 = 6; // its interrupt
const PER_CORE: usize = 0x10;
const SET: usize = MESSAGES + 0x04;
const CLEAR: usize = MESSAGES + 0x08;

/// A timer that counts down, in steps of 50 ns, for 214 s; longer than any program here runs.
const TIMER: usize = 0x5000_0000;
const TIMER_VALUE: usize = TIMER + 0x04;
const TIMER_RELOAD: usize = TIMER + 0x08;
const NANOS_PER_TICK: u64 = 50;

pub(crate) fn init(core: usize) {
    enable(MESSAGE);
    if core == 0 {
        write(TIMER_RELOAD, u32::MAX);
        write(TIMER_VALUE, u32::MAX);
        write(TIMER, 1);
        write(SECOND_VECTORS, (&raw const VECTORS[1]).addr() as u32);
        write(CORES_WAIT, 0);
    }
}

/// Interrupts are masked from the start on.
pub(super) extern "C" fn interrupted() {
    panic!("an interrupt was taken");
}

/// The number of this core.
pub fn core() -> usize {
    read(CORE_NUMBER) as usize
}

/// Nanoseconds since the start.
pub fn now() -> u64 {
    u64::from(u32::MAX - read(TIMER_VALUE)) * NANOS_PER_TICK
}

/// Interrupts a core. What this core wrote before is written by then.
pub fn interrupt(core: usize) {
    barrier();
    write(SET + PER_CORE * core, 1);
}

/// Forgets the interrupts of this core; what it reads afterwards is read later. Whether another core has interrupted it.
pub fn clear() -> bool {
    let messages = PER_CORE * core();
    let pending = read(MESSAGES + messages) != 0;
    write(CLEAR + messages, u32::MAX);
    write(CLEAR_PENDING, 1 << MESSAGE);
    systick::stop_timer();
    barrier();
    pending
}

/// Sleeps until an interrupt is pending, or less than a second, at the latest until `nanos`.
pub fn sleep(nanos: u64) {
    let ticks = nanos.saturating_sub(now()).div_ceil(NANOS_PER_TICK);
    systick::start_timer(ticks.min(u64::from(systick::LONGEST)) as u32);
    wait_for_interrupt();
}

fn barrier() {
    // SAFETY: orders accesses, and does nothing else.
    unsafe { core::arch::asm!("dsb", options(nostack)) };
}
