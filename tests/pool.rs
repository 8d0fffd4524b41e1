//! The pool as an application uses it.

use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Barrier, mpsc};
use std::thread;
use std::time::Duration;

use reveille::{ThreadPool, ThreadPoolBuilder, Worker};

/// Rounds of a stress loop: `REVEILLE_STRESS`, small by default.
fn rounds(default: usize) -> usize {
    std::env::var("REVEILLE_STRESS").ok().and_then(|n| n.parse().ok()).unwrap_or(default)
}

fn pool(threads: usize) -> ThreadPool {
    ThreadPoolBuilder::new().num_threads(threads).build().unwrap()
}

fn fib(worker: &Worker, n: u64) -> u64 {
    if n < 2 {
        return n;
    }
    let (a, b) = worker.join(|w| fib(w, n - 1), |w| fib(w, n - 2));
    a + b
}

#[test]
fn joins_compute() {
    for threads in [1, 2, 4] {
        let pool = pool(threads);
        for n in [1, 5, 22] {
            assert_eq!(pool.enter(|w| fib(w, n)), [1, 5, 17_711][[1, 5, 22].iter().position(|x| *x == n).unwrap()]);
        }
    }
}

/// A task from outside wakes the worker of seat 0 too: with one worker there is no other.
#[test]
fn a_parked_worker_is_woken_for_a_task_from_outside() {
    let pool = pool(1);
    // On a busy machine the worker may not get as far as parking within the gap; then there are more rounds.
    for round in (0..10_000).take_while(|&round| round < 20 || pool.stats().parks == 0) {
        thread::sleep(Duration::from_millis(2)); // many times as long as a worker searches before it parks
        let (send, receive) = mpsc::channel();
        pool.spawn(move || send.send(round).unwrap()).detach();
        assert_eq!(receive.recv_timeout(Duration::from_secs(10)), Ok(round), "nobody woke the worker");
    }
    assert!(pool.stats().parks > 0, "it never slept");
}

#[test]
fn free_functions_use_the_installed_pool() {
    let pool = pool(3);
    assert_eq!(pool.install(reveille::current_num_threads), 3);
    let (a, b) = pool.install(|| reveille::join(reveille::current_num_threads, reveille::current_num_threads));
    assert_eq!((a, b), (3, 3));
}

#[test]
fn a_first_half_that_waits_for_the_second_completes() {
    let pool = pool(2);
    for _ in 0..rounds(200) {
        pool.enter(|w| {
            let (sender, receiver) = mpsc::channel();
            w.join(|_| receiver.recv().unwrap(), move |_| sender.send(7).unwrap());
        });
    }
}

#[test]
fn a_first_half_deep_in_private_work_that_waits_for_the_second_completes() {
    fn deep(w: &Worker, depth: usize) {
        if depth == 0 {
            let (sender, receiver) = mpsc::channel();
            w.join(|_| receiver.recv().unwrap(), move |_| sender.send(()).unwrap());
            return;
        }
        w.join(|w| deep(w, depth - 1), |_| ());
    }
    let pool = pool(2);
    for round in 0..rounds(200) {
        pool.enter(|w| deep(w, round % 50));
    }
}

#[test]
fn scope_tasks_that_meet_at_a_barrier_complete_on_a_pool_of_their_number() {
    let pool = pool(10);
    for _ in 0..rounds(20) {
        let barrier = Barrier::new(10);
        pool.scope(|s| {
            for _ in 0..10 {
                s.spawn(|_| {
                    barrier.wait();
                });
            }
        });
    }
}

