//! The global pool: reveille's, made as rayon makes it.

use std::io;

use reveille_pool::{BuildError, ThreadPool, Worker};

use crate::ThreadPoolBuilder;

/// The global pool, made when it is first wanted.
pub(crate) fn pool() -> &'static ThreadPool {
    let made = ThreadPool::global_or(|| or_alone(|builder| builder.settings().build(), ThreadPoolBuilder::new()));
    made.unwrap_or_else(|e| panic!("the global pool: {e}"))
}

/// Runs `f` here if this thread works for a pool, and on a thread of the global one otherwise.
#[inline]
pub(crate) fn run<R: Send>(f: impl FnOnce(&Worker) -> R + Send) -> R {
    Worker::with_current(|worker| match worker {
        Some(worker) => f(worker),
        None => pool().run_on_thread(f),
    })
}

/// Makes the global pool, unless the current thread has one of its own and the call is about that.
pub(crate) fn ensure() {
    if Worker::with_current(|worker| worker.is_none()) {
        pool();
    }
}

/// Where there are no threads, the current one does everything.
fn or_alone<T>(
    build: impl Fn(ThreadPoolBuilder) -> Result<T, BuildError>,
    builder: ThreadPoolBuilder,
) -> Result<T, BuildError> {
    match build(builder) {
        Err(BuildError::Spawn(e)) if e.kind() == io::ErrorKind::Unsupported => {
            build(ThreadPoolBuilder::new().num_threads(1).use_current_thread())
        }
        result => result,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_threads_the_current_one_is_the_pool() {
        let unsupported = || BuildError::Spawn(io::ErrorKind::Unsupported.into());
        std::thread::spawn(move || {
            // As the system would: no thread can be started.
            let build =
                |builder: ThreadPoolBuilder| builder.settings().build_with(|_| Err(io::ErrorKind::Unsupported.into()));
            let pool = or_alone(build, ThreadPoolBuilder::new().num_threads(4)).unwrap();
            assert_eq!((pool.current_num_threads(), pool.current_thread_index()), (1, Some(0)));
            assert_eq!(crate::join(|| 1, || 2), (1, 2));
        })
        .join()
        .unwrap();
        assert!(matches!(
            or_alone(|_| Err::<(), _>(unsupported()), ThreadPoolBuilder::new()),
            Err(BuildError::Spawn(_))
        ));
        let refused = || BuildError::Spawn(io::ErrorKind::WouldBlock.into());
        let mut tries = 0;
        let tries = std::cell::RefCell::new(&mut tries);
        let _ = or_alone(
            |_| {
                **tries.borrow_mut() += 1;
                Err::<(), _>(refused())
            },
            ThreadPoolBuilder::new(),
        );
        assert_eq!(**tries.borrow(), 1, "a system that has threads and refuses one is an error");
    }
}
