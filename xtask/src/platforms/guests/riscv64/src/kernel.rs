//! The smallest kernel that can block a hart: a spin lock, one slot per hart, `wfi`, and interrupts between harts.
//!
//! ```text
//!   wait: lock; compare; slot = address; unlock; wfi until the slot is empty or time is up
//!   wake: lock; empty the slots with the address, interrupt their harts; unlock
//! ```
//!
//! A waker that empties a slot before the hart's `wfi` leaves the interrupt pending, and `wfi` returns at once.

use core::arch::asm;
use core::num::NonZeroU32;
use core::ptr;

use reveille_futex::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use reveille_futex::sync::hint;
use reveille_futex::{Deadline, Platform, WaitOutcome};

const HARTS: usize = 4;

/// The device that ends QEMU: a pass, or a code above a fail.
const FINISHER: *mut u32 = ptr::without_provenance_mut(0x10_0000);
const PASS: u32 = 0x5555;
const FAIL: u32 = 0x3333;

/// The interrupt controller of `virt`.
const CLINT: usize = 0x200_0000;
const MSIP: usize = CLINT; // one word per hart: its software interrupt
const MTIMECMP: usize = CLINT + 0x4000; // one double word per hart: its timer interrupt
const MTIME: usize = CLINT + 0xBFF8;
const NANOS_PER_TICK: u64 = 100;

static LOCK: AtomicU32 = AtomicU32::new(0);

/// The address that each hart waits on, zero if it does not wait. Changed under the lock.
static SLOTS: [AtomicUsize; HARTS] = [const { AtomicUsize::new(0) }; HARTS];

/// The platform of this program.
pub struct Kernel;

fn hart() -> usize {
    let hart: usize;
    // SAFETY: reads a register.
    unsafe { asm!("csrr {}, mhartid", out(reg) hart, options(nomem, nostack)) };
    hart
}

fn write<T>(address: usize, value: T) {
    // SAFETY: the address is a device's register of this type on QEMU's `virt`.
    unsafe { ptr::with_exposed_provenance_mut::<T>(address).write_volatile(value) };
}

fn locked<R>(f: impl FnOnce() -> R) -> R {
    // Acquire and Release: what one holder did, the next one sees.
    while LOCK.swap(1, Ordering::Acquire) == 1 {
        hint::spin_loop();
    }
    let result = f();
    LOCK.store(0, Ordering::Release);
    result
}

// SAFETY: comparing and occupying the slot are one step under the lock, which every wake takes; addresses are compared as
// numbers. There is no heavy fence.
unsafe impl Platform for Kernel {
    fn wait(word: &AtomicU32, expected: u32, deadline: Deadline) -> WaitOutcome {
        let me = hart();
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
        loop {
            write(MSIP + 4 * me, 0u32); // before the look at the slot: a later interrupt stays pending
            if locked(|| slot.load(Ordering::Relaxed)) == 0 {
                return WaitOutcome::Returned;
            }
            if Self::now() >= deadline {
                let woken = locked(|| slot.swap(0, Ordering::Relaxed)) == 0;
                return if woken { WaitOutcome::Returned } else { WaitOutcome::TimedOut };
            }
            write(MTIMECMP + 8 * me, deadline.as_nanos().div_ceil(NANOS_PER_TICK));
            // SAFETY: sleeps until an interrupt is pending.
            unsafe { asm!("wfi", options(nostack)) };
        }
    }

    fn wake(word: *const AtomicU32, count: NonZeroU32) -> Option<u32> {
        locked(|| {
            let mut woken = 0;
            for (hart, slot) in SLOTS.iter().enumerate() {
                let address = slot.load(Ordering::Relaxed);
                if woken < count.get() && address != 0 && address == word.addr() {
                    slot.store(0, Ordering::Relaxed);
                    write(MSIP + 4 * hart, 1u32);
                    woken += 1;
                }
            }
            Some(woken)
        })
    }

    fn now() -> Deadline {
        // SAFETY: the timer's register, readable by every hart.
        let ticks = unsafe { ptr::with_exposed_provenance::<u64>(MTIME).read_volatile() };
        Deadline::from_nanos(ticks * NANOS_PER_TICK)
    }

    fn yield_now() {
        hint::spin_loop();
    }

    fn heavy_fence() -> bool {
        false
    }
}

/// Ends QEMU with this status.
pub fn exit(status: u32) -> ! {
    let word = if status == 0 { PASS } else { FAIL | (status << 16) };
    // SAFETY: the finisher's register.
    unsafe { FINISHER.write_volatile(word) };
    stop()
}

/// Stops this hart.
pub fn stop() -> ! {
    loop {
        // SAFETY: sleeps until an interrupt is pending.
        unsafe { asm!("wfi", options(nomem, nostack)) };
    }
}
