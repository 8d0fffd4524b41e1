//! Calls from one thread, or pool, into another one.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex, mpsc};
use std::thread;

use reveille::pool::{self, Worker, Yield};
use reveille::{ThreadPool, ThreadPoolBuilder};

/// Rounds of a stress loop: `REVEILLE_STRESS`, small by default.
fn rounds(default: usize) -> usize {
    std::env::var("REVEILLE_STRESS").ok().and_then(|n| n.parse().ok()).unwrap_or(default)
}

fn pool(threads: usize) -> ThreadPool {
    ThreadPoolBuilder::new().num_threads(threads).build().unwrap()
}

#[test]
fn a_call_runs_on_a_thread_of_the_pool_and_a_nested_one_stays_there() {
    let pool = pool(2);
    let ids = pool.broadcast(|_| thread::current().id());
    for _ in 0..rounds(200) {
        let (outer, inner) = pool.run_on_thread(|worker| {
            let index = worker.thread_index().unwrap();
            assert_eq!(pool::current_thread_index(), Some(index));
            (ids[index], pool.run_on_thread(|_| thread::current().id()))
        });
        assert!(ids.contains(&outer) && outer == inner);
    }
    // A guest is none of its threads, and passes on what it finds of its own call.
    let (guest, sent) = pool.enter(|worker| (worker.thread_index(), pool.run_on_thread(|_| thread::current().id())));
    assert!(guest.is_none() && ids.contains(&sent));
}

#[test]
fn a_panic_of_a_call_resumes_at_the_caller_and_the_pool_goes_on() {
    let pool = pool(1);
    let call = || pool.run_on_thread(|_| std::panic::resume_unwind(Box::new(7)));
    let payload = std::panic::catch_unwind(std::panic::AssertUnwindSafe(call)).map(|(): ()| ()).unwrap_err();
    assert_eq!(payload.downcast_ref(), Some(&7));
    assert_eq!(pool.run_on_thread(|_| 1), 1);
}

#[test]
fn after_the_end_a_call_runs_here() {
    let pool = pool(2);
    pool.shutdown();
    let here = thread::current().id();
    assert_eq!(pool.run_on_thread(|_| thread::current().id()), here);
    let mut n = 0;
    pool.in_place_scope(|s| s.spawn(|_| n += 1));
    pool.in_place_scope_fifo(|s| s.spawn_fifo(|_| n += 1));
    assert_eq!(n, 2);
}

/// Two pools of one thread each call each other, four deep. Whoever waits must work for its own pool.
#[test]
fn pools_may_call_each_other_in_turn() {
    let pools = [pool(1), pool(1)];

    fn descend(pools: &[ThreadPool; 2], depth: usize) -> usize {
        if depth == 0 {
            return 0;
        }
        let call = || 1 + descend(pools, depth - 1);
        pools[depth % 2].run_on_thread(|_| call())
    }

    for _ in 0..rounds(300) {
        assert_eq!(descend(&pools, 4), 4);
    }
}

/// The same with scopes whose body stays in place.
#[test]
fn a_scope_on_another_pool_lets_its_owner_work_meanwhile() {
    let pools = [pool(1), pool(1)];

    fn descend(pools: &[ThreadPool; 2], depth: usize, sum: &AtomicUsize) {
        if depth > 0 {
            pools[depth % 2].in_place_scope(|s| {
                s.spawn(move |_| {
                    sum.fetch_add(1, Ordering::Relaxed);
                    descend(pools, depth - 1, sum);
                });
            });
        }
    }

    for _ in 0..rounds(300) {
        let sum = AtomicUsize::new(0);
        descend(&pools, 5, &sum);
        assert_eq!(sum.into_inner(), 5);
    }
}

/// The caller's pool goes as soon as the call has returned, while the called thread may still be telling it so.
#[test]
fn a_pool_may_end_as_soon_as_its_call_into_another_one_has_returned() {
    let other = Arc::new(pool(1));
    for _ in 0..rounds(200) {
        let mine = pool(1);
        let called = other.clone();
        let task = mine.spawn(move || {
            let n = called.run_on_thread(|_| 1);
            let mut m = 0;
            called.in_place_scope(|s| s.spawn(|_| m = 1));
            n + m + called.broadcast(|_| 1)[0]
        });
        mine.detach();
        assert_eq!(task.join().unwrap(), 3);
    }
}

/// Alone in its pool, `a` waits for `b` and only yields: the second half must be among what it then runs.
#[test]
fn a_first_half_that_yields_runs_the_second_half() {
    for yields in [Worker::run_one, Worker::run_own] {
        let flags = [const { AtomicBool::new(false) }; 3];
        let wait_for = |worker: &Worker, i: usize| {
            while !flags[i].load(Ordering::Acquire) {
                if yields(worker) == Yield::Idle {
                    thread::yield_now();
                }
            }
        };
        pool(1).run_on_thread(|w| {
            w.join(
                |w| {
                    w.join(
                        |w| w.join(|w| wait_for(w, 0), |_| flags[2].store(true, Ordering::Release)),
                        |_| flags[1].store(true, Ordering::Release),
                    );
                    wait_for(w, 2);
                },
                |w| {
                    flags[0].store(true, Ordering::Release);
                    w.join(|w| wait_for(w, 1), |_| ());
                },
            );
        });
        assert!(flags.into_iter().all(AtomicBool::into_inner));
    }
}

