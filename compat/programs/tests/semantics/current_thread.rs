//! The current thread as one of the pool's.

use std::sync::{Arc, Mutex, mpsc};
use std::thread;

use rayon_core::{ThreadPoolBuilder, Yield, join};

use crate::here;

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
