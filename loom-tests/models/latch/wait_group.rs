//! Claims about `WaitGroup`.

use loom::thread;
use reveille_futex::model;
use reveille_futex::sync::atomic::{AtomicU32, Ordering};
use reveille_loom_tests::{Check, Place};

use super::subject::WaitGroup;

/// A wait returns when the members of its round have left, also if another round starts at once.
pub fn wait_group_waits_for_its_round(check: Check) {
    check.run(|| {
        let place = Place::new((WaitGroup::new(), AtomicU32::new(0)));
        // SAFETY: freed after every thread was joined.
        let (group, data) = unsafe { place.get() };
        let member = group.enter();
        let worker = thread::spawn(move || {
            data.fetch_add(1, Ordering::Relaxed);
            drop(member);
            drop(group.enter()); // the next round
        });
        let disturber = thread::spawn(model::interrupt);
        group.wait().unwrap();
        assert_eq!(data.load(Ordering::Relaxed), 1, "data of the members");
        worker.join().unwrap();
        disturber.join().unwrap();
        // SAFETY: everybody was joined.
        unsafe { place.free() };
    });
}

/// Two waiters and two members: the last one out wakes both waiters.
pub fn wait_group_wakes_every_waiter(check: Check) {
    check.run(|| {
        let place = Place::new(WaitGroup::new());
        // SAFETY: freed after every thread was joined.
        let group = unsafe { place.get() };
        let member = group.enter();
        let other = thread::spawn(move || group.wait().unwrap());
        let worker = thread::spawn(move || drop(member));
        group.wait().unwrap();
        other.join().unwrap();
        worker.join().unwrap();
        // SAFETY: everybody was joined.
        unsafe { place.free() };
    });
}
