//! The signal of a task: the waker that it left last.
//!
//! ```text
//!   IDLE --register--> REGISTERING --> IDLE              the task writes the waker
//!   IDLE --wake--> WAKING --> IDLE, and wakes            a signaller takes the waker
//!   REGISTERING --wake--> REGISTERING | WAKING           the task finds that when it is done, and wakes itself
//!   WAKING --register--> WAKING                          the task wakes itself instead
//! ```
//!
//! *Invariant.* The waker belongs to whoever left IDLE, until it is back there; a signal that comes second leaves its mark,
//! and whoever has the waker acts on it.
//!
//! Checked by `waker_signal_*` of `loom-tests/models/bridge.rs`.

use core::fmt;
use core::task::Waker;

use reveille_futex::const_unless_loom;
use reveille_futex::sync::atomic::{AtomicU32, Ordering};
use reveille_futex::sync::cell::UnsafeCell;
use reveille_futex::sync::hint;

use super::Signal;

const IDLE: u32 = 0;
const REGISTERING: u32 = 1; // the task has the waker
const WAKING: u32 = 2; // a signaller has it, or wants the task to be woken

/// Wakes the task that drains: any async runtime's. See [`Receiver::poll_drain`](crate::Receiver::poll_drain).
pub struct WakerSignal {
    /// Read-modify-writes only.
    state: AtomicU32,
    waker: UnsafeCell<Option<Waker>>,
}

// SAFETY: the cell is used by whoever has left IDLE.
unsafe impl Sync for WakerSignal {}
// SAFETY: wakers are Send.
unsafe impl Send for WakerSignal {}

impl WakerSignal {
    const_unless_loom! {
        /// Nobody waits.
        pub const fn new() -> Self {
            WakerSignal { state: AtomicU32::new(IDLE), waker: UnsafeCell::new(None) }
        }
    }

    /// Leaves the waker for the next signal. A signal before this is seen by the caller, which looks afterwards.
    ///
    /// Called by the receiver, so by one task at a time; a second one at the same time would be told to try again.
    pub(crate) fn register(&self, waker: &Waker) {
        // Acquire: pairs with the way back to IDLE in `signal`; the waker is ours, and what was published before that
        // signal is seen by the look that follows.
        // Relaxed on failure: the task is polled again, and comes here again.
        if self.state.compare_exchange(IDLE, REGISTERING, Ordering::Acquire, Ordering::Relaxed).is_err() {
            waker.wake_by_ref();
            hint::spin_loop(); // the signaller is two steps from the end
            return;
        }
        let old = self.waker.with_mut(|slot| {
            // SAFETY: this thread has left IDLE.
            let slot = unsafe { &mut *slot };
            match slot {
                Some(old) if old.will_wake(waker) => None,
                _ => slot.replace(waker.clone()),
            }
        });
        // Release, here and in the swap: pairs with `signal`, which takes the waker. A signal that came meanwhile is acquired
        // by the next registration: the task wakes itself, and the swap is part of the signal's release sequence.
        if self.state.compare_exchange(REGISTERING, IDLE, Ordering::Release, Ordering::Relaxed).is_err() {
            // SAFETY: still ours, because the state is not IDLE.
            let waker = self.waker.with_mut(|slot| unsafe { (*slot).take() });
            self.state.swap(IDLE, Ordering::Release);
            if let Some(waker) = waker {
                waker.wake();
            }
        }
        drop(old);
    }
}

impl Signal for WakerSignal {
    fn signal(&self) {
        // Acquire: pairs with `register`; the waker can be read. Release: the task that finds the mark finds the item.
        if self.state.fetch_or(WAKING, Ordering::AcqRel) == IDLE {
            // SAFETY: this thread has left IDLE.
            let waker = self.waker.with_mut(|slot| unsafe { (*slot).take() });
            // Release: pairs with `register`, which writes the waker.
            self.state.fetch_and(!WAKING, Ordering::Release);
            if let Some(waker) = waker {
                waker.wake();
            }
        }
    }
}

impl Default for WakerSignal {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for WakerSignal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WakerSignal").finish_non_exhaustive()
    }
}
