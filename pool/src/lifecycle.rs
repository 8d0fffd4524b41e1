//! From the first submission to the last: RUNNING, DRAINING, CLOSED, in one word with the submissions in flight.
//!
//! ```text
//!   submissions in flight | state        RUNNING --drain--> DRAINING --close--> CLOSED
//! ```
//!
//! A submission counts itself in, looks at the state it got with the same step, and counts itself out when its task is
//! queued. So a drain that finds none in flight has seen every accepted task (B1, in the pool's terms).

use reveille_futex::const_unless_loom;
use reveille_futex::sync::atomic::{AtomicUsize, Ordering, fence};

const STATE_MASK: usize = 0b11;
const RUNNING: usize = 0;
const DRAINING: usize = 1; // accepted work is finished, more is refused
const CLOSED: usize = 2; // workers leave
const ONE_IN_FLIGHT: usize = 1 << 2;

/// What a pool accepts. A pool that was never shut down is running.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum State {
    /// Work of any kind.
    Running,
    /// What tasks that were accepted before submit themselves. Nothing from outside.
    Draining,
    /// Nothing. The workers leave, or have left.
    Closed,
}

/// Read-modify-writes only.
#[derive(Debug)]
pub struct Lifecycle(AtomicUsize);

impl Lifecycle {
    const_unless_loom! {
        /// Running, with nothing in flight.
        pub const fn new() -> Self {
            Lifecycle(AtomicUsize::new(RUNNING))
        }
    }

    /// Counts a submission in, or refuses it. One that is part of accepted work is refused only by a closed pool.
    /// [`count_out`](Self::count_out) follows in either case.
    pub fn count_in(&self, part_of_accepted_work: bool) -> bool {
        // Acquire: a refused caller sees what led to the shutdown.
        let state = self.0.fetch_add(ONE_IN_FLIGHT, Ordering::Acquire) & STATE_MASK;
        state == RUNNING || part_of_accepted_work && state == DRAINING
    }

    /// Counts a submission out. If it is the last one of a draining pool, workers that looked meanwhile did not find it
    /// drained, and may sleep: `true` asks the caller to wake them.
    pub fn count_out(&self) -> bool {
        // Release: who sees nothing in flight sees the queued task. Pairs with the load in `is_drained`.
        self.0.fetch_sub(ONE_IN_FLIGHT, Ordering::Release) == ONE_IN_FLIGHT | DRAINING
    }

    /// Refuses further work. Returns whether this call did it.
    pub fn drain(&self) -> bool {
        // Release: to whoever sees it, what came before.
        self.0.fetch_or(DRAINING, Ordering::Release) & STATE_MASK == RUNNING
    }

    /// Whether the pool drains and no submission is in flight: what was accepted is in the queues.
    pub fn is_drained(&self) -> bool {
        // Acquire: pairs with the release in `count_out`.
        let now = self.0.load(Ordering::Acquire);
        now & STATE_MASK == DRAINING && now < ONE_IN_FLIGHT
    }

    /// Tells the workers to leave, unless a submission is in flight. Returns whether this call did it.
    pub fn close(&self) -> bool {
        // Release: as `drain`. CLOSED keeps the bit of DRAINING, which nobody can take back. Relaxed on failure: asked again.
        self.0.compare_exchange(DRAINING, DRAINING | CLOSED, Ordering::Release, Ordering::Relaxed).is_ok()
    }

    /// What the pool accepts, for whoever asks.
    pub fn state(&self) -> State {
        // Acquire: who sees a state sees what led to it.
        match self.0.load(Ordering::Acquire) & STATE_MASK {
            RUNNING => State::Running,
            DRAINING => State::Draining,
            _ => State::Closed,
        }
    }

    /// Whether workers are to leave.
    #[inline]
    pub fn is_closed(&self) -> bool {
        self.0.load(Ordering::Acquire) & CLOSED != 0 // pairs with `close`
    }

    /// A worker of a closed pool, which goes home if it finds its queues empty. It looks at them after this call.
    pub fn before_going_home(&self) {
        fence(Ordering::SeqCst); // between the look at the state and the look at the queues; pairs with `has_closed_over`
    }

    /// Whether the pool has closed over what the caller has just queued: then nobody may be left to take it.
    pub fn has_closed_over(&self) -> bool {
        // Between the push and the look at the state. Pairs with `before_going_home`: either a worker stays for the task, or
        // its pusher sees that they leave.
        fence(Ordering::SeqCst);
        self.is_closed()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// A pool's life in any order of steps: what is refused, what is drained, who is told to wake the workers.
        #[test]
        fn a_life_of_a_pool(steps in prop::collection::vec((0..4_u32, any::<bool>()), 0..60)) {
            let (life, mut state, mut in_flight) = (Lifecycle::new(), State::Running, 0);
            for (step, part_of_accepted_work) in steps {
                match step {
                    0 => {
                        let admitted = state == State::Running || part_of_accepted_work && state == State::Draining;
                        prop_assert_eq!(life.count_in(part_of_accepted_work), admitted);
                        in_flight += 1;
                    }
                    1 if in_flight > 0 => {
                        in_flight -= 1;
                        prop_assert_eq!(life.count_out(), in_flight == 0 && state == State::Draining);
                    }
                    2 => {
                        prop_assert_eq!(life.drain(), state == State::Running);
                        if state == State::Running {
                            state = State::Draining;
                        }
                    }
                    3 => {
                        let closes = state == State::Draining && in_flight == 0;
                        prop_assert_eq!(life.close(), closes);
                        if closes {
                            state = State::Closed;
                        }
                    }
                    _ => {}
                }
                prop_assert_eq!((life.state(), life.is_closed()), (state, state == State::Closed));
                prop_assert_eq!(life.is_drained(), state == State::Draining && in_flight == 0);
            }
        }
    }

    #[test]
    fn a_submission_in_flight_keeps_the_pool_open_and_the_last_one_out_tells_the_workers() {
        let life = Lifecycle::new();
        assert!(life.count_in(false));
        assert!(life.drain());
        assert!(!life.is_drained(), "one is in flight");
        assert!(!life.close(), "one is in flight");
        assert!(!life.count_in(false), "refused");
        assert!(!life.count_out(), "not the last");
        assert!(life.count_in(true), "part of accepted work");
        assert!(!life.count_out());
        assert!(life.count_out(), "a worker that looked meanwhile may sleep");
        assert!(!life.has_closed_over(), "not closed yet");
        assert!(life.is_drained() && life.close());
        assert!(life.has_closed_over());
        assert_eq!(life.state(), State::Closed);
        assert!(!life.count_in(true));
        assert!(!life.count_out(), "a closed pool has told everybody");
    }
}
