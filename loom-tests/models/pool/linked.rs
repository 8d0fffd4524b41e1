//! Claims about what is reached through a pointer that the first need stores.

use loom::sync::Arc;
use reveille_futex::sync::atomic::{AtomicUsize, Ordering};
use reveille_latch::CoreLatch;
use reveille_loom_tests::{Check, spawn};

use super::subject::protocol::{Late, Linked, Sleep};

/// What is known of the queue.
struct Table {
    take: fn(&AtomicUsize) -> bool,
}

impl Linked for Table {
    const ALL: &'static Self = &Table {
        take: |queue| {
            // A look that fails may read an old value: a load first.
            queue.load(Ordering::Relaxed) > 0 && queue.fetch_sub(1, Ordering::Acquire) > 0
        },
    };
}

struct Pool {
    sleep: Sleep,
    latch: CoreLatch,
    queue: AtomicUsize,
    way: Late<Table>,
}

/// The first task that is ever queued comes while a worker goes to sleep: it sees the way, or it is woken and sees it then.
pub fn linked_a_sleeper_finds_the_way_to_a_queue(check: Check) {
    check.run(|| {
        let pool = Pool { sleep: Sleep::new(), latch: CoreLatch::new(), queue: AtomicUsize::new(0), way: Late::new() };
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
            if pool.way.get().is_some_and(|table| (table.take)(&pool.queue)) {
                break;
            }
            pool.sleep.park(&pool.latch, snapshot, || true);
        }
        pool.sleep.end_search();
        poster.join().unwrap();
        assert_eq!(pool.queue.load(Ordering::Relaxed), 0, "taken, once");
    });
}
