//! A pool with threads of its own.

use core::fmt;
use core::marker::PhantomData;

use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::vec::Vec;

use super::broadcast;
use super::builder::MOST_THREADS;
use super::calls;
use super::inner::Inner;
use crate::fifo::ScopeFifo;
use crate::lifecycle::State;
use crate::scope::Scope;
use crate::stats::WorkerStats;
use crate::{ThreadPoolBuilder, Worker, Yield};

/// A work-stealing pool of threads.
///
/// A caller from outside takes a seat and works itself while it waits; it is not parked behind a queue. Dropping the pool
/// finishes the work that was accepted and joins the threads.
///
/// ```
/// use reveille_pool::{ThreadPool, Worker};
///
/// fn fib(worker: &Worker, n: u32) -> u64 {
///     if n < 2 {
///         return n.into();
///     }
///     let (a, b) = worker.join(|w| fib(w, n - 1), |w| fib(w, n - 2));
///     a + b
/// }
///
/// let pool = ThreadPool::new().unwrap();
/// assert_eq!(pool.enter(|worker| fib(worker, 20)), 6_765);
/// ```
pub struct ThreadPool {
    inner: Arc<Inner>,
    /// Taken by whoever ends the pool first.
    ending: Mutex<Option<Ending>>,
}

/// What remains to be done at the end of a pool.
pub(super) struct Ending {
    /// Threads of the standard library's, to be joined.
    pub(super) joins: Vec<thread::JoinHandle<()>>,
}

impl ThreadPool {
    pub(super) fn of(inner: Arc<Inner>) -> Self {
        ThreadPool { inner, ending: Mutex::new(Some(Ending { joins: Vec::new() })) }
    }

    pub(super) fn joins(&mut self, threads: Vec<thread::JoinHandle<()>>) {
        if let Some(ending) = self.ending.get_mut().unwrap_or_else(PoisonError::into_inner) {
            ending.joins = threads;
        }
    }

    /// What remains to be done at the end, for the first who asks.
    pub(super) fn take_ending(&self) -> Option<Ending> {
        let ending = self.ending.lock().unwrap_or_else(PoisonError::into_inner).take();
        if ending.is_some() {
            self.inner.thread_left(); // the handle's own count
        }
        ending
    }

    pub(super) fn inner(&self) -> &Arc<Inner> {
        &self.inner
    }

    /// A pool with default settings.
    ///
    /// # Errors
    ///
    /// As [`ThreadPoolBuilder::build`].
    pub fn new() -> Result<Self, crate::BuildError> {
        ThreadPoolBuilder::new().build()
    }

    /// The most threads that a pool can have.
    pub const fn max_threads() -> usize {
        MOST_THREADS
    }

