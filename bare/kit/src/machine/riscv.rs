//! QEMU's `virt` with four harts of RISC-V, 32 or 64 bits wide.
//!
//! All harts start at once, in machine mode. Interrupts are enabled one by one and never taken: a pending one ends a `wfi`.

use core::arch::{asm, global_asm};

use crate::{Stacks, begin, read, write};

/// How many there are.
pub const CORES: usize = 4;

/// The device that ends QEMU: a pass, or a code above a fail.
const FINISHER: usize = 0x10_0000;
const PASS: u32 = 0x5555;
const FAIL: u32 = 0x3333;

/// The interrupt controller.
const CLINT: usize = 0x200_0000;
const MSIP: usize = CLINT; // one word per hart: its software interrupt
const MTIMECMP: usize = CLINT + 0x4000; // two words per hart: its timer interrupt
const MTIME: usize = CLINT + 0xBFF8; // two words
const NANOS_PER_TICK: u64 = 100;

const UART: usize = 0x1000_0000;

const STACK: usize = 1 << 16;
static STACKS: Stacks<STACK> = Stacks::new();

global_asm!(
    ".section .text.start, \"ax\"",
    ".globl _start",
    "_start:",
    "csrr a0, mhartid",
    "la sp, {stacks}",
    "addi t0, a0, 1",
    "slli t0, t0, 16",
    "add sp, sp, t0",
    "la t0, 1f",
    "csrw mtvec, t0",
    "li t0, 0x88", // software and timer interrupts end a wfi; none is taken, because they are off globally
    "csrw mie, t0",
    "call {begin}",
    ".balign 4", // where traps go
    "1: j {fault}",
    stacks = sym STACKS,
    fault = sym fault,
    begin = sym begin,
);

/// An exception: a wild jump, a bad address.
extern "C" fn fault() -> ! {
    let (cause, at): (usize, usize);
    // SAFETY: reads registers.
    unsafe { asm!("csrr {}, mcause", "csrr {}, mepc", out(reg) cause, out(reg) at, options(nomem, nostack)) };
    panic!("exception {cause} at {at:#x}")
}

pub(crate) fn init(_core: usize) {}

/// The number of this hart.
pub fn core() -> usize {
    let hart: usize;
    // SAFETY: reads a register.
    unsafe { asm!("csrr {}, mhartid", out(reg) hart, options(nomem, nostack)) };
    hart
}

/// Nanoseconds since the start.
pub fn now() -> u64 {
    loop {
        let (high, low) = (read(MTIME + 4), read(MTIME));
        if read(MTIME + 4) == high {
            return (u64::from(high) << 32 | u64::from(low)) * NANOS_PER_TICK;
        }
    }
}

/// Interrupts a hart. What this hart wrote before is written by then.
pub fn interrupt(core: usize) {
    fence();
    write(MSIP + 4 * core, 1);
}

/// Forgets the interrupts of this hart; what it reads afterwards is read later. Whether another hart has interrupted it.
pub fn clear() -> bool {
    let interrupt = MSIP + 4 * core();
    let pending = read(interrupt) & 1 == 1;
    write(interrupt, 0);
    fence();
    pending
}

/// Sleeps until an interrupt is pending, at the latest at `nanos`.
pub fn sleep(nanos: u64) {
    let ticks = nanos.div_ceil(NANOS_PER_TICK);
    let register = MTIMECMP + 8 * core();
    write(register, u32::MAX); // never earlier than meant while half of it is written
    write(register + 4, (ticks >> 32) as u32);
    write(register, ticks as u32);
    // SAFETY: sleeps until an interrupt is pending.
    unsafe { asm!("wfi", options(nostack)) };
}

/// Between memory and devices.
fn fence() {
    // SAFETY: orders accesses, and does nothing else.
    unsafe { asm!("fence iorw, iorw", options(nostack)) };
}

/// Ends QEMU with this status.
pub fn exit(status: u32) -> ! {
    write(FINISHER, if status == 0 { PASS } else { FAIL | status << 16 });
    stop()
}

/// Stops this hart.
pub fn stop() -> ! {
    loop {
        // SAFETY: sleeps until an interrupt is pending.
        unsafe { asm!("wfi", options(nomem, nostack)) };
    }
}

/// Puts a character on the console.
pub fn put(byte: u8) {
    // SAFETY: the transmit register; QEMU takes every byte at once.
    unsafe { core::ptr::with_exposed_provenance_mut::<u8>(UART).write_volatile(byte) };
}
