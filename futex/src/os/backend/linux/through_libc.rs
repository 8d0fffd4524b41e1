//! System calls through libc's `syscall`, the clock through its vDSO.

#[cfg(target_os = "android")]
use libc::__errno as location;
#[cfg(not(target_os = "android"))]
use libc::__errno_location as location;

use super::super::{Code, NANOS_PER_SECOND};
use super::Call;
use crate::Deadline;

pub(crate) struct Libc;

impl Call for Libc {
    const NAME: &'static str = "linux futex, libc";
    const FUTEX: usize = libc::SYS_futex as usize;
    const MEMBARRIER: usize = libc::SYS_membarrier as usize;
    const SCHED_YIELD: usize = libc::SYS_sched_yield as usize;

    #[inline]
    unsafe fn call(number: usize, [a, b, c, d, e, f]: [usize; 6]) -> Result<usize, Code> {
        // SAFETY: the caller's promise.
        let result = unsafe { libc::syscall(number as libc::c_long, a, b, c, d, e, f) };
        usize::try_from(result).map_err(|_| errno())
    }

    fn now() -> Deadline {
        let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: `now` is writable; the monotonic clock exists on every Linux.
        unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut now) };
        Deadline::from_nanos(now.tv_sec as u64 * NANOS_PER_SECOND + now.tv_nsec as u64)
    }
}

#[cold]
fn errno() -> Code {
    // SAFETY: takes no arguments.
    let errno = unsafe { location() };
    // SAFETY: the location of this thread's errno is always readable.
    unsafe { *errno }
}
