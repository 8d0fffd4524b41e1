//! Claims about `reveille-latch`.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use loom::future::block_on;
use loom::sync::Arc;
use loom::thread;
use reveille_futex::sync::atomic::{AtomicU32, Ordering};
use reveille_futex::{Deadline, model};
use reveille_loom_tests::{Check, Place};

use super::subject::{AddError, CoreLatch, CountdownLatch, Latch, Poisoned, Underflow, WaitError, WaitGroup};

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

/// Whoever finds the owner asleep sees what the owner did before, and the owner sees what its waker did.
fn hand_over(check: Check, wake: fn(&CoreLatch) -> bool) {
    check.run(move || {
        let shared = Arc::new((CoreLatch::new(), AtomicU32::new(0), AtomicU32::new(0)));
        let waker = thread::spawn({
            let shared = shared.clone();
            move || {
                shared.1.store(7, Ordering::Relaxed);
                if wake(&shared.0) {
                    assert_eq!(shared.2.load(Ordering::Relaxed), 5, "what the owner did before it slept");
                    shared.0.wake_owner();
                } else {
                    shared.0.set();
                }
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
        let setter = thread::spawn({
            let shared = shared.clone();
            move || {
                shared.1.store(7, Ordering::Relaxed);
                shared.0.set();
            }
        });
        shared.0.reset();
        if shared.1.load(Ordering::Relaxed) != 7 {
            shared.0.wait();
        }
        assert_eq!(shared.1.load(Ordering::Relaxed), 7, "data of the setter");
        setter.join().unwrap();
    });
}

/// A setter wakes everybody, whoever is asleep, falling asleep, or still awake.
pub fn latch_set_wakes_every_waiter(check: Check) {
    check.run(|| {
        let latch = Arc::new((Latch::new(), AtomicU32::new(0)));
        let waiter = thread::spawn({
            let latch = latch.clone();
            move || {
                latch.0.wait();
                assert_eq!(latch.1.load(Ordering::Relaxed), 7, "data of the setter");
            }
        });
        let setter = thread::spawn({
            let latch = latch.clone();
            move || {
                latch.1.store(7, Ordering::Relaxed);
                assert!(latch.0.set());
            }
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
        let first = thread::spawn({
            let shared = shared.clone();
            move || {
                shared.1.store(7, Ordering::Relaxed);
                shared.0.set()
            }
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
        let setter = thread::spawn({
            let latch = latch.clone();
            move || {
                latch.1.store(7, Ordering::Relaxed);
                latch.0.set();
            }
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
        let setter = thread::spawn({
            let place = place.clone();
            // SAFETY: live until set.
            move || unsafe { Latch::set_raw(place.object()) }
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

/// Two participants, and a waiter. Whoever is told to be the last, and the waiter, see what both wrote.
fn everybodys_data(check: Check, count_down: fn(&CountdownLatch) -> bool) {
    check.run(move || {
        let shared = Arc::new((CountdownLatch::new(2), [AtomicU32::new(0), AtomicU32::new(0)]));
        let look = |data: &[AtomicU32; 2]| {
            let seen = [0, 1].map(|index: usize| data[index].load(Ordering::Relaxed));
            assert_eq!(seen, [1, 1], "data of the participants");
        };
        let participants = [0, 1].map(|index: usize| {
            let shared = shared.clone();
            thread::spawn(move || {
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
        let worker = thread::spawn({
            let shared = shared.clone();
            move || {
                shared.1.store(1, Ordering::Relaxed);
                shared.0.count_down().unwrap();
            }
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
        let other = thread::spawn({
            let latch = latch.clone();
            move || latch.count_down()
        });
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
        let adder = thread::spawn({
            let latch = latch.clone();
            move || match latch.try_add(2) {
                Ok(()) => {
                    assert!(!latch.is_released(), "two are missing");
                    latch.count_down_by(2).unwrap();
                }
                Err(error) => assert_eq!(error, AddError::Released),
            }
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
        let bad = thread::spawn({
            let latch = latch.clone();
            move || latch.guard().fail()
        });
        let good = thread::spawn({
            let latch = latch.clone();
            move || drop(latch.guard())
        });
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
            let place = place.clone();
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

/// The same with a future in the list: the latch opens only after the list was taken.
pub fn countdown_opens_after_its_list_was_taken(check: Check) {
    check.run(|| {
        let place = Place::new(CountdownLatch::new(1));
        // SAFETY: live until rebuilt.
        let latch = unsafe { place.get() };
        let mut subscribed = Box::pin(latch.wait_async());
        assert!(poll_once(subscribed.as_mut()).is_none());
        drop(subscribed); // WAKERS stays: the last step goes through the list
        let worker = thread::spawn({
            let place = place.clone();
            // SAFETY: live until counted down.
            move || unsafe { CountdownLatch::count_down_raw(place.object()) }.unwrap()
        });
        latch.wait().unwrap();
        // SAFETY: the count is taken, and no future is left.
        unsafe { place.rebuild(CountdownLatch::new(5)) };
        worker.join().unwrap();
        // SAFETY: as above.
        assert_eq!(unsafe { place.get() }.count(), 5, "the new latch is untouched");
        // SAFETY: the worker is gone.
        unsafe { place.free() };
    });
}

fn poll_once<F: Future>(future: Pin<&mut F>) -> Option<F::Output> {
    match future.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}

/// A future is woken by the last count-down, whenever it subscribes, and sees everybody's data.
pub fn countdown_async_is_woken(check: Check) {
    check.run(|| {
        let shared = Arc::new((CountdownLatch::new(1), AtomicU32::new(0)));
        let worker = thread::spawn({
            let shared = shared.clone();
            move || {
                shared.1.store(1, Ordering::Relaxed);
                shared.0.count_down().unwrap();
            }
        });
        block_on(shared.0.wait_async()).unwrap();
        assert_eq!(shared.1.load(Ordering::Relaxed), 1, "data of the participants");
        worker.join().unwrap();
    });
}

/// A future dropped after any of its polls leaves the latch right: the other future is woken.
pub fn countdown_async_is_cancel_safe(check: Check) {
    check.run(|| cancel(false));
}

/// The same beside a thread that waits.
// full tier
pub fn countdown_async_is_cancel_safe_beside_a_thread(check: Check) {
    check.run(|| cancel(true));
}

fn cancel(beside_a_thread: bool) {
    let latch = Arc::new(CountdownLatch::new(1));
    let worker = thread::spawn({
        let latch = latch.clone();
        move || latch.count_down().unwrap()
    });
    let waiter = beside_a_thread.then(|| {
        let latch = latch.clone();
        thread::spawn(move || latch.wait().unwrap())
    });
    let mut dropped = Box::pin(latch.wait_async());
    let mut kept = Box::pin(latch.wait_async());
    block_on(poll_fn(|context| {
        let _ = dropped.as_mut().poll(context);
        let kept = kept.as_mut().poll(context);
        dropped.set(latch.wait_async()); // drops the polled one
        kept
    }))
    .unwrap();
    assert!(latch.is_released());
    worker.join().unwrap();
    if let Some(waiter) = waiter {
        waiter.join().unwrap();
    }
}

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
