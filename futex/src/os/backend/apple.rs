//! Apple systems: `os_sync_wait_on_address` where the system has it, `__ulock_wait2` otherwise.
//!
//! The public functions came with macOS 14.4 and iOS 17.4, so they are looked up once; the older pair is what the systems'
//! own C++ library uses since macOS 11. Both take a relative timeout in nanoseconds, at least one. Neither tells a
//! changed word from a wake, so the word is compared first.

use core::ffi::{CStr, c_char, c_int, c_void};
use core::mem;
use core::num::NonZeroU32;
use core::ptr;

use super::{Backend, Code, Scope};
use crate::os::guard::Fault;
use crate::sync::atomic::{AtomicPtr, AtomicU32, Ordering};
use crate::{Deadline, WaitOutcome};

unsafe extern "C" {
    fn __ulock_wait2(operation: u32, address: *const c_void, value: u64, nanos: u64, value2: u64) -> c_int;
    fn __ulock_wake(operation: u32, address: *const c_void, value: u64) -> c_int;
    fn dlsym(handle: *mut c_void, name: *const c_char) -> *mut c_void;
    fn __error() -> *mut c_int;
    fn clock_gettime_nsec_np(clock: c_int) -> u64;
    fn sched_yield() -> c_int;
}

type WaitFn = unsafe extern "C" fn(*const c_void, u64, usize, u32) -> c_int;
type TimedWaitFn = unsafe extern "C" fn(*const c_void, u64, usize, u32, u32, u64) -> c_int;
type WakeFn = unsafe extern "C" fn(*const c_void, usize, u32) -> c_int;

pub(crate) type Native = Apple;

/// `os_sync` or `ulock`.
pub(crate) struct Apple;

const UL_COMPARE_AND_WAIT: u32 = 1;
const UL_COMPARE_AND_WAIT_SHARED: u32 = 3;
const ULF_WAKE_ALL: u32 = 0x100;
const ULF_NO_ERRNO: u32 = 0x0100_0000; // the result is the negative error

const OS_SYNC_SHARED: u32 = 1;
const OS_CLOCK_MACH_ABSOLUTE_TIME: u32 = 32;

const CLOCK_UPTIME_RAW: c_int = 8; // what OS_CLOCK_MACH_ABSOLUTE_TIME counts, in nanoseconds

const ENOENT: c_int = 2;
const EINTR: c_int = 4;
const ENOMEM: c_int = 12;
const EFAULT: c_int = 14;
const ETIMEDOUT: c_int = 60;

const RTLD_DEFAULT: *mut c_void = ptr::without_provenance_mut((-2isize).cast_unsigned());

/// A function of the system that may be missing. Many writers, who agree.
struct Symbol {
    name: &'static CStr,
    address: AtomicPtr<c_void>,
}

/// Not looked up yet.
const UNASKED: *mut c_void = ptr::without_provenance_mut(1);

static WAIT: Symbol = Symbol::new(c"os_sync_wait_on_address");
static TIMED_WAIT: Symbol = Symbol::new(c"os_sync_wait_on_address_with_timeout");
static WAKE_ANY: Symbol = Symbol::new(c"os_sync_wake_by_address_any");
static WAKE_ALL: Symbol = Symbol::new(c"os_sync_wake_by_address_all");

impl Symbol {
    const fn new(name: &'static CStr) -> Self {
        Symbol { name, address: AtomicPtr::new(UNASKED) }
    }

    fn get(&self) -> *mut c_void {
        // Relaxed: the address of code, the same for all who ask.
        let mut address = self.address.load(Ordering::Relaxed);
        if address == UNASKED {
            // SAFETY: the handle is the special one for "everything loaded", the name ends in a zero.
            address = unsafe { dlsym(RTLD_DEFAULT, self.name.as_ptr()) };
            self.address.store(address, Ordering::Relaxed);
        }
        address
    }
}

/// The four functions together, or none: a thread that waits by one pair is not found by the other.
struct OsSync {
    wait: WaitFn,
    timed_wait: TimedWaitFn,
    wake_any: WakeFn,
    wake_all: WakeFn,
}

impl OsSync {
    fn get() -> Option<Self> {
        let [wait, timed_wait, wake_any, wake_all] = [&WAIT, &TIMED_WAIT, &WAKE_ANY, &WAKE_ALL].map(Symbol::get);
        if wait.is_null() || timed_wait.is_null() || wake_any.is_null() || wake_all.is_null() {
            return None;
        }
        Some(OsSync {
            // SAFETY: the function of this name has this type (os/os_sync_wait_on_address.h).
            wait: unsafe { mem::transmute::<*mut c_void, WaitFn>(wait) },
            // SAFETY: as above.
            timed_wait: unsafe { mem::transmute::<*mut c_void, TimedWaitFn>(timed_wait) },
            // SAFETY: as above.
            wake_any: unsafe { mem::transmute::<*mut c_void, WakeFn>(wake_any) },
            // SAFETY: as above.
            wake_all: unsafe { mem::transmute::<*mut c_void, WakeFn>(wake_all) },
        })
    }

