//! From the first submission to the last: RUNNING, DRAINING, CLOSED, in one word with the submissions in flight.
//!
//! ```text
//!   submissions in flight | state        RUNNING --drain--> DRAINING --close--> CLOSED
//! ```
//!
//! A submission counts itself in, looks at the state it got with the same step, and counts itself out when its task is
//! queued. So a drain that finds none in flight has seen every accepted task (B1, in the pool's terms).

use reveille_futex::const_unless_loom;
use reveille_futex::sync::atomic::{AtomicUsize, Ordering};

const STATE_MASK: usize = 0b11;
const RUNNING: usize = 0;
const DRAINING: usize = 1; // accepted work is finished, more is refused
const CLOSED: usize = 2; // workers leave
const ONE_IN_FLIGHT: usize = 1 << 2;

/// Read-modify-writes only.
pub(crate) struct Lifecycle(AtomicUsize);

impl Lifecycle {
    const_unless_loom! {
        pub(crate) const fn new() -> Self {
            Lifecycle(AtomicUsize::new(RUNNING))
        }
    }

    /// Passes `item` to `submit`, or gives it back if the pool no longer accepts work.
    pub(crate) fn submit<T>(&self, item: T, submit: impl FnOnce(T)) -> Result<(), T> {
        // Acquire: a refused caller sees what led to the shutdown.
        let before = self.0.fetch_add(ONE_IN_FLIGHT, Ordering::Acquire);
        let outcome = if before & STATE_MASK == RUNNING {
            submit(item);
            Ok(())
        } else {
            Err(item)
        };
        // Release: who sees nothing in flight sees the queued task. Pairs with the load in `is_drained`.
        self.0.fetch_sub(ONE_IN_FLIGHT, Ordering::Release);
        outcome
    }

    /// Refuses further work. Returns whether this call did it.
    pub(crate) fn drain(&self) -> bool {
        // Release: to the workers that see it, what came before. Acquire: who drained first.
        self.0.fetch_or(DRAINING, Ordering::AcqRel) & STATE_MASK == RUNNING
    }

    /// Whether the pool drains and no submission is in flight: what was accepted is in the queues.
    pub(crate) fn is_drained(&self) -> bool {
        // Acquire: pairs with the release in `submit`.
        let now = self.0.load(Ordering::Acquire);
        now & STATE_MASK == DRAINING && now < ONE_IN_FLIGHT
    }

    /// Tells the workers to leave. Returns whether this call did it.
    pub(crate) fn close(&self) -> bool {
        // AcqRel: as `drain`. CLOSED keeps the bit of DRAINING, which nobody can take back.
        self.0.fetch_or(CLOSED, Ordering::AcqRel) & CLOSED == 0
    }

    /// Whether workers are to leave.
    #[inline]
    pub(crate) fn is_closed(&self) -> bool {
        self.0.load(Ordering::Acquire) & CLOSED != 0 // pairs with `close`
    }
}
