//! The whole futex API in a program that consists of nothing but this workspace's code and `core`.
#![no_std]
#![no_main]

use core::arch::{asm, global_asm};
use core::time::Duration;

use reveille_futex::{AtomicU32, Deadline, Os, WaitOutcome, asym, probe, wait, wait_timeout, wake_all, wake_one};

global_asm!(
    ".globl _start",
    "_start:",
    "xor ebp, ebp", // the outermost frame
    "and rsp, -16",
    "call {main}",
    "ud2",
    main = sym main,
);

/// Ends the process; the status is the number of the check that failed, zero if none did.
fn exit(status: i32) -> ! {
    const EXIT_GROUP: usize = 231;
    // SAFETY: the call does not return.
    unsafe { asm!("syscall", in("rax") EXIT_GROUP, in("rdi") status, options(noreturn)) }
}

extern "C" fn main() -> ! {
    let word = AtomicU32::new(0);
    let timeout = Duration::from_millis(2);
    let start = Deadline::now();
    let checks = [
        probe().is_ok_and(|found| found.backend == "linux futex, own system calls" && found.heavy_fence),
        wait(&word, 1) == WaitOutcome::Mismatch,
        wait_timeout(&word, 0, Duration::ZERO) == WaitOutcome::TimedOut,
        wait_timeout(&word, 0, timeout) == WaitOutcome::TimedOut,
        Deadline::now() >= start.saturating_add(timeout),
        wake_one(&word) == Some(0),
        wake_all(core::ptr::null()) == Some(0),
        asym::heavy::<Os>(),
    ];
    for (number, holds) in (1..).zip(checks) {
        if !holds {
            exit(number);
        }
    }
    exit(0)
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    exit(101)
}

/// `core` was built for programs that unwind and names the function that does it. Nothing here unwinds.
#[unsafe(no_mangle)]
extern "C" fn rust_eh_personality() {}
