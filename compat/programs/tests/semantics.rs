//! What a program can observe: which closure runs where, in which order, what becomes of panics, how pools end.
//!
//! The same file runs on rayon-core and on what takes its place.

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex, mpsc};
use std::thread::{self, ThreadId};
use std::time::Duration;

use rayon_core::{ThreadPool, ThreadPoolBuilder, Yield, join, join_context, scope, scope_fifo, spawn, spawn_fifo};

fn pool(threads: usize) -> ThreadPool {
    ThreadPoolBuilder::new().num_threads(threads).build().unwrap()
}

fn ids(pool: &ThreadPool) -> Vec<ThreadId> {
    pool.broadcast(|_| thread::current().id())
}

fn here() -> ThreadId {
    thread::current().id()
}

/// The payload of `f`'s panic, which is a `&str`.
fn panic_of<R>(f: impl FnOnce() -> R) -> Option<&'static str> {
    catch_unwind(AssertUnwindSafe(f)).err().and_then(|payload| payload.downcast_ref().copied())
}

fn throw(what: &'static str) -> ! {
    resume_unwind(Box::new(what)) // no message on the screen
}

// ---- where

#[test]
fn a_call_runs_on_a_thread_of_the_pool_and_its_caller_waits() {
    let pool = pool(2);
    let ids = ids(&pool);
    assert_eq!(pool.current_thread_index(), None);
    let (id, index, threads) =
        pool.install(|| (here(), rayon_core::current_thread_index().unwrap(), rayon_core::current_num_threads()));
    assert_eq!((ids[index], threads), (id, 2));
    for id in [pool.join(here, || ()).0, pool.scope(|_| here()), pool.scope_fifo(|_| here())] {
        assert!(ids.contains(&id));
    }
    assert_eq!(pool.in_place_scope(|_| here()), here());
    assert_eq!(pool.in_place_scope_fifo(|_| here()), here());
}

#[test]
fn the_global_pool_runs_what_comes_from_outside_on_its_threads() {
    let ids = rayon_core::broadcast(|_| here());
    assert_eq!(ids.len(), rayon_core::current_num_threads());
    assert!(ids.contains(&scope(|_| here())));
    assert!(ids.contains(&join(here, || ()).0));
    assert!(!ids.contains(&rayon_core::in_place_scope(|_| here())));
    let (send, receive) = mpsc::channel();
    spawn(move || send.send(here()).unwrap());
    assert!(ids.contains(&receive.recv().unwrap()));
    assert_eq!((rayon_core::current_thread_index(), rayon_core::yield_now()), (None, None));
    assert_eq!((rayon_core::current_thread_has_pending_tasks(), rayon_core::yield_local()), (None, None));
}

#[test]
fn inside_a_pool_everything_stays_there() {
    let (mine, other) = (pool(2), pool(2));
    let ids = ids(&mine);
    mine.install(|| {
        assert!(ids.contains(&mine.install(here)));
        assert!(ids.contains(&join(here, || ()).0));
        assert!(ids.contains(&scope(|_| here())));
        let (send, receive) = mpsc::channel();
        spawn(move || send.send(here()).unwrap());
        assert!(ids.contains(&receive.recv().unwrap()) || mine.current_num_threads() == 1);
        assert!(!ids.contains(&other.install(here)));
        assert_eq!((other.current_thread_index(), other.yield_now()), (None, None));
        assert!(mine.current_thread_index().is_some());
    });
}

#[test]
fn the_first_half_runs_at_once_and_here() {
    pool(2).install(|| {
        let me = here();
        for _ in 0..100 {
            assert_eq!(join(here, || ()).0, me);
        }
    });
}