#[test]
fn panics_reach_the_caller_and_the_pool_goes_on() {
    let pool = pool(2);
    let caught = |f: &(dyn Fn(&Worker) + Sync)| {
        let payload = panic::catch_unwind(AssertUnwindSafe(|| pool.enter(f))).unwrap_err();
        *payload.downcast::<&str>().unwrap()
    };
    for _ in 0..rounds(100) {
        assert_eq!(
            caught(&|w| {
                w.join(|_| panic::panic_any("a"), |_| ());
            }),
            "a"
        );
        assert_eq!(
            caught(&|w| {
                w.join(|_| (), |_| panic::panic_any("b"));
            }),
            "b"
        );
        assert_eq!(
            caught(&|w| {
                w.join(|_| panic::panic_any("a"), |_| panic::panic_any("b"));
            }),
            "a"
        );
        assert_eq!(caught(&|w| w.scope(|s| s.spawn(|_| panic::panic_any("task")))), "task");
    }
    let ran = AtomicBool::new(false);
    let _ = panic::catch_unwind(AssertUnwindSafe(|| {
        pool.enter(|w| w.join(|_| panic::panic_any("a"), |_| ran.store(true, Ordering::Relaxed)))
    }));
    assert!(ran.into_inner(), "both sides run");
    assert_eq!(
        pool.spawn(|| panic::panic_any("s")).join().map_err(|p| *p.downcast::<&str>().unwrap()),
        Err::<(), _>("s")
    );
    assert_eq!(pool.enter(|w| fib(w, 15)), 610);
}

#[test]
fn outside_jobs_with_idle_gaps_are_never_stuck() {
    let pool = pool(2);
    let mut random = 0x2545_F491_u32;
    for _ in 0..rounds(20_000) {
        random ^= random << 13;
        random ^= random >> 17;
        random ^= random << 5;
        assert_eq!(pool.spawn(move || random).join().unwrap(), random);
        let gap = Duration::from_nanos(u64::from(random % 200_000));
        let start = std::time::Instant::now();
        while start.elapsed() < gap {
            thread::yield_now();
        }
    }
}

#[test]
fn a_flat_scope_runs_every_task_once() {
    let pool = pool(2);
    let count = AtomicUsize::new(0);
    let n = rounds(100_000);
    pool.scope(|s| {
        for _ in 0..n {
            s.spawn(|_| {
                count.fetch_add(1, Ordering::Relaxed);
            });
        }
    });
    assert_eq!(count.into_inner(), n);
}

#[test]
fn recursion_beyond_the_capacity_runs_in_sequence() {
    fn spine(w: &Worker, depth: u64) -> u64 {
        if depth == 0 {
            return 0;
        }
        let (rest, one) = w.join(|w| spine(w, depth - 1), |_| 1);
        rest + one
    }
    // Frames are large without optimisation.
    const STACK: usize = 32 << 20;
    let pool = ThreadPoolBuilder::new().num_threads(2).join_capacity(16).stack_size(STACK).build().unwrap();
    let caller = thread::Builder::new().stack_size(STACK);
    let depth = thread::scope(|s| caller.spawn_scoped(s, || pool.enter(|w| spine(w, 4_000))).unwrap().join().unwrap());
    assert_eq!(depth, 4_000);
}

#[test]
fn more_callers_than_seats_all_get_their_result() {
    let pool = Arc::new(pool(2));
    let callers: Vec<_> = (0..32)
        .map(|i| {
            let pool = pool.clone();
            thread::spawn(move || (0..50).map(|_| pool.enter(|w| fib(w, 10 + i % 3))).sum::<u64>())
        })
        .collect();
    let sums: Vec<u64> = callers.into_iter().map(|c| c.join().unwrap()).collect();
    for (i, sum) in sums.into_iter().enumerate() {
        assert_eq!(sum, 50 * [55, 89, 144][i % 3]);
    }
}

#[test]
fn a_closed_pool_gives_the_closure_back() {
    let pool = pool(1);
    assert_eq!(pool.spawn(|| 1).join().unwrap(), 1);
    pool.shutdown();
    let rejected = pool.try_spawn(|| 2).map(drop).unwrap_err();
    assert_eq!((rejected.0)(), 2);
    assert_eq!(pool.enter(|w| fib(w, 10)), 55, "a guest works alone");
}

#[test]
fn shutdown_finishes_what_was_accepted() {
    let count = Arc::new(AtomicUsize::new(0));
    for _ in 0..rounds(50) {
        let pool = pool(2);
        for _ in 0..100 {
            let count = count.clone();
            pool.spawn(move || count.fetch_add(1, Ordering::Relaxed)).detach();
        }
        drop(pool);
        assert_eq!(count.swap(0, Ordering::Relaxed), 100);
    }
}