    /// The pool that free functions use outside of any pool; if there is none, the one that `build` makes becomes it.
    ///
    /// ```
    /// use reveille_pool::{ThreadPool, ThreadPoolBuilder, join};
    ///
    /// let pool = ThreadPool::global_or(|| ThreadPoolBuilder::new().num_threads(3).build()).unwrap();
    /// assert_eq!(pool.current_num_threads(), 3);
    /// assert_eq!(join(reveille_pool::current_num_threads, || 0).0, 3);
    /// ```
    ///
    /// # Errors
    ///
    /// That of `build`: then there is no global pool yet.
    pub fn global_or(
        build: impl FnOnce() -> Result<ThreadPool, crate::BuildError>,
    ) -> Result<&'static ThreadPool, crate::BuildError> {
        super::free::global_or(build)
    }

    /// How many threads work for the pool at once.
    pub fn current_num_threads(&self) -> usize {
        self.inner.threads()
    }

    /// Runs `f` here, as a worker of this pool; a thread that is one already goes on as that one.
    ///
    /// Many threads may enter at once. Beyond the pool's eight guest seats, the call waits for a thread of the pool to run
    /// `f`. A call that forks nothing wakes nobody. If `f` panics, the panic resumes here.
    pub fn enter<R, F>(&self, f: F) -> R
    where
        F: FnOnce(&Worker) -> R + Send,
        R: Send,
    {
        self.inner.enter(f)
    }

    /// [`enter`](Self::enter) for code that uses the free functions: `join`, `scope` and `spawn` inside `f` use this pool.
    pub fn install<R, F>(&self, f: F) -> R
    where
        F: FnOnce() -> R + Send,
        R: Send,
    {
        self.enter(|_| f())
    }

    /// Runs `f` on a thread of the pool and waits for it; on such a thread, runs it right here.
    ///
    /// For code that depends on the thread: its name, the size of its stack, what a handler has set up on it. Where it does
    /// not, [`enter`](Self::enter) is cheaper. A worker, of this pool or of another one, runs tasks of its own pool meanwhile;
    /// any other caller blocks, after a few looks. If `f` panics, the panic resumes here. On a pool that was shut down `f`
    /// runs here, as in `enter`.
    ///
    /// ```
    /// let builder = reveille_pool::ThreadPoolBuilder::new().num_threads(2).thread_name(|_| "pooled".to_owned());
    /// let pool = builder.build().unwrap();
    /// let name = pool.run_on_thread(|_| std::thread::current().name().map(str::to_owned));
    /// assert_eq!(name.as_deref(), Some("pooled"));
    /// ```
    pub fn run_on_thread<R, F>(&self, f: F) -> R
    where
        F: FnOnce(&Worker) -> R + Send,
        R: Send,
    {
        self.inner.run_on_thread(f)
    }

    /// [`Worker::join`] on this pool, for closures that do not need the worker.
    pub fn join<A, B, RA, RB>(&self, a: A, b: B) -> (RA, RB)
    where
        A: FnOnce() -> RA + Send,
        B: FnOnce() -> RB + Send,
        RA: Send,
        RB: Send,
    {
        self.enter(|worker| worker.join_beside(PhantomData::<A>, |_| a(), |_| b()))
    }

    /// [`Worker::scope`] on this pool.
    pub fn scope<'scope, F, R>(&self, f: F) -> R
    where
        F: FnOnce(&Scope<'scope>) -> R + Send,
        R: Send,
    {
        self.enter(|worker| worker.scope(f))
    }

    /// [`Worker::scope_fifo`] on this pool.
    pub fn scope_fifo<'scope, F, R>(&self, f: F) -> R
    where
        F: FnOnce(&ScopeFifo<'scope>) -> R + Send,
        R: Send,
    {
        self.enter(|worker| worker.scope_fifo(f))
    }

    /// [`scope`](Self::scope), with the body on this thread whether it is a worker or not, so that the body need not be
    /// [`Send`]. A worker of another pool runs that pool's tasks until these are done; a thread that is no worker blocks.
    ///
    /// ```
    /// use std::rc::Rc;
    ///
    /// let pool = reveille_pool::ThreadPool::new().unwrap();
    /// let here = Rc::new(1); // not Send
    /// let mut there = 0;
    /// let sum = pool.in_place_scope(|s| {
    ///     s.spawn(|_| there = 2);
    ///     *here
    /// }) + there;
    /// assert_eq!(sum, 3);
    /// ```
    pub fn in_place_scope<'scope, F, R>(&self, f: F) -> R
    where
        F: FnOnce(&Scope<'scope>) -> R,
    {
        calls::in_place_scope(self.inner.core(), f)
    }

    /// [`in_place_scope`](Self::in_place_scope), with the order of [`scope_fifo`](Self::scope_fifo).
    pub fn in_place_scope_fifo<'scope, F, R>(&self, f: F) -> R
    where
        F: FnOnce(&ScopeFifo<'scope>) -> R,
    {
        calls::in_place_scope_fifo(self.inner.core(), f)
    }

    /// Calls `f` once on every thread of the pool, and returns the results in the order of their indices.
    ///
    /// A thread that runs a task calls `f` when that task ends or waits for something, before any other task; a join or
    /// scope that waits by [`WaitPolicy::Park`](crate::WaitPolicy::Park) or `Leapfrog` does not count as waiting. Guests
    /// are not threads of the pool. The caller may be one: it calls `f` while it waits. Allocates a box per thread.
    ///
    /// # Panics
    ///
    /// If `f` does: every thread still calls it, and the first panic resumes here. If the pool is shutting down.
    ///
    /// ```
    /// let pool = reveille_pool::ThreadPoolBuilder::new().num_threads(3).build().unwrap();
    /// assert_eq!(pool.broadcast(|worker| 10 * worker.index()), [0, 10, 20]);
    /// ```
    pub fn broadcast<F, R>(&self, f: F) -> Vec<R>
    where
        F: Fn(&Worker) -> R + Sync,
        R: Send,
    {
        broadcast::wait(self.inner.core(), &f)
    }

    /// [`broadcast`](Self::broadcast) for a closure that borrows nothing and whose result nobody wants. Does not wait.
    ///
    /// # Panics
    ///
    /// If the pool is shutting down. A panic of `f` goes to the panic handler; without one, the process aborts.
    pub fn spawn_broadcast<F>(&self, f: F)
    where
        F: Fn(&Worker) + Send + Sync + 'static,
    {
        broadcast::detached(&self.inner, f);
    }

    /// The index of the current thread among the threads of this pool; `None` for any other thread, guests included.
    pub fn current_thread_index(&self) -> Option<usize> {
        self.as_own_thread(Worker::index)
    }

    /// Whether the current thread, if it is one of this pool's, has tasks of its own that have not run.
    pub fn current_thread_has_pending_tasks(&self) -> Option<bool> {
        self.as_own_thread(Worker::has_pending_tasks)
    }

    fn as_own_thread<R>(&self, f: impl FnOnce(&Worker) -> R) -> Option<R> {
        crate::current::with_worker_of(self.inner.core(), |worker| {
            worker.filter(|worker| worker.index() < self.inner.threads()).map(f)
        })
    }

    /// [`Worker::run_one`] if the current thread works for this pool.
    pub fn yield_now(&self) -> Option<Yield> {
        crate::current::with_worker_of(self.inner.core(), |worker| worker.map(Worker::run_one))
    }

    /// [`Worker::run_own`] if the current thread works for this pool.
    pub fn yield_local(&self) -> Option<Yield> {
        crate::current::with_worker_of(self.inner.core(), |worker| worker.map(Worker::run_own))
    }

    /// What the pool accepts. A hint while somebody shuts it down.
    pub fn state(&self) -> State {
        self.inner.core().lifecycle.state()
    }

    /// What each thread of the pool has done, then what guests have done.
    pub fn worker_stats(&self) -> Vec<WorkerStats> {
        self.inner.seats().iter().map(|seat| seat.stats.read()).collect()
    }

    /// What all of them have done together.
    pub fn stats(&self) -> WorkerStats {
        self.worker_stats().into_iter().fold(WorkerStats::default(), |sum, stats| sum + stats)
    }
}

impl fmt::Debug for ThreadPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ThreadPool").field("num_threads", &self.current_num_threads()).finish_non_exhaustive()
    }
}
