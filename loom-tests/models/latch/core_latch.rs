//! Claims about `CoreLatch`.

use loom::sync::Arc;
use loom::thread;
use reveille_futex::sync::atomic::{AtomicU32, Ordering};
use reveille_futex::{Deadline, model};
use reveille_loom_tests::{Check, spawn};

use super::subject::CoreLatch;

/// The set may come before, during and after the owner goes to sleep; the owner never sleeps through it.
pub fn core_latch_owner_never_sleeps_through_a_set(check: Check) {
    check.run(|| {
        let latch = Arc::new(CoreLatch::new());
        let setter = spawn(&latch, move |latch| {
            latch.set();
        });
        latch.wait();
        assert!(latch.probe());
        setter.join().unwrap();
    });
}

/// What the setter did before it set the latch is seen by the owner, also when a wait ends early.
pub fn core_latch_publishes_the_setters_data(check: Check) {
    check.run(|| {
        let shared = Arc::new((CoreLatch::new(), AtomicU32::new(0)));
        let setter = spawn(&shared, move |shared| {
            shared.1.store(7, Ordering::Relaxed);
            shared.0.set();
        });
        let interrupter = thread::spawn(model::interrupt);
        shared.0.wait();
        assert_eq!(shared.1.load(Ordering::Relaxed), 7, "data of the setter");
        setter.join().unwrap();
        interrupter.join().unwrap();
    });
}

/// A wait with a deadline ends by the set or by the deadline, and after a timeout the latch can be waited for again.
pub fn core_latch_timeout_leaves_it_usable(check: Check) {
    check.run(|| {
        let latch = Arc::new(CoreLatch::new());
        let setter = spawn(&latch, move |latch| {
            latch.set();
        });
        let clock = thread::spawn(model::expire);
        if !latch.wait_until(Deadline::from_nanos(1_000)) {
            latch.wait();
        }
        assert!(latch.probe());
        setter.join().unwrap();
        clock.join().unwrap();
    });
}

/// Whoever finds the owner asleep sees what the owner did before, and the owner sees what its waker did.
fn hand_over(check: Check, wake: fn(&CoreLatch) -> bool) {
    check.run(move || {
        let shared = Arc::new((CoreLatch::new(), AtomicU32::new(0), AtomicU32::new(0)));
        let waker = spawn(&shared, move |shared| {
            shared.1.store(7, Ordering::Relaxed);
            if wake(&shared.0) {
                assert_eq!(shared.2.load(Ordering::Relaxed), 5, "what the owner did before it slept");
                shared.0.wake_owner();
            } else {
                shared.0.set();
            }
        });
        let interrupter = thread::spawn(model::interrupt);
        shared.2.store(5, Ordering::Relaxed);
        if shared.0.get_sleepy() && shared.0.fall_asleep() {
            shared.0.sleep(Deadline::NEVER);
        }
        assert_eq!(shared.1.load(Ordering::Relaxed), 7, "data of the setter");
        waker.join().unwrap();
        interrupter.join().unwrap();
    });
}

/// A waker that claims a sleeping owner.
pub fn core_latch_claim_hands_over_both_ways(check: Check) {
    hand_over(check, CoreLatch::claim);
}

/// A waker that sets the latch and finds the owner asleep.
pub fn core_latch_mark_hands_over_both_ways(check: Check) {
    hand_over(check, CoreLatch::mark);
}

/// A reset forgets no set: the owner that does not see what the setter did is told again.
pub fn core_latch_reset_comes_before_the_look(check: Check) {
    check.run(|| {
        let shared = Arc::new((CoreLatch::new(), AtomicU32::new(0)));
        let setter = spawn(&shared, move |shared| {
            shared.1.store(7, Ordering::Relaxed);
            shared.0.set();
        });
        shared.0.reset();
        if shared.1.load(Ordering::Relaxed) != 7 {
            shared.0.wait();
        }
        assert_eq!(shared.1.load(Ordering::Relaxed), 7, "data of the setter");
        setter.join().unwrap();
    });
}
