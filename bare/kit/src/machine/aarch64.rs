//! QEMU's `virt` with four cores of 64-bit Arm.
//!
//! The first core starts alone, in EL1 without an MMU; it switches on the others by PSCI. All of them map memory to itself,
//! because exclusive accesses are for cached memory. Interrupts stay masked: a pending one ends a `wfi`.

use core::arch::{asm, global_asm};

pub use crate::semihosting::{exit, put};
use crate::{Stacks, begin, read, write};

/// How many there are.
pub const CORES: usize = 4;

/// The interrupt controller, version 2: the distributor, and what each core sees of it.
const DISTRIBUTOR: usize = 0x800_0000;
const ENABLE: usize = DISTRIBUTOR;
const SET_ENABLE: usize = DISTRIBUTOR + 0x100;
const SOFTWARE_INTERRUPT: usize = DISTRIBUTOR + 0xF00;
const INTERFACE: usize = 0x801_0000;
const INTERFACE_ENABLE: usize = INTERFACE;
const PRIORITY_MASK: usize = INTERFACE + 0x04;
const ACKNOWLEDGE: usize = INTERFACE + 0x0C;
const END: usize = INTERFACE + 0x10;
const NUMBER: u32 = 0x3FF; // of an interrupt, beside that of the core that sent it
const NONE_PENDING: u32 = 1020;
const WAKE: u32 = 0; // what `interrupt` sends
const TIMER: u32 = 27;

const NANOS_PER_TICK: u64 = 16;

const STACK: usize = 1 << 16;
static STACKS: Stacks<STACK> = Stacks::new();

/// The first level of the page table: gigabytes of devices and of memory.
#[repr(C, align(4096))]
struct Table([u64; 512]);

static TABLE: Table = {
    const BLOCK: u64 = 0b01;
    const ACCESSED: u64 = 1 << 10;
    const INNER_SHAREABLE: u64 = 0b11 << 8;
    const MEMORY: u64 = 1 << 2; // the second attribute of MAIR, see below
    let mut table = [0; 512];
    table[0] = BLOCK | ACCESSED;
    table[1] = 1 << 30 | BLOCK | ACCESSED | INNER_SHAREABLE | MEMORY;
    Table(table)
};

global_asm!(
    ".section .text.start, \"ax\"",
    ".globl _start",
    "_start:",
    "mov x0, #0",
    "second:", // the others, with their number in x0
    "adrp x1, {stacks}",
    "add x1, x1, :lo12:{stacks}",
    "add x2, x0, #1",
    "add x1, x1, x2, lsl #16",
    "mov sp, x1",
    "mov x1, #(3 << 20)", // floating point and vector registers
    "msr cpacr_el1, x1",
    "adr x1, vectors",
    "msr vbar_el1, x1",
    "mov x1, #0xFF04", // attribute 0: device; 1: memory, cached
    "msr mair_el1, x1",
    "ldr x1, =0x200803519", // 39 bits of addresses, 4 KiB granule, cached walks, nothing above
    "msr tcr_el1, x1",
    "adrp x1, {table}",
    "msr ttbr0_el1, x1",
    "isb",
    "mrs x1, sctlr_el1",
    "mov x2, #0x1005", // MMU, data cache, instruction cache
    "orr x1, x1, x2",
    "msr sctlr_el1, x1",
    "isb",
    "b {begin}",
    ".balign 2048", // where exceptions go: sixteen places of 128 bytes
    "vectors:",
    ".rept 16",
    "b {fault}",
    ".balign 128",
    ".endr",
    stacks = sym STACKS,
    table = sym TABLE,
    begin = sym begin,
    fault = sym fault,
);

unsafe extern "C" {
    fn second();
}

/// An exception: a wild jump, a bad address.
extern "C" fn fault() -> ! {
    let (cause, at): (u64, u64);
    // SAFETY: reads registers.
    unsafe { asm!("mrs {}, esr_el1", "mrs {}, elr_el1", out(reg) cause, out(reg) at, options(nomem, nostack)) };
    panic!("exception {cause:#x} at {at:#x}")
}

pub(crate) fn init(core: usize) {
    let frequency: u64;
    // SAFETY: reads a register.
    unsafe { asm!("mrs {}, cntfrq_el0", out(reg) frequency, options(nomem, nostack)) };
    assert_eq!(frequency * NANOS_PER_TICK, 1_000_000_000);
    write(PRIORITY_MASK, 0xFF);
    write(INTERFACE_ENABLE, 1);
    write(SET_ENABLE, 1 << TIMER | 1 << WAKE); // each core has its own copy
    if core == 0 {
        write(ENABLE, 1);
        (1..CORES).for_each(switch_on);
    }
}

fn switch_on(core: usize) {
    const CPU_ON: u64 = 0xC400_0003;
    let mut status = CPU_ON;
    // SAFETY: the core starts at `second`, on its own stack.
    unsafe {
        asm!(
            "hvc #0",
            inout("x0") status,
            inout("x1") core => _,
            inout("x2") second as *const () => _,
            inout("x3") core => _,
            options(nostack),
            clobber_abi("C"),
        );
    }
    assert_eq!(status, 0, "core {core} does not start");
}

/// The number of this core.
pub fn core() -> usize {
    let affinity: usize;
    // SAFETY: reads a register.
    unsafe { asm!("mrs {}, mpidr_el1", out(reg) affinity, options(nomem, nostack)) };
    affinity & 0xFF
}

/// Nanoseconds since the start.
pub fn now() -> u64 {
    let ticks: u64;
    // SAFETY: reads a register; not before what came before, and once each time.
    unsafe { asm!("isb", "mrs {}, cntvct_el0", out(reg) ticks, options(nostack)) };
    ticks * NANOS_PER_TICK
}

/// Interrupts a core. What this core wrote before is written by then.
pub fn interrupt(core: usize) {
    barrier();
    write(SOFTWARE_INTERRUPT, 1 << (16 + core) | WAKE);
}

/// Forgets the interrupts of this core; what it reads afterwards is read later. Whether another core has interrupted it.
pub fn clear() -> bool {
    // SAFETY: stops the timer, whose interrupt would stay.
    unsafe { asm!("msr cntv_ctl_el0, xzr", "isb", options(nostack)) };
    let mut interrupted = false;
    loop {
        let pending = read(ACKNOWLEDGE);
        if pending & NUMBER >= NONE_PENDING {
            break;
        }
        interrupted |= pending & NUMBER == WAKE;
        write(END, pending);
    }
    barrier();
    interrupted
}

/// Sleeps until an interrupt is pending, at the latest at `nanos`.
pub fn sleep(nanos: u64) {
    let ticks = nanos.div_ceil(NANOS_PER_TICK);
    // SAFETY: sets the timer, then sleeps until an interrupt is pending.
    unsafe {
        asm!(
            "msr cntv_cval_el0, {ticks}",
            "msr cntv_ctl_el0, {on}",
            "isb",
            "wfi",
            ticks = in(reg) ticks,
            on = in(reg) 1_u64,
            options(nostack),
        );
    }
}

fn barrier() {
    // SAFETY: orders accesses, and does nothing else.
    unsafe { asm!("dsb sy", options(nostack)) };
}

/// Stops this core.
pub fn stop() -> ! {
    loop {
        // SAFETY: sleeps until an interrupt is pending.
        unsafe { asm!("wfi", options(nomem, nostack)) };
    }
}
