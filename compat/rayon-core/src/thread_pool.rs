//! A pool of the program's own.

use std::error::Error;
use std::fmt;

use reveille_pool::Yield;

use crate::{BroadcastContext, Scope, ScopeFifo};

/// A pool of threads. Made by [`ThreadPoolBuilder`](crate::ThreadPoolBuilder); it ends by itself after it was dropped and
/// its tasks are done.
///
/// ```
/// let pool = rayon_core::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
/// assert_eq!(pool.install(|| rayon_core::join(|| 1, || 2)), (1, 2));
/// ```
#[repr(transparent)]
pub struct ThreadPool(reveille_pool::ThreadPool);

impl ThreadPool {
    /// As [`ThreadPoolBuilder::build`](crate::ThreadPoolBuilder::build).
    ///
    /// # Errors
    ///
    /// As there.
    #[deprecated(note = "Use `ThreadPoolBuilder::build`")]
    #[allow(deprecated, reason = "both are")]
    pub fn new(configuration: crate::Configuration) -> Result<ThreadPool, Box<dyn Error>> {
        Ok(configuration.builder().build()?)
    }

    pub(crate) fn new_of(pool: reveille_pool::ThreadPool) -> Self {
        ThreadPool(pool)
    }

    pub(crate) fn of(pool: &reveille_pool::ThreadPool) -> &Self {
        // SAFETY: `repr(transparent)`.
        unsafe { &*(&raw const *pool).cast() }
    }

    /// Runs `op` on a thread of this pool and waits for it; on such a thread, runs it right here.
    ///
    /// A thread of another pool works for that one meanwhile; any other thread blocks.
    pub fn install<OP, R>(&self, op: OP) -> R
    where
        OP: FnOnce() -> R + Send,
        R: Send,
    {
        self.0.run_on_thread(|_| op())
    }

    /// Calls `op` on every thread of the pool, and returns the results in their order.
    pub fn broadcast<OP, R>(&self, op: OP) -> Vec<R>
    where
        OP: Fn(BroadcastContext<'_>) -> R + Sync,
        R: Send,
    {
        self.0.broadcast(|worker| op(BroadcastContext::of(worker)))
    }

    /// How many threads the pool has.
    #[inline]
    pub fn current_num_threads(&self) -> usize {
        self.0.current_num_threads()
    }

    /// The number of the current thread in this pool, if it is one of its.
    #[inline]
    pub fn current_thread_index(&self) -> Option<usize> {
        self.0.current_thread_index()
    }

    /// Whether the current thread, if it is one of this pool's, has queued tasks that have not begun.
    #[inline]
    pub fn current_thread_has_pending_tasks(&self) -> Option<bool> {
        self.0.current_thread_has_pending_tasks()
    }

    /// [`join`](crate::join()) in this pool.
    pub fn join<A, B, RA, RB>(&self, oper_a: A, oper_b: B) -> (RA, RB)
    where
        A: FnOnce() -> RA + Send,
        B: FnOnce() -> RB + Send,
        RA: Send,
        RB: Send,
    {
        self.0.run_on_thread(|worker| worker.join(|_| oper_a(), |_| oper_b()))
    }

    /// [`scope`](crate::scope()) in this pool.
    pub fn scope<'scope, OP, R>(&self, op: OP) -> R
    where
        OP: FnOnce(&Scope<'scope>) -> R + Send,
        R: Send,
    {
        self.0.run_on_thread(|worker| worker.scope(|scope| op(Scope::of(scope))))
    }

    /// [`scope_fifo`](crate::scope_fifo) in this pool.
    pub fn scope_fifo<'scope, OP, R>(&self, op: OP) -> R
    where
        OP: FnOnce(&ScopeFifo<'scope>) -> R + Send,
        R: Send,
    {
        self.0.run_on_thread(|worker| worker.scope_fifo(|scope| op(ScopeFifo::of(scope))))
    }

    /// [`scope`](Self::scope), with `op` on this thread, whether it is one of the pool's or not.
    pub fn in_place_scope<'scope, OP, R>(&self, op: OP) -> R
    where
        OP: FnOnce(&Scope<'scope>) -> R,
    {
        self.0.in_place_scope(|scope| op(Scope::of(scope)))
    }

    /// [`scope_fifo`](Self::scope_fifo), with `op` on this thread, whether it is one of the pool's or not.
    pub fn in_place_scope_fifo<'scope, OP, R>(&self, op: OP) -> R
    where
        OP: FnOnce(&ScopeFifo<'scope>) -> R,
    {
        self.0.in_place_scope_fifo(|scope| op(ScopeFifo::of(scope)))
    }

    /// [`spawn`](crate::spawn()) in this pool.
    pub fn spawn<OP>(&self, op: OP)
    where
        OP: FnOnce() + Send + 'static,
    {
        self.0.spawn_detached(op);
    }

    /// [`spawn_fifo`](crate::spawn_fifo) in this pool.
    pub fn spawn_fifo<OP>(&self, op: OP)
    where
        OP: FnOnce() + Send + 'static,
    {
        self.0.spawn_detached_fifo(op);
    }

    /// [`spawn_broadcast`](crate::spawn_broadcast) in this pool.
    pub fn spawn_broadcast<OP>(&self, op: OP)
    where
        OP: Fn(BroadcastContext<'_>) + Send + Sync + 'static,
    {
        self.0.spawn_broadcast(move |worker| op(BroadcastContext::of(worker)));
    }

    /// Runs one task if there is one, on a thread of this pool; `None` on any other thread.
    pub fn yield_now(&self) -> Option<Yield> {
        self.0.yield_now()
    }

    /// Runs one task of this thread's own if there is one, on a thread of this pool; `None` on any other thread.
    pub fn yield_local(&self) -> Option<Yield> {
        self.0.yield_local()
    }
}

impl Drop for ThreadPool {
    /// Lets the pool finish what it has accepted, without waiting.
    fn drop(&mut self) {
        self.0.detach();
    }
}

impl fmt::Debug for ThreadPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
