//! Scopes: any number of tasks that borrow from the caller, all done before the scope returns.

use core::fmt;
use core::marker::PhantomData;
use core::ptr::{self, NonNull};

use alloc::boxed::Box;

use reveille_futex::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};
use reveille_futex::{Os, Platform};

use crate::Worker;
use crate::idle::WaitPolicy;
use crate::job::{Job, Task, TaskRef};
use crate::seat::Seat;
use crate::shared::Core;
use crate::signal::Signal;
use crate::unwind::{self, Payload};

/// A place to spawn tasks that may borrow whatever outlives it. Made by [`Worker::scope`] or the free `scope`.
///
/// Tasks run in no particular order, on any worker, and are public as soon as they are spawned. The scope may be shared
/// between tasks, which may spawn more.
///
/// ```
/// use reveille_pool::ThreadPoolBuilder;
///
/// let pool = ThreadPoolBuilder::new().num_threads(2).build().unwrap();
/// let mut parts = [0_u32; 4];
/// pool.enter(|worker| {
///     worker.scope(|s| {
///         for (i, part) in (1..).zip(&mut parts) {
///             s.spawn(move |_| *part = i * i);
///         }
///     });
/// });
/// assert_eq!(parts, [1, 4, 9, 16]);
/// ```
pub struct Scope<'scope, P: Platform = Os> {
    /// The body and the tasks that are not done. Read-modify-writes only.
    pending: AtomicUsize,
    /// Set by whoever takes `pending` to zero: the last access to the scope but by its owner.
    done: Signal,
    /// The first panic. An exchange from null, then the owner's.
    panic: AtomicPtr<Payload>,
    core: *const Core<P>,
    /// The worker that waits; null if a thread that is none does, which blocks on the signal.
    owner: *const Seat<P>,
    /// Invariant: a task must not outlive what it borrows.
    scope: PhantomData<*mut &'scope ()>,
}

// SAFETY: `core` is shared, and `owner` is used for the pool's shared parts and the park word, which any thread may use.
unsafe impl<P: Platform> Sync for Scope<'_, P> {}
// SAFETY: as above; only references to a scope are ever given out.
unsafe impl<P: Platform> Send for Scope<'_, P> {}

