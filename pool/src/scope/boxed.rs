//! Scope tasks in boxes: as many as there is memory for.

use core::ptr::{self, NonNull};

use reveille_futex::Platform;

use super::Scope;
use crate::Worker;
use crate::job::{Job, Task, TaskRef};
use crate::lanes;
#[cfg(all(feature = "std", not(any(loom, target_os = "none"))))]
use crate::seat::Seat;

impl<'scope, P: Platform> Scope<'scope, P> {
    /// Spawns a task, which gets the scope to spawn more.
    ///
    /// On a worker of the scope's pool it goes to that worker's deque; on any other thread, and without `std`, to the
    /// pool's injector. Takes the memory of a task that this worker has run, or allocates a box.
    pub fn spawn<F>(&self, f: F)
    where
        F: FnOnce(&Scope<'scope, P>) + Send + 'scope,
    {
        let core = self.core();
        crate::current::with_worker_of(core, |worker| {
            let task = self.task(worker, move |_, scope| f(scope));
            match worker {
                Some(worker) => worker.push(task),
                None => core.inject(task),
            }
        });
    }

    /// Spawns a task from a worker at hand, which needs no look-up and works without `std`. The task gets its own worker.
    ///
    /// # Panics
    ///
    /// If the worker belongs to another pool.
    pub fn spawn_on<F>(&self, worker: &Worker<P>, f: F)
    where
        F: FnOnce(&Worker<P>, &Scope<'scope, P>) + Send + 'scope,
    {
        assert!(ptr::eq(self.core(), worker.core()), "the worker belongs to another pool than the scope");
        worker.push(self.task(Some(worker), f));
    }

    /// Spawns one task for each thread of the pool, which that thread runs and no other, as
    /// [`broadcast`](crate::ThreadPool::broadcast) says. Allocates a box per thread, and one for all.
    ///
    /// ```
    /// use std::sync::atomic::{AtomicUsize, Ordering};
    ///
    /// let pool = reveille_pool::ThreadPoolBuilder::new().num_threads(3).build().unwrap();
    /// let calls = AtomicUsize::new(0);
    /// pool.scope(|s| {
    ///     s.spawn_broadcast(|_, worker| {
    ///         calls.fetch_add(1 << (8 * worker.index()), Ordering::Relaxed);
    ///     })
    /// });
    /// assert_eq!(calls.into_inner(), 0x01_01_01);
    /// ```
    #[cfg(all(feature = "std", not(any(loom, target_os = "none"))))]
    pub fn spawn_broadcast<F>(&self, f: F)
    where
        F: Fn(&Scope<'scope, P>, &Worker<P>) + Send + Sync + 'scope,
    {
        let f = alloc::sync::Arc::new(f);
        for seat in self.core().thread_seats() {
            let f = f.clone();
            self.spawn_to(seat, move |worker, scope| f(scope, worker));
        }
    }

    /// Gives a task to the thread of one seat, and to no other.
    #[cfg(all(feature = "std", not(any(loom, target_os = "none"))))]
    pub(crate) fn spawn_to<F>(&self, seat: &Seat<P>, f: F)
    where
        F: FnOnce(&Worker<P>, &Scope<'scope, P>) + Send + 'scope,
    {
        self.core().mail(seat, self.task(None, f));
    }

    /// A task of this scope, made by this worker, if a worker makes it.
    pub(crate) fn task<F>(&self, worker: Option<&Worker<P>>, f: F) -> TaskRef<P>
    where
        F: FnOnce(&Worker<P>, &Scope<'scope, P>) + Send + 'scope,
    {
        self.count_one(worker);
        let task = ScopeTask { task: Task::new(ScopeTask::<P, F>::run), scope: (&raw const *self).cast(), f };
        // SAFETY: it lives until it runs; `f` is Send, and the scope waits for it.
        unsafe { TaskRef::new(lanes::store(worker, task).cast()) }
    }
}

#[repr(C)]
struct ScopeTask<P: Platform, F> {
    task: Task<P>,
    scope: *const Scope<'static, P>,
    f: F,
}

impl<P: Platform, F> ScopeTask<P, F> {
    /// Runs the task and frees it.
    ///
    /// # Safety
    ///
    /// `this` is such a task, made by `Scope::task`, and runs once.
    unsafe fn run<'scope>(this: NonNull<Job<P>>, worker: &Worker<P>)
    where
        F: FnOnce(&Worker<P>, &Scope<'scope, P>) + Send + 'scope,
    {
        // SAFETY: stored by `Scope::task`, whose first field the job is, and run once.
        let Self { scope, f, .. } = unsafe { lanes::fetch(Some(worker), this.cast::<Self>()) };
        let scope = scope.cast::<Scope<'scope, P>>();
        // SAFETY: the scope waits for this task, which took its count when it was spawned.
        unsafe { Scope::run_task(scope, worker, f) };
    }
}
