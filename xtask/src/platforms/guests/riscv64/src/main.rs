//! Four harts without a system: `platform!` makes a kernel of a page of code the platform of the conformance suite.
//!
//! QEMU's exit status is the outcome: zero, or the number of the check that failed.
#![no_std]
#![no_main]

mod kernel;

use core::arch::global_asm;

use reveille_futex::conformance::{Options, Suite};

reveille_futex::platform!(kernel::Kernel);

global_asm!(
    ".section .text.start",
    ".globl _start",
    "_start:",
    "csrr a0, mhartid",
    "la sp, _stacks",
    "addi t0, a0, 1",
    "slli t0, t0, 16", // 64 KiB for each hart
    "add sp, sp, t0",
    "li t0, 0x88", // software and timer interrupts end a wfi; none is taken, because they are off globally
    "csrw mie, t0",
    "call {main}",
    main = sym main,
);

const FOLLOWERS: u32 = 3;

static SUITE: Suite = Suite::new(Options::quick().hand_offs(20_000).late(core::time::Duration::from_millis(200)));

extern "C" fn main(hart: usize) -> ! {
    if hart != 0 {
        let _ = SUITE.follow(); // the leader reports the same failure
        kernel::stop()
    }
    match SUITE.lead(FOLLOWERS) {
        Ok(_) => kernel::exit(0),
        Err(failure) => kernel::exit(failure.check as u32),
    }
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    kernel::exit(101)
}
