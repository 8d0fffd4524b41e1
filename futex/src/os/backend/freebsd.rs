//! FreeBSD: `_umtx_op(2)` on an unsigned word, with an absolute monotonic deadline.
//!
//! A wait does not tell a changed word from a wake, so the word is compared first.

use core::ffi::{c_int, c_ulong, c_void};
use core::mem;
use core::num::NonZeroU32;
use core::ptr;

use super::{Backend, Code, Scope};
use crate::os::guard::Fault;
use crate::sync::atomic::{AtomicU32, Ordering};
use crate::{Deadline, WaitOutcome};

unsafe extern "C" {
    fn _umtx_op(object: *mut c_void, operation: c_int, value: c_ulong, size: *mut c_void, time: *mut c_void) -> c_int;
}

pub(crate) type Native = FreeBsd;

/// `_umtx_op`.
pub(crate) struct FreeBsd;

const UMTX_OP_WAKE: c_int = 3;
const UMTX_OP_WAIT_UINT: c_int = 11;
const UMTX_OP_WAIT_UINT_PRIVATE: c_int = 15;
const UMTX_OP_WAKE_PRIVATE: c_int = 16;

const UMTX_ABSTIME: u32 = 1;

const NANOS_PER_SECOND: u64 = 1_000_000_000;

/// `struct _umtx_time`.
#[repr(C)]
struct UmtxTime {
    time: libc::timespec,
    flags: u32,
    clock: u32,
}

// SAFETY: the kernel compares and queues under the lock of the address's chain, which every wake takes; a private wake
// uses the address as a key.
unsafe impl Backend for FreeBsd {
    const NAME: &'static str = "_umtx_op";
    const COUNTS_WAKES: bool = false;

    fn fault() -> &'static Fault {
        static FAULT: Fault = Fault::none();
        &FAULT
    }

    fn wait(scope: Scope, word: &AtomicU32, expected: u32, deadline: Deadline) -> Result<WaitOutcome, Code> {
        // Relaxed: F3. Only for the outcome's name: the system compares again.
        if word.load(Ordering::Relaxed) != expected {
            return Ok(WaitOutcome::Mismatch);
        }
        let operation = match scope {
            Scope::Private => UMTX_OP_WAIT_UINT_PRIVATE,
            Scope::Shared => UMTX_OP_WAIT_UINT,
        };
        let seconds = libc::time_t::try_from(deadline.as_nanos() / NANOS_PER_SECOND).unwrap_or(libc::time_t::MAX);
        let mut limit = UmtxTime {
            time: libc::timespec { tv_sec: seconds, tv_nsec: (deadline.as_nanos() % NANOS_PER_SECOND) as _ },
            flags: UMTX_ABSTIME,
            clock: libc::CLOCK_MONOTONIC as u32,
        };
        let (size, limit) = if deadline.is_never() {
            (0, ptr::null_mut())
        } else {
            (mem::size_of::<UmtxTime>(), (&raw mut limit).cast())
        };
        let address = ptr::from_ref(word).cast_mut().cast();
        // SAFETY: the word is live and only read; `limit` is null, or points to a time of `size` bytes that outlives the
        // call.
        let result = unsafe { _umtx_op(address, operation, expected.into(), ptr::without_provenance_mut(size), limit) };
        if result == 0 {
            return Ok(WaitOutcome::Returned);
        }
        match errno() {
            libc::ETIMEDOUT => Ok(WaitOutcome::TimedOut),
            libc::EINTR => Ok(WaitOutcome::Returned), // a signal
            code => Err(code),
        }
    }

    fn wake(scope: Scope, address: usize, count: NonZeroU32) -> Result<Option<u32>, Code> {
        let operation = match scope {
            Scope::Private => UMTX_OP_WAKE_PRIVATE,
            Scope::Shared => UMTX_OP_WAKE,
        };
        let limit = count.get().min(i32::MAX as u32);
        let address = ptr::without_provenance_mut(address);
        // SAFETY: a wake reads and writes no memory of ours.
        if unsafe { _umtx_op(address, operation, limit.into(), ptr::null_mut(), ptr::null_mut()) } == 0 {
            return Ok(None);
        }
        match errno() {
            libc::EFAULT | libc::EINVAL => Ok(None), // no thread can wait there
            code => Err(code),
        }
    }

    fn now() -> Deadline {
        let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: `now` is writable.
        unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut now) };
        Deadline::from_nanos(now.tv_sec as u64 * NANOS_PER_SECOND + now.tv_nsec as u64)
    }

    fn yield_now() {
        // SAFETY: takes no arguments.
        unsafe { libc::sched_yield() };
    }

    fn heavy_fence() -> bool {
        false
    }
}

fn errno() -> Code {
    // SAFETY: takes no arguments.
    let errno = unsafe { libc::__error() };
    // SAFETY: the location of this thread's errno is always readable.
    unsafe { *errno }
}
