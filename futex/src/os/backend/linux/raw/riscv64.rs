//! `ecall`: number in a7, arguments in a0 to a5.

use core::arch::asm;

pub(super) const FUTEX: usize = 98;
pub(super) const CLOCK_GETTIME: usize = 113;
pub(super) const SCHED_YIELD: usize = 124;
pub(super) const MEMBARRIER: usize = 283;

/// # Safety
///
/// As for the system call.
pub(super) unsafe fn syscall(number: usize, [a, b, c, d, e, f]: [usize; 6]) -> isize {
    let result;
    // SAFETY: the kernel preserves every register but a0, and does not touch the stack.
    unsafe {
        asm!(
            "ecall",
            in("a7") number,
            inlateout("a0") a as isize => result,
            in("a1") b, in("a2") c, in("a3") d, in("a4") e, in("a5") f,
            options(nostack, preserves_flags),
        );
    }
    result
}
