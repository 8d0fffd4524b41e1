//! `svc 0`: number in r7, arguments in r0 to r5.
//!
//! In Thumb code r7 is the frame pointer, which the compiler does not give up, so it is kept in another register.

use core::arch::asm;

pub(super) const SCHED_YIELD: usize = 158;
pub(super) const FUTEX: usize = 240;
pub(super) const CLOCK_GETTIME: usize = 263;
pub(super) const MEMBARRIER: usize = 389;

/// # Safety
///
/// As for the system call.
pub(super) unsafe fn syscall(number: usize, [a, b, c, d, e, f]: [usize; 6]) -> isize {
    let result;
    // SAFETY: r7 is restored before the block ends; the kernel preserves every register but r0, and does not touch the
    // stack.
    unsafe {
        asm!(
            "mov {saved}, r7",
            "mov r7, {number}",
            "svc 0",
            "mov r7, {saved}",
            saved = out(reg) _,
            number = in(reg) number,
            inlateout("r0") a as isize => result,
            in("r1") b, in("r2") c, in("r3") d, in("r4") e, in("r5") f,
            options(nostack, preserves_flags),
        );
    }
    result
}
