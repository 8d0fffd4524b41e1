//! Claims about `Barrier`: arrivals apart from waits, and futures.

use std::future::{IntoFuture, poll_fn};
use std::task::Poll;

use loom::future::block_on;
use loom::sync::Arc;
use loom::thread;
use reveille_futex::{Deadline, model};
use reveille_loom_tests::{Check, Notes, spawn};

use super::party::second_party;
use super::subject::{ArriveError, Barrier, Broken, WaitError};

/// A party that times out takes its arrival back or passes, never both; the other one is not left alone in either case.
pub fn barrier_token_is_withdrawn_or_passes(check: Check) {
    check.run(|| {
        let barrier = Arc::new(Barrier::new(2));
        let other = spawn(&barrier, |barrier| barrier.checked_wait());
        let clock = thread::spawn(model::expire);
        let token = barrier.arrive().unwrap();
        let passed = match token.wait_until(Deadline::from_nanos(1_000)) {
            Ok(_) => true,
            Err(WaitError::TimedOut(token)) => match token.withdraw() {
                Ok(()) => {
                    barrier.break_with(7);
                    false
                }
                Err(_) => true,
            },
            Err(WaitError::Broken(_)) => panic!("nobody broke it"),
        };
        let other = other.join().unwrap();
        assert_eq!(other.is_ok(), passed, "both pass or neither");
        if !passed {
            assert_eq!(other.unwrap_err().code(), 7);
        }
        clock.join().unwrap();
    });
}

/// A future is woken by the last arrival, whenever it subscribes.
pub fn barrier_async_is_woken(check: Check) {
    check.run(|| {
        let shared = Arc::new((Barrier::new(2), Notes::new()));
        let other = spawn(&shared, second_party);
        shared.1.write(0, 1);
        block_on(arrive_in_turn(&shared.0)).unwrap();
        shared.1.check(2, 1);
        other.join().unwrap();
    });
}

/// A future hears of a break, whenever it subscribes.
pub fn barrier_async_is_told_of_a_break(check: Check) {
    check.run(|| {
        let barrier = Arc::new(Barrier::new(2));
        let waiter = spawn(&barrier, |barrier| block_on(arrive_in_turn(barrier)).unwrap_err().code());
        assert!(barrier.break_with(5));
        assert_eq!(waiter.join().unwrap(), 5);
    });
}

/// A future dropped after its first poll withdraws its arrival, or its phase is complete: the other party passes with
/// the next arrival or has passed with this one.
pub fn barrier_async_is_cancel_safe(check: Check) {
    check.run(|| {
        let barrier = Arc::new(Barrier::new(2));
        let other = spawn(&barrier, |barrier| barrier.wait().generation());
        let mut future = Box::pin(barrier.arrive().unwrap().into_future());
        let polled = block_on(poll_fn(|context| Poll::Ready(future.as_mut().poll(context))));
        drop(future);
        if polled.is_pending() {
            // The arrival was taken back, or counted before it could be.
            let mut again = Box::pin(arrive_in_turn(&barrier));
            let passed = barrier.generation() == 1;
            if !passed {
                block_on(poll_fn(|context| again.as_mut().poll(context))).unwrap();
            }
        }
        assert_eq!(other.join().unwrap(), 0, "passed in the first phase");
    });
}

/// `wait_async`, coming again while the phase before closes.
async fn arrive_in_turn(barrier: &Barrier) -> Result<(), Broken> {
    loop {
        match barrier.arrive() {
            Ok(token) => return token.await.map(|_| ()),
            Err(ArriveError::Full) => thread::yield_now(),
            Err(ArriveError::Broken(broken)) => return Err(broken),
        }
    }
}
