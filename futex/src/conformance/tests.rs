//! The suite's own tests: every mistake below must be found by the check that is about it.

use std::cell::Cell;
use std::thread;
use std::vec::Vec;

use super::*;

/// A platform that makes one mistake.
macro_rules! mistaken {
    ($name:ident: $wait:expr, $wake:expr) => {
        struct $name;

        // SAFETY: it is not; that is the point. It loses wakes and lies about time, which costs the suite a failure and
        // no memory.
        unsafe impl Platform for $name {
            fn wait(word: &AtomicU32, expected: u32, deadline: Deadline) -> WaitOutcome {
                let wait: fn(&AtomicU32, u32, Deadline) -> WaitOutcome = $wait;
                wait(word, expected, deadline)
            }

            fn wake(word: *const AtomicU32, count: NonZeroU32) -> Option<u32> {
                let wake: fn(*const AtomicU32, NonZeroU32) -> Option<u32> = $wake;
                wake(word, count)
            }

            fn now() -> Deadline {
                Os::now()
            }

            fn yield_now() {
                Os::yield_now();
            }

            fn heavy_fence() -> bool {
                false
            }
        }
    };
}

/// More than any mistake needs.
const TURNS: u32 = 1_000;

/// None are needed, and timeouts are measured.
const UNTIL_LATE: u32 = 1;

const fn options(turns: u32) -> Options {
    let late = Duration::from_millis(if turns == UNTIL_LATE { 20 } else { 10_000 }); // other tests run too
    Options::quick().hand_offs(turns).late(late).patience(Duration::from_millis(300))
}

/// The failure that all parties report.
fn failure<P: Platform>(followers: u32, turns: u32) -> Check {
    failure_of(&Suite::<P>::new(options(turns)), followers)
}

fn failure_of<P: Platform>(suite: &Suite<P>, followers: u32) -> Check {
    LEADS.set(true);
    thread::scope(|s| {
        let others: Vec<_> = (0..followers).map(|_| s.spawn(|| suite.follow())).collect();
        let failure = suite.lead(followers).expect_err("the mistake is found");
        for other in others {
            assert_eq!(other.join().unwrap(), Err(failure));
        }
        failure.check
    })
}

std::thread_local! {
    /// Whether this thread leads a suite.
    static LEADS: Cell<bool> = const { Cell::new(false) };
}

/// Makes a mistake certain that would otherwise need luck: the one follower *will* wait for a turn of the leader, before
/// that turn is over. It does so at the leader's first turn, or the leader is held, after that turn, until it does.
struct Trap {
    /// The leader's first turn that counts.
    first: u32,
    /// Whether the follower is caught; set by it, once.
    caught: AtomicU32,
    /// Wakes that the leader has made of the word of turns; by the leader alone.
    wakes: AtomicU32,
}

impl Trap {
    const fn new(first: u32) -> Self {
        Trap { first, caught: AtomicU32::new(0), wakes: AtomicU32::new(0) }
    }

    /// Whether a wait is one that the leader's next step must end.
    fn catches<P: Platform>(&self, suite: &Suite<P>, word: &AtomicU32, expected: u32) -> bool {
        let waits_for_the_leader = !LEADS.get() && ptr::eq(word, &suite.turn) && expected >= self.first;
        let caught = waits_for_the_leader && word.load(Ordering::Relaxed) == expected;
        if caught {
            self.caught.store(1, Ordering::Relaxed); // a flag without data
        }
        caught
    }

    /// Wakes, and holds the leader.
    fn wake<P: Platform>(&self, suite: &Suite<P>, word: *const AtomicU32, count: NonZeroU32) -> Option<u32> {
        let woken = Os::wake(word, count);
        if LEADS.get() && ptr::eq(word, &suite.turn) {
            self.wakes.fetch_add(1, Ordering::Relaxed); // a number without data
            let not_yet =
                || suite.turn.load(Ordering::Relaxed) > self.first && self.caught.load(Ordering::Relaxed) == 0;
            // Until then, or until the mistake was found without the trap.
            while not_yet() && suite.check().is_ok() {
                Os::yield_now();
            }
        }
        woken
    }
}

