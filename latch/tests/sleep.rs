//! Waits that sleep and tasks that are woken. Apart from `model.rs`, and after it: a mistake that it notices makes these hang.

use std::future::{Future, IntoFuture};
use std::num::NonZeroU32;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::{Duration, Instant};

use reveille_futex::testing::{Counting, Counts};
use reveille_futex::{Deadline, Os, Platform, WaitOutcome};
use reveille_latch::{CountdownLatch, Poisoned, WaitError, WaitGroup};

#[test]
fn a_zero_timeout_asks_nothing_of_the_platform() {
    type Mine = Counting<1>;
    let latch = CountdownLatch::<Mine>::new_on(1);
    assert_eq!(latch.wait_timeout(Duration::ZERO), Err(WaitError::TimedOut));
    let group = WaitGroup::<Mine>::new_on();
    let _member = group.enter();
    assert_eq!(group.wait_timeout(Duration::ZERO), Err(WaitError::TimedOut));
    assert_eq!(Mine::counts(), Counts::default());
}

#[test]
fn a_waiter_offers_the_processor_before_it_sleeps() {
    type Mine = Counting<3>;
    let timeout = Duration::from_millis(5);
    let latch = CountdownLatch::<Mine>::new_on(1);
    assert_eq!(latch.wait_timeout(timeout), Err(WaitError::TimedOut));
    assert!(Mine::counts().yields > 0 && Mine::counts().waits > 0);
    Mine::reset();
    let group = WaitGroup::<Mine>::new_on();
    let _member = group.enter();
    assert_eq!(group.wait_timeout(timeout), Err(WaitError::TimedOut));
    assert!(Mine::counts().yields > 0 && Mine::counts().waits > 0);
}

#[test]
fn nobody_asleep_means_no_call() {
    type Mine = Counting<4>;
    let latch = CountdownLatch::<Mine>::new_on(1);
    assert_eq!((latch.count_down(), latch.wait()), (Ok(true), Ok(())));
    let group = WaitGroup::<Mine>::new_on();
    drop(group.enter());
    assert_eq!(group.wait(), Ok(()));
    assert_eq!(Mine::counts(), Counts::default());
}

/// Waiters whose deadline passed may be asleep again: the last one wakes, and nobody before.
#[test]
fn the_last_one_wakes_whoever_may_sleep() {
    type Mine = Counting<2>;
    let wakes = || Mine::counts().wakes;
    let timeout = Duration::from_millis(5);
    let latch = CountdownLatch::<Mine>::new_on(2);
    for _ in 0..2 {
        assert_eq!(latch.wait_timeout(timeout), Err(WaitError::TimedOut));
    }
    assert_eq!((latch.count_down(), wakes()), (Ok(false), 0));
    assert_eq!((latch.count_down(), wakes()), (Ok(true), 1));
    let group = WaitGroup::<Mine>::new_on();
    let (one, other) = (group.enter(), group.enter());
    for _ in 0..2 {
        assert_eq!(group.wait_timeout(timeout), Err(WaitError::TimedOut));
    }
    drop(one);
    assert_eq!(wakes(), 1);
    drop(other);
    assert_eq!((group.wait(), wakes()), (Ok(()), 2));
}

/// A platform on which every sleep lasts until its deadline, for whoever expects what the word holds.
struct SoundSleep;

// SAFETY: waits may return at any time (F2), so nobody has to be woken.
unsafe impl Platform for SoundSleep {
    fn wait(word: &AtomicU32, expected: u32, _: Deadline) -> WaitOutcome {
        assert_eq!(word.load(Ordering::Relaxed), expected, "nobody else changes it, so this would never sleep");
        WaitOutcome::TimedOut
    }

    fn wake(_: *const AtomicU32, _: NonZeroU32) -> Option<u32> {
        None
    }

    fn now() -> Deadline {
        Deadline::from_nanos(0)
    }

    fn yield_now() {}

    fn heavy_fence() -> bool {
        false
    }
}

/// The second waiter finds that there is one already, and expects the word as the first has left it.
#[test]
fn each_waiter_sleeps_on_the_word_as_it_is() {
    let latch = CountdownLatch::<SoundSleep>::new_on(1);
    let group = WaitGroup::<SoundSleep>::new_on();
    let _member = group.enter();
    for _ in 0..2 {
        assert_eq!(latch.wait_timeout(Duration::from_millis(1)), Err(WaitError::TimedOut));
        assert_eq!(group.wait_timeout(Duration::from_millis(1)), Err(WaitError::TimedOut));
    }
}

#[derive(Default)]
struct Woken(AtomicU32);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn the_last_count_wakes_every_task_that_waits_and_no_other_does() {
    let latch = CountdownLatch::new(2);
    let woken = Arc::new(Woken::default());
    let waker = Waker::from(woken.clone());
    let mut context = Context::from_waker(&waker);
    let (mut one, mut other) = (pin!(latch.into_future()), pin!(latch.into_future()));
    assert!(one.as_mut().poll(&mut context).is_pending());
    assert!(other.as_mut().poll(&mut context).is_pending());
    assert_eq!((latch.count_down(), woken.0.load(Ordering::Relaxed)), (Ok(false), 0));
    latch.poison();
    assert_eq!((latch.count_down(), woken.0.load(Ordering::Relaxed)), (Ok(true), 2));
    assert_eq!(one.poll(&mut context), Poll::Ready(Err(Poisoned)));
    assert_eq!(other.poll(&mut context), Poll::Ready(Err(Poisoned)));
}

/// A wait ends when the latch opens; a deadline that passes first ends it, not earlier, and the latch can be waited for again.
#[test]
fn a_wait_sleeps_until_the_last_count_or_the_deadline() {
    let latch = CountdownLatch::<Os>::new_on(1);
    let (start, timeout) = (Instant::now(), Duration::from_millis(20));
    assert_eq!(latch.wait_timeout(timeout), Err(WaitError::TimedOut));
    assert!(start.elapsed() >= timeout);
    thread::scope(|s| {
        let waiter = s.spawn(|| {
            latch.wait().unwrap();
            latch.is_released()
        });
        let impatient = s.spawn(|| latch.wait_timeout(Duration::from_secs(60)));
        latch.count_down().unwrap();
        assert!(waiter.join().unwrap(), "not before it is open");
        assert_eq!(impatient.join().unwrap(), Ok(()));
    });
}

/// The same for the round of a group.
#[test]
fn a_wait_sleeps_until_the_last_member_or_the_deadline() {
    let group = WaitGroup::<Os>::new_on();
    let member = group.enter();
    let (start, timeout) = (Instant::now(), Duration::from_millis(20));
    assert_eq!(group.wait_timeout(timeout), Err(WaitError::TimedOut));
    assert!(start.elapsed() >= timeout);
    thread::scope(|s| {
        let waiter = s.spawn(|| {
            group.wait().unwrap();
            group.members()
        });
        drop(member);
        assert_eq!(waiter.join().unwrap(), 0, "not before everybody has left");
    });
}
