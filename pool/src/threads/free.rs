//! Functions without a pool: they use the current worker's, or the global one.

use std::sync::OnceLock;

use super::builder::BuildError;
use super::handle::{self, JoinHandle};
use super::inner::{Inner, Rejected};
use super::thread_pool::ThreadPool;
use crate::ThreadPoolBuilder;
use crate::current;
use crate::scope::Scope;

static GLOBAL: OnceLock<ThreadPool> = OnceLock::new();

/// The global pool, made when it is first wanted.
fn global() -> &'static ThreadPool {
    GLOBAL.get_or_init(|| match ThreadPoolBuilder::new().build() {
        Ok(pool) => pool,
        Err(e) => panic!("the global pool: {e}"),
    })
}

pub(super) fn set_global(pool: ThreadPool) -> Result<(), BuildError> {
    GLOBAL.set(pool).map_err(|_| BuildError::GlobalExists)
}

/// Runs `a` and `b`, perhaps in parallel, and returns both results: [`Worker::join`](crate::Worker::join) on the current
/// worker, or on the global pool. Costs one thread-local read more.
///
/// # Panics
///
/// As `Worker::join`; also if the global pool is wanted and cannot be made.
///
/// ```
/// let (a, b) = reveille_pool::join(|| 2 + 2, || 3 * 3);
/// assert_eq!((a, b), (4, 9));
/// ```
#[inline]
pub fn join<A, B, RA, RB>(a: A, b: B) -> (RA, RB)
where
    A: FnOnce() -> RA + Send,
    B: FnOnce() -> RB + Send,
    RA: Send,
    RB: Send,
{
    current::with_worker(|worker| match worker {
        Some(worker) => worker.join(|_| a(), |_| b()),
        None => join_globally(a, b),
    })
}

#[cold]
fn join_globally<A, B, RA, RB>(a: A, b: B) -> (RA, RB)
where
    A: FnOnce() -> RA + Send,
    B: FnOnce() -> RB + Send,
    RA: Send,
    RB: Send,
{
    global().join(a, b)
}

/// Runs `f` with a scope for tasks that borrow: [`Worker::scope`](crate::Worker::scope) on the current worker, or on the
/// global pool.
///
/// ```
/// let mut words = ["lorem".to_owned(), "ipsum".to_owned()];
/// reveille_pool::scope(|s| {
///     for word in &mut words {
///         s.spawn(|_| word.make_ascii_uppercase());
///     }
/// });
/// assert_eq!(words, ["LOREM", "IPSUM"]);
/// ```
pub fn scope<'scope, F, R>(f: F) -> R
where
    F: FnOnce(&Scope<'scope>) -> R + Send,
    R: Send,
{
    current::with_worker(|worker| match worker {
        Some(worker) => worker.scope(f),
        None => global().scope(f),
    })
}

/// Queues a task on the current worker's pool, or on the global one: [`ThreadPool::spawn`].
///
/// ```
/// assert_eq!(reveille_pool::spawn(|| 1 + 1).join().unwrap(), 2);
/// ```
pub fn spawn<F, T>(f: F) -> JoinHandle<T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    let queued = current::with_worker(|worker| match worker {
        // SAFETY: only a `ThreadPool` makes its workers current.
        Some(worker) => handle::spawn(&unsafe { Inner::of(worker.core()) }, f).map_err(Rejected),
        None => global().try_spawn(f),
    });
    match queued {
        Ok(handle) => handle,
        Err(rejected) => panic!("{rejected}"),
    }
}

/// How many threads work for the current worker's pool, or for the global one.
pub fn current_num_threads() -> usize {
    current::with_worker(|worker| match worker {
        Some(worker) => worker.num_threads(),
        None => global().current_num_threads(),
    })
}

/// The current worker's seat, if this thread is one. Guests' seats follow those of the pool's threads.
pub fn current_worker_index() -> Option<usize> {
    current::with_worker(|worker| worker.map(crate::Worker::index))
}
