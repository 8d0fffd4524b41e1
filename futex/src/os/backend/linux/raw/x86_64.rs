//! `syscall`: number in rax, arguments in rdi, rsi, rdx, r10, r8, r9; it overwrites rcx and r11.

use core::arch::asm;

pub(super) const SCHED_YIELD: usize = 24;
pub(super) const FUTEX: usize = 202;
pub(super) const CLOCK_GETTIME: usize = 228;
pub(super) const MEMBARRIER: usize = 324;

/// # Safety
///
/// As for the system call.
pub(super) unsafe fn syscall(number: usize, [a, b, c, d, e, f]: [usize; 6]) -> isize {
    let result;
    // SAFETY: the kernel preserves every register but the three named as outputs, and does not touch the stack.
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") number as isize => result,
            in("rdi") a, in("rsi") b, in("rdx") c, in("r10") d, in("r8") e, in("r9") f,
            lateout("rcx") _, lateout("r11") _,
            options(nostack, preserves_flags),
        );
    }
    result
}
