//! Scopes: any number of tasks that borrow from the caller, all done before the scope returns.
//!
//! What a task is while it waits is in `boxed.rs` and `slots.rs`; here is what all tasks of a scope have in common.

#[cfg(feature = "alloc")]
mod boxed;
mod panic;
pub(crate) mod pending;
mod slots;

use core::fmt;
use core::marker::PhantomData;
use core::ptr;

use reveille_futex::{Os, Platform};

pub use slots::TaskSlot;

use crate::Worker;
use crate::idle::WaitPolicy;
use crate::seat::Seat;
use crate::shared::Core;
use crate::signal::Signal;
use crate::unwind;
use panic::FirstPanic;
use pending::Pending;

/// A place to spawn tasks that may borrow whatever outlives it. Made by [`Worker::scope`] or the free `scope`.
///
/// Tasks run in no particular order, on any worker, and are public as soon as they are spawned. The scope may be shared
/// between tasks, which may spawn more.
///
/// ```
/// # #[cfg(feature = "std")] {
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
/// # }
/// ```
pub struct Scope<'scope, P: Platform = Os> {
    /// The body and the tasks that are not done.
    pending: Pending,
    panic: FirstPanic,
    core: *const Core<P>,
    /// The worker that waits; null if a thread that is none does, which blocks on the signal.
    owner: *const Seat<P>,
    /// Keeps the owner's pool until the owner has been told, if that is another pool than the scope's.
    owners_pool: Keeper,
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
    /// A task needs memory until it has run: a box of `spawn`'s, or a [`TaskSlot`] of yours that
    /// [`spawn_in`](Scope::spawn_in) is given. While tasks run elsewhere this worker runs other tasks, or sleeps.
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

/// Whatever keeps another pool alive. Without threads of its own, a pool is static.
#[cfg(all(feature = "std", not(any(loom, target_os = "none"))))]
pub(crate) type Keeper = Option<std::sync::Arc<dyn core::any::Any + Send + Sync>>;
#[cfg(not(all(feature = "std", not(any(loom, target_os = "none")))))]
pub(crate) type Keeper = Option<core::convert::Infallible>;

impl<'scope, P: Platform> Scope<'scope, P> {
    fn new(core: &Core<P>, owner: Option<&Seat<P>>) -> Self {
        Scope {
            pending: Pending::new(),
            panic: FirstPanic::new(),
            core,
            owner: owner.map_or(ptr::null(), |seat| &raw const *seat),
            owners_pool: None,
            scope: PhantomData,
        }
    }

    /// A scope for whose tasks a thread waits that is no worker, and blocks.
    #[cfg(all(feature = "std", not(any(loom, target_os = "none"))))]
    pub(crate) fn blocking<R>(core: &Core<P>, body: impl FnOnce(&Self) -> R) -> R {
        Scope::new(core, None).run(body, Signal::block::<P>)
    }

    /// A scope for whose tasks a worker of another pool waits, which it works for meanwhile.
    #[cfg(all(feature = "std", not(any(loom, target_os = "none"))))]
    pub(crate) fn visiting<R>(
        core: &Core<P>,
        owner: &Worker<P>,
        owners_pool: Keeper,
        body: impl FnOnce(&Self) -> R,
    ) -> R {
        Scope { owners_pool, ..Scope::new(core, Some(owner.seat())) }.run(body, |done| owner.work_until(done))
    }

    /// Runs the body, then waits for the tasks by `wait`.
    fn run<R>(self, body: impl FnOnce(&Self) -> R, wait: impl FnOnce(&Signal)) -> R {
        let result = unwind::catch(|| body(&self));
        // SAFETY: the body is done, on its thread, and the scope lives until the next line has waited.
        unsafe { Scope::finish(&self, Pending::finish_body) };
        wait(&self.pending.done);
        match (result, self.panic.take()) {
            (Ok(result), None) => result,
            (Err(payload), _) | (Ok(_), Some(payload)) => unwind::resume(payload),
        }
    }

    pub(crate) fn core(&self) -> &Core<P> {
        // SAFETY: a scope lives inside the pool's use.
        unsafe { &*self.core }
    }

    /// A task's count, by whoever spawns it: the body or another task, on this worker.
    #[inline]
    fn count_one(&self, worker: Option<&Worker<P>>) {
        match worker {
            // SAFETY: the owner of that seat runs the body, and this is its thread.
            Some(worker) if ptr::eq(worker.seat(), self.owner) => unsafe { self.pending.add_one_from_body() },
            _ => self.pending.add_one(),
        }
    }

    /// Runs a task of this scope and counts it as done.
    ///
    /// # Safety
    ///
    /// The scope waits for this task, whose count is taken here once. It may be gone when this returns.
    unsafe fn run_task<F>(this: *const Self, worker: &Worker<P>, f: F)
    where
        F: FnOnce(&Worker<P>, &Scope<'scope, P>),
    {
        // SAFETY: the scope waits for this task.
        let scope = unsafe { &*this };
        if let Err(payload) = unwind::catch(|| f(worker, scope)) {
            scope.panic.keep(payload);
        }
        // SAFETY: this task's count.
        unsafe { Scope::finish(this, Pending::finish_one) };
    }

    /// Counts the body or a task as done, which `end` does; the last one tells the owner.
    ///
    /// # Safety
    ///
    /// `end` may be called, once. The scope may be gone when this returns.
    unsafe fn finish(this: *const Self, end: unsafe fn(*const Pending) -> bool) {
        // SAFETY: the caller's count keeps the scope alive; a seat lives as long as its pool (M25: copied first).
        let owner = unsafe { (*this).owner };
        // SAFETY: as above.
        let pending = unsafe { &raw const (*this).pending };
        // SAFETY: the caller's promise.
        if !unsafe { end(pending) } {
            return;
        }
        // Its pool may go as soon as it is told, before it is woken (M25).
        // SAFETY: the owner waits for the signal, so the scope is alive, and the last task is alone with it.
        let _kept = Clone::clone(unsafe { &(*this).owners_pool });
        // SAFETY: the last task.
        if unsafe { Pending::tell::<P>(pending) } {
            // SAFETY: a seat of a pool that runs this very task.
            let owner = unsafe { &*owner };
            owner.core().sleep.wake(&owner.park);
        }
    }
}

impl<P: Platform> fmt::Debug for Scope<'_, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scope").field("pending", &self.pending).finish_non_exhaustive()
    }
}
