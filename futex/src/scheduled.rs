//! The scheduled futex: [`Os`] under `cfg(shuttle)`, for programs that are too large for loom.
//!
//! It has the contract F1 to F4, under sequential consistency:
//!
//! * The queue of waiters is plain memory of one execution. shuttle runs all threads of an execution on one system thread
//!   and switches only inside its own operations, *before* they take effect; so from the comparison in a wait to the
//!   moment the waiter is queued nobody else runs (F1).
//! * A wait returns at once, for no reason, with a chance of one in [`SPURIOUS`] (F2). One that has begun to block ends by a
//!   wake alone: a wake that the caller forgot is a deadlock, which shuttle reports.
//! * Time moves only when somebody waits for it: a wait with a deadline lets the others run for a moment, then its deadline
//!   is now.

use std::cell::RefCell;
use std::sync::Arc;
use std::vec::Vec;

use core::num::NonZeroU32;
use core::ptr;

use shuttle::rand::Rng as _;
use shuttle::sync::{Condvar, Mutex};
use shuttle::thread;

use crate::sync::atomic::{AtomicU32, Ordering};
use crate::{Capabilities, Deadline, Os, Platform, PlatformError, WaitOutcome};

/// One wait in so many returns at once.
const SPURIOUS: u32 = 8;

/// How often a wait with a deadline lets others run before its time has come.
const MOMENT: u32 = 2;

struct Waiter {
    address: usize,
    bed: Arc<Bed>,
}

/// Where one wait blocks.
#[derive(Default)]
struct Bed {
    woken: Mutex<bool>,
    changed: Condvar,
}

struct Futex(RefCell<State>);

struct State {
    waiters: Vec<Waiter>,
    now: Deadline,
}

// SAFETY: all threads of an execution run on one system thread, and no borrow of the cell spans an operation of shuttle.
unsafe impl Sync for Futex {}

shuttle::lazy_static! {
    static ref FUTEX: Futex = Futex(RefCell::new(State { waiters: Vec::new(), now: Deadline::from_nanos(1) }));
}

/// Ends at most `limit` waits on an address, oldest first.
fn release(limit: usize, address: usize) -> u32 {
    let mut beds = Vec::new();
    FUTEX.0.borrow_mut().waiters.retain(|waiter| {
        let chosen = waiter.address == address && beds.len() < limit;
        if chosen {
            beds.push(waiter.bed.clone());
        }
        !chosen
    });
    for bed in &beds {
        *bed.woken.lock().expect("nobody panics with it") = true;
        bed.changed.notify_one();
    }
    u32::try_from(beds.len()).unwrap_or(u32::MAX)
}

// SAFETY: F1 as the module's documentation argues; `wake` uses the address as a number.
unsafe impl Platform for Os {
    fn wait(word: &AtomicU32, expected: u32, deadline: Deadline) -> WaitOutcome {
        let futex = &*FUTEX;
        let bed = Arc::new(Bed::default());
        let spurious = shuttle::rand::thread_rng().gen_ratio(1, SPURIOUS);
        // From here to `push` nobody else runs.
        if word.load(Ordering::Relaxed) != expected {
            return WaitOutcome::Mismatch;
        }
        if deadline == Deadline::PASSED {
            return WaitOutcome::TimedOut;
        }
        if spurious {
            return WaitOutcome::Returned;
        }
        futex.0.borrow_mut().waiters.push(Waiter { address: ptr::from_ref(word).addr(), bed: bed.clone() });
        if deadline.is_never() {
            let mut woken = bed.woken.lock().expect("nobody panics with it");
            while !*woken {
                woken = bed.changed.wait(woken).expect("nobody panics with it");
            }
            return WaitOutcome::Returned;
        }
        for _ in 0..MOMENT {
            thread::yield_now();
        }
        let mut state = futex.0.borrow_mut();
        let queued = state.waiters.len();
        state.waiters.retain(|waiter| !Arc::ptr_eq(&waiter.bed, &bed));
        if state.waiters.len() < queued {
            state.now = state.now.max(deadline);
            WaitOutcome::TimedOut
        } else {
            WaitOutcome::Returned
        }
    }

    fn wake(word: *const AtomicU32, count: NonZeroU32) -> Option<u32> {
        thread::yield_now();
        let limit = usize::try_from(count.get()).unwrap_or(usize::MAX);
        Some(release(limit, word.addr()))
    }

    /// Time moves only in waits with a deadline.
    fn now() -> Deadline {
        FUTEX.0.borrow().now
    }

    fn yield_now() {
        thread::yield_now();
    }

    fn heavy_fence() -> bool {
        true // sequential consistency needs none
    }
}

pub(crate) fn probe() -> Result<Capabilities, PlatformError> {
    Ok(Capabilities { backend: "shuttle", counts_wakes: true, shared: false, heavy_fence: true })
}
