//! Which closure runs where, and on what kind of thread.

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex, mpsc};
use std::thread;

use rayon_core::{ThreadPoolBuilder, join, join_context, scope, spawn};

use crate::{here, ids, pool};

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