    /// The result is not negative, or the error.
    fn wait(&self, scope: Scope, address: *const c_void, expected: u64, nanos: Option<u64>) -> Result<c_int, c_int> {
        let flags = if scope == Scope::Shared { OS_SYNC_SHARED } else { 0 };
        let result = match nanos {
            // SAFETY: the address is of a live word of four bytes.
            None => unsafe { (self.wait)(address, expected, 4, flags) },
            // SAFETY: as above.
            Some(nanos) => unsafe {
                (self.timed_wait)(address, expected, 4, flags, OS_CLOCK_MACH_ABSOLUTE_TIME, nanos)
            },
        };
        if result >= 0 { Ok(result) } else { Err(errno()) }
    }

    fn wake(&self, scope: Scope, address: *const c_void, all: bool) -> Result<c_int, c_int> {
        let flags = if scope == Scope::Shared { OS_SYNC_SHARED } else { 0 };
        let wake = if all { self.wake_all } else { self.wake_any };
        // SAFETY: the address is a key, not read.
        let result = unsafe { wake(address, 4, flags) };
        if result >= 0 { Ok(result) } else { Err(errno()) }
    }
}

fn errno() -> c_int {
    // SAFETY: takes no arguments.
    let errno = unsafe { __error() };
    // SAFETY: the location of this thread's errno is always readable.
    unsafe { *errno }
}

fn ulock(scope: Scope) -> u32 {
    let operation = if scope == Scope::Shared { UL_COMPARE_AND_WAIT_SHARED } else { UL_COMPARE_AND_WAIT };
    operation | ULF_NO_ERRNO
}

fn ulock_wait(scope: Scope, address: *const c_void, expected: u64, nanos: Option<u64>) -> Result<c_int, c_int> {
    // SAFETY: the address is of a live word of four bytes; a timeout of zero means none.
    let result = unsafe { __ulock_wait2(ulock(scope), address, expected, nanos.unwrap_or(0), 0) };
    if result >= 0 { Ok(result) } else { Err(-result) }
}

fn ulock_wake(scope: Scope, address: *const c_void, all: bool) -> Result<c_int, c_int> {
    let all = if all { ULF_WAKE_ALL } else { 0 };
    // SAFETY: the address is a key, not read.
    let result = unsafe { __ulock_wake(ulock(scope) | all, address, 0) };
    if result >= 0 { Ok(result) } else { Err(-result) }
}

// SAFETY: both mechanisms compare under the lock of the address's queue, which the wakes take; they use the address as
// a key.
unsafe impl Backend for Apple {
    const NAME: &'static str = "os_sync or ulock";
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
        let nanos = match deadline.remaining(Self::now()) {
            None => None,
            Some(remaining) if remaining.is_zero() => return Ok(WaitOutcome::TimedOut),
            Some(remaining) => Some(u64::try_from(remaining.as_nanos()).unwrap_or(u64::MAX)),
        };
        let address = ptr::from_ref(word).cast();
        let result = match OsSync::get() {
            Some(os_sync) => os_sync.wait(scope, address, expected.into(), nanos),
            None => ulock_wait(scope, address, expected.into(), nanos),
        };
        match result {
            Ok(_) => Ok(WaitOutcome::Returned),
            Err(ETIMEDOUT) if Self::now() >= deadline => Ok(WaitOutcome::TimedOut),
            Err(ETIMEDOUT) => Ok(WaitOutcome::Returned), // a timer that ticks early
            Err(EINTR) => Ok(WaitOutcome::Returned),     // a signal
            Err(EFAULT | ENOMEM) => Ok(WaitOutcome::Returned), // the page was out, or the kernel short of memory: again
            Err(code) => Err(code),
        }
    }

    fn wake(scope: Scope, address: usize, count: NonZeroU32) -> Result<Option<u32>, Code> {
        let address = ptr::without_provenance(address);
        let os_sync = OsSync::get();
        let all = count == NonZeroU32::MAX;
        let turns = if all { 1 } else { count.get() };
        for _ in 0..turns {
            let result = loop {
                let result = match &os_sync {
                    Some(os_sync) => os_sync.wake(scope, address, all),
                    None => ulock_wake(scope, address, all),
                };
                if result != Err(EINTR) {
                    break result;
                }
            };
            match result {
                Ok(_) => {}
                Err(ENOENT | EFAULT) => break, // nobody waits, or nobody could
                Err(code) => return Err(code),
            }
        }
        Ok(None)
    }

    fn now() -> Deadline {
        // SAFETY: the clock exists since macOS 10.12.
        Deadline::from_nanos(unsafe { clock_gettime_nsec_np(CLOCK_UPTIME_RAW) })
    }

    fn yield_now() {
        // SAFETY: takes no arguments.
        unsafe { sched_yield() };
    }

    fn heavy_fence() -> bool {
        false
    }
}
