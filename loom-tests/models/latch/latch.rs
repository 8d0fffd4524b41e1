//! Claims about `Latch`.

use loom::sync::Arc;
use loom::thread;
use reveille_futex::sync::atomic::{AtomicU32, Ordering};
use reveille_futex::{Deadline, model};
use reveille_loom_tests::{Check, Place, spawn};

use super::subject::Latch;

/// A setter wakes everybody, whoever is asleep, falling asleep, or still awake.
pub fn latch_set_wakes_every_waiter(check: Check) {
    check.run(|| {
        let latch = Arc::new((Latch::new(), AtomicU32::new(0)));
        let waiter = spawn(&latch, move |latch| {
            latch.0.wait();
            assert_eq!(latch.1.load(Ordering::Relaxed), 7, "data of the setter");
        });
        let setter = spawn(&latch, move |latch| {
            latch.1.store(7, Ordering::Relaxed);
            assert!(latch.0.set());
        });
        latch.0.wait();
        assert_eq!(latch.1.load(Ordering::Relaxed), 7, "data of the setter");
        waiter.join().unwrap();
        setter.join().unwrap();
    });
}

/// A setter that finds the latch set sees what the one before did.
pub fn latch_second_setter_sees_what_the_first_one_did(check: Check) {
    check.run(|| {
        let shared = Arc::new((Latch::new(), AtomicU32::new(0)));
        let first = spawn(&shared, move |shared| {
            shared.1.store(7, Ordering::Relaxed);
            shared.0.set()
        });
        let mine = shared.0.set();
        if !mine {
            assert_eq!(shared.1.load(Ordering::Relaxed), 7, "data of the setter");
        }
        assert!(mine != first.join().unwrap(), "one of them set it");
    });
}

/// Spurious returns and passing deadlines end no wait early, and lose none.
pub fn latch_waits_exactly_for_the_set(check: Check) {
    check.run(|| {
        let latch = Arc::new((Latch::new(), AtomicU32::new(0)));
        let setter = spawn(&latch, move |latch| {
            latch.1.store(7, Ordering::Relaxed);
            latch.0.set();
        });
        let disturber = thread::spawn(|| {
            model::interrupt();
            model::expire();
        });
        if !latch.0.wait_until(Deadline::from_nanos(1_000)) {
            latch.0.wait();
        }
        assert_eq!(latch.1.load(Ordering::Relaxed), 7, "data of the setter");
        setter.join().unwrap();
        disturber.join().unwrap();
    });
}

/// The owner may reuse the memory of a latch as soon as it is set.
pub fn latch_set_is_the_last_access(check: Check) {
    check.run(|| {
        let place = Place::new(Latch::new());
        let setter = thread::spawn(move || {
            // SAFETY: live until set.
            unsafe { Latch::set_raw(place.object()) }
        });
        // SAFETY: live until rebuilt.
        unsafe { place.get() }.wait();
        // SAFETY: the only setter has set it.
        unsafe { place.rebuild(Latch::new()) };
        setter.join().unwrap();
        // SAFETY: as above.
        assert!(!unsafe { place.get() }.probe(), "the new latch is untouched");
        // SAFETY: the setter is gone.
        unsafe { place.free() };
    });
}
