//! Threads that the program brings or shapes: its own, scoped ones, the current one, and what is called on each.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::{io, thread};

use reveille::pool::{self, BuildError, State, Worker, Yield};
use reveille::{ThreadPool, ThreadPoolBuilder};

#[test]
fn threads_of_the_programs_own_serve_and_are_waited_for() {
    let left = Arc::new(AtomicUsize::new(0));
    let pool = ThreadPoolBuilder::new()
        .num_threads(3)
        .thread_name(|i| format!("mine-{i}"))
        .stack_size(1 << 20)
        .build_with(|builder| {
            assert_eq!(builder.name(), Some(format!("mine-{}", builder.index()).as_str()));
            assert_eq!(builder.stack_size(), Some(1 << 20));
            let left = left.clone();
            thread::spawn(move || {
                builder.run();
                left.fetch_add(1, Ordering::Relaxed);
            });
            Ok(())
        })
        .unwrap();
    assert_eq!(pool.broadcast(Worker::index), [0, 1, 2]);
    assert_eq!(pool.join(|| 1, || 2), (1, 2));
    pool.shutdown();
    assert_eq!(pool.state(), State::Closed);
    while left.load(Ordering::Relaxed) < 3 {
        thread::yield_now(); // `run` has returned on each
    }
}

#[test]
fn a_thread_that_cannot_be_started_fails_the_pool_and_the_others_leave() {
    let left = Arc::new(AtomicUsize::new(0));
    let error = ThreadPoolBuilder::new()
        .num_threads(4)
        .build_with(|builder| {
            if builder.index() == 2 {
                return Err(io::Error::other("no more"));
            }
            let left = left.clone();
            thread::spawn(move || {
                builder.run();
                left.fetch_add(1, Ordering::Relaxed);
            });
            Ok(())
        })
        .unwrap_err();
    assert!(matches!(&error, BuildError::Spawn(e) if e.to_string() == "no more"), "{error}");
    while left.load(Ordering::Relaxed) < 2 {
        thread::yield_now();
    }
}

#[test]
fn a_pool_does_with_the_threads_that_come() {
    let pool = ThreadPoolBuilder::new()
        .num_threads(2)
        .build_with(|builder| {
            if builder.index() == 1 {
                thread::spawn(|| builder.run());
            }
            Ok(()) // the other is dropped
        })
        .unwrap();
    assert_eq!(pool.run_on_thread(Worker::index), 1);
}

#[test]
fn scoped_threads_borrow_from_their_caller() {
    let (numbers, wrapped) = (vec![1, 2, 3], AtomicUsize::new(0));
    let sum = ThreadPoolBuilder::new()
        .num_threads(2)
        .build_scoped(
            |thread| {
                wrapped.fetch_add(1, Ordering::Relaxed);
                thread.run();
            },
            |pool| {
                pool.run_on_thread(|worker| {
                    worker.map_reduce(0..3, 1, |r| r.map(|i| numbers[i]).sum(), |a: i32, b| a + b)
                })
            },
        )
        .unwrap();
    assert_eq!((sum, wrapped.into_inner()), (6, 2));
}

/// Runs on a fresh thread, because a resident stays one for life.
fn on_a_thread(f: impl FnOnce() + Send + 'static) {
    thread::spawn(f).join().unwrap();
}

fn with_resident(threads: usize) -> ThreadPool {
    ThreadPoolBuilder::new().num_threads(threads).use_current_thread().build().unwrap()
}

#[test]
fn the_current_thread_becomes_the_first_of_the_pool() {
    on_a_thread(|| {
        let here = thread::current().id();
        let started = Arc::new(AtomicUsize::new(0));
        let log = started.clone();
        let pool = ThreadPoolBuilder::new()
            .num_threads(3)
            .use_current_thread()
            .start_handler(move |i| {
                log.fetch_add(i, Ordering::Relaxed);
            })
            .build()
            .unwrap();
        assert_eq!((pool.current_thread_index(), pool::current_thread_index()), (Some(0), Some(0)));
        assert_eq!((pool.current_num_threads(), reveille::current_num_threads()), (3, 3));
        assert_eq!(pool.run_on_thread(|_| thread::current().id()), here);
        assert_eq!(reveille::join(|| thread::current().id(), || ()).0, here);
        let ids = pool.broadcast(|_| thread::current().id());
        assert!(ids[0] == here && ids[1] != here && ids[2] != here);
        assert_eq!(started.load(Ordering::Relaxed), 1 + 2, "not called for the first");
        let error = ThreadPoolBuilder::new().use_current_thread().build().unwrap_err();
        assert!(matches!(error, BuildError::CurrentThreadWorks), "{error}");
    });
}

