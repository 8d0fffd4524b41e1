//! The suite's own tests: every mistake below must be found by the check that is about it.

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

/// Enough for a lost wake.
const TURNS: u32 = 100_000;

/// None are needed, and timeouts are measured.
const UNTIL_LATE: u32 = 1;

/// The failure that all parties report.
fn failure<P: Platform>(followers: u32, turns: u32) -> Check {
    let late = Duration::from_millis(if turns == UNTIL_LATE { 20 } else { 10_000 }); // other tests run too
    let options = Options::quick().hand_offs(turns).late(late).patience(Duration::from_millis(300));
    let suite = Suite::<P>::new(options);
    thread::scope(|s| {
        let others: Vec<_> = (0..followers).map(|_| s.spawn(|| suite.follow())).collect();
        let failure = suite.lead(followers).expect_err("the mistake is found");
        for other in others {
            assert_eq!(other.join().unwrap(), Err(failure));
        }
        failure.check
    })
}

#[test]
fn a_wait_that_does_not_compare_is_found() {
    // It would block for ever where the suite is alone with it and waits for another value than 5.
    mistaken!(Forgetful: |word, expected, deadline| match expected {
        6 => WaitOutcome::Mismatch,
        _ => Os::wait(word, word.load(Ordering::Relaxed), deadline),
    }, Os::wake);
    assert_eq!(failure::<Forgetful>(1, TURNS), Check::HandOff);
}

#[test]
fn a_wake_that_is_lost_is_found() {
    mistaken!(Deaf: Os::wait, |word, count| {
        static WAKES: AtomicU32 = AtomicU32::new(0);
        if WAKES.fetch_add(1, Ordering::Relaxed) % 1000 == 999 { None } else { Os::wake(word, count) }
    });
    assert_eq!(failure::<Deaf>(1, TURNS), Check::HandOff);
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
    mistaken!(Wrapping: |word, expected, deadline| match deadline {
        Deadline::NEVER if word.load(Ordering::Relaxed) == expected => WaitOutcome::TimedOut,
        deadline => Os::wait(word, expected, deadline),
    }, Os::wake);
    assert_eq!(failure::<Wrapping>(1, TURNS), Check::Overflow);
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
