//! wasm32 with shared memory: `memory.atomic.wait32` and `memory.atomic.notify`.
//!
//! The target has no clock. Waits without a deadline need none; for timeouts the program supplies one with
//! [`set_clock`], for instance `performance.timeOrigin + performance.now()`. Without it time stands still: a timeout ends,
//! never early, but a wait that returns before its timeout and is repeated starts the timeout again.
//!
//! A browser's main thread must not block; there the instruction traps.

use core::arch::wasm32::{memory_atomic_notify, memory_atomic_wait32};
use core::num::NonZeroU32;
use core::ptr;

use super::{Backend, Code, Scope};
use crate::os::guard::Fault;
use crate::sync::atomic::{AtomicPtr, AtomicU32, Ordering};
use crate::{Deadline, WaitOutcome};

pub(crate) type Native = Wasm;

/// The two instructions.
pub(crate) struct Wasm;

/// The program's clock, a `fn() -> u64`, or null.
static CLOCK: AtomicPtr<()> = AtomicPtr::new(ptr::null_mut());

/// Supplies the clock that timeouts need: nanoseconds since any moment that is the same for all threads.
///
/// Call it before the first wait with a timeout. Exists on wasm32 only.
pub fn set_clock(clock: fn() -> u64) {
    CLOCK.store(clock as *mut (), Ordering::Relaxed); // a function's index, which carries no data
}

fn clock() -> Option<u64> {
    let clock = CLOCK.load(Ordering::Relaxed);
    if clock.is_null() {
        return None;
    }
    // SAFETY: `set_clock` stored a function of this type.
    let clock = unsafe { core::mem::transmute::<*mut (), fn() -> u64>(clock) };
    Some(clock())
}

/// The outcomes of `memory.atomic.wait32`.
const WOKEN: i32 = 0;
const CHANGED: i32 = 1;

// SAFETY: the instruction compares and queues in one step with respect to every notify. A notify of an address that is
// outside of the memory or not aligned is not made.
unsafe impl Backend for Wasm {
    const NAME: &'static str = "memory.atomic.wait32";
    const COUNTS_WAKES: bool = true;

    fn fault() -> &'static Fault {
        static FAULT: Fault = Fault::none();
        &FAULT
    }

    fn wait(_: Scope, word: &AtomicU32, expected: u32, deadline: Deadline) -> Result<WaitOutcome, Code> {
        let nanos = match deadline.remaining(Self::now()) {
            None => -1,                                                           // no limit
            Some(remaining) => i64::try_from(remaining.as_nanos()).unwrap_or(-1), // three centuries
        };
        // SAFETY: the word is live and aligned.
        match unsafe { memory_atomic_wait32(word.as_ptr().cast(), expected as i32, nanos) } {
            WOKEN => Ok(WaitOutcome::Returned),
            CHANGED => Ok(WaitOutcome::Mismatch),
            // The engine's timer may tick a little early.
            _ if clock().is_some_and(|now| now < deadline.as_nanos()) => Ok(WaitOutcome::Returned),
            _ => Ok(WaitOutcome::TimedOut),
        }
    }

    fn wake(_: Scope, address: usize, count: NonZeroU32) -> Result<Option<u32>, Code> {
        let end = core::arch::wasm32::memory_size(0) * 65_536;
        if address % 4 != 0 || address >= end {
            return Ok(Some(0)); // the instruction would trap; nobody can wait there
        }
        // SAFETY: aligned, and inside the memory, which never shrinks; the word is not read.
        Ok(Some(unsafe { memory_atomic_notify(ptr::without_provenance_mut(address), count.get()) }))
    }

    fn now() -> Deadline {
        Deadline::from_nanos(clock().unwrap_or(1))
    }

    fn yield_now() {
        core::hint::spin_loop();
    }

    fn heavy_fence() -> bool {
        false
    }
}
