//! The end of a pool, as an application uses it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;

use reveille::pool::{self, Cancelled, Priority, State};
use reveille::{ThreadPool, ThreadPoolBuilder};

/// Rounds of a stress loop: `REVEILLE_STRESS`, small by default.
fn rounds(default: usize) -> usize {
    std::env::var("REVEILLE_STRESS").ok().and_then(|n| n.parse().ok()).unwrap_or(default)
}

fn pool(threads: usize) -> ThreadPool {
    ThreadPoolBuilder::new().num_threads(threads).build().unwrap()
}

/// Each task runs exactly once: on the pool, or by whoever got it back.
#[test]
fn what_did_not_run_comes_back() {
    let mut handed_back = 0;
    for round in 0..rounds(100) {
        let pool = pool(2);
        let runs = Arc::new(AtomicUsize::new(0));
        let handles: Vec<_> = (0..200)
            .map(|i| {
                let runs = runs.clone();
                let priority = [Priority::High, Priority::Normal, Priority::Low][i % 3];
                pool.spawn_with(priority, move || {
                    runs.fetch_add(1, Ordering::Relaxed);
                    thread::current().id()
                })
            })
            .collect();
        if round % 2 == 1 {
            thread::yield_now();
        }
        let unrun = pool.shutdown_now();
        assert_eq!(pool.state(), State::Closed);
        assert_eq!(runs.load(Ordering::Relaxed) + unrun.len(), 200);
        handed_back += unrun.len();
        let here = unrun.len();
        unrun.into_iter().for_each(|task| task());
        let ids = handles.into_iter().map(|handle| handle.join().unwrap());
        assert_eq!(ids.filter(|id| *id == thread::current().id()).count(), here);
        assert_eq!(runs.load(Ordering::Relaxed), 200);
    }
    assert!(handed_back > 0, "no round caught a task in a queue");
}

#[test]
fn a_task_that_is_dropped_cancels_its_handle_and_frees_its_closure() {
    let pool = pool(1);
    let (go_on, may_go_on) = mpsc::channel::<()>();
    let (busy, is_busy) = mpsc::channel();
    let running = pool.spawn(move || {
        busy.send(()).unwrap();
        may_go_on.recv().unwrap();
        "ran"
    });
    is_busy.recv().unwrap();
    let canary = Arc::new(());
    let kept = canary.clone();
    let queued = pool.spawn(move || drop(kept));
    let kept = canary.clone();
    pool.spawn(move || drop(kept)).detach();
    let unrun = thread::scope(|s| {
        let unrun = s.spawn(|| pool.shutdown_now());
        while pool.state() == State::Running {
            thread::yield_now();
        }
        assert!(pool.try_spawn(|| ()).is_err());
        go_on.send(()).unwrap();
        unrun.join().unwrap()
    });
    assert_eq!(running.join().unwrap(), "ran", "what has begun is finished");
    assert_eq!((unrun.len(), Arc::strong_count(&canary)), (2, 3));
    assert!(!queued.is_finished());
    drop(unrun);
    assert_eq!(Arc::strong_count(&canary), 1);
    assert!(queued.join().unwrap_err().is::<Cancelled>());
}

/// A running task that joins a queued one would wait for ever if that one were handed back.
#[test]
fn what_a_running_task_waits_for_still_runs() {
    for _ in 0..rounds(200) {
        let pool = Arc::new(pool(2));
        let (started, has_started) = mpsc::channel();
        let outer = pool.spawn(move || {
            started.send(()).unwrap();
            let handles: Vec<_> = (0..8).map(|i| pool::spawn(move || i)).collect();
            let mut parts = [0; 4];
            reveille::scope(|s| parts.iter_mut().for_each(|part| s.spawn(move |_| *part = 1)));
            let (a, b) = reveille::join(|| 100, || 200);
            handles.into_iter().map(|handle| handle.join().unwrap()).sum::<i32>() + parts.iter().sum::<i32>() + a + b
        });
        has_started.recv().unwrap();
        drop(pool.shutdown_now());
        assert_eq!(outer.join().unwrap(), 28 + 4 + 300);
    }
}

#[test]
fn a_task_of_the_pool_may_shut_it_down() {
    for _ in 0..rounds(50) {
        let pool = Arc::new(pool(2));
        let runs = Arc::new(AtomicUsize::new(0));
        let (shut, is_shut) = mpsc::channel();
        let inner = pool.clone();
        pool.spawn(move || {
            for _ in 0..10 {
                pool::spawn(|| ()).detach();
            }
            shut.send(inner.shutdown_now().len()).unwrap();
        })
        .detach();
        let handles: Vec<_> = (0..50)
            .filter_map(|_| {
                let runs = runs.clone();
                pool.try_spawn(move || runs.fetch_add(1, Ordering::Relaxed)).ok()
            })
            .collect();
        let accepted = handles.len();
        is_shut.recv().unwrap();
        pool.shutdown(); // now from outside: waits
        let cancelled = handles.into_iter().filter_map(|h| h.join().err()).inspect(|e| assert!(e.is::<Cancelled>()));
        assert_eq!(cancelled.count() + runs.load(Ordering::Relaxed), accepted);
    }
}

/// A guest may come after the workers have left: what it spawns is refused, what it forks it runs itself.
#[test]
fn a_guest_of_a_closed_pool_is_on_its_own() {
    let pool = pool(2);
    pool.shutdown();
    pool.enter(|w| {
        assert!(pool.try_spawn(|| ()).is_err());
        assert_eq!(w.join(|_| 1, |_| 2), (1, 2));
        let mut done = false;
        w.scope(|s| s.spawn(|_| done = true));
        assert!(done);
    });
}

/// A guest keeps a draining pool open; when it leaves, the workers that sleep must hear of it.
#[test]
fn a_shutdown_waits_for_a_guest_and_no_longer() {
    for _ in 0..rounds(5) {
        let pool = pool(2);
        let (inside, is_inside) = mpsc::channel();
        thread::scope(|s| {
            let guest = s.spawn(|| {
                // It forks nothing: a fork would wake a worker, which would look.
                pool.enter(|_| {
                    inside.send(()).unwrap();
                    while pool.state() == State::Running {
                        thread::yield_now();
                    }
                    thread::sleep(std::time::Duration::from_millis(5)); // the workers have looked, and sleep
                    3
                })
            });
            is_inside.recv().unwrap();
            pool.shutdown();
            assert_eq!(guest.join().unwrap(), 3);
        });
        assert_eq!(pool.state(), State::Closed);
    }
}

/// Submissions race with the shutdown; none is lost and nobody is left behind.
#[test]
fn a_shutdown_among_submissions_ends() {
    for _ in 0..rounds(200) {
        let pool = pool(2);
        let (accepted, ran) = (AtomicUsize::new(0), Arc::new(AtomicUsize::new(0)));
        thread::scope(|s| {
            for _ in 0..2 {
                s.spawn(|| {
                    loop {
                        let ran = ran.clone();
                        match pool.try_spawn(move || ran.fetch_add(1, Ordering::Relaxed)) {
                            Ok(handle) => handle.detach(),
                            Err(_) => break,
                        }
                        accepted.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
            thread::yield_now();
            pool.shutdown();
        });
        assert_eq!(ran.load(Ordering::Relaxed), accepted.load(Ordering::Relaxed));
    }
}
