//! Windows 8 and later: `WaitOnAddress` and its wakes.
//!
//! It takes a relative timeout in milliseconds: ours is rounded up, sliced if it is longer than the type, and checked
//! against the clock, because the system's timer may tick a little early. It does not tell a changed word from a wake, so
//! the word is compared first. Words cannot be shared between processes.

use core::ffi::c_void;
use core::num::NonZeroU32;
use core::ptr;

use super::{Backend, Code, Scope};
use crate::os::guard::Fault;
use crate::sync::atomic::{AtomicU32, Ordering};
use crate::{Deadline, WaitOutcome};

#[link(name = "api-ms-win-core-synch-l1-2-0", kind = "raw-dylib")]
unsafe extern "system" {
    fn WaitOnAddress(address: *const c_void, compare: *const c_void, size: usize, milliseconds: u32) -> i32;
    fn WakeByAddressSingle(address: *const c_void);
    fn WakeByAddressAll(address: *const c_void);
}

#[link(name = "kernel32", kind = "raw-dylib")]
unsafe extern "system" {
    fn GetLastError() -> u32;
    fn QueryPerformanceCounter(count: *mut i64) -> i32;
    fn QueryPerformanceFrequency(frequency: *mut i64) -> i32;
    fn SwitchToThread() -> i32;
    fn FlushProcessWriteBuffers();
}

pub(crate) type Native = Windows;

/// `WaitOnAddress`.
pub(crate) struct Windows;

const ERROR_TIMEOUT: u32 = 1460;

/// "Without a limit."
const INFINITE: u32 = u32::MAX;

/// The longest single wait, a day: longer ones are several.
const SLICE: u32 = 86_400_000;

/// More threads than this are woken all at once: the calls would cost more than spurious returns.
const SINGLY: u32 = 16;

const NANOS_PER_SECOND: u64 = 1_000_000_000;
const NANOS_PER_MILLI: u128 = 1_000_000;

// SAFETY: `WaitOnAddress` compares under the lock of the address's bucket, which the wakes take; they use the address
// as a key. `FlushProcessWriteBuffers` is the fence that is asked for.
unsafe impl Backend for Windows {
    const NAME: &'static str = "WaitOnAddress";
    const COUNTS_WAKES: bool = false;

    fn fault() -> &'static Fault {
        static FAULT: Fault = Fault::none();
        &FAULT
    }

    fn wait(_: Scope, word: &AtomicU32, expected: u32, deadline: Deadline) -> Result<WaitOutcome, Code> {
        loop {
            // Relaxed: F3. Only for the outcome's name: the system compares again.
            if word.load(Ordering::Relaxed) != expected {
                return Ok(WaitOutcome::Mismatch);
            }
            let Some(slice) = slice(deadline) else { return Ok(WaitOutcome::TimedOut) };
            let address = ptr::from_ref(word).cast();
            let compare = (&raw const expected).cast();
            // SAFETY: both addresses are of live words of four bytes.
            if unsafe { WaitOnAddress(address, compare, 4, slice) } != 0 {
                return Ok(WaitOutcome::Returned);
            }
            // SAFETY: takes no arguments.
            match unsafe { GetLastError() } {
                ERROR_TIMEOUT => {} // of this slice; the clock decides
                code => return Err(code as Code),
            }
        }
    }

    fn wake(_: Scope, address: usize, count: NonZeroU32) -> Result<Option<u32>, Code> {
        let address = ptr::without_provenance(address);
        if count.get() > SINGLY {
            // SAFETY: the address is a key, not read.
            unsafe { WakeByAddressAll(address) };
        } else {
            for _ in 0..count.get() {
                // SAFETY: as above.
                unsafe { WakeByAddressSingle(address) };
            }
        }
        Ok(None)
    }

    fn now() -> Deadline {
        let (mut count, mut frequency) = (0i64, 0i64);
        // SAFETY: writable; the call does not fail since Windows XP.
        unsafe { QueryPerformanceCounter(&raw mut count) };
        // SAFETY: as above.
        unsafe { QueryPerformanceFrequency(&raw mut frequency) };
        let (count, frequency) = (count as u64, (frequency as u64).max(1));
        // Whole seconds apart from the rest, so that the product fits.
        let rest = count % frequency * NANOS_PER_SECOND / frequency;
        Deadline::from_nanos(count / frequency * NANOS_PER_SECOND + rest)
    }

    fn yield_now() {
        // SAFETY: takes no arguments.
        unsafe { SwitchToThread() };
    }

    fn heavy_fence() -> bool {
        // SAFETY: takes no arguments.
        unsafe { FlushProcessWriteBuffers() };
        true
    }
}

/// Milliseconds to wait at once, rounded up; `None` if the deadline has passed.
fn slice(deadline: Deadline) -> Option<u32> {
    let Some(remaining) = deadline.remaining(Windows::now()) else { return Some(INFINITE) };
    if remaining.is_zero() {
        return None;
    }
    let millis = remaining.as_nanos().div_ceil(NANOS_PER_MILLI);
    Some(u32::try_from(millis).map_or(SLICE, |millis| millis.min(SLICE)))
}
