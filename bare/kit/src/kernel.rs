//! The smallest kernel that can block a core: a lock, one slot per core, and interrupts between the cores.
//!
//! ```text
//!   wait: lock; compare; slot = address; unlock; sleep until the slot is empty or time is up
//!   wake: lock; empty the slots with the address, interrupt their cores; unlock
//! ```
//!
//! A waker that empties a slot before the core sleeps leaves the interrupt pending, and the core does not fall asleep.
//! Interrupts are masked on every core from its start on: they end a sleep and are never taken, so nothing can come
//! between a core and the lock that it holds.

use core::num::NonZeroU32;
use core::ptr;
use core::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use reveille::futex::{Deadline, Platform, WaitOutcome};

use crate::machine::{self, CORES};

/// A wait that takes as long is one whose wake was lost: the programs here finish in seconds.
const LOST: u64 = 40_000_000_000;

static LOCK: AtomicU32 = AtomicU32::new(0);

/// The address that each core waits on, zero if it does not wait. Changed under the lock.
static SLOTS: [AtomicUsize; CORES] = [const { AtomicUsize::new(0) }; CORES];

/// How often each core slept and was woken by another one. Changed by the core itself.
static WOKEN: [AtomicU32; CORES] = [const { AtomicU32::new(0) }; CORES];

/// The platform.
pub struct Kernel;

fn locked<R>(f: impl FnOnce() -> R) -> R {
    // Acquire and Release: what one holder did, the next one sees.
    while LOCK.swap(1, Ordering::Acquire) == 1 {
        core::hint::spin_loop(); // a few instructions of another core, which nothing interrupts
    }
    let result = f();
    LOCK.store(0, Ordering::Release);
    result
}

/// How many cores wait at this moment.
pub fn waiting() -> usize {
    locked(|| SLOTS.iter().filter(|slot| slot.load(Ordering::Relaxed) != 0).count())
}

/// How often this core slept until another one woke it.
pub fn woken(core: usize) -> u32 {
    WOKEN[core].load(Ordering::Relaxed) // a number for tests
}

// SAFETY: comparing and occupying the slot are one step under the lock, which every wake takes; addresses are compared as
// numbers. There is no heavy fence.
unsafe impl Platform for Kernel {
    fn wait(word: &AtomicU32, expected: u32, deadline: Deadline) -> WaitOutcome {
        let me = machine::core();
        let slot = &SLOTS[me];
        let matches = locked(|| {
            let matches = word.load(Ordering::Relaxed) == expected; // ordered by the lock
            if matches {
                slot.store(ptr::from_ref(word).addr(), Ordering::Relaxed);
            }
            matches
        });
        if !matches {
            return WaitOutcome::Mismatch;
        }
        let lost = machine::now() + LOST;
        let (mut slept, mut interrupted) = (false, false);
        loop {
            // One step for the wakers, who interrupt under the lock: an interrupt that comes later stays pending.
            let (interrupt, woken) = locked(|| (machine::clear(), slot.load(Ordering::Relaxed) == 0));
            interrupted |= interrupt;
            let now = machine::now();
            assert!(now < lost, "core {me} has slept for too long: a wake was lost");
            if woken {
                assert!(interrupted, "core {me} was woken, and not interrupted");
                WOKEN[me].fetch_add(u32::from(slept), Ordering::Relaxed); // a number for tests
                return WaitOutcome::Returned;
            }
            if now >= deadline.as_nanos() {
                let woken = locked(|| slot.swap(0, Ordering::Relaxed)) == 0;
                return if woken { WaitOutcome::Returned } else { WaitOutcome::TimedOut };
            }
            machine::sleep(deadline.as_nanos().min(lost));
            slept = true;
        }
    }

    fn wake(word: *const AtomicU32, count: NonZeroU32) -> Option<u32> {
        locked(|| {
            let mut woken = 0;
            for (core, slot) in SLOTS.iter().enumerate() {
                let address = slot.load(Ordering::Relaxed);
                if woken < count.get() && address != 0 && address == word.addr() {
                    slot.store(0, Ordering::Relaxed);
                    machine::interrupt(core);
                    woken += 1;
                }
            }
            Some(woken)
        })
    }

    fn now() -> Deadline {
        Deadline::from_nanos(machine::now())
    }

    fn yield_now() {
        core::hint::spin_loop();
    }

    fn heavy_fence() -> bool {
        false
    }
}
