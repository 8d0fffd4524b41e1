//! One call on every thread, work on demand, and scopes in place, as an application uses them.

use std::collections::HashSet;
use std::panic::{self, AssertUnwindSafe};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, mpsc};
use std::thread;
use std::time::Duration;

use reveille::pool::{self, Yield};
use reveille::{ThreadPool, ThreadPoolBuilder};

/// Rounds of a stress loop: `REVEILLE_STRESS`, small by default.
fn rounds(default: usize) -> usize {
    std::env::var("REVEILLE_STRESS").ok().and_then(|n| n.parse().ok()).unwrap_or(default)
}

fn pool(threads: usize) -> ThreadPool {
    ThreadPoolBuilder::new().num_threads(threads).build().unwrap()
}

#[test]
fn every_thread_is_called_once_and_answers_in_order() {
    for threads in [1, 2, 5] {
        let pool = pool(threads);
        let mut ids = HashSet::new();
        for _ in 0..rounds(200) {
            let answers = pool.broadcast(|worker| (worker.index(), thread::current().id()));
            assert_eq!(answers.len(), threads);
            for (i, (index, id)) in answers.into_iter().enumerate() {
                assert_eq!(index, i);
                ids.insert(id);
            }
        }
        assert_eq!(ids.len(), threads, "the same threads every time");
        assert!(!ids.contains(&thread::current().id()), "a guest is no thread of the pool");
    }
}

/// All of them at once: each thread must be in the call before any can leave it.
#[test]
fn the_calls_may_meet_at_a_barrier() {
    let pool = pool(4);
    for _ in 0..rounds(100) {
        let barrier = Barrier::new(4);
        let leaders = pool.broadcast(|_| barrier.wait().is_leader());
        assert_eq!(leaders.into_iter().filter(|leader| *leader).count(), 1);
    }
}

#[test]
fn a_thread_of_the_pool_may_broadcast_and_calls_itself() {
    let pool = Arc::new(pool(3));
    for _ in 0..rounds(100) {
        let answers = pool.spawn(|| (pool::current_worker_index(), pool::broadcast(|w| w.index()))).join().unwrap();
        assert!(answers.0.is_some_and(|index| index < 3));
        assert_eq!(answers.1, [0, 1, 2]);
    }
    // Everywhere at once, each from within the call of another.
    let nested = pool.broadcast(|w| {
        let outer = w.index();
        pool::broadcast(|w| 10 * outer + w.index())
    });
    assert_eq!(nested, [[0, 1, 2], [10, 11, 12], [20, 21, 22]]);
}

#[test]
fn a_busy_thread_is_called_when_its_task_waits() {
    let pool = pool(1);
    let (busy, is_busy) = mpsc::channel();
    let (go_on, may_go_on) = mpsc::channel::<()>();
    let task = pool.spawn(move || {
        busy.send(()).unwrap();
        may_go_on.recv().unwrap();
        // A scope whose task has not run is a wait.
        let mut done = false;
        reveille::scope(|s| s.spawn(|_| done = true));
        done
    });
    is_busy.recv().unwrap();
    let called = AtomicBool::new(false);
    thread::scope(|s| {
        s.spawn(|| {
            pool.broadcast(|_| called.store(true, Ordering::Release));
        });
        thread::sleep(Duration::from_millis(5));
        assert!(!called.load(Ordering::Acquire), "a task that runs is not interrupted");
        go_on.send(()).unwrap();
    });
    assert!(called.load(Ordering::Acquire));
    assert!(task.join().unwrap());
}

#[test]
fn a_panic_in_one_call_resumes_and_the_others_are_made() {
    let pool = pool(3);
    let calls = AtomicUsize::new(0);
    let payload = panic::catch_unwind(AssertUnwindSafe(|| {
        pool.broadcast(|w| {
            calls.fetch_add(1, Ordering::Relaxed);
            if w.index() == 1 {
                panic::panic_any("one");
            }
        })
    }))
    .unwrap_err();
    assert_eq!(*payload.downcast::<&str>().unwrap(), "one");
    assert_eq!(calls.into_inner(), 3);
    assert_eq!(pool.broadcast(|w| w.index()), [0, 1, 2]);
}

#[test]
fn a_detached_broadcast_is_finished_by_shutdown() {
    for _ in 0..rounds(50) {
        let calls = Arc::new(AtomicUsize::new(0));
        let pool = pool(3);
        pool.spawn_broadcast({
            let calls = calls.clone();
            move |w| {
                calls.fetch_add(1 << (8 * w.index()), Ordering::Relaxed);
            }
        });
        drop(pool);
        assert_eq!(calls.load(Ordering::Relaxed), 0x01_01_01);
    }
}

#[test]
fn sleeping_threads_are_called() {
    let pool = pool(4);
    for _ in 0..rounds(10) {
        thread::sleep(Duration::from_millis(3)); // many times as long as a worker searches before it parks
        assert_eq!(pool.broadcast(|w| w.index()), [0, 1, 2, 3]);
    }
    assert!(pool.stats().parks > 0, "nobody slept");
}

#[test]
fn a_task_that_waits_for_a_flag_can_run_the_task_that_sets_it() {
    let pool = pool(1);
    let result = pool.spawn(|| {
        let flag = Arc::new(AtomicBool::new(false));
        let setter = flag.clone();
        reveille::spawn(move || setter.store(true, Ordering::Release)).detach();
        let mut executed = 0;
        while !flag.load(Ordering::Acquire) {
            assert_eq!(pool::current_thread_has_pending_tasks(), Some(true));
            executed += usize::from(pool::yield_now() == Some(Yield::Executed));
        }
        (executed, pool::yield_local(), pool::current_thread_has_pending_tasks())
    });
    assert_eq!(result.join().unwrap(), (1, Some(Yield::Idle), Some(false)));
    assert_eq!(pool::yield_now(), None, "this thread works for no pool");
    assert_eq!((pool.yield_now(), pool.current_thread_index()), (None, None));
    assert_eq!(pool.enter(|_| pool.current_thread_index()), None, "a guest");
}

#[test]
fn a_scope_in_place_runs_its_body_here_and_its_tasks_there() {
    let pool = pool(2);
    let here = thread::current().id();
    let not_send = Rc::new(thread::current().id());
    let mut tasks = [here; 8];
    let body = pool.in_place_scope(|s| {
        for id in &mut tasks {
            s.spawn(move |_| *id = thread::current().id());
        }
        *not_send
    });
    assert_eq!(body, here);
    assert!(tasks.iter().all(|id| *id != here), "this thread is no worker");
}

#[test]
fn a_closed_pool_refuses_a_broadcast() {
    let pool = pool(1);
    assert_eq!(pool.state(), pool::State::Running);
    pool.shutdown();
    assert_eq!(pool.state(), pool::State::Closed);
    assert!(panic::catch_unwind(AssertUnwindSafe(|| pool.broadcast(|_| ()))).is_err());
}
