//! `svc 0`: number in x8, arguments in x0 to x5.

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
    // SAFETY: the kernel preserves every register but x0, and does not touch the stack.
    unsafe {
        asm!(
            "svc 0",
            in("x8") number,
            inlateout("x0") a as isize => result,
            in("x1") b, in("x2") c, in("x3") d, in("x4") e, in("x5") f,
            options(nostack, preserves_flags),
        );
    }
    result
}