/// A half that moved is told so. The first half moved if the call came from outside.
#[test]
fn a_closure_is_told_whether_it_moved() {
    let pool = pool(2);
    pool.install(|| {
        let met = Barrier::new(2);
        let moved = join_context(
            |a| {
                met.wait(); // until somebody else has the second half
                a.migrated()
            },
            |b| {
                met.wait();
                b.migrated()
            },
        );
        assert_eq!(moved, (false, true));
    });
    let alone = self::pool(1);
    assert_eq!(alone.install(|| join_context(|a| a.migrated(), |b| b.migrated())), (false, false));
    assert_eq!(join_context(|a| a.migrated(), |b| b.migrated()), (true, true), "from outside both have moved");
}

#[test]
fn threads_have_their_names_stacks_and_handlers() {
    thread_local!(static SET: Cell<usize> = const { Cell::new(0) });
    let exits = Arc::new(Mutex::new(Vec::new()));
    let log = exits.clone();
    let pool = ThreadPoolBuilder::new()
        .num_threads(3)
        .thread_name(|i| format!("named-{i}"))
        .stack_size(64 << 20)
        .start_handler(|i| {
            assert_eq!(rayon_core::current_thread_index(), Some(i));
            SET.set(i + 1);
        })
        .exit_handler(move |i| log.lock().unwrap().push((i, SET.get())))
        .build()
        .unwrap();
    let seen = pool.broadcast(|context| (thread::current().name().map(str::to_owned), SET.get(), context.index()));
    for (i, (name, set, index)) in seen.into_iter().enumerate() {
        assert_eq!((name, set, index), (Some(format!("named-{i}")), i + 1, i));
    }

    fn deep(n: usize) -> usize {
        let frame = std::hint::black_box([n; 128]);
        if n == 0 { frame[0] } else { deep(n - 1) + usize::from(frame[127] != n) }
    }
    assert_eq!(pool.install(|| deep(8_000)), 0, "more than a main thread has");

    drop(pool);
    while exits.lock().unwrap().len() < 3 {
        thread::yield_now();
    }
    exits.lock().unwrap().sort_unstable();
    assert_eq!(*exits.lock().unwrap(), [(0, 1), (1, 2), (2, 3)]);
}

#[test]
fn the_pool_takes_the_threads_that_a_program_makes() {
    thread_local!(static MINE: Cell<usize> = const { Cell::new(0) });
    let pool = ThreadPoolBuilder::new()
        .num_threads(2)
        .thread_name(|i| format!("t{i}"))
        .spawn_handler(|builder| {
            thread::Builder::new().name(builder.name().unwrap().to_uppercase()).spawn(|| {
                MINE.set(7);
                builder.run();
            })?;
            Ok(())
        })
        .build()
        .unwrap();
    let seen = pool.broadcast(|_| (thread::current().name().map(str::to_owned), MINE.get()));
    assert_eq!(seen, [(Some("T0".to_owned()), 7), (Some("T1".to_owned()), 7)]);
}

#[test]
fn scoped_threads_end_with_their_pool() {
    let (text, ended) = (String::from("outside"), AtomicUsize::new(0));
    let length = ThreadPoolBuilder::new().num_threads(2).build_scoped(
        |thread| {
            thread.run();
            ended.fetch_add(1, Ordering::Relaxed);
        },
        |pool| pool.install(|| join(|| text.len(), || text.len())),
    );
    assert_eq!((length.unwrap(), ended.into_inner()), ((7, 7), 2));
}

#[test]
fn a_pool_that_cannot_be_made_says_why() {
    let error = ThreadPoolBuilder::new().num_threads(2).spawn_handler(|_| Err(std::io::Error::other("none"))).build();
    assert_eq!(error.unwrap_err().to_string(), "none");
    // Others may be first; whoever is, the second one is told.
    let _ = ThreadPoolBuilder::new().build_global();
    let error = ThreadPoolBuilder::new().num_threads(3).build_global().unwrap_err();
    assert_eq!(error.to_string(), "The global thread pool has already been initialized.");
    assert!(std::error::Error::source(&error).is_none());
}

#[test]
fn a_request_for_too_many_threads_gets_the_most() {
    assert!(rayon_core::max_num_threads() >= 63);
}

