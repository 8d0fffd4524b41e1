//! Priorities of spawned tasks, as an application uses them.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};

use reveille::pool::{self, Priority};
use reveille::{ThreadPool, ThreadPoolBuilder};

fn pool(threads: usize) -> ThreadPool {
    ThreadPoolBuilder::new().num_threads(threads).build().unwrap()
}

/// Keeps the only thread of the pool busy until the returned sender says so.
fn hold_up(pool: &ThreadPool) -> mpsc::Sender<()> {
    let (go_on, may_go_on) = mpsc::channel();
    let (busy, is_busy) = mpsc::channel();
    pool.spawn(move || {
        busy.send(()).unwrap();
        may_go_on.recv().unwrap();
    })
    .detach();
    is_busy.recv().unwrap();
    go_on
}

const ALL: [Priority; 3] = [Priority::Low, Priority::Normal, Priority::High];

#[test]
fn tasks_from_outside_run_in_the_order_of_their_priorities() {
    let pool = pool(1);
    let go_on = hold_up(&pool);
    let order = Arc::new(Mutex::new(Vec::new()));
    let handles: Vec<_> = (0..9)
        .map(|i| {
            let order = order.clone();
            let priority = ALL[i % 3];
            pool.spawn_with(priority, move || order.lock().unwrap().push((priority, i)))
        })
        .collect();
    go_on.send(()).unwrap();
    for handle in handles {
        handle.join().unwrap();
    }
    let order = order.lock().unwrap();
    let priorities: Vec<_> = order.iter().map(|(priority, _)| *priority).collect();
    assert!(priorities.is_sorted_by(|a, b| a >= b), "{order:?}");
    let of = |wanted| order.iter().filter(|(p, _)| *p == wanted).map(|(_, i)| *i).collect::<Vec<_>>();
    assert_eq!((of(Priority::High), of(Priority::Low)), (vec![2, 5, 8], vec![0, 3, 6]), "oldest first");
}

#[test]
fn tasks_of_a_worker_run_in_the_order_of_their_priorities() {
    let pool = pool(1);
    let order = pool
        .spawn(|| {
            let order = Arc::new(Mutex::new(Vec::new()));
            let handles = ALL.map(|priority| {
                let order = order.clone();
                pool::spawn_with(priority, move || order.lock().unwrap().push(priority))
            });
            for handle in handles {
                handle.join().unwrap();
            }
            let order = order.lock().unwrap();
            order.clone()
        })
        .join()
        .unwrap();
    assert_eq!(order, [Priority::High, Priority::Normal, Priority::Low]);
}

/// A task that spawns its successor for ever would keep everything else away, were it not for every 32nd look.
#[test]
fn urgent_tasks_without_end_starve_nobody() {
    fn endless(pool: &Arc<ThreadPool>, runs: Arc<AtomicUsize>, stop: Arc<AtomicUsize>) {
        if stop.load(Ordering::Acquire) != 0 {
            return;
        }
        runs.fetch_add(1, Ordering::Relaxed);
        let next = pool.clone();
        pool.spawn_with(Priority::High, move || endless(&next, runs, stop)).detach();
    }

    let pool = Arc::new(pool(2));
    let (runs, stop) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    for _ in 0..4 {
        endless(&pool, runs.clone(), stop.clone());
    }
    for priority in ALL {
        let (send, receive) = mpsc::channel();
        let before = runs.load(Ordering::Relaxed);
        pool.spawn_with(priority, move || send.send(()).unwrap()).detach();
        let done = receive.recv_timeout(std::time::Duration::from_secs(20));
        assert!(done.is_ok(), "{priority:?}: starved by {} runs", runs.load(Ordering::Relaxed) - before);
    }
    stop.store(1, Ordering::Release);
}

#[test]
fn another_thread_takes_what_a_busy_one_has_queued() {
    let pool = pool(2);
    for priority in ALL {
        pool.spawn(move || {
            let (send, receive) = mpsc::channel();
            pool::spawn_with(priority, move || send.send(()).unwrap()).detach();
            receive.recv().unwrap(); // blocks this thread, so the other one runs it
        })
        .join()
        .unwrap();
    }
}

#[test]
fn shutdown_finishes_every_priority() {
    for _ in 0..20 {
        let count = Arc::new(AtomicUsize::new(0));
        let pool = pool(2);
        for i in 0..300 {
            let count = count.clone();
            pool.spawn_with(ALL[i % 3], move || count.fetch_add(1, Ordering::Relaxed)).detach();
        }
        drop(pool);
        assert_eq!(count.load(Ordering::Relaxed), 300);
    }
}
