//! What a thread does while it waits.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, mpsc};
use std::thread;

use rayon_core::{ThreadPool, Yield, spawn};

use crate::{here, ids, pool};

/// Alone in its pool, the first half waits for the second one, and yields.
#[test]
fn a_first_half_that_yields_gets_the_second_half_run() {
    for yields in [rayon_core::yield_now, rayon_core::yield_local] {
        let flag = AtomicBool::new(false);
        pool(1).join(
            || {
                assert_eq!(rayon_core::current_thread_has_pending_tasks(), Some(true));
                while !flag.load(Ordering::Acquire) {
                    yields().unwrap();
                }
            },
            || flag.store(true, Ordering::Release),
        );
    }
}

#[test]
fn a_yield_runs_spawned_tasks() {
    let pool = pool(1);
    pool.install(|| {
        let done = Arc::new(AtomicUsize::new(0));
        for _ in 0..3 {
            let done = done.clone();
            spawn(move || {
                done.fetch_add(1, Ordering::Relaxed);
            });
        }
        assert_eq!(rayon_core::yield_local(), Some(Yield::Executed));
        assert_eq!(rayon_core::yield_now(), Some(Yield::Executed));
        assert_eq!(pool.yield_now(), Some(Yield::Executed));
        assert_eq!((pool.yield_now(), pool.yield_local()), (Some(Yield::Idle), Some(Yield::Idle)));
        assert_eq!(done.load(Ordering::Relaxed), 3);
    });
}

/// Each pool has one thread. If a thread that waits for the other pool did not work for its own, this would stand still.
#[test]
fn pools_call_each_other_to_and_fro() {
    fn descend(pools: &[ThreadPool; 2], depth: usize) -> usize {
        match depth {
            0 => 0,
            _ => 1 + pools[depth % 2].install(|| descend(pools, depth - 1)),
        }
    }
    let pools = [pool(1), pool(1)];
    for _ in 0..200 {
        assert_eq!(descend(&pools, 6), 6);
    }
}

#[test]
fn a_scope_in_place_on_another_pool_lets_its_thread_work() {
    fn descend(pools: &[ThreadPool; 2], depth: usize, count: &AtomicUsize) {
        if depth > 0 {
            pools[depth % 2].in_place_scope(|s| {
                s.spawn(move |_| {
                    count.fetch_add(1, Ordering::Relaxed);
                    descend(pools, depth - 1, count);
                });
            });
        }
    }
    let pools = [pool(1), pool(1)];
    for _ in 0..200 {
        let count = AtomicUsize::new(0);
        descend(&pools, 5, &count);
        assert_eq!(count.into_inner(), 5);
    }
}

/// The second half is at hand while its owner waits for another pool, which waits for that half.
#[test]
fn a_thread_that_waits_for_another_pool_runs_its_own_second_half() {
    let (mine, other) = (pool(1), pool(1));
    for _ in 0..100 {
        let flag = AtomicBool::new(false);
        mine.join(
            || {
                other.install(|| {
                    while !flag.load(Ordering::Acquire) {
                        thread::yield_now();
                    }
                });
            },
            || flag.store(true, Ordering::Release),
        );
    }
}

#[test]
fn a_broadcast_from_another_pool_lets_its_thread_work() {
    let (mine, other) = (pool(1), pool(2));
    let sums = mine.install(|| {
        other.broadcast(|context| {
            let index = context.index();
            mine.install(|| index + 1)
        })
    });
    assert_eq!(sums, [1, 2]);
}

#[test]
fn each_thread_answers_a_broadcast_once_and_may_wait_for_the_others() {
    let pool = pool(4);
    for from_inside in [false, true] {
        let met = Barrier::new(4);
        let call = || {
            pool.broadcast(|context| {
                met.wait();
                (context.index(), context.num_threads(), here())
            })
        };
        let answers = if from_inside { pool.install(call) } else { call() };
        assert_eq!(answers.iter().map(|answer| answer.0).collect::<Vec<_>>(), [0, 1, 2, 3]);
        assert_eq!(answers.iter().map(|answer| answer.2).collect::<Vec<_>>(), ids(&pool));
        assert!(answers.iter().all(|answer| answer.1 == 4));
    }
}

#[test]
fn a_scope_waits_for_its_broadcasts() {
    let pool = pool(3);
    let calls = AtomicUsize::new(0);
    let calls = &calls;
    let count = |by| {
        calls.fetch_add(by, Ordering::Relaxed);
    };
    pool.scope(|s| {
        s.spawn_broadcast(move |s, context| {
            let index = context.index();
            count(1);
            s.spawn(move |_| count(100 * (1 + index)));
        });
    });
    pool.in_place_scope_fifo(|s| s.spawn_broadcast(move |_, _| count(1)));
    assert_eq!(calls.load(Ordering::Relaxed), 3 + 100 * (1 + 2 + 3) + 3);
}

#[test]
fn a_detached_broadcast_reaches_every_thread() {
    let pool = pool(3);
    let (send, receive) = mpsc::channel();
    pool.spawn_broadcast(move |context| send.send(context.index()).unwrap());
    let mut seen: Vec<_> = receive.iter().collect(); // ends when the closure is dropped
    seen.sort_unstable();
    assert_eq!(seen, [0, 1, 2]);
}
