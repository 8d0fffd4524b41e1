//! Claims about `CountdownLatch`.

use loom::sync::Arc;
use loom::thread;
use reveille_futex::sync::atomic::{AtomicU32, Ordering};
use reveille_futex::{Deadline, model};
use reveille_loom_tests::{Check, Place, spawn};

use super::subject::{AddError, CountdownLatch, Poisoned, Underflow, WaitError};

/// Two participants, and a waiter. Whoever is told to be the last, and the waiter, see what both wrote.
fn everybodys_data(check: Check, count_down: fn(&CountdownLatch) -> bool) {
    check.run(move || {
        let shared = Arc::new((CountdownLatch::new(2), [AtomicU32::new(0), AtomicU32::new(0)]));
        let look = |data: &[AtomicU32; 2]| {
            let seen = [0, 1].map(|index: usize| data[index].load(Ordering::Relaxed));
            assert_eq!(seen, [1, 1], "data of the participants");
        };
        let participants = [0, 1].map(|index: usize| {
            spawn(&shared, move |shared| {
                shared.1[index].store(1, Ordering::Relaxed);
                if count_down(&shared.0) {
                    look(&shared.1);
                }
            })
        });
        shared.0.wait().unwrap();
        look(&shared.1);
        for participant in participants {
            participant.join().unwrap();
        }
    });
}

/// A wait ends when everybody has counted down, not before, and sees what all of them wrote; so does the last of them.
pub fn countdown_opens_after_the_last_and_publishes_everybodys_data(check: Check) {
    everybodys_data(check, |latch| latch.count_down().unwrap());
}

/// The same for those who may count down by more than one.
pub fn countdown_by_many_publishes_everybodys_data(check: Check) {
    everybodys_data(check, |latch| latch.count_down_by(1).unwrap());
}

/// A wait that returned for no reason goes on waiting, and a deadline that passed leaves the latch usable.
pub fn countdown_survives_interrupts_and_timeouts(check: Check) {
    check.run(|| {
        let shared = Arc::new((CountdownLatch::new(1), AtomicU32::new(0)));
        let worker = spawn(&shared, move |shared| {
            shared.1.store(1, Ordering::Relaxed);
            shared.0.count_down().unwrap();
        });
        let disturber = thread::spawn(|| {
            model::interrupt();
            model::expire();
        });
        match shared.0.wait_until(Deadline::from_nanos(1_000)) {
            Ok(()) => {}
            Err(WaitError::TimedOut) => shared.0.wait().unwrap(),
            Err(WaitError::Poisoned) => panic!("nobody failed"),
        }
        assert_eq!(shared.1.load(Ordering::Relaxed), 1, "data of the participants");
        worker.join().unwrap();
        disturber.join().unwrap();
    });
}

/// Of two who take the last count, one is told that it opened the latch and the other that it was one too many.
pub fn countdown_refuses_to_go_below_zero(check: Check) {
    check.run(|| {
        let latch = Arc::new(CountdownLatch::new(1));
        let other = spawn(&latch, |latch| latch.count_down());
        let mine = latch.count_down();
        let other = other.join().unwrap();
        assert!(matches!((mine, other), (Ok(true), Err(_)) | (Err(_), Ok(true))), "one is the last, one is refused");
        assert!(latch.is_released(), "still open");
        assert_eq!(latch.try_add(1), Err(AddError::Released));
    });
}

/// Adding races with the last count-down: either the latch is open and the addition refused, or it waits for more.
pub fn countdown_never_reopens_for_an_addition(check: Check) {
    check.run(|| {
        let latch = Arc::new(CountdownLatch::new(1));
        let adder = spawn(&latch, move |latch| match latch.try_add(2) {
            Ok(()) => {
                assert!(!latch.is_released(), "two are missing");
                latch.count_down_by(2).unwrap();
            }
            Err(error) => assert_eq!(error, AddError::Released),
        });
        latch.count_down().unwrap();
        latch.wait().unwrap();
        assert_eq!(latch.count_down_by(1), Err(Underflow));
        adder.join().unwrap();
    });
}

/// A failure is told to everybody who waits, and nobody waits for ever.
pub fn countdown_tells_of_a_failure(check: Check) {
    check.run(|| {
        let latch = Arc::new(CountdownLatch::new(2));
        let bad = spawn(&latch, |latch| latch.guard().fail());
        let good = spawn(&latch, move |latch| drop(latch.guard()));
        assert_eq!(latch.wait(), Err(Poisoned), "told of the failure");
        bad.join().unwrap();
        good.join().unwrap();
    });
}

/// The waiter may reuse the memory of a latch as soon as its wait returns, whoever counted down last.
pub fn countdown_last_step_is_the_last_access(check: Check) {
    check.run(|| {
        let place = Place::new(CountdownLatch::new(2));
        let workers = [(); 2].map(|()| {
            // SAFETY: live until counted down twice.
            thread::spawn(move || unsafe { CountdownLatch::count_down_raw(place.object()) }.unwrap())
        });
        // SAFETY: live until rebuilt.
        unsafe { place.get() }.wait().unwrap();
        // SAFETY: both counts are taken.
        unsafe { place.rebuild(CountdownLatch::new(5)) };
        let last = workers.map(|worker| worker.join().unwrap());
        assert!(last[0] != last[1], "one of them was the last");
        // SAFETY: as above.
        assert_eq!(unsafe { place.get() }.count(), 5, "the new latch is untouched");
        // SAFETY: the workers are gone.
        unsafe { place.free() };
    });
}
