//! Waits that sleep, from threads. Apart from `model.rs`, and after it: a mistake that it notices makes these hang.

use std::thread;
use std::time::{Duration, Instant};

use reveille_bridge::{Boxed, Bridge, Budget, Parker, PublishError};
use reveille_futex::Deadline;

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