// ---- the current thread as one of the pool's

fn on_a_thread(f: impl FnOnce() + Send + 'static) {
    thread::spawn(f).join().unwrap();
}

#[test]
fn the_current_thread_can_be_the_first_of_a_pool() {
    on_a_thread(|| {
        let started = Arc::new(Mutex::new(Vec::new()));
        let log = started.clone();
        let pool = ThreadPoolBuilder::new()
            .num_threads(2)
            .use_current_thread()
            .start_handler(move |i| log.lock().unwrap().push(i))
            .build()
            .unwrap();
        assert_eq!((rayon_core::current_thread_index(), pool.current_thread_index()), (Some(0), Some(0)));
        assert_eq!((pool.install(here), join(here, || ()).0, rayon_core::current_num_threads()), (here(), here(), 2));
        let ids = pool.broadcast(|_| here());
        assert!(ids[0] == here() && ids[1] != here());
        assert_eq!(*started.lock().unwrap(), [1]);
        let error = ThreadPoolBuilder::new().use_current_thread().build().unwrap_err();
        assert_eq!(error.to_string(), "The current thread is already part of another thread pool.");
        drop(pool);
        assert_eq!((join(|| 1, || 2), rayon_core::current_thread_index()), ((1, 2), Some(0)), "for good");
    });
}

#[test]
fn alone_the_current_thread_works_when_it_yields() {
    on_a_thread(|| {
        let pool = ThreadPoolBuilder::new().num_threads(1).use_current_thread().build().unwrap();
        let (send, receive) = mpsc::channel();
        pool.spawn(move || send.send(()).unwrap());
        assert!(receive.try_recv().is_err());
        assert_eq!(pool.current_thread_has_pending_tasks(), Some(true));
        assert_eq!((rayon_core::yield_now(), receive.try_recv()), (Some(Yield::Executed), Ok(())));
        assert_eq!((rayon_core::yield_local(), rayon_core::yield_now()), (Some(Yield::Idle), Some(Yield::Idle)));
    });
}

#[test]
fn the_others_of_a_dropped_pool_leave_although_the_current_thread_stays() {
    on_a_thread(|| {
        let (exited, exits) = mpsc::channel();
        let exited = Mutex::new(exited);
        let builder = ThreadPoolBuilder::new().num_threads(3).use_current_thread();
        let pool = builder.exit_handler(move |i| exited.lock().unwrap().send(i).unwrap()).build().unwrap();
        assert_eq!(pool.install(|| join(|| 1, || 2)), (1, 2));
        drop(pool);
        assert_eq!(exits.iter().take(2).sum::<usize>(), 1 + 2);
    });
}

// ---- in which order

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

// ---- waiting

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

// ---- panics

#[test]
fn both_halves_run_and_the_first_halfs_panic_wins() {
    let pool = pool(2);
    for _ in 0..100 {
        let ran = AtomicUsize::new(0);
        let mark = |bit| {
            ran.fetch_or(bit, Ordering::Relaxed);
        };
        assert_eq!(panic_of(|| pool.join(|| throw("a"), || mark(1))), Some("a"));
        assert_eq!(panic_of(|| pool.join(|| mark(2), || throw("b"))), Some("b"));
        let both = || {
            pool.join(
                || throw("a"),
                || {
                    mark(4);
                    throw("b")
                },
            )
        };
        assert_eq!(panic_of(both), Some("a"));
        assert_eq!(ran.load(Ordering::Relaxed), 7);
    }
    assert_eq!(pool.join(|| 1, || 2), (1, 2), "nobody is hurt");
}