#[test]
fn alone_in_its_pool_the_current_thread_does_everything() {
    on_a_thread(|| {
        let pool = with_resident(1);
        let mut n = 0;
        pool.scope(|s| s.spawn(|_| n += 1));
        assert_eq!(n, 1);
        let (send, receive) = mpsc::channel();
        pool.spawn_detached(move || send.send(2).unwrap());
        assert!(receive.try_recv().is_err(), "nobody serves");
        assert_eq!(pool.yield_now(), Some(Yield::Executed));
        assert_eq!(receive.try_recv(), Ok(2));
        assert_eq!(pool.yield_local(), Some(Yield::Idle));
    });
}

/// What the resident queues is run by the others, and its own doings do not keep them when the pool has ended.
#[test]
fn the_other_threads_of_a_resident_leave_when_the_accepted_tasks_are_done() {
    on_a_thread(|| {
        let (exited, exits) = mpsc::channel();
        let exited = Mutex::new(exited);
        let pool = ThreadPoolBuilder::new()
            .num_threads(3)
            .use_current_thread()
            .exit_handler(move |i| exited.lock().unwrap().send(i).unwrap())
            .build()
            .unwrap();
        let (go_on, may_go_on) = mpsc::channel::<()>();
        let (last, is_last) = mpsc::channel();
        pool.spawn_detached(move || {
            may_go_on.recv().unwrap();
            pool::spawn_detached(move || last.send("part of what was accepted").unwrap());
        });
        drop(pool);
        assert!(exits.try_recv().is_err(), "a task is under way");
        go_on.send(()).unwrap();
        assert!(is_last.recv().is_ok());
        let mut gone = [exits.recv().unwrap(), exits.recv().unwrap()];
        gone.sort_unstable();
        assert_eq!(gone, [1, 2]);
        assert_eq!(reveille::join(|| 1, || 2), (1, 2), "as a worker of a pool without other threads");
        let task = reveille::spawn(|| 3);
        assert_eq!(task.join().unwrap(), 3);
    });
}

#[test]
fn handlers_run_as_a_thread_of_the_pool_and_their_panics_are_reported() {
    let log = Arc::new(Mutex::new(Vec::new()));
    let [starts, exits, panics] = [log.clone(), log.clone(), log.clone()];
    let pool = ThreadPoolBuilder::new()
        .num_threads(1)
        .start_handler(move |i| {
            starts.lock().unwrap().push(format!("start {i} {:?}", pool::current_thread_index()));
            std::panic::resume_unwind(Box::new("start"));
        })
        .exit_handler(move |i| {
            exits.lock().unwrap().push(format!("exit {i} {:?}", pool::current_thread_index()));
            std::panic::resume_unwind(Box::new("exit"));
        })
        .panic_handler(move |payload| {
            panics.lock().unwrap().push((*payload.downcast_ref::<&str>().unwrap()).to_owned())
        })
        .build()
        .unwrap();
    assert_eq!(pool.run_on_thread(|_| 1), 1, "the thread serves all the same");
    drop(pool);
    assert_eq!(*log.lock().unwrap(), ["start 0 Some(0)", "start", "exit 0 Some(0)", "exit"]);
}

#[test]
fn breadth_first_runs_the_oldest_own_task_first() {
    for (breadth_first, expected) in [(false, [2, 1, 0]), (true, [0, 1, 2])] {
        let mut builder = ThreadPoolBuilder::new().num_threads(1);
        if breadth_first {
            builder = builder.breadth_first();
        }
        let order = Mutex::new(Vec::new());
        builder.build().unwrap().run_on_thread(|worker| {
            worker.scope(|s| {
                (0..3).for_each(|i| {
                    s.spawn({
                        let order = &order;
                        move |_| order.lock().unwrap().push(i)
                    })
                })
            });
        });
        assert_eq!(order.into_inner().unwrap(), expected);
    }
}

#[test]
fn a_detached_pool_finishes_and_its_threads_leave() {
    let (exited, exits) = mpsc::channel();
    let exited = Mutex::new(exited);
    let builder =
        ThreadPoolBuilder::new().num_threads(2).exit_handler(move |i| exited.lock().unwrap().send(i).unwrap());
    let pool = builder.build().unwrap();
    let (go_on, may_go_on) = mpsc::channel::<()>();
    let task = pool.spawn(move || may_go_on.recv().is_ok());
    pool.detach();
    drop(pool);
    go_on.send(()).unwrap();
    assert!(task.join().unwrap());
    assert_eq!(exits.iter().take(2).sum::<usize>(), 1);
}
