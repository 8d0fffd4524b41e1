//! The modelled futex: [`Os`] under `cfg(loom)`.
//!
//! It has exactly the contract F1 to F4 and nothing more:
//!
//! * The queue of waiters is plain memory that loom does not see, so that waiting and waking order nothing by themselves
//!   (F3). A waiter compares by a relaxed read-modify-write, which sees the newest value, and queues itself before any
//!   other thread can run (F1). One relaxed counter, touched by every call, tells loom that calls depend on each other.
//! * Spurious returns (F2) and the passing of time are the work of a thread of the model: [`interrupt`] ends every wait
//!   of the moment, [`expire`] makes every deadline pass. loom schedules that thread at every possible point.
//!
//! What it hides: ending a wait orders the waker's past before the waiter's future, because loom's unpark does. A missing
//! acquire after a wait therefore needs a model with [`interrupt`], or one in which the waiter can arrive late.

use std::cell::{Cell, RefCell};
use std::vec::Vec;

use core::num::NonZeroU32;
use core::ptr;

use loom::thread::{self, Thread};

use crate::sync::atomic::{AtomicU32, Ordering};
use crate::{Capabilities, Deadline, Os, Platform, PlatformError, WaitOutcome};

struct Waiter {
    address: usize,
    ticket: u64,
    timed: bool,
    thread: Thread,
}

struct Futex {
    /// Relaxed read-modify-writes by every call: a dependency for loom's exploration, no ordering.
    calls: AtomicU32,
    /// loom runs all threads of a model on one system thread and switches only inside its own operations.
    queue: RefCell<Queue>,
    /// Whether the light barrier is one.
    light: Cell<bool>,
}

#[derive(Default)]
struct Queue {
    waiters: Vec<Waiter>,
    outcomes: Vec<(u64, WaitOutcome)>,
    next_ticket: u64,
    expired: bool,
}

// SAFETY: see `Futex::queue`; the same goes for `light`.
unsafe impl Sync for Futex {}

loom::lazy_static! {
    static ref FUTEX: Futex = Futex { calls: AtomicU32::new(0), queue: RefCell::default(), light: Cell::new(true) };
}

/// Creates the modelled futex of this execution. A model calls it before it spawns threads: otherwise the first use
/// orders itself before every later one.
pub fn init() {
    FUTEX.calls.fetch_add(1, Ordering::Relaxed);
}

/// Ends every wait of this moment, as a signal or a wake of a reused address would.
pub fn interrupt() {
    FUTEX.calls.fetch_add(1, Ordering::Relaxed);
    release(usize::MAX, WaitOutcome::Returned, |_| true);
}

/// Makes every deadline but [`Deadline::NEVER`] pass, for waits of this moment and later ones.
pub fn expire() {
    FUTEX.calls.fetch_add(1, Ordering::Relaxed);
    FUTEX.queue.borrow_mut().expired = true;
    release(usize::MAX, WaitOutcome::TimedOut, |waiter| waiter.timed);
}

/// Makes [`asym::light`](crate::asym::light) nothing from now on. A full fence releases what came before it, which a barrier of
/// the compiler does not: a claim about a release beside a light barrier must hold without the barrier.
pub fn without_light() {
    FUTEX.light.set(false);
}

/// Whether the light barrier is one in this execution.
pub(crate) fn has_light() -> bool {
    FUTEX.light.get()
}

fn release(limit: usize, outcome: WaitOutcome, choose: impl Fn(&Waiter) -> bool) -> u32 {
    let mut woken = 0;
    let mut queue = FUTEX.queue.borrow_mut();
    while (woken as usize) < limit {
        let Some(position) = queue.waiters.iter().position(&choose) else { break };
        let waiter = queue.waiters.remove(position);
        queue.outcomes.push((waiter.ticket, outcome));
        waiter.thread.unpark();
        woken += 1;
    }
    woken
}

// SAFETY: F1 as the module's documentation argues; `wake` uses the address as a number.
unsafe impl Platform for Os {
    fn wait(word: &AtomicU32, expected: u32, deadline: Deadline) -> WaitOutcome {
        FUTEX.calls.fetch_add(1, Ordering::Relaxed);
        let me = thread::current();
        // From here to `park` no other thread runs: loom switches before an operation, never after.
        if word.fetch_or(0, Ordering::Relaxed) != expected {
            return WaitOutcome::Mismatch;
        }
        let ticket = {
            let mut queue = FUTEX.queue.borrow_mut();
            if deadline == Deadline::PASSED || (queue.expired && !deadline.is_never()) {
                return WaitOutcome::TimedOut;
            }
            queue.next_ticket += 1;
            let ticket = queue.next_ticket;
            queue.waiters.push(Waiter {
                address: ptr::from_ref(word).addr(),
                ticket,
                timed: !deadline.is_never(),
                thread: me,
            });
            ticket
        };
        loop {
            thread::park();
            let mut queue = FUTEX.queue.borrow_mut();
            if let Some(position) = queue.outcomes.iter().position(|(t, _)| *t == ticket) {
                return queue.outcomes.swap_remove(position).1;
            }
        }
    }

    fn wake(word: *const AtomicU32, count: NonZeroU32) -> Option<u32> {
        FUTEX.calls.fetch_add(1, Ordering::Relaxed);
        let limit = usize::try_from(count.get()).unwrap_or(usize::MAX);
        Some(release(limit, WaitOutcome::Returned, |waiter| waiter.address == word.addr()))
    }

    /// Time stands still before [`expire`], and is at its end after it.
    fn now() -> Deadline {
        FUTEX.calls.fetch_add(1, Ordering::Relaxed);
        if FUTEX.queue.borrow().expired { Deadline::from_nanos(u64::MAX - 1) } else { Deadline::from_nanos(1) }
    }

    fn yield_now() {
        thread::yield_now();
    }

    fn heavy_fence() -> bool {
        crate::sync::atomic::fence(Ordering::SeqCst);
        true
    }
}

pub(crate) fn probe() -> Result<Capabilities, PlatformError> {
    Ok(Capabilities { backend: "loom", counts_wakes: true, shared: false, heavy_fence: true })
}
