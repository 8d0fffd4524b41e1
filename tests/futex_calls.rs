//! What a program sees of the futex layer: uncontended primitives make no call, own platforms fit, bad input is harmless.

use std::num::NonZeroU32;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use reveille::futex::testing::{Chaos, Counting, FakeClock};
use reveille::futex::{self, AtomicU32, Deadline, Os, Platform, WaitOutcome};
use reveille::latch::{CoreLatch, CountdownLatch, Latch};

/// Counts of the calls while `f` runs, on a platform of its own number.
fn calls<const TAG: usize>(f: impl FnOnce()) -> u32 {
    Counting::<TAG>::reset();
    f();
    Counting::<TAG>::counts().blocking_calls()
}

#[test]
fn nobody_asleep_no_system_call() {
    let core = CoreLatch::<Counting<10>>::new_on();
    assert_eq!(
        calls::<10>(|| {
            core.set();
            core.wait();
            assert!(core.probe());
        }),
        0
    );
    let latch = Latch::<Counting<11>>::new_on();
    assert_eq!(
        calls::<11>(|| {
            latch.set();
            latch.wait();
        }),
        0
    );
    let countdown = CountdownLatch::<Counting<12>>::new_on(3);
    assert_eq!(
        calls::<12>(|| {
            for _ in 0..3 {
                countdown.count_down().unwrap();
            }
            countdown.wait().unwrap();
        }),
        0
    );
}

#[test]
fn somebody_asleep_is_woken_by_a_call() {
    let latch = Latch::<Counting<13, Chaos<13>>>::new_on();
    Counting::<13>::reset();
    thread::scope(|s| {
        s.spawn(|| latch.wait());
        while Counting::<13>::counts().waits == 0 {
            thread::yield_now();
        }
        latch.set();
    });
    let counts = Counting::<13>::counts();
    assert!(counts.waits >= 1);
    assert!(counts.wakes <= 1, "one sleeper, one wake at most: {counts:?}");
}

#[test]
fn a_timeout_follows_the_platforms_clock() {
    type Hours = FakeClock<14>;
    let word = AtomicU32::new(0);
    let start = Instant::now();
    let deadline = Deadline::after_on::<Hours>(Duration::from_secs(3_600));
    thread::scope(|s| {
        let waiter = s.spawn(|| {
            loop {
                let outcome = Hours::wait(&word, 0, deadline);
                if outcome != WaitOutcome::Returned {
                    return outcome;
                }
            }
        });
        Hours::advance(Duration::from_secs(3_599));
        assert!(!waiter.is_finished());
        Hours::advance(Duration::from_secs(1));
        assert_eq!(waiter.join().unwrap(), WaitOutcome::TimedOut);
    });
    assert!(start.elapsed() < Duration::from_secs(3_600));
}

#[test]
fn bad_input_is_harmless() {
    let word = AtomicU32::new(0);
    // Addresses without a word.
    for address in [std::ptr::null(), std::ptr::without_provenance(3), std::ptr::without_provenance(usize::MAX)] {
        futex::wake_one(address);
        futex::wake(address, NonZeroU32::new(7).unwrap());
        futex::wake_all(address);
    }
    // A word that is no more.
    let gone: *const AtomicU32 = Box::into_raw(Box::new(AtomicU32::new(0)));
    // SAFETY: made by `into_raw` above, freed once.
    drop(unsafe { Box::from_raw(gone.cast_mut()) });
    futex::wake_all(gone);
    // Deadlines that passed, and timeouts beyond the clock.
    assert_eq!(futex::wait_until(&word, 0, Deadline::PASSED), WaitOutcome::TimedOut);
    while futex::wait_until(&word, 0, Deadline::from_nanos(1)) != WaitOutcome::TimedOut {}
    assert_eq!(futex::wait_timeout(&word, 0, Duration::ZERO), WaitOutcome::TimedOut);
    assert_eq!(futex::wait_timeout(&word, 1, Duration::MAX), WaitOutcome::Mismatch);
    thread::scope(|s| {
        let waiter = s.spawn(|| {
            while word.load(Ordering::Acquire) == 0 {
                assert_ne!(futex::wait_timeout(&word, 0, Duration::MAX), WaitOutcome::TimedOut);
            }
        });
        thread::sleep(Duration::from_millis(2)); // not for order: so that the wait is a long one
        word.fetch_add(1, Ordering::Release);
        futex::wake_all(&word);
        waiter.join().unwrap();
    });
}

#[test]
fn the_machine_is_asked_once() {
    let capabilities = futex::probe().unwrap();
    assert_eq!(capabilities.heavy_fence, <Os as Platform>::heavy_fence());
    assert_eq!(futex::asym::heavy::<Os>(), capabilities.heavy_fence || !futex::asym::LIGHT_IS_FREE);
}
