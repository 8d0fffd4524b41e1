//! Who gets a panic.

use std::any::Any;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, mpsc};
use std::time::Duration;

use rayon_core::ThreadPoolBuilder;

use crate::{panic_of, pool, throw};

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
