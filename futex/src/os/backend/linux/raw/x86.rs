//! `int 0x80`: number in eax, arguments in ebx, ecx, edx, esi, edi, ebp.
//!
//! The compiler does not give up ebx, esi and ebp at the same time, so they are saved and loaded from an array.

use core::arch::asm;

pub(super) const SCHED_YIELD: usize = 158;
pub(super) const FUTEX: usize = 240;
pub(super) const CLOCK_GETTIME: usize = 265;
pub(super) const MEMBARRIER: usize = 375;

/// # Safety
///
/// As for the system call.
pub(super) unsafe fn syscall(number: usize, [a, b, c, d, e, f]: [usize; 6]) -> isize {
    let registers = [number, a, b, c, d, e, f];
    let result;
    // SAFETY: `registers` is live and has seven words; ebx, esi and ebp are restored from the stack, the kernel preserves
    // everything but eax.
    unsafe {
        asm!(
            "push ebx",
            "push esi",
            "push ebp",
            "mov ebx, [eax + 4]",
            "mov ecx, [eax + 8]",
            "mov edx, [eax + 12]",
            "mov esi, [eax + 16]",
            "mov edi, [eax + 20]",
            "mov ebp, [eax + 24]",
            "mov eax, [eax]",
            "int 0x80",
            "pop ebp",
            "pop esi",
            "pop ebx",
            inlateout("eax") registers.as_ptr() => result,
            lateout("ecx") _, lateout("edx") _, lateout("edi") _,
        );
    }
    result
}
