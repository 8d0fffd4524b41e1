//! A pool with threads of its own.

use core::fmt;

use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::vec::Vec;

use super::abandoned::UnrunTask;
use super::broadcast;
use super::handle::{self, JoinHandle};
use super::inner::{Inner, Order, Rejected};
use crate::lifecycle::State;
use crate::scope::Scope;
use crate::stats::WorkerStats;
use crate::{Priority, ThreadPoolBuilder, Worker, Yield};

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

    /// [`scope`](Self::scope), with the body on this thread whether it is a worker or not, so that the body need not be
    /// [`Send`]. A thread that is no worker blocks until the tasks are done.
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
        self.inner.core().in_place_scope(f)
    }

    /// Queues a task that borrows nothing, of normal priority.
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
        self.spawn_with(Priority::Normal, f)
    }

    /// [`spawn`](Self::spawn), with a priority.
    ///
    /// ```
    /// use reveille_pool::{Priority, ThreadPoolBuilder};
    ///
    /// let pool = ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    /// let report = pool.spawn_with(Priority::Low, || "later");
    /// let answer = pool.spawn_with(Priority::High, || "now");
    /// assert_eq!((answer.join().unwrap(), report.join().unwrap()), ("now", "later"));
    /// ```
    ///
    /// # Panics
    ///
    /// As [`spawn`](Self::spawn).
    pub fn spawn_with<F, T>(&self, priority: Priority, f: F) -> JoinHandle<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        match self.try_spawn_with(priority, f) {
            Ok(handle) => handle,
            Err(rejected) => {
                self.inner.core().assert_not_inherited();
                panic!("{rejected}")
            }
        }
    }

    /// [`spawn`](Self::spawn), of tasks that begin in the order in which one worker of the pool spawned them. From outside it
    /// is `spawn`.
    ///
    /// # Panics
    ///
    /// As [`spawn`](Self::spawn).
    pub fn spawn_fifo<F, T>(&self, f: F) -> JoinHandle<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        match handle::spawn(&self.inner, Order::Fifo, f) {
            Ok(handle) => handle,
            Err(_) => {
                self.inner.core().assert_not_inherited();
                panic!("the pool is shutting down")
            }
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
        self.try_spawn_with(Priority::Normal, f)
    }

    /// [`spawn_with`](Self::spawn_with), unless the pool is shutting down.
    ///
    /// # Errors
    ///
    /// [`Rejected`], with the closure.
    pub fn try_spawn_with<F, T>(&self, priority: Priority, f: F) -> Result<JoinHandle<T>, Rejected<F>>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        handle::spawn(&self.inner, Order::By(priority), f).map_err(Rejected)
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
        self.as_own_thread(|worker| worker.index())
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

    /// Refuses further tasks from outside, finishes those that were accepted, and joins the threads.
    ///
    /// Blocks until they are done. Called from one of the pool's own tasks it does not wait, because it would wait for
    /// itself. Callers that are inside [`enter`](Self::enter) finish undisturbed, and later ones work alone.
    pub fn shutdown(&self) {
        if self.inner.core().is_inherited() {
            return; // the threads are the parent's
        }
        self.inner.core().drain();
        if crate::current::with_worker_of(self.inner.core(), |worker| worker.is_some()) {
            return;
        }
        let threads = core::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        for thread in threads {
            // A thread of the pool does not unwind: it aborts.
            let _ = thread.join();
        }
    }

    /// [`shutdown`](Self::shutdown), but spawned tasks that have not begun do not run: they are handed back.
    ///
    /// Tasks that have begun are finished, and with them whatever they wait for: their joins and scopes, and the spawned
    /// tasks whose handles they join. What they spawn and do not wait for is handed back too. Blocks as `shutdown` does.
    /// Called from one of the pool's own tasks it does not wait: what is found in no queue then is cancelled when a worker
    /// comes upon it.
    ///
    /// Each task is handed back as a closure: call it to run the task and to complete its handle, or drop it, and the
    /// handle's `join` returns [`Cancelled`](crate::Cancelled).
    ///
    /// ```
    /// let pool = reveille_pool::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    /// let handles: Vec<_> = (0..100).map(|i| pool.spawn(move || i)).collect();
    /// for task in pool.shutdown_now() {
    ///     task(); // here, one after the other
    /// }
    /// assert_eq!(handles.into_iter().map(|handle| handle.join().unwrap()).sum::<i32>(), 4_950);
    /// ```
    pub fn shutdown_now(&self) -> Vec<UnrunTask> {
        self.inner.abandoned.begin();
        self.shutdown();
        crate::current::with_worker_of(self.inner.core(), |worker| {
            if let Some(worker) = worker {
                while worker.run_one() == Yield::Executed {} // sets aside what it finds
            }
        });
        self.inner.abandoned.finish()
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
