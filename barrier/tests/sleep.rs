//! Waits that sleep, tasks that are woken, and a withdrawal that comes too late. Apart from `model.rs`, and after it: a mistake
//! that it notices may make these hang.

use std::future::{Future, IntoFuture};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::{Duration, Instant};

use reveille_barrier::{Barrier, Completed, WaitError};
use reveille_futex::testing::Counting;

/// A deadline that passes ends a wait, not earlier; the arrival stands, and whoever may still sleep for it is woken, in this phase and
/// no later one.
#[test]
fn a_wait_sleeps_until_the_deadline_and_the_last_arrival_wakes() {
    type Mine = Counting<1>;
    let barrier = Barrier::<Mine>::new_on(2);
    let token = barrier.arrive().unwrap();
    let (start, timeout) = (Instant::now(), Duration::from_millis(20));
    let Err(WaitError::TimedOut(token)) = token.wait_timeout(timeout) else { panic!("nobody else has arrived") };
    assert!(start.elapsed() >= timeout);
    assert_eq!((barrier.arrived(), Mine::counts().wakes), (1, 0));
    assert!(barrier.arrive().unwrap().arrival().is_leader());
    assert_eq!(Mine::counts().wakes, 1);
    assert!(!token.wait().unwrap().is_leader());
    let token = barrier.arrive().unwrap();
    assert!(barrier.arrive().unwrap().arrival().is_leader());
    assert!(!token.wait().unwrap().is_leader());
    assert_eq!(Mine::counts().wakes, 1, "nobody sleeps in this phase");
}

#[derive(Default)]
struct Woken(AtomicU32);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn the_last_arrival_wakes_a_task_that_waits() {
    let barrier = Barrier::new(2);
    let woken = Arc::new(Woken::default());
    let waker = Waker::from(woken.clone());
    let mut context = Context::from_waker(&waker);
    let mut wait = pin!(barrier.arrive().unwrap().into_future());
    assert!(wait.as_mut().poll(&mut context).is_pending());
    assert_eq!(woken.0.load(Ordering::Relaxed), 0);
    assert!(barrier.arrive().unwrap().arrival().is_leader());
    assert_eq!(woken.0.load(Ordering::Relaxed), 1);
    assert!(matches!(wait.poll(&mut context), Poll::Ready(Ok(result)) if !result.is_leader()));
}

/// While the completion step runs, a withdrawal waits for its end, and is then told that it came too late.
#[test]
fn nothing_is_withdrawn_from_a_phase_that_is_closing() {
    type Mine = Counting<2>;
    let (closing, withdrawn) = (AtomicBool::new(false), AtomicBool::new(false));
    let step = || {
        closing.store(true, Ordering::Relaxed);
        while Mine::counts().waits == 0 && !withdrawn.load(Ordering::Relaxed) {
            thread::yield_now();
        }
    };
    let barrier = Barrier::<Mine, _>::with_completion_on(2, step);
    thread::scope(|s| {
        let early = barrier.arrive().unwrap();
        let last = s.spawn(|| barrier.wait().is_leader());
        while !closing.load(Ordering::Relaxed) {
            thread::yield_now();
        }
        let answer = early.withdraw();
        withdrawn.store(true, Ordering::Relaxed);
        assert_eq!(answer, Err(Completed));
        assert!(last.join().unwrap());
    });
    assert_eq!((barrier.generation(), barrier.arrived()), (1, 0));
}
