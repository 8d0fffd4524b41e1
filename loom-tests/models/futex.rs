//! Claims about `reveille-futex`: about the modelled futex itself, on which every other model stands, and about `asym`.

// A flag that outlives an execution of the model, so it is none of loom's. Relaxed: all executions are of one thread.
use std::sync::atomic::AtomicBool as Flag;

use loom::sync::Arc;
use loom::thread;
use reveille_futex::sync::atomic::{AtomicU32, Ordering, fence};
use reveille_loom_tests::{Check, spawn};

use super::subject::{Deadline, Os, Platform, WaitOutcome, asym, model, wait, wait_until, wake_all, wake_one};

/// Two threads store to a word of their own and load the other's. Returns whether both missed the other's store.
fn both_miss(one: fn(), other: fn()) -> bool {
    let words = Arc::new((AtomicU32::new(0), AtomicU32::new(0)));
    let thread = spawn(&words, move |words| {
        words.1.store(1, Ordering::Relaxed);
        other();
        words.0.load(Ordering::Relaxed)
    });
    words.0.store(1, Ordering::Relaxed);
    one();
    let seen = words.1.load(Ordering::Relaxed);
    seen == 0 && thread.join().unwrap() == 0
}

/// Store buffering, with the fence that all Dekker-like decisions of this workspace stand on.
pub fn sequential_fences_forbid_store_buffering(check: Check) {
    check.run(|| assert!(!both_miss(|| fence(Ordering::SeqCst), || fence(Ordering::SeqCst)), "store buffering"));
}

/// The same without a fence, and with one on one side only: the checker must find it, or it could not find anything.
pub fn without_fences_store_buffering_is_found(check: Check) {
    static FOUND: Flag = Flag::new(false);
    check.run(|| {
        if both_miss(|| {}, || {}) {
            FOUND.store(true, Ordering::Relaxed);
        }
    });
    assert!(FOUND.load(Ordering::Relaxed), "no execution in which both loads miss");
}

/// One fence of two is none.
pub fn one_fence_of_two_does_not_forbid_store_buffering(check: Check) {
    static FOUND: Flag = Flag::new(false);
    check.run(|| {
        if both_miss(|| fence(Ordering::SeqCst), || {}) {
            FOUND.store(true, Ordering::Relaxed);
        }
    });
    assert!(FOUND.load(Ordering::Relaxed), "no execution in which both loads miss");
}

/// The asymmetric barrier is a pair of fences here.
pub fn light_and_heavy_forbid_store_buffering(check: Check) {
    check.run(|| {
        let heavy = || assert!(asym::heavy::<Os>());
        assert!(!both_miss(asym::light, heavy), "store buffering");
    });
}

/// F1, and that a wake finds the waiter: whatever comes first, nobody sleeps for ever.
pub fn a_wake_after_a_change_is_never_lost(check: Check) {
    check.run(|| {
        let word = Arc::new(AtomicU32::new(0));
        let waker = spawn(&word, move |word| {
            word.fetch_add(1, Ordering::Release);
            wake_one(word);
        });
        while word.load(Ordering::Acquire) == 0 {
            wait(&word, 0);
        }
        waker.join().unwrap();
    });
}

/// One wake that wakes all, two that wake one: both waiters go on.
pub fn every_waiter_is_woken(check: Check) {
    fn wait_for_change(word: &AtomicU32) {
        while word.load(Ordering::Acquire) == 0 {
            wait(word, 0);
        }
    }

    check.run(|| {
        let word = Arc::new(AtomicU32::new(0));
        let waiters = [spawn(&word, wait_for_change), spawn(&word, wait_for_change)];
        word.fetch_add(1, Ordering::Release);
        wake_one(&*word);
        wake_one(&*word);
        for waiter in waiters {
            waiter.join().unwrap();
        }
        assert_eq!(wake_all(&*word), Some(0), "nobody is left in the queue");
    });
}

/// A wake of another word is none of this one's.
pub fn a_wake_of_another_word_wakes_nobody(check: Check) {
    check.run(|| {
        let words = Arc::new((AtomicU32::new(0), AtomicU32::new(0)));
        let waiter = spawn(&words, move |words| wait(&words.0, 0));
        let woken = wake_all(&raw const words.1);
        assert_eq!(woken, Some(0), "the wrong waiter");
        words.0.fetch_add(1, Ordering::Release);
        wake_all(&raw const words.0);
        waiter.join().unwrap();
    });
}

/// F2: the model has executions in which a wait returns although nobody woke it.
pub fn spurious_returns_are_explored(check: Check) {
    static RETURNED: Flag = Flag::new(false);
    check.run(|| {
        let word = AtomicU32::new(0);
        let interrupter = thread::spawn(model::interrupt);
        let clock = thread::spawn(model::expire);
        if wait_until(&word, 0, Deadline::from_nanos(1_000)) == WaitOutcome::Returned {
            RETURNED.store(true, Ordering::Relaxed);
        }
        interrupter.join().unwrap();
        clock.join().unwrap();
    });
    assert!(RETURNED.load(Ordering::Relaxed), "no execution in which the wait returned for no reason");
}

/// The clock agrees with a wait that timed out.
pub fn a_timeout_is_never_early(check: Check) {
    check.run(|| {
        let word = AtomicU32::new(0);
        let deadline = Deadline::from_nanos(1_000);
        let clock = thread::spawn(model::expire);
        assert_eq!(wait_until(&word, 0, deadline), WaitOutcome::TimedOut);
        assert!(Os::now() >= deadline, "a timeout before its deadline");
        clock.join().unwrap();
    });
}

/// A wait with a deadline may end by it, whether that passes before the wait or during it.
pub fn timeouts_are_explored(check: Check) {
    static BEFORE: Flag = Flag::new(false);
    static AFTER: Flag = Flag::new(false);
    check.run(|| {
        let word = AtomicU32::new(0);
        let deadline = Deadline::from_nanos(1_000);
        let clock = thread::spawn(model::expire);
        let late = Os::now() >= deadline;
        let seen = if late { &BEFORE } else { &AFTER };
        assert_eq!(wait_until(&word, 0, deadline), WaitOutcome::TimedOut);
        seen.store(true, Ordering::Relaxed);
        clock.join().unwrap();
    });
    assert!(BEFORE.load(Ordering::Relaxed) && AFTER.load(Ordering::Relaxed), "the deadline passed at one moment only");
}

/// F3: a wait that finds the word changed orders nothing. Who relies on it reads old data in some execution.
pub fn waiting_orders_no_memory(check: Check) {
    static STALE: Flag = Flag::new(false);
    check.run(|| {
        let shared = Arc::new((AtomicU32::new(0), AtomicU32::new(0)));
        let waker = spawn(&shared, move |shared| {
            shared.1.store(7, Ordering::Relaxed);
            shared.0.fetch_add(1, Ordering::Release);
            wake_one(&raw const shared.0);
        });
        if wait(&shared.0, 0) == WaitOutcome::Mismatch && shared.1.load(Ordering::Relaxed) == 0 {
            STALE.store(true, Ordering::Relaxed);
        }
        waker.join().unwrap();
    });
    assert!(STALE.load(Ordering::Relaxed), "the model orders more than a futex does");
}
