//! A pool with threads of its own.

use core::fmt;

use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::vec::Vec;

use super::handle::{self, JoinHandle};
use super::inner::{Inner, Rejected};
use crate::scope::Scope;
use crate::stats::WorkerStats;
use crate::{ThreadPoolBuilder, Worker};

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
    threads: Mutex<Vec<thread::JoinHandle<()>>>,
}

impl ThreadPool {
    pub(super) fn of(inner: Arc<Inner>, threads: Vec<thread::JoinHandle<()>>) -> Self {
        ThreadPool { inner, threads: Mutex::new(threads) }
    }

    pub(super) fn add(&mut self, thread: thread::JoinHandle<()>) {
        self.threads.get_mut().unwrap_or_else(PoisonError::into_inner).push(thread);
    }

    /// A pool with default settings.
    ///
    /// # Errors
    ///
    /// As [`ThreadPoolBuilder::build`].
    pub fn new() -> Result<Self, crate::BuildError> {
        ThreadPoolBuilder::new().build()
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

    /// [`Worker::join`] on this pool, for closures that do not need the worker.
    pub fn join<A, B, RA, RB>(&self, a: A, b: B) -> (RA, RB)
    where
        A: FnOnce() -> RA + Send,
        B: FnOnce() -> RB + Send,
        RA: Send,
        RB: Send,
    {
        self.enter(|worker| worker.join(|_| a(), |_| b()))
    }

    /// [`Worker::scope`] on this pool.
    pub fn scope<'scope, F, R>(&self, f: F) -> R
    where
        F: FnOnce(&Scope<'scope>) -> R + Send,
        R: Send,
    {
        self.enter(|worker| worker.scope(f))
    }

    /// Queues a task that borrows nothing.
    ///
    /// From a worker of this pool it goes to that worker's deque, from elsewhere to the injector; an idle thread is woken if
    /// none is searching. Allocates once. The task inherits nothing from the caller.
    ///
    /// # Panics
    ///
    /// If the pool is shutting down; [`try_spawn`](Self::try_spawn) gives the closure back instead.
    pub fn spawn<F, T>(&self, f: F) -> JoinHandle<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        match self.try_spawn(f) {
            Ok(handle) => handle,
            Err(rejected) => panic!("{rejected}"),
        }
    }

    /// [`spawn`](Self::spawn), unless the pool is shutting down.
    ///
    /// # Errors
    ///
    /// [`Rejected`], with the closure.
    pub fn try_spawn<F, T>(&self, f: F) -> Result<JoinHandle<T>, Rejected<F>>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        handle::spawn(&self.inner, f).map_err(Rejected)
    }

    /// Refuses further tasks from outside, finishes those that were accepted, and joins the threads.
    ///
    /// Blocks until they are done. Called from one of the pool's own tasks it does not wait, because it would wait for
    /// itself. Callers that are inside [`enter`](Self::enter) finish undisturbed, and later ones work alone.
    pub fn shutdown(&self) {
        self.inner.core().lifecycle.drain();
        self.inner.core().wake_all();
        if crate::current::with_worker_of(self.inner.core(), |worker| worker.is_some()) {
            return;
        }
        let threads = core::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        for thread in threads {
            // A thread of the pool does not unwind: it aborts.
            let _ = thread.join();
        }
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

impl Drop for ThreadPool {
    fn drop(&mut self) {
        self.shutdown();
    }
}

impl fmt::Debug for ThreadPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ThreadPool").field("num_threads", &self.current_num_threads()).finish_non_exhaustive()
    }
}
