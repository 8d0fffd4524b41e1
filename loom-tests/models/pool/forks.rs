//! Claims about a whole pool: joins and scopes.

use loom::sync::Arc;
use loom::thread;
use reveille_futex::sync::atomic::{AtomicU32, Ordering};
use reveille_loom_tests::Check;

use super::whole::{block_on, happen, on_pool};

/// A first half that blocks until the second half has run: the second half is never hidden from the idle worker.
pub fn pool_first_half_may_wait_for_the_second(check: Check) {
    // Two preemptions: a whole pool takes minutes with three.
    on_pool::<2, 2>(check.bound(2), |pool| {
        let worker = thread::spawn(|| pool.run_worker(0).unwrap());
        let word = Arc::new(AtomicU32::new(0));
        pool.enter(|w| w.join(|_| block_on(&word), |_| happen(&word))).unwrap();
        pool.shutdown();
        worker.join().unwrap();
    });
}

/// A join ends with both results, whoever ran the second half, and a shutdown ends the worker.
pub fn pool_join_returns_both_results(check: Check) {
    // Two preemptions: a whole pool takes minutes with three.
    on_pool::<2, 2>(check.bound(2), |pool| {
        let worker = thread::spawn(|| pool.run_worker(0).unwrap());
        let results = pool.enter(|w| w.join(|_| 1, |_| 2)).unwrap();
        assert_eq!(results, (1, 2));
        pool.shutdown();
        worker.join().unwrap();
    });
}

/// Both halves of a join run, and run before it ends, also when the first one panics.
pub fn pool_join_that_panics_runs_both_halves(check: Check) {
    on_pool::<2, 2>(check, |pool| {
        let ran = Arc::new(AtomicU32::new(0));
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            pool.enter(|w| {
                w.join(
                    |_| std::panic::resume_unwind(Box::new(())),
                    |_| {
                        ran.fetch_add(1, Ordering::Relaxed);
                    },
                )
            })
            .unwrap();
        }));
        assert!(panicked.is_err());
        assert_eq!(ran.load(Ordering::Relaxed), 1, "both sides run");
    });
}

/// A first half that runs another task on demand may get its own second half, or a thief does: it runs once.
pub fn pool_first_half_may_run_the_second(check: Check) {
    // Two preemptions: a whole pool takes minutes with three.
    on_pool::<2, 2>(check.bound(2), |pool| {
        let worker = thread::spawn(|| pool.run_worker(0).unwrap());
        let ran = Arc::new(AtomicU32::new(0));
        pool.enter(|w| {
            w.join(
                |w| {
                    w.run_own();
                },
                |_| {
                    ran.fetch_add(1, Ordering::Relaxed);
                },
            )
        })
        .unwrap();
        assert_eq!(ran.load(Ordering::Relaxed), 1, "once, and before the join ends");
        pool.shutdown();
        worker.join().unwrap();
    });
}

/// A scope returns when its tasks are done, and sees what they did.
pub fn pool_scope_sees_what_its_tasks_did(check: Check) {
    // Two preemptions: a whole pool takes minutes with three.
    on_pool::<2, 2>(check.bound(2), |pool| {
        let worker = thread::spawn(|| pool.run_worker(0).unwrap());
        let done = Arc::new(AtomicU32::new(0));
        pool.enter(|w| w.scope(|scope| scope.spawn(|_| done.store(7, Ordering::Relaxed)))).unwrap();
        assert_eq!(done.load(Ordering::Relaxed), 7, "what the task did");
        pool.shutdown();
        worker.join().unwrap();
    });
}

/// A worker that takes one of two tasks lets another worker know of the second before it runs the first, which waits for it.
// full tier
pub fn pool_passes_the_search_on_before_it_runs(check: Check) {
    // One preemption: a whole pool with three threads takes minutes with two.
    on_pool::<3, 1>(check.bound(1), |pool| {
        let workers: Vec<_> = (0..2).map(|seat| thread::spawn(move || pool.run_worker(seat).unwrap())).collect();
        let first = Arc::new(AtomicU32::new(0));
        let second = Arc::new(AtomicU32::new(0));
        pool.enter(|w| {
            w.scope(|s| {
                s.spawn(|_| {
                    block_on(&second);
                    happen(&first);
                });
                s.spawn(|_| happen(&second));
                block_on(&first);
            });
        })
        .unwrap();
        pool.shutdown();
        for worker in workers {
            worker.join().unwrap();
        }
    });
}
