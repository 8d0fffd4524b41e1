//! Waits that sleep and tasks that are woken. Apart from `model.rs`, and after it: a mistake that it notices makes these hang.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::{Duration, Instant};

use reveille_bridge::{Boxed, Bridge, Budget, Parker, PublishError};
use reveille_futex::Deadline;
use reveille_futex::testing::Chaos;

/// A sleep that ends for no reason, as on this platform each does at once, is gone on with.
#[test]
fn a_publisher_sleeps_on_though_nobody_made_room() {
    type Mine = Chaos<1>;
    let bridge = Bridge::<Boxed<u32>, Parker<Mine>, 1, Mine>::bounded(1, Parker::new_on());
    bridge.try_publish(0, Boxed::new(1)).unwrap();
    let (start, timeout) = (Instant::now(), Duration::from_millis(20));
    let error = bridge.publish_until(0, Boxed::new(2), Deadline::after(timeout)).unwrap_err();
    assert!(error.is_full() && start.elapsed() >= timeout);
}

#[derive(Default)]
struct Woken(AtomicU32);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// A task that waits for room is woken by the item that leaves, not before; after that nobody waits.
#[test]
fn room_wakes_the_task_that_waits_for_it() {
    let bridge = Bridge::<Boxed<u32>, Parker>::bounded(1, Parker::new());
    let mut receiver = bridge.attach().unwrap();
    bridge.try_publish(0, Boxed::new(1)).unwrap();
    let woken = Arc::new(Woken::default());
    let waker = Waker::from(woken.clone());
    let mut context = Context::from_waker(&waker);
    let wakes = || woken.0.load(Ordering::Relaxed);
    let mut waits = pin!(bridge.publish_async(0, Boxed::new(2)));
    assert!(waits.as_mut().poll(&mut context).is_pending());
    receiver.drain(Budget::items(0), drop).unwrap();
    assert_eq!(wakes(), 0, "nothing has left");
    receiver.drain(Budget::ALL, |item| assert_eq!(*item, 1)).unwrap();
    assert_eq!(wakes(), 1);
    assert!(matches!(waits.poll(&mut context), Poll::Ready(Ok(()))));
    receiver.drain(Budget::ALL, |item| assert_eq!(*item, 2)).unwrap();
    assert_eq!(wakes(), 1);
}

#[test]
fn a_task_that_has_given_up_is_not_woken() {
    let bridge = Bridge::<Boxed<u32>, Parker>::bounded(1, Parker::new());
    let mut receiver = bridge.attach().unwrap();
    bridge.try_publish(0, Boxed::new(1)).unwrap();
    let woken = Arc::new(Woken::default());
    {
        let mut given_up = pin!(bridge.publish_async(0, Boxed::new(2)));
        assert!(given_up.as_mut().poll(&mut Context::from_waker(&Waker::from(woken.clone()))).is_pending());
    }
    receiver.drain(Budget::ALL, |item| assert_eq!(*item, 1)).unwrap();
    assert_eq!(woken.0.load(Ordering::Relaxed), 0);
}

/// A publisher sleeps for room until there is some, or its deadline passes, and not on the loop's own thread.
#[test]
fn a_publisher_sleeps_for_room_or_until_its_deadline() {
    let bridge = Bridge::<Boxed<u32>, Parker>::bounded(1, Parker::new());
    bridge.try_publish(0, Boxed::new(1)).unwrap();
    thread::scope(|s| {
        let impatient = s.spawn(|| {
            let (start, timeout) = (Instant::now(), Duration::from_millis(20));
            let error = bridge.publish_until(0, Boxed::new(2), Deadline::after(timeout)).unwrap_err();
            (error.is_full(), start.elapsed() >= timeout)
        });
        assert_eq!(impatient.join().unwrap(), (true, true));
        let mut receiver = bridge.attach().unwrap();
        let patient = s.spawn(|| bridge.publish(0, Boxed::new(3)).is_ok());
        let mut got = Vec::new();
        while got.len() < 2 {
            receiver.wait(Duration::from_secs(60));
            receiver.drain(Budget::ALL, |item| got.push(*item)).unwrap();
        }
        assert_eq!(got, [1, 3]);
        assert!(patient.join().unwrap());
        assert_eq!(bridge.in_flight(), Some(0));
        bridge.try_publish(0, Boxed::new(4)).unwrap();
        assert!(matches!(bridge.publish(0, Boxed::new(5)), Err(PublishError::WouldDeadlock(_))));
    });
}
