//! A child process that inherited a pool over fork(2) is told so; it does not hang.
#![cfg(unix)]

use std::panic::{self, AssertUnwindSafe};

use reveille::{ThreadPool, ThreadPoolBuilder};

/// Runs `f` in a child process, which has ten seconds, and returns how it ended: `Some(true)` if `f` said so.
fn in_a_child(f: impl FnOnce() -> bool) -> Option<bool> {
    // SAFETY: the child is a copy with one thread; it allocates, which the C library allows, and ends by `_exit`.
    let child = unsafe { libc::fork() };
    if child == 0 {
        // SAFETY: no precondition.
        unsafe { libc::alarm(10) };
        let code = panic::catch_unwind(AssertUnwindSafe(f)).map_or(2, |ok| if ok { 0 } else { 1 });
        // SAFETY: no precondition.
        unsafe { libc::_exit(code) };
    }
    assert!(child > 0, "{}", std::io::Error::last_os_error());
    let mut status = 0;
    // SAFETY: a child of this process, and a place for its status.
    assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
    match libc::WIFEXITED(status).then(|| libc::WEXITSTATUS(status)) {
        Some(0) => Some(true),
        Some(1) => Some(false),
        _ => None, // killed by the alarm, or a panic got out
    }
}

fn refuses<R>(f: impl FnOnce() -> R) -> bool {
    let Err(payload) = panic::catch_unwind(AssertUnwindSafe(f)) else { return false };
    payload.downcast_ref::<&str>().is_some_and(|message| message.contains("fork(2)"))
}

/// One test, so that no other thread holds a lock of the test harness while this one forks.
#[test]
#[cfg_attr(tsan, ignore = "ThreadSanitizer takes a new thread of the child for one of the parent")]
fn an_inherited_pool_says_so() {
    let pool: ThreadPool = ThreadPoolBuilder::new().num_threads(2).build().unwrap();
    assert_eq!(pool.enter(|w| w.join(|_| 1, |_| 2)), (1, 2));

    assert_eq!(in_a_child(|| refuses(|| pool.enter(|_| ()))), Some(true), "enter");
    assert_eq!(in_a_child(|| refuses(|| pool.spawn(|| ()))), Some(true), "spawn");
    assert_eq!(in_a_child(|| refuses(|| pool.broadcast(|_| ()))), Some(true), "broadcast");
    assert_eq!(in_a_child(|| refuses(|| pool.in_place_scope(|_| ()))), Some(true), "in_place_scope");
    assert_eq!(in_a_child(|| pool.try_spawn(|| 3).is_err_and(|e| (e.0)() == 3)), Some(true), "try_spawn");

    // A task that was queued by the parent, which the child waits for.
    let (go_on, may_go_on) = std::sync::mpsc::channel::<()>();
    let handle = pool.spawn(move || may_go_on.recv().is_ok());
    let mut handle = Some(handle);
    assert_eq!(in_a_child(|| refuses(|| handle.take().unwrap().join())), Some(true), "join of a handle");
    go_on.send(()).unwrap();
    assert!(handle.take().unwrap().join().unwrap());

    // A child that forks inside a call has the worker's seat and may fork tasks, as long as it waits for nobody.
    assert_eq!(pool.enter(|w| in_a_child(|| w.join(|_| 1, |_| 2) == (1, 2))), Some(true), "join on its own");

    // A child that drops the pool does not wait for the parent's threads, and one that makes its own is served.
    let mut pool = Some(pool);
    assert_eq!(
        in_a_child(|| {
            drop(pool.take());
            let own = ThreadPoolBuilder::new().num_threads(2).build().unwrap();
            own.broadcast(|w| w.index()) == [0, 1]
        }),
        Some(true),
        "a new pool"
    );
    assert_eq!(pool.unwrap().broadcast(|w| w.index()), [0, 1], "the parent goes on");
}
