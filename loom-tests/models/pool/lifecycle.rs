//! Claims about the lifecycle's word.

use loom::sync::Arc;
use reveille_futex::sync::atomic::{AtomicU32, Ordering};
use reveille_loom_tests::{Check, spawn};

use super::subject::State;
use super::subject::protocol::Lifecycle;

/// Whoever finds a draining pool drained sees every accepted task in its queue; a submission that is refused sees why.
pub fn lifecycle_drained_means_that_everything_is_queued(check: Check) {
    check.run(|| {
        let shared = Arc::new((Lifecycle::new(), AtomicU32::new(0), AtomicU32::new(0)));
        let submitter = spawn(&shared, move |shared| {
            let (life, queue, why) = shared;
            let admitted = life.count_in(false);
            if admitted {
                queue.store(7, Ordering::Relaxed);
            } else {
                assert_eq!(why.load(Ordering::Relaxed), 5, "why it was refused");
            }
            life.count_out();
            admitted
        });
        let (life, queue, why) = &*shared;
        why.store(5, Ordering::Relaxed);
        assert!(life.drain());
        let drained = life.is_drained();
        let queued = queue.load(Ordering::Relaxed) == 7;
        let admitted = submitter.join().unwrap();
        assert!(!drained || queued == admitted, "an accepted task is in its queue");
    });
}

/// Whoever sees that a pool drains, or is closed, sees what led to it.
pub fn lifecycle_tells_what_led_to_it(check: Check) {
    check.run(|| {
        let shared = Arc::new((Lifecycle::new(), AtomicU32::new(0)));
        let watcher = spawn(&shared, move |shared| {
            let led = || shared.1.load(Ordering::Relaxed);
            match shared.0.state() {
                State::Running => {}
                State::Draining => assert!(led() >= 1, "what led to the drain"),
                _ => assert_eq!(led(), 2, "what led to the end"),
            }
            assert!(!shared.0.is_closed() || led() == 2, "what led to the end");
        });
        shared.1.store(1, Ordering::Relaxed);
        assert!(shared.0.drain());
        shared.1.store(2, Ordering::Relaxed);
        assert!(shared.0.close());
        watcher.join().unwrap();
    });
}

/// A worker of a closed pool stays for what is queued, or whoever queued it sees that the pool has closed over it.
pub fn lifecycle_closes_over_no_task(check: Check) {
    check.run(|| {
        let shared = Arc::new((Lifecycle::new(), AtomicU32::new(0)));
        let worker = spawn(&shared, |(life, queue)| {
            assert!(life.drain() && life.close());
            assert!(life.is_closed());
            life.before_going_home();
            queue.load(Ordering::Relaxed) == 7
        });
        let (life, queue) = &*shared;
        queue.store(7, Ordering::Relaxed);
        let keeps_it = life.has_closed_over();
        let stays = worker.join().unwrap();
        assert!(keeps_it || stays, "left to a worker that went home");
    });
}