/// A worker that waits for another pool, and has nothing else to do, runs the half that the other one waits for.
#[test]
fn a_worker_that_waits_does_not_sleep_on_its_own_second_half() {
    let (mine, other) = (pool(1), pool(1));
    for _ in 0..rounds(100) {
        let ((send, receive), other) = (mpsc::channel(), &other);
        mine.run_on_thread(|w| {
            w.join(move |_| other.run_on_thread(move |_| receive.recv().unwrap()), |_| send.send(()).unwrap())
        });
    }
}

/// Whoever waits for a task goes on when it is done, though the worker that it was stolen from has more.
#[test]
fn a_worker_that_waits_runs_nothing_after_what_it_waits_for() {
    let pool = pool(2);
    let ran = Arc::new(AtomicBool::new(false));
    let ((give, take), (go_on, over)) = (mpsc::channel(), mpsc::channel());
    let owner = {
        let ran = ran.clone();
        move || {
            let task = pool::spawn(|| ());
            pool::spawn_detached(move || ran.store(true, Ordering::Relaxed));
            give.send(task).unwrap();
            over.recv().unwrap(); // the thief is the only one who runs anything meanwhile
        }
    };
    let thief = move || {
        take.recv().unwrap().join().unwrap();
        let has_run = ran.load(Ordering::Relaxed);
        go_on.send(()).unwrap();
        has_run
    };
    let ((), has_run) = pool.run_on_thread(|worker| worker.join(|_| owner(), move |_| thief()));
    assert!(!has_run);
}

#[test]
fn a_second_half_that_its_owner_ran_early_panics_at_its_join() {
    let result = std::panic::catch_unwind(|| {
        pool(1).run_on_thread(|w| {
            w.join(|w| assert_eq!(w.run_one(), Yield::Executed), |_| std::panic::resume_unwind(Box::new("b")))
        });
    });
    assert_eq!(result.unwrap_err().downcast_ref(), Some(&"b"));
}

/// One thread runs what came from outside in the order in which it came, also what comes while it runs the rest.
#[test]
fn tasks_from_outside_begin_in_their_order() {
    let pool = pool(1);
    let order = Arc::new(Mutex::new(Vec::new()));
    let queue = |numbers: Range<usize>| {
        for i in numbers {
            let order = order.clone();
            pool.spawn_detached(move || order.lock().unwrap().push(i));
        }
    };
    let both = Arc::new(Barrier::new(2));
    let stop = || {
        let both = both.clone();
        pool.spawn_detached(move || {
            both.wait();
            both.wait();
        });
    };
    stop();
    both.wait(); // the thread stands still
    queue(0..10);
    stop();
    queue(10..100); // more than there are looks from one that begins with what waits longest to the next
    both.wait(); // it goes on
    both.wait(); // it stands still after ten
    queue(100..200);
    both.wait();
    pool.shutdown();
    assert!(order.lock().unwrap().iter().copied().eq(0..200));
}

#[test]
fn tasks_without_a_handle_keep_their_order_and_report_their_panics() {
    let panics = Arc::new(AtomicUsize::new(0));
    let count = panics.clone();
    let pool = ThreadPoolBuilder::new()
        .num_threads(1)
        .panic_handler(move |_| {
            count.fetch_add(1, Ordering::Relaxed);
        })
        .build()
        .unwrap();
    let order = Arc::new(Mutex::new(Vec::new()));
    pool.run_on_thread(|_| {
        for i in 0..3 {
            let order = order.clone();
            pool::spawn_detached_fifo(move || order.lock().unwrap().push(i));
        }
        pool::spawn_detached(|| std::panic::resume_unwind(Box::new(())));
    });
    drop(pool);
    assert_eq!((&**order.lock().unwrap(), panics.load(Ordering::Relaxed)), (&[0, 1, 2][..], 1));
}

#[test]
fn a_scope_calls_every_thread() {
    let pool = pool(3);
    let calls = Mutex::new(Vec::new());
    pool.run_on_thread(|worker| {
        worker.scope(|s| {
            s.spawn_broadcast(|s, worker| {
                calls.lock().unwrap().push(worker.index());
                let calls = &calls;
                s.spawn(move |_| calls.lock().unwrap().push(10));
            });
        });
        worker.scope_fifo(|s| s.spawn_broadcast(|_, worker| calls.lock().unwrap().push(worker.index())));
    });
    let mut calls = calls.into_inner().unwrap();
    calls.sort_unstable();
    assert_eq!(calls, [0, 0, 1, 1, 2, 2, 10, 10, 10]);
}

/// The first panic in the order of the threads, whoever was faster.
#[test]
fn the_panic_of_a_broadcast_is_that_of_the_first_thread() {
    let pool = pool(3);
    for _ in 0..rounds(50) {
        let call = || pool.broadcast(|worker| std::panic::resume_unwind(Box::new(worker.index())));
        let payload = std::panic::catch_unwind(std::panic::AssertUnwindSafe(call)).map(|_: Vec<()>| ()).unwrap_err();
        assert_eq!(payload.downcast_ref(), Some(&0_usize));
    }
}
