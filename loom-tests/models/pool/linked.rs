//! Claims about what is looked at only when the program's first need has opened the way to it.

use loom::sync::Arc;
use reveille_futex::sync::atomic::{AtomicUsize, Ordering};
use reveille_latch::CoreLatch;
use reveille_loom_tests::{Check, spawn};

use super::subject::protocol::{Sleep, Way};

struct Pool {
    sleep: Sleep,
    latch: CoreLatch,
    queue: AtomicUsize,
    way: Way,
}

impl Pool {
    fn take(&self) -> bool {
        // A look that fails may read an old value: a load first.
        self.queue.load(Ordering::Relaxed) > 0 && self.queue.fetch_sub(1, Ordering::Acquire) > 0
    }
}

/// The first task that is ever queued comes while a worker goes to sleep: it sees the way, or it is woken and sees it then.
pub fn linked_a_sleeper_finds_the_way_to_a_queue(check: Check) {
    check.run(|| {
        let pool = Pool { sleep: Sleep::new(), latch: CoreLatch::new(), queue: AtomicUsize::new(0), way: Way::new() };
        let pool = Arc::new(pool);
        let poster = spawn(&pool, |pool| {
            pool.way.before(|| {
                pool.queue.fetch_add(1, Ordering::Release);
                if pool.sleep.post().is_some() {
                    pool.sleep.wake_any([&pool.latch].into_iter());
                }
            });
        });
        pool.sleep.start_search();
        loop {
            let snapshot = pool.sleep.announce();
            if pool.way.is_open() && pool.take() {
                break;
            }
            pool.sleep.park(&pool.latch, snapshot, || true);
        }
        pool.sleep.end_search();
        poster.join().unwrap();
        assert_eq!(pool.queue.load(Ordering::Relaxed), 0, "taken, once");
    });
}
