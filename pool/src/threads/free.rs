//! Functions without a pool: they use the current worker's, or the global one.

use core::marker::PhantomData;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::vec::Vec;

use super::broadcast as call;
use super::builder::BuildError;
use super::detached;
use super::handle::{self, JoinHandle};
use super::inner::{Inner, Order, accepted};
use super::thread_pool::ThreadPool;
use crate::current;
use crate::fifo::ScopeFifo;
use crate::scope::Scope;
use crate::{Priority, ThreadPoolBuilder, Worker, Yield};

static GLOBAL: OnceLock<ThreadPool> = OnceLock::new();

/// The global pool, made when it is first wanted.
fn global() -> &'static ThreadPool {
    match global_or(|| ThreadPoolBuilder::new().build()) {
        Ok(pool) => pool,
        Err(e) => panic!("the global pool: {e}"),
    }
}

pub(super) fn global_or(
    build: impl FnOnce() -> Result<ThreadPool, BuildError>,
) -> Result<&'static ThreadPool, BuildError> {
    if let Some(pool) = GLOBAL.get() {
        return Ok(pool);
    }
    match make_global(build) {
        Ok(()) | Err(BuildError::GlobalExists) => Ok(GLOBAL.get().expect("made by this call, or by another one")),
        Err(e) => Err(e),
    }
}

/// Makes the global pool unless there is one. One at a time, so that no threads start in vain.
pub(super) fn make_global(build: impl FnOnce() -> Result<ThreadPool, BuildError>) -> Result<(), BuildError> {
    static MAKING: Mutex<()> = Mutex::new(());

    // A panic of the user's own closures leaves no pool, and the next call tries again.
    let _making = MAKING.lock().unwrap_or_else(PoisonError::into_inner);
    if GLOBAL.get().is_some() {
        return Err(BuildError::GlobalExists);
    }
    let pool = build()?;
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
        Some(worker) => worker.join_beside(PhantomData::<A>, |_| a(), |_| b()),
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

/// [`scope`], with tasks that begin in the order in which they are spawned: [`Worker::scope_fifo`] on the current worker, or
/// on the global pool.
pub fn scope_fifo<'scope, F, R>(f: F) -> R
where
    F: FnOnce(&ScopeFifo<'scope>) -> R + Send,
    R: Send,
{
    current::with_worker(|worker| match worker {
        Some(worker) => worker.scope_fifo(f),
        None => global().scope_fifo(f),
    })
}

/// [`in_place_scope`], with the order of [`scope_fifo`]: [`ThreadPool::in_place_scope_fifo`].
pub fn in_place_scope_fifo<'scope, F, R>(f: F) -> R
where
    F: FnOnce(&ScopeFifo<'scope>) -> R,
{
    current::with_worker(|worker| match worker {
        Some(worker) => worker.scope_fifo(f),
        None => global().in_place_scope_fifo(f),
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
    with_pool(|pool| accepted(pool.core(), handle::spawn(pool, Order::By(priority), f)))
}

/// [`spawn`], of tasks that begin in the order in which one worker spawned them: [`ThreadPool::spawn_fifo`].
pub fn spawn_fifo<F, T>(f: F) -> JoinHandle<T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    with_pool(|pool| accepted(pool.core(), handle::spawn(pool, Order::Fifo, f)))
}

/// [`spawn`], without a handle: [`ThreadPool::spawn_detached`].
pub fn spawn_detached<F>(f: F)
where
    F: FnOnce() + Send + 'static,
{
    with_pool(|pool| accepted(pool.core(), detached::spawn(pool, Order::By(Priority::Normal), f)));
}

/// [`spawn_fifo`], without a handle: [`ThreadPool::spawn_detached_fifo`].
pub fn spawn_detached_fifo<F>(f: F)
where
    F: FnOnce() + Send + 'static,
{
    with_pool(|pool| accepted(pool.core(), detached::spawn(pool, Order::Fifo, f)));
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
    with_pool(|pool| call::detached(pool, f));
}

/// Runs one task if there is one, on a thread that works for a pool: [`Worker::run_one`]. `None` on any other thread.
pub fn yield_now() -> Option<Yield> {
    current::with_worker(|worker| worker.map(Worker::run_one))
}

/// Runs one task of this worker's own, if there is one: [`Worker::run_own`]. `None` on a thread that works for no pool.
pub fn yield_local() -> Option<Yield> {
    current::with_worker(|worker| worker.map(Worker::run_own))
}

/// The current worker's pool, or the global one.
fn with_pool<R>(f: impl FnOnce(&Arc<Inner>) -> R) -> R {
    // SAFETY: only a `ThreadPool` makes its workers current.
    let pool = current::with_worker(|worker| worker.map(|worker| unsafe { Inner::of(worker.core()) }));
    match pool {
        Some(pool) => f(&pool),
        None => f(global().inner()),
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
    current::with_worker(|worker| worker.map(Worker::index))
}

/// The number of the current thread among those of the pool that it belongs to; `None` for guests and all other threads.
pub fn current_thread_index() -> Option<usize> {
    current::with_worker(|worker| worker.and_then(Worker::thread_index))
}

/// Whether the current worker has tasks of its own that have not run; `None` on a thread that works for no pool.
pub fn current_thread_has_pending_tasks() -> Option<bool> {
    current::with_worker(|worker| worker.map(Worker::has_pending_tasks))
}