#[test]
fn a_wait_that_does_not_compare_is_found() {
    static SUITE: Suite<Forgetful> = Suite::new(options(TURNS));
    static TRAP: Trap = Trap::new(ENDLESS);
    mistaken!(Forgetful: |word, expected, deadline| {
        if TRAP.catches(&SUITE, word, expected) {
            // The leader moves and wakes now, between the caller's look and its wait.
            let leaders_turns = (expected - ENDLESS) / 2 + 1;
            let not_yet = || TRAP.wakes.load(Ordering::Relaxed) < ENDLESS + leaders_turns;
            while not_yet() && SUITE.check().is_ok() {
                Os::yield_now();
            }
        }
        match expected {
            // Where the suite is alone with it, or waits without an end, it would block for ever.
            6 => WaitOutcome::Mismatch,
            ..ENDLESS => Os::wait(word, expected, deadline),
            _ => Os::wait(word, word.load(Ordering::Relaxed), deadline),
        }
    }, |word, count| TRAP.wake(&SUITE, word, count));
    assert_eq!(failure_of(&SUITE, 1), Check::HandOff);
}

#[test]
fn a_wake_that_is_lost_is_found() {
    static SUITE: Suite<Deaf> = Suite::new(options(TURNS));
    static TRAP: Trap = Trap::new(ENDLESS);
    mistaken!(Deaf: |word, expected, deadline| {
        if TRAP.catches(&SUITE, word, expected) {
            let nobody_wakes = AtomicU32::new(0);
            while Os::wait(&nobody_wakes, 0, deadline) != WaitOutcome::TimedOut {}
            return WaitOutcome::TimedOut;
        }
        Os::wait(word, expected, deadline)
    }, |word, count| TRAP.wake(&SUITE, word, count));
    assert_eq!(failure_of(&SUITE, 1), Check::HandOff);
}

#[test]
fn a_wake_of_one_that_wakes_none_is_found() {
    mistaken!(Stingy: Os::wait, |word, count| {
        static CALLS: AtomicU32 = AtomicU32::new(0);
        if count == ONE && CALLS.fetch_add(1, Ordering::Relaxed) % 2 == 0 { None } else { Os::wake(word, count) }
    });
    assert_eq!(failure::<Stingy>(2, 0), Check::WakeOne);
}

#[test]
fn a_timeout_that_is_early_is_found() {
    mistaken!(Hasty: |word, expected, deadline| match Os::wait(word, expected, Deadline::PASSED) {
        WaitOutcome::TimedOut if deadline.is_never() => Os::wait(word, expected, deadline),
        outcome => outcome,
    }, Os::wake);
    assert_eq!(failure::<Hasty>(1, TURNS), Check::Early);
}

#[test]
fn a_timeout_that_is_late_is_found() {
    mistaken!(Lazy: |word, expected, deadline| {
        Os::wait(word, expected, deadline.saturating_add(Duration::from_millis(30)))
    }, Os::wake);
    assert_eq!(failure::<Lazy>(1, UNTIL_LATE), Check::Late);
}

#[test]
fn a_deadline_that_overflows_is_found() {
    static SUITE: Suite<Wrapping> = Suite::new(options(TURNS));
    static TRAP: Trap = Trap::new(0);
    mistaken!(Wrapping: |word, expected, deadline| {
        let is_huge = deadline.as_nanos() >= u64::MAX - 1;
        if is_huge && TRAP.catches(&SUITE, word, expected) {
            return WaitOutcome::TimedOut;
        }
        Os::wait(word, expected, deadline)
    }, |word, count| TRAP.wake(&SUITE, word, count));
    assert_eq!(failure_of(&SUITE, 1), Check::Overflow);
}

#[test]
fn a_wait_with_the_wrong_answer_is_found() {
    mistaken!(Confused: |word, expected, deadline| match Os::wait(word, expected, deadline) {
        WaitOutcome::Mismatch => WaitOutcome::TimedOut,
        WaitOutcome::TimedOut => WaitOutcome::Mismatch,
        outcome => outcome,
    }, Os::wake);
    assert_eq!(failure::<Confused>(1, TURNS), Check::Mismatch);
}
