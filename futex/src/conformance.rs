//! What every [`Platform`] must pass, in a form that needs no operating system.
//!
//! A [`Suite`] is memory that one leader and one or more followers share; each calls its function on a thread or core of
//! its own. They meet by looking at words, with [`Platform::yield_now`] in between, so that nothing but the checks
//! themselves depends on waiting and waking.
//!
//! | check | what it demands |
//! |---|---|
//! | [`Mismatch`](Check::Mismatch) | a wait for another value does not block |
//! | [`ZeroTimeout`](Check::ZeroTimeout) | a deadline that has passed does not block |
//! | [`DeadAddress`](Check::DeadAddress) | waking null, unmapped, misaligned and unused addresses does no harm |
//! | [`ClockSteps`](Check::ClockSteps) | the clock never goes back |
//! | [`Early`](Check::Early) | no timeout before its deadline |
//! | [`Late`](Check::Late) | the best of a few timeouts is late by no more than [`Options::late`] |
//! | [`Overflow`](Check::Overflow) | a deadline too large for the clock never passes |
//! | [`HandOff`](Check::HandOff) | no wake is lost in [`Options::hand_offs`] turns between two threads |
//! | [`WakeOne`](Check::WakeOne) | as many single wakes as there are waiters end all their waits |
//!
//! Spurious returns are allowed everywhere. A lost wake ends in a timeout after [`Options::patience`]; on a platform
//! without a clock it hangs, and the one who started the suite must notice.
//!
//! ```
//! use reveille_futex::Os;
//! use reveille_futex::conformance::{Options, Suite};
//!
//! let suite = Suite::<Os>::new(Options::quick());
//! std::thread::scope(|s| {
//!     s.spawn(|| suite.follow().unwrap());
//!     s.spawn(|| suite.follow().unwrap());
//!     let report = suite.lead(2).unwrap();
//!     assert_eq!(report.hand_offs, 1_000);
//! });
//! ```

mod report;

use core::fmt;
use core::marker::PhantomData;
use core::num::NonZeroU32;
use core::ptr;
use core::time::Duration;

use crate::sync::atomic::{AtomicU32, Ordering};
use crate::sync::hint;
use crate::{Deadline, Os, Platform, WaitOutcome};

pub use report::{Check, Failure, Options, Report};

/// The shared memory of one run. One run only: make another for the next.
pub struct Suite<P: Platform = Os> {
    options: Options,
    /// Changed by whoever's turn it is; read-modify-writes only.
    turn: AtomicU32,
    /// Followers wait here together, in odd rounds at one, in even rounds at the other: at a single gate one that is quick
    /// would wait for the next round while wakes of this one are sent, and take them from those that are slow. Each counts
    /// how often it was opened. The leader alone changes them, by read-modify-writes.
    gates: [AtomicU32; 2],
    /// Waits that are about to begin, of the parts in which the leader wants them asleep; a counter.
    ready: AtomicU32,
    /// Followers that passed the gate; a counter.
    passed: AtomicU32,
    /// Followers that were given a number; a counter.
    numbers: AtomicU32,
    /// Parties that reached a meeting; a counter.
    arrived: AtomicU32,
    /// How many parties there are; zero until the leader comes.
    parties: AtomicU32,
    /// The first failure, packed; zero if there is none. Set once, by an exchange.
    failure: AtomicU32,
    platform: PhantomData<fn() -> P>,
}

const TIMEOUTS: [Duration; 4] =
    [Duration::from_nanos(1), Duration::from_micros(50), Duration::from_millis(1), Duration::from_millis(15)];

/// How often each timeout is tried; the best counts, because other programs run too.
const TRIES: u32 = 5;

/// Waits without an end, each of which is also a turn.
const ENDLESS: u32 = 2;

/// How often all followers wait for single wakes.
const GATES: u32 = 50;

/// Looks and yields that give others the time to fall asleep.
const A_WHILE: u32 = 200;

/// Pauses between a look and a wait, at most: about as long as a wake takes to the other processor.
const DAWDLE: u32 = 512;

const ONE: NonZeroU32 = NonZeroU32::MIN;
const ALL: NonZeroU32 = NonZeroU32::MAX;

impl<P: Platform> Suite<P> {
    /// Memory for one run.
    pub const fn new(options: Options) -> Self {
        Suite {
            options,
            turn: AtomicU32::new(0),
            gates: [const { AtomicU32::new(0) }; 2],
            ready: AtomicU32::new(0),
            passed: AtomicU32::new(0),
            numbers: AtomicU32::new(0),
            arrived: AtomicU32::new(0),
            parties: AtomicU32::new(0),
            failure: AtomicU32::new(0),
            platform: PhantomData,
        }
    }

