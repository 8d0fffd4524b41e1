//! Functions without a pool: they use the current worker's, or the global one.

use std::sync::{Arc, OnceLock};
use std::vec::Vec;

use super::broadcast as call;
use super::builder::BuildError;
use super::handle::{self, JoinHandle};
use super::inner::{Inner, Order, Rejected};
use super::thread_pool::ThreadPool;
use crate::current;
use crate::scope::Scope;
use crate::{Priority, ThreadPoolBuilder, Worker, Yield};

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

/// Runs `a` and `b`, perhaps in parallel, and returns both results: [`Worker::join`] on the current
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

/// Runs `f` with a scope for tasks that borrow: [`Worker::scope`] on the current worker, or on the
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

/// [`scope`], with the body on this thread whether it is a worker or not: [`ThreadPool::in_place_scope`].
pub fn in_place_scope<'scope, F, R>(f: F) -> R
where
    F: FnOnce(&Scope<'scope>) -> R,
{
    current::with_worker(|worker| match worker {
        Some(worker) => worker.scope(f),
        None => global().in_place_scope(f),
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
    spawn_with(Priority::Normal, f)
}

/// [`spawn`], with a priority: [`ThreadPool::spawn_with`].
pub fn spawn_with<F, T>(priority: Priority, f: F) -> JoinHandle<T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    let queued = with_pool(|pool| match pool {
        Some(pool) => handle::spawn(pool, Order::By(priority), f).map_err(Rejected),
        None => global().try_spawn_with(priority, f),
    });
    match queued {
        Ok(handle) => handle,
        Err(rejected) => panic!("{rejected}"),
    }
}

/// Calls `f` once on every thread of the current worker's pool, or of the global one: [`ThreadPool::broadcast`].
///
/// ```
/// let indices = reveille_pool::broadcast(|worker| worker.index());
/// assert_eq!(indices, Vec::from_iter(0..reveille_pool::current_num_threads()));
/// ```
pub fn broadcast<F, R>(f: F) -> Vec<R>
where
    F: Fn(&Worker) -> R + Sync,
    R: Send,
{
    current::with_worker(|worker| match worker {
        Some(worker) => call::wait(worker.core(), &f),
        None => global().broadcast(f),
    })
}

/// Calls `f` on every thread of the current worker's pool, or of the global one, and does not wait:
/// [`ThreadPool::spawn_broadcast`].
pub fn spawn_broadcast<F>(f: F)
where
    F: Fn(&Worker) + Send + Sync + 'static,
{
    with_pool(|pool| match pool {
        Some(pool) => call::detached(pool, f),
        None => global().spawn_broadcast(f),
    });
}

/// Runs one task if there is one, on a thread that works for a pool: [`Worker::run_one`]. `None` on any other thread.
pub fn yield_now() -> Option<Yield> {
    current::with_worker(|worker| worker.map(Worker::run_one))
}

/// Runs one task of this worker's own, if there is one: [`Worker::run_own`]. `None` on a thread that works for no pool.
pub fn yield_local() -> Option<Yield> {
    current::with_worker(|worker| worker.map(Worker::run_own))
}

/// The current worker's pool.
fn with_pool<R>(f: impl FnOnce(Option<&Arc<Inner>>) -> R) -> R {
    // SAFETY: only a `ThreadPool` makes its workers current.
    let pool = current::with_worker(|worker| worker.map(|worker| unsafe { Inner::of(worker.core()) }));
    f(pool.as_ref())
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
    current::with_worker(|worker| worker.map(Worker::index))
}

/// Whether the current worker has tasks of its own that have not run; `None` on a thread that works for no pool.
pub fn current_thread_has_pending_tasks() -> Option<bool> {
    current::with_worker(|worker| worker.map(Worker::has_pending_tasks))
}
