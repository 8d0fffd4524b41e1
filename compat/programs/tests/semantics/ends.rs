//! The end of a pool.

use std::sync::{Arc, Mutex, mpsc};

use rayon_core::{ThreadPool, ThreadPoolBuilder, join, spawn};

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