    /// Runs the suite with `followers` other threads, each of which calls [`follow`](Self::follow). One thread calls this,
    /// once.
    ///
    /// # Errors
    ///
    /// The first check that failed. All parties return it.
    ///
    /// # Panics
    ///
    /// If there are no followers.
    pub fn lead(&self, followers: u32) -> Result<Report, Failure> {
        assert!(followers > 0, "hand-offs need two");
        self.parties.fetch_add(followers + 1, Ordering::Relaxed); // a number, published by the meetings
        let late = self.alone()?;
        self.meet(1)?;
        self.wake_a_wait_without_end()?;
        self.meet(2)?;
        self.take_turns(0)?;
        self.meet(3)?;
        for round in 1..=GATES {
            self.open_gate(round, followers)?;
        }
        self.meet(4)?;
        Ok(Report { hand_offs: self.options.hand_offs, late })
    }

    /// Runs the other side; see [`lead`](Self::lead).
    ///
    /// # Errors
    ///
    /// The first check that failed. All parties return it.
    pub fn follow(&self) -> Result<(), Failure> {
        let first = self.numbers.fetch_add(1, Ordering::Relaxed) == 0; // a ticket
        self.meet(1)?;
        if first {
            self.wait_without_end()?;
        }
        self.meet(2)?;
        if first {
            self.take_turns(1)?;
        }
        self.meet(3)?;
        for round in 1..=GATES {
            self.pass_gate(round)?;
        }
        self.meet(4)
    }

    fn alone(&self) -> Result<Duration, Failure> {
        let word = AtomicU32::new(5);
        for _ in 0..TRIES {
            self.demand(P::wait(&word, 6, Deadline::NEVER) != WaitOutcome::TimedOut, Check::Mismatch, 0)?;
            let outcome = P::wait(&word, 5, Deadline::PASSED);
            self.demand(outcome != WaitOutcome::Mismatch, Check::ZeroTimeout, 0)?;
            P::wait(&word, 5, Deadline::after_on::<P>(Duration::ZERO));
        }
        for address in [0, 1, 2, 4, 4096, 0xDEAD_BEE0, usize::MAX, usize::MAX - 3, ptr::from_ref(&word).addr()] {
            for count in [ONE, ALL] {
                let woken = P::wake(ptr::without_provenance(address), count);
                self.demand(woken.unwrap_or(0) == 0, Check::DeadAddress, address as u32)?;
            }
        }
        let mut last = P::now();
        for reading in 0..1_000 {
            let now = P::now();
            self.demand(now >= last, Check::ClockSteps, reading)?;
            last = now;
        }
        if !self.options.timed {
            return Ok(Duration::ZERO);
        }
        // One nanosecond after the clock's origin is past, on a clock that runs.
        while P::wait(&word, 5, Deadline::from_nanos(1)) != WaitOutcome::TimedOut {}
        let mut worst = Duration::ZERO;
        for timeout in TIMEOUTS {
            worst = worst.max(self.best_of_a_few(timeout)?);
        }
        Ok(worst)
    }

    fn best_of_a_few(&self, timeout: Duration) -> Result<Duration, Failure> {
        let word = AtomicU32::new(0);
        let mut best = Duration::MAX;
        for _ in 0..TRIES {
            let deadline = Deadline::after_on::<P>(timeout);
            while P::wait(&word, 0, deadline) != WaitOutcome::TimedOut {}
            let now = P::now();
            let early = deadline.as_nanos().saturating_sub(now.as_nanos());
            self.demand(early == 0, Check::Early, clamp(early))?;
            best = best.min(now.remaining(deadline).unwrap_or(Duration::MAX));
        }
        self.demand(best <= self.options.late, Check::Late, clamp(best.as_nanos() as u64))?;
        Ok(best)
    }

    fn wait_without_end(&self) -> Result<(), Failure> {
        let forever = if self.options.timed {
            [Deadline::after_on::<P>(Duration::MAX), Deadline::from_nanos(u64::MAX - 1)]
        } else {
            [Deadline::NEVER; ENDLESS as usize]
        };
        for (turn, deadline) in (0..).zip(forever) {
            self.ready.fetch_add(1, Ordering::Relaxed); // see `let_others_sleep`
            // Acquire, Release: the turn hands over everything, though only the word itself is used.
            while self.turn.load(Ordering::Acquire) == turn {
                let outcome = P::wait(&self.turn, turn, deadline);
                self.demand(outcome != WaitOutcome::TimedOut, Check::Overflow, turn)?;
                self.check()?;
            }
        }
        Ok(())
    }

    fn wake_a_wait_without_end(&self) -> Result<(), Failure> {
        for turn in 0..ENDLESS {
            self.let_others_sleep(turn + 1)?;
            self.turn.fetch_add(1, Ordering::Release); // see `wait_without_end`
            P::wake(&self.turn, ALL);
        }
        Ok(())
    }

