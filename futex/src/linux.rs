//! Linux: `FUTEX_WAIT_BITSET` with an absolute monotonic deadline, `FUTEX_WAKE`, both private to the process.

use core::num::NonZeroU32;
use core::ptr;

use crate::sync::atomic::{AtomicU32, Ordering};
use crate::{Deadline, Os, Platform, WaitOutcome};

/// The futex matches every waiter, not those of one bit.
const MATCH_ANY: i32 = -1;

const NANOS_PER_SECOND: u64 = 1_000_000_000;

// SAFETY: the kernel compares the word and queues the thread under one lock that every wake of the address takes
// (futex(2)); a wake only hashes the address. `heavy_fence` is membarrier(2), which promises what the trait asks for.
unsafe impl Platform for Os {
    fn wait(word: &AtomicU32, expected: u32, deadline: Deadline) -> WaitOutcome {
        let timeout = timespec(deadline);
        let limit = if deadline.is_never() { ptr::null() } else { &raw const timeout };
        // SAFETY: `word` is live for the call; `limit` is null or points to `timeout`, which outlives the call.
        let result = unsafe {
            libc::syscall(
                libc::SYS_futex,
                ptr::from_ref(word),
                libc::FUTEX_WAIT_BITSET | libc::FUTEX_PRIVATE_FLAG,
                expected,
                limit,
                ptr::null::<u32>(),
                MATCH_ANY,
            )
        };
        if result == 0 {
            return WaitOutcome::Returned;
        }
        // SAFETY: takes no arguments.
        let errno = unsafe { libc::__errno_location() };
        // SAFETY: the location of this thread's errno is always readable.
        match unsafe { *errno } {
            libc::EAGAIN => WaitOutcome::Mismatch, // the word had changed
            libc::ETIMEDOUT => WaitOutcome::TimedOut,
            _ => WaitOutcome::Returned, // EINTR: a signal; the caller re-checks
        }
    }

    fn wake(word: *const AtomicU32, count: NonZeroU32) -> Option<u32> {
        let count = count.get().min(i32::MAX as u32);
        // SAFETY: the kernel hashes the address of a private wake and does not dereference it.
        let woken =
            unsafe { libc::syscall(libc::SYS_futex, word.addr(), libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG, count) };
        u32::try_from(woken).ok()
    }

    fn now() -> Deadline {
        let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: `now` is writable; the monotonic clock exists on every Linux.
        unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut now) };
        Deadline::from_nanos(now.tv_sec as u64 * NANOS_PER_SECOND + now.tv_nsec as u64)
    }

    fn yield_now() {
        // SAFETY: no arguments, cannot fail on Linux.
        unsafe { libc::sched_yield() };
    }

    fn heavy_fence() -> bool {
        // Relaxed: the answer never changes once it is known, and carries no data; threads that register at the same time
        // get the same answer.
        match MEMBARRIER.load(Ordering::Relaxed) {
            YES => membarrier(libc::MEMBARRIER_CMD_PRIVATE_EXPEDITED),
            NO => false,
            _ => register(),
        }
    }
}

/// Whether the process is registered for membarrier(2). Many writers, who agree.
static MEMBARRIER: AtomicU32 = AtomicU32::new(UNASKED);

const UNASKED: u32 = 0;
const YES: u32 = 1; // for ever
const NO: u32 = 2; // for ever

#[cold]
fn register() -> bool {
    let registered = membarrier(libc::MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED)
        && membarrier(libc::MEMBARRIER_CMD_PRIVATE_EXPEDITED);
    // Relaxed: see `heavy_fence`. The exchange keeps the first answer, so that it is the same for ever.
    let answer = if registered { YES } else { NO };
    match MEMBARRIER.compare_exchange(UNASKED, answer, Ordering::Relaxed, Ordering::Relaxed) {
        Ok(_) => registered,
        Err(first) => registered && first == YES,
    }
}

fn membarrier(command: libc::c_int) -> bool {
    // SAFETY: the call reads and writes no memory of ours.
    unsafe { libc::syscall(libc::SYS_membarrier, command, 0, 0) == 0 }
}

fn timespec(deadline: Deadline) -> libc::timespec {
    let nanos = deadline.as_nanos();
    libc::timespec { tv_sec: (nanos / NANOS_PER_SECOND) as _, tv_nsec: (nanos % NANOS_PER_SECOND) as _ }
}
