//! Claims about a whole pool: who comes, who goes, and who closes it.

use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::thread;
use reveille_futex::sync::atomic::{AtomicU32, Ordering};
use reveille_loom_tests::{Check, spawn};

use super::subject::Worker;
use super::subject::protocol::Occupancy;
use super::whole::on_pool;

/// The parts of a pool know each other before anybody uses one, whoever comes first.
pub fn pool_is_whole_for_whoever_comes_first(check: Check) {
    on_pool::<2, 2>(check, |pool| {
        let visit = || pool.enter(|worker| assert_eq!(worker.num_threads(), 2, "the pool is whole")).unwrap();
        let other = thread::spawn(visit);
        visit();
        other.join().unwrap();
    });
}

/// A seat has one owner at a time, and the next one sees what the one before did.
pub fn seat_has_one_owner_after_the_other(check: Check) {
    type Seat = (Occupancy, UnsafeCell<u32>);

    fn visit((occupancy, visits): &Seat) -> u32 {
        if !occupancy.occupy() {
            return 0;
        }
        // SAFETY: the owner's; loom reports another access that is not ordered with this one.
        visits.with_mut(|visits| unsafe { *visits += 1 });
        occupancy.vacate();
        1
    }

    check.run(|| {
        let seat = Arc::new((Occupancy::new(), UnsafeCell::new(0)));
        let other = spawn(&seat, visit);
        let visits = visit(&seat) + other.join().unwrap();
        assert!(seat.0.occupy(), "everybody has left");
        // SAFETY: as above.
        assert_eq!(seat.1.with(|visits| unsafe { *visits }), visits, "what the owners did");
    });
}

/// Two guests of a pool with one seat, one after the other: whoever enters sees its task run once, whoever cannot sees none.
fn two_guests(check: Check, spawn_one: fn(&Worker, &AtomicU32)) {
    on_pool::<1, 1>(check, move |pool| {
        let visit = move || {
            let ran = AtomicU32::new(0);
            let entered = pool.enter(|worker| spawn_one(worker, &ran));
            assert_eq!(ran.load(Ordering::Relaxed), u32::from(entered.is_ok()), "every task runs once");
        };
        let other = thread::spawn(visit);
        visit();
        other.join().unwrap();
    });
}

/// A seat's next owner goes on where the one before stopped, with its deque and its stack.
pub fn pool_seat_is_handed_on(check: Check) {
    two_guests(check, |worker, ran| {
        worker.scope(|scope| {
            scope.spawn(|_| {
                ran.fetch_add(1, Ordering::Relaxed);
            });
        });
    });
}

/// The same with tasks that go to the seat's own deque.
pub fn pool_seat_is_handed_on_with_its_deque(check: Check) {
    two_guests(check, |worker, ran| {
        worker.scope(|scope| {
            scope.spawn_on(worker, |_, _| {
                ran.fetch_add(1, Ordering::Relaxed);
            });
        });
    });
}

/// A pool that is shut down while a guest works in it closes when the guest has left: its worker goes home.
pub fn pool_closes_when_the_last_guest_has_left(check: Check) {
    // Two preemptions: a whole pool takes a minute with three.
    on_pool::<2, 2>(check.bound(2), |pool| {
        let worker = thread::spawn(|| pool.run_worker(0).unwrap());
        let guest = thread::spawn(|| pool.enter(|_| ()).unwrap());
        pool.shutdown();
        guest.join().unwrap();
        worker.join().unwrap();
    });
}