    /// Two parties: `side` moves when the turn's parity is its own.
    fn take_turns(&self, side: u32) -> Result<(), Failure> {
        for round in 0..self.options.hand_offs {
            let mine = ENDLESS + round;
            if mine % 2 != side {
                continue;
            }
            let patience = self.patience();
            loop {
                // Acquire: pairs with the addition below, of the other side; a real hand-off has data.
                let turn = self.turn.load(Ordering::Acquire);
                if turn == mine {
                    break;
                }
                dawdle(round);
                let outcome = P::wait(&self.turn, turn, patience);
                self.demand(outcome != WaitOutcome::TimedOut, Check::HandOff, round)?;
                self.check()?;
            }
            self.turn.fetch_add(1, Ordering::Release); // publishes this side's turn to the other
            P::wake(&self.turn, if round % 3 == 0 { ALL } else { ONE });
        }
        Ok(())
    }

    fn open_gate(&self, round: u32, followers: u32) -> Result<(), Failure> {
        self.let_others_sleep(ENDLESS + round * followers)?;
        let gate = &self.gates[round as usize % 2];
        gate.fetch_add(1, Ordering::Release); // pairs with the acquire of `pass_gate`
        for _ in 0..followers {
            P::wake(gate, ONE);
        }
        let patience = self.patience();
        // Acquire: pairs with the followers' additions; the next round starts after they left.
        while self.passed.load(Ordering::Acquire) < round * followers {
            self.check()?;
            let left = round * followers - self.passed.load(Ordering::Relaxed);
            self.demand(patience.is_never() || P::now() < patience, Check::WakeOne, left)?;
            P::yield_now();
        }
        Ok(())
    }

    fn pass_gate(&self, round: u32) -> Result<(), Failure> {
        self.ready.fetch_add(1, Ordering::Relaxed); // see `let_others_sleep`
        let patience = self.patience().saturating_add(self.options.patience); // the leader complains first
        let (gate, opening) = (&self.gates[round as usize % 2], round.div_ceil(2));
        // Acquire: pairs with the addition in `open_gate`.
        while gate.load(Ordering::Acquire) < opening {
            let outcome = P::wait(gate, opening - 1, patience);
            self.demand(outcome != WaitOutcome::TimedOut, Check::WakeOne, round)?;
            self.check()?;
        }
        self.passed.fetch_add(1, Ordering::Release); // pairs with the leader's look
        Ok(())
    }

    fn patience(&self) -> Deadline {
        if self.options.timed { Deadline::after_on::<P>(self.options.patience) } else { Deadline::NEVER }
    }

    /// Gives those who announced their waits, `ready` since the start, the time to begin them.
    fn let_others_sleep(&self, ready: u32) -> Result<(), Failure> {
        // Relaxed: whoever is not asleep yet makes the check weaker, not wrong.
        while self.ready.load(Ordering::Relaxed) < ready {
            self.check()?;
            P::yield_now();
        }
        for _ in 0..A_WHILE {
            self.check()?;
            P::yield_now();
        }
        Ok(())
    }

    /// Returns when every party has come to the meeting of this number.
    fn meet(&self, number: u32) -> Result<(), Failure> {
        // Release and acquire: what each party did before is seen by all after. The additions are one chain.
        self.arrived.fetch_add(1, Ordering::AcqRel);
        loop {
            self.check()?;
            let parties = self.parties.load(Ordering::Relaxed); // looked at again until the leader set it
            let arrived = self.arrived.load(Ordering::Acquire); // pairs with the additions
            if parties != 0 && arrived >= number * parties {
                return Ok(());
            }
            P::yield_now();
        }
    }

    /// Whether another party found a failure.
    fn check(&self) -> Result<(), Failure> {
        match self.failure.load(Ordering::Relaxed) {
            0 => Ok(()), // looked at again in every loop; the word is all there is to see
            word => Err(Failure::unpack(word)),
        }
    }

    fn demand(&self, holds: bool, check: Check, value: u32) -> Result<(), Failure> {
        if holds {
            return Ok(());
        }
        let word = Failure { check, value }.pack();
        // Relaxed: the word is all there is to see.
        let _ = self.failure.compare_exchange(0, word, Ordering::Relaxed, Ordering::Relaxed);
        P::wake(&self.turn, ALL);
        for gate in &self.gates {
            P::wake(gate, ALL);
        }
        self.check()
    }
}

/// Takes a while, now shorter, now longer, so that the other side's step falls between a look and the wait that follows it.
fn dawdle(round: u32) {
    for _ in 0..(round.wrapping_mul(0x9E37_79B9) >> 16) % DAWDLE {
        hint::spin_loop();
    }
}

fn clamp(nanos: u64) -> u32 {
    u32::try_from(nanos).unwrap_or(u32::MAX)
}

impl<P: Platform> fmt::Debug for Suite<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Suite").field("options", &self.options).field("result", &self.check()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