impl<P: Platform> Worker<P> {
    /// Runs `f` with a scope, then whatever was spawned in it, and returns when all of it is done.
    ///
    /// Allocates one box per task. While tasks run elsewhere this worker runs other tasks, or sleeps.
    ///
    /// *Memory ordering.* What happens before a spawn happens before the task; every task happens before the return.
    ///
    /// # Panics
    ///
    /// With `std`, if `f` or a task panics: all other tasks still run, and the first panic resumes here.
    pub fn scope<'scope, F, R>(&self, f: F) -> R
    where
        F: FnOnce(&Scope<'scope, P>) -> R,
    {
        self.scope_with(WaitPolicy::Any, f)
    }

    /// [`scope`](Self::scope), with a policy for the time until the last task is done. [`WaitPolicy::Leapfrog`] is the same
    /// as [`WaitPolicy::Any`] here, because nobody knows whose tasks are whose; [`WaitPolicy::Park`] runs nothing, so the
    /// tasks need another worker.
    pub fn scope_with<'scope, F, R>(&self, policy: WaitPolicy, f: F) -> R
    where
        F: FnOnce(&Scope<'scope, P>) -> R,
    {
        Scope::new(self.core(), Some(self.seat())).run(f, |done| match policy {
            WaitPolicy::Park => done.block::<P>(),
            _ => self.work_until(done),
        })
    }
}

impl<P: Platform> Core<P> {
    /// Runs `f` here with a scope whose tasks run on the pool's workers. A thread that is none of them blocks until they
    /// are done.
    #[cfg(all(feature = "std", not(loom)))]
    pub(crate) fn in_place_scope<'scope, F, R>(&self, f: F) -> R
    where
        F: FnOnce(&Scope<'scope, P>) -> R,
    {
        crate::current::with_worker_of(self, |worker| match worker {
            Some(worker) => worker.scope(f),
            None => {
                self.assert_not_inherited();
                Scope::new(self, None).run(f, Signal::block::<P>)
            }
        })
    }
}

impl<'scope, P: Platform> Scope<'scope, P> {
    fn new(core: &Core<P>, owner: Option<&Seat<P>>) -> Self {
        Scope {
            pending: AtomicUsize::new(1),
            done: Signal::new(),
            panic: AtomicPtr::new(ptr::null_mut()),
            core,
            owner: owner.map_or(ptr::null(), |seat| &raw const *seat),
            scope: PhantomData,
        }
    }

    /// Runs the body, then waits for the tasks by `wait`.
    fn run<R>(self, body: impl FnOnce(&Self) -> R, wait: impl FnOnce(&Signal)) -> R {
        let result = unwind::catch(|| body(&self));
        // SAFETY: the scope lives until it is done, which the next line waits for.
        unsafe { Scope::finish_one(&self) };
        wait(&self.done);
        match (result, self.take_panic()) {
            (Ok(result), None) => result,
            (Err(payload), _) | (Ok(_), Some(payload)) => unwind::resume(payload),
        }
    }

    fn core(&self) -> &Core<P> {
        // SAFETY: a scope lives inside the pool's use.
        unsafe { &*self.core }
    }

    /// Spawns a task, which gets the scope to spawn more.
    ///
    /// On a worker of the scope's pool it goes to that worker's deque; on any other thread, and without `std`, to the
    /// pool's injector. Allocates a box.
    pub fn spawn<F>(&self, f: F)
    where
        F: FnOnce(&Scope<'scope, P>) + Send + 'scope,
    {
        let task = self.task(move |_, scope| f(scope));
        let core = self.core();
        crate::current::with_worker_of(core, |worker| match worker {
            Some(worker) => worker.push(task),
            None => core.inject(task),
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
        worker.push(self.task(f));
    }

    /// Gives a task to the thread of one seat, and to no other.
    #[cfg(all(feature = "std", not(loom)))]
    pub(crate) fn spawn_to<F>(&self, seat: &Seat<P>, f: F)
    where
        F: FnOnce(&Worker<P>, &Scope<'scope, P>) + Send + 'scope,
    {
        self.core().mail(seat, self.task(f));
    }

    fn task<F>(&self, f: F) -> TaskRef<P>
    where
        F: FnOnce(&Worker<P>, &Scope<'scope, P>) + Send + 'scope,
    {
        // Relaxed: whoever spawns holds the count above zero, and the queue publishes the task.
        self.pending.fetch_add(1, Ordering::Relaxed);
        let task = Box::new(ScopeTask { task: Task::new(ScopeTask::<P, F>::run), scope: (&raw const *self).cast(), f });
        let task = NonNull::from(Box::leak(task)).cast();
        // SAFETY: the box lives until it runs; `f` is Send, and the scope waits for it.
        unsafe { TaskRef::new(task) }
    }

    fn keep_panic(&self, payload: Payload) {
        let payload = Box::into_raw(Box::new(payload));
        // Release: the payload, to the owner. Relaxed on failure: only the fact matters.
        let kept = self.panic.compare_exchange(ptr::null_mut(), payload, Ordering::Release, Ordering::Relaxed);
        if kept.is_err() {
            // SAFETY: made above and not kept.
            let payload = unsafe { Box::from_raw(payload) };
            unwind::swallow(|| drop(payload));
        }
    }

    fn take_panic(&self) -> Option<Payload> {
        // Acquire: pairs with the exchange in `keep_panic`.
        let payload = self.panic.swap(ptr::null_mut(), Ordering::Acquire);
        // SAFETY: `keep_panic` made it from a box, and the swap took it.
        (!payload.is_null()).then(|| *unsafe { Box::from_raw(payload) })
    }

    /// Counts one task as done; the last one tells the owner.
    ///
    /// # Safety
    ///
    /// Called once for each count. The scope may be gone when this returns.
    unsafe fn finish_one(this: *const Self) {
        // SAFETY: the caller's count keeps the scope alive; a seat lives as long as its pool (M25: copied first).
        let owner = unsafe { (*this).owner };
        // SAFETY: as above.
        let pending = unsafe { &raw const (*this).pending };
        // Release: the task's work, to the owner. Acquire: the last one passes on what the others released.
        // SAFETY: as above.
        if unsafe { (*pending).fetch_sub(1, Ordering::AcqRel) } != 1 {
            return;
        }
        // SAFETY: the owner waits for the signal, which is the last access.
        let done = unsafe { &raw const (*this).done };
        // SAFETY: as above.
        if unsafe { Signal::set::<P>(done) } {
            // SAFETY: a seat of a pool that runs this very task.
            let owner = unsafe { &*owner };
            owner.core().sleep.wake(&owner.park);
        }
    }
}

impl<P: Platform> fmt::Debug for Scope<'_, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scope").field("pending", &self.pending.load(Ordering::Relaxed)).finish_non_exhaustive()
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
    /// `this` is such a task, leaked from a box, and runs once.
    unsafe fn run<'scope>(this: NonNull<Job<P>>, worker: &Worker<P>)
    where
        F: FnOnce(&Worker<P>, &Scope<'scope, P>) + Send + 'scope,
    {
        // SAFETY: leaked by `Scope::task`, whose first field the job is, and run once.
        let this = unsafe { Box::from_raw(this.cast::<Self>().as_ptr()) };
        let scope = this.scope.cast::<Scope<'scope, P>>();
        let f = this.f;
        // SAFETY: the scope waits for this task.
        let scope_ref = unsafe { &*scope };
        if let Err(payload) = unwind::catch(|| f(worker, scope_ref)) {
            scope_ref.keep_panic(payload);
        }
        // SAFETY: this task's count.
        unsafe { Scope::finish_one(scope) };
    }
}
