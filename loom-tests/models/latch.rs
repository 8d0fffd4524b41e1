//! Claims about `reveille-latch`.

use loom::sync::Arc;
use loom::thread;
use reveille_futex::sync::atomic::{AtomicU32, Ordering};
use reveille_futex::{Deadline, model};
use reveille_loom_tests::Check;

use super::subject::CoreLatch;

/// The set may come before, during and after the owner goes to sleep; the owner never sleeps through it.
pub fn core_latch_owner_never_sleeps_through_a_set(check: Check) {
    check.run(|| {
        let latch = Arc::new(CoreLatch::new());
        let setter = thread::spawn({
            let latch = latch.clone();
            move || {
                latch.set();
            }
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
        let setter = thread::spawn({
            let shared = shared.clone();
            move || {
                shared.1.store(7, Ordering::Relaxed);
                shared.0.set();
            }
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
        let setter = thread::spawn({
            let latch = latch.clone();
            move || {
                latch.set();
            }
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
