//! What Cortex-M processors have in common: the vector table, the mask, sleep. The board is in a module of its own.

use core::arch::asm;

use crate::{Stacks, begin};

#[cfg_attr(machine = "an521", path = "an521.rs")]
#[cfg_attr(machine = "an385", path = "an385.rs")]
#[cfg_attr(machine = "microbit", path = "microbit.rs")]
mod board;
#[cfg(any(machine = "an385", machine = "microbit"))]
pub mod storm;
#[cfg(any(machine = "an385", machine = "an521"))]
mod systick;

pub use crate::semihosting::{exit, put};
pub use board::*;
#[cfg(any(machine = "an385", machine = "microbit"))]
pub use storm::now;

#[cfg(machine = "an521")]
use interrupted;
#[cfg(any(machine = "an385", machine = "microbit"))]
use storm::interrupted;

const STACK: usize = board::STACK;
static STACKS: Stacks<STACK> = Stacks::new();

/// Interrupts of the board that have a place in the table.
const INTERRUPTS: usize = 32;

/// The interrupt controller: a bit for each interrupt of the board.
#[cfg(not(machine = "an385"))]
const SET_ENABLE: usize = 0xE000_E100;
#[cfg(not(machine = "an385"))]
pub(crate) const CLEAR_PENDING: usize = 0xE000_E280;

/// What a core starts with, and where exceptions go.
#[repr(C, align(256))]
struct Vectors {
    stack: *const u8,
    reset: extern "C" fn() -> !,
    exceptions: [extern "C" fn(); 14],
    interrupts: [extern "C" fn(); INTERRUPTS],
}

// SAFETY: a table that nobody changes.
unsafe impl Sync for Vectors {}

#[unsafe(link_section = ".vectors")]
#[used]
static VECTORS: [Vectors; CORES] = {
    const FIRST: Vectors = Vectors {
        stack: (&raw const STACKS).cast::<u8>().wrapping_add(STACK), // it grows downwards
        reset: start,
        exceptions: {
            let mut exceptions = [fault as extern "C" fn(); 14];
            exceptions[SYSTICK] = interrupted;
            exceptions
        },
        interrupts: [interrupted; INTERRUPTS],
    };
    let mut vectors = [FIRST; CORES];
    let mut core = 1;
    while core < CORES {
        vectors[core].stack = FIRST.stack.wrapping_add(core * STACK);
        core += 1;
    }
    vectors
};

/// Its place among the exceptions.
const SYSTICK: usize = 13;

extern "C" fn start() -> ! {
    mask();
    begin(board::core())
}

/// An exception: a wild jump, a bad address.
extern "C" fn fault() {
    let number: usize;
    // SAFETY: reads a register.
    unsafe { asm!("mrs {}, ipsr", out(reg) number, options(nomem, nostack)) };
    panic!("exception {number}")
}

/// Keeps interrupts pending from here on; returns whether they were before.
pub fn mask() -> bool {
    let before: usize;
    // SAFETY: accesses to memory stay after it.
    unsafe { asm!("mrs {}, primask", "cpsid i", out(reg) before, options(nostack)) };
    before & 1 == 1
}

/// Lets interrupts come.
pub fn unmask() {
    // SAFETY: accesses to memory stay before it.
    unsafe { asm!("cpsie i", options(nostack)) };
}

/// Sleeps until an interrupt is pending, masked or not.
pub fn wait_for_interrupt() {
    // SAFETY: does nothing else.
    unsafe { asm!("dsb", "wfi", options(nostack)) };
}

/// Stops this core.
pub fn stop() -> ! {
    loop {
        wait_for_interrupt();
    }
}

/// Enables an interrupt of the board.
#[cfg(not(machine = "an385"))]
pub(crate) fn enable(interrupt: u32) {
    crate::write(SET_ENABLE, 1 << interrupt);
}