#[test]
fn a_scope_runs_all_its_tasks_and_resumes_a_panic() {
    let pool = pool(2);
    let ran = AtomicUsize::new(0);
    let result = panic_of(|| {
        pool.scope(|s| {
            for i in 0..20 {
                let ran = &ran;
                s.spawn(move |_| {
                    ran.fetch_add(1, Ordering::Relaxed);
                    if i == 7 {
                        throw("task");
                    }
                });
            }
        });
    });
    assert_eq!((result, ran.load(Ordering::Relaxed)), (Some("task"), 20));
    let result = panic_of(|| {
        pool.scope(|s| {
            s.spawn(|_| {
                ran.fetch_add(1, Ordering::Relaxed);
            });
            throw("body")
        })
    });
    assert_eq!((result, ran.load(Ordering::Relaxed)), (Some("body"), 21));
    assert_eq!(panic_of(|| pool.in_place_scope(|s| s.spawn(|_| throw("in place")))), Some("in place"));
    assert_eq!(panic_of(|| pool.scope_fifo(|s| s.spawn_fifo(|_| throw("fifo")))), Some("fifo"));
}

#[test]
fn calls_and_broadcasts_resume_panics() {
    let pool = pool(2);
    assert_eq!(panic_of(|| pool.install(|| throw("call"))), Some("call"));
    let text = ["first", "second"];
    assert_eq!(panic_of(|| pool.broadcast(|context| -> () { throw(text[context.index()]) })), Some("first"));
    assert_eq!(pool.install(|| 1), 1);
}

#[test]
fn a_panic_that_nobody_waits_for_goes_to_the_handler() {
    let (send, receive) = mpsc::channel();
    let send = Mutex::new(send);
    let handler = move |payload: Box<dyn Any + Send>| {
        send.lock().unwrap().send(*payload.downcast_ref::<&str>().unwrap()).unwrap();
    };
    let pool = ThreadPoolBuilder::new()
        .num_threads(1)
        .panic_handler(handler)
        .start_handler(|_| throw("start"))
        .exit_handler(|_| throw("exit"))
        .build()
        .unwrap();
    let next = || receive.recv_timeout(Duration::from_secs(60)).unwrap();
    assert_eq!(next(), "start");
    pool.spawn(|| throw("spawn"));
    assert_eq!(next(), "spawn");
    pool.spawn_fifo(|| throw("fifo"));
    assert_eq!(next(), "fifo");
    pool.spawn_broadcast(|_| throw("broadcast"));
    assert_eq!(next(), "broadcast");
    assert_eq!(pool.install(|| 1), 1);
    drop(pool);
    assert_eq!(next(), "exit");
}

// ---- the end

/// A dropped pool does not wait, finishes what it has, and its tasks may spawn on.
#[test]
fn a_dropped_pool_finishes_without_its_owner() {
    let (exited, exits) = mpsc::channel();
    let exited = Mutex::new(exited);
    let pool = ThreadPoolBuilder::new()
        .num_threads(2)
        .exit_handler(move |i| exited.lock().unwrap().send(i).unwrap())
        .build()
        .unwrap();
    let (go_on, may_go_on) = mpsc::channel::<()>();
    let (send, receive) = mpsc::channel();
    pool.spawn(move || {
        may_go_on.recv().unwrap();
        let (a, b) = join(|| 1, || 2);
        spawn(move || send.send(a + b).unwrap());
    });
    drop(pool);
    assert!(exits.try_recv().is_err());
    go_on.send(()).unwrap(); // would never come if the drop waited
    assert_eq!(receive.recv(), Ok(3));
    assert_eq!(exits.iter().take(2).sum::<usize>(), 1);
}

#[test]
fn a_pool_may_be_dropped_by_its_own_task() {
    let (exited, exits) = mpsc::channel();
    let exited = Mutex::new(exited);
    let builder = ThreadPoolBuilder::new().num_threads(2);
    let pool = Arc::new(builder.exit_handler(move |i| exited.lock().unwrap().send(i).unwrap()).build().unwrap());
    let (send, receive) = mpsc::channel::<Arc<ThreadPool>>();
    pool.spawn(move || drop(receive.recv().unwrap()));
    send.send(pool).unwrap();
    assert_eq!(exits.iter().take(2).sum::<usize>(), 1);
}
