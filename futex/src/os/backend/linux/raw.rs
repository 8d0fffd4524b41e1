//! System calls by our own instruction: no libc symbol is needed.
//!
//! One small file per architecture has the numbers and the instruction. The clock is a system call here, not the vDSO's
//! function: about 150 ns instead of 25, paid once per wait that has a timeout.

#[cfg_attr(target_arch = "x86_64", path = "raw/x86_64.rs")]
#[cfg_attr(target_arch = "x86", path = "raw/x86.rs")]
#[cfg_attr(target_arch = "aarch64", path = "raw/aarch64.rs")]
#[cfg_attr(target_arch = "arm", path = "raw/arm.rs")]
#[cfg_attr(target_arch = "riscv64", path = "raw/riscv64.rs")]
#[cfg_attr(
    not(any(
        target_arch = "x86_64",
        target_arch = "x86",
        target_arch = "aarch64",
        target_arch = "arm",
        target_arch = "riscv64"
    )),
    path = "raw/unknown.rs"
)]
mod arch;

use super::super::{Code, ENOSYS, NANOS_PER_SECOND, OLD_TIME, Time};
use super::Call;
use crate::Deadline;

pub(crate) struct Raw;

/// Results in the last page of the address space are negative error numbers.
const ERRORS: isize = -4096;

const CLOCK_MONOTONIC: usize = 1;

/// The same number on every 32-bit target.
const CLOCK_GETTIME64: usize = 403;

impl Call for Raw {
    const NAME: &'static str = "linux futex, own system calls";
    const FUTEX: usize = arch::FUTEX;
    const MEMBARRIER: usize = arch::MEMBARRIER;
    const SCHED_YIELD: usize = arch::SCHED_YIELD;

    #[inline]
    unsafe fn call(number: usize, arguments: [usize; 6]) -> Result<usize, Code> {
        // SAFETY: the caller's promise.
        let result = unsafe { arch::syscall(number, arguments) };
        if result < 0 && result > ERRORS { Err(-result as Code) } else { Ok(result as usize) }
    }

    fn now() -> Deadline {
        let mut old = Time { seconds: 0i32, nanos: 0i32 };
        let mut new = Time { seconds: 0i64, nanos: 0i64 };
        if OLD_TIME {
            let address = (&raw mut old).expose_provenance();
            // SAFETY: the old call writes a time of 32-bit fields to `old`.
            let result = unsafe { Self::call(arch::CLOCK_GETTIME, [CLOCK_MONOTONIC, address, 0, 0, 0, 0]) };
            if result != Err(ENOSYS) {
                return Deadline::from_nanos(old.seconds as u64 * NANOS_PER_SECOND + old.nanos as u64);
            }
        }
        let number = if OLD_TIME { CLOCK_GETTIME64 } else { arch::CLOCK_GETTIME };
        let address = (&raw mut new).expose_provenance();
        // SAFETY: the call writes a time of 64-bit fields to `new`. The monotonic clock exists on every Linux.
        let _ = unsafe { Self::call(number, [CLOCK_MONOTONIC, address, 0, 0, 0, 0]) };
        Deadline::from_nanos(new.seconds as u64 * NANOS_PER_SECOND + new.nanos as u64)
    }
}
