//! In which order tasks run.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;

use rayon_core::{ThreadPoolBuilder, scope, scope_fifo, spawn, spawn_fifo};

use crate::pool;

fn order(f: impl FnOnce(&Mutex<Vec<usize>>) + Send) -> Vec<usize> {
    let log = Mutex::new(Vec::new());
    pool(1).install(|| f(&log));
    log.into_inner().unwrap()
}

#[test]
fn a_scope_runs_the_newest_first_and_a_fifo_scope_the_oldest() {
    let newest_first = order(|log| scope(|s| (0..10).for_each(|i| s.spawn(move |_| log.lock().unwrap().push(i)))));
    assert_eq!(newest_first, Vec::from_iter((0..10).rev()));
    let oldest_first =
        order(|log| scope_fifo(|s| (0..10).for_each(|i| s.spawn_fifo(move |_| log.lock().unwrap().push(i)))));
    assert_eq!(oldest_first, Vec::from_iter(0..10));
}

#[test]
fn nested_scopes_nest_their_orders() {
    let tens = |log: &Mutex<Vec<usize>>, i: usize| log.lock().unwrap().push(i);
    let fifo_in_lifo = order(|log| {
        scope(|outer| {
            for i in 0..3 {
                outer.spawn(move |_| scope_fifo(|s| (0..3).for_each(|j| s.spawn_fifo(move |_| tens(log, 10 * i + j)))));
            }
        });
    });
    assert_eq!(fifo_in_lifo, [20, 21, 22, 10, 11, 12, 0, 1, 2]);
    let lifo_in_fifo = order(|log| {
        scope_fifo(|outer| {
            for i in 0..3 {
                outer.spawn_fifo(move |_| scope(|s| (0..3).for_each(|j| s.spawn(move |_| tens(log, 10 * i + j)))));
            }
        });
    });
    assert_eq!(lifo_in_fifo, [2, 1, 0, 12, 11, 10, 22, 21, 20]);
}

#[test]
fn spawned_tasks_have_the_same_orders() {
    let run = |fifo: bool, outside: bool| {
        let pool = pool(1);
        let log = Arc::new(Mutex::new(Vec::new()));
        let (go_on, may_go_on) = mpsc::channel::<()>();
        let tasks = {
            let log = log.clone();
            move |spawn: &dyn Fn(Box<dyn FnOnce() + Send>)| {
                for i in 0..10 {
                    let log = log.clone();
                    spawn(Box::new(move || log.lock().unwrap().push(i)));
                }
            }
        };
        if outside {
            pool.spawn(move || may_go_on.recv().unwrap()); // they queue behind it
            match fifo {
                true => tasks(&|task| pool.spawn_fifo(task)),
                false => tasks(&|task| pool.spawn(task)),
            }
            go_on.send(()).unwrap();
        } else {
            pool.install(|| match fifo {
                true => tasks(&|task| spawn_fifo(task)),
                false => tasks(&|task| spawn(task)),
            });
        }
        while log.lock().unwrap().len() < 10 {
            thread::yield_now();
        }
        log.lock().unwrap().clone()
    };
    assert_eq!(run(false, false), Vec::from_iter((0..10).rev()));
    assert_eq!(run(true, false), Vec::from_iter(0..10));
    assert_eq!(run(false, true), Vec::from_iter(0..10), "from outside they queue");
    assert_eq!(run(true, true), Vec::from_iter(0..10));
}

#[test]
#[allow(deprecated, reason = "part of the API")]
fn breadth_first_runs_the_oldest_first() {
    let pool = ThreadPoolBuilder::new().num_threads(1).breadth_first().build().unwrap();
    let log = Mutex::new(Vec::new());
    pool.install(|| {
        scope(|s| {
            (0..10).for_each(|i| {
                s.spawn({
                    let log = &log;
                    move |_| log.lock().unwrap().push(i)
                })
            })
        })
    });
    assert_eq!(log.into_inner().unwrap(), Vec::from_iter(0..10));
}

#[test]
fn tasks_of_a_scope_may_spawn_on() {
    fn grow<'scope>(s: &rayon_core::Scope<'scope>, depth: usize, count: &'scope AtomicUsize) {
        count.fetch_add(1, Ordering::Relaxed);
        (0..if depth == 0 { 0 } else { 2 }).for_each(|_| s.spawn(move |s| grow(s, depth - 1, count)));
    }
    for threads in [1, 3] {
        let count = AtomicUsize::new(0);
        pool(threads).scope(|s| grow(s, 9, &count));
        assert_eq!(count.into_inner(), (1 << 10) - 1);
    }
}
