//! Tasks that keep the order in which they were spawned.

use std::sync::{Arc, Mutex};

use reveille::{ThreadPool, ThreadPoolBuilder};

fn pool(threads: usize) -> Arc<ThreadPool> {
    Arc::new(ThreadPoolBuilder::new().num_threads(threads).build().unwrap())
}

#[test]
fn tasks_of_one_worker_begin_in_their_order() {
    let pool = pool(1);
    let inner = pool.clone();
    let order = Arc::new(Mutex::new(Vec::new()));
    let log = order.clone();
    pool.spawn(move || {
        let handles: Vec<_> = (0..100)
            .map(|i| {
                let log = log.clone();
                inner.spawn_fifo(move || log.lock().unwrap().push(i))
            })
            .collect();
        handles.into_iter().for_each(|handle| handle.join().unwrap());
    })
    .join()
    .unwrap();
    assert_eq!(*order.lock().unwrap(), Vec::from_iter(0..100));
}

/// A nested scope's tasks come before what is left of the outer one's, because the outer task waits for them.
#[test]
fn a_nested_scope_is_not_kept_waiting_by_the_outer_one() {
    let pool = pool(1);
    let order = Mutex::new(Vec::new());
    pool.broadcast(|worker| {
        worker.scope_fifo(|outer| {
            for i in 0..3 {
                let order = &order;
                outer.spawn_fifo(move |_| {
                    reveille::scope(|inner| {
                        (0..3).for_each(|j| inner.spawn(move |_| order.lock().unwrap().push((i, j))))
                    });
                });
            }
        });
    });
    let expected: Vec<_> = (0..3).flat_map(|i| (0..3).rev().map(move |j| (i, j))).collect();
    assert_eq!(*order.lock().unwrap(), expected);
}

#[test]
fn every_task_runs_once_on_many_threads() {
    let pool = pool(4);
    let runs = Mutex::new(vec![0; 1_000]);
    pool.enter(|worker| {
        worker.scope_fifo(|s| {
            for i in 0..500 {
                let runs = &runs;
                s.spawn_fifo(move |s| {
                    runs.lock().unwrap()[2 * i] += 1;
                    s.spawn_fifo(move |_| runs.lock().unwrap()[2 * i + 1] += 1);
                });
            }
        });
    });
    assert!(runs.lock().unwrap().iter().all(|n| *n == 1));
}

/// A guest leaves with tasks in its queue: they go to the others, each once, with its group's order.
#[test]
fn what_a_guest_leaves_behind_is_run_once() {
    let pool = pool(1);
    for _ in 0..20 {
        let (go_on, may_go_on) = std::sync::mpsc::channel::<()>();
        let (busy, is_busy) = std::sync::mpsc::channel();
        let blocker = pool.spawn(move || {
            busy.send(()).unwrap();
            may_go_on.recv().unwrap();
        });
        is_busy.recv().unwrap();
        let order = Arc::new(Mutex::new(Vec::new()));
        let handles: Vec<_> = pool.enter(|_| {
            let task = |i| {
                let order = order.clone();
                move || order.lock().unwrap().push(i)
            };
            (0..10).map(|i| pool.spawn_fifo(task(i))).collect()
        });
        go_on.send(()).unwrap();
        blocker.join().unwrap();
        handles.into_iter().for_each(|handle| handle.join().unwrap());
        assert_eq!(*order.lock().unwrap(), Vec::from_iter(0..10));
    }
}
