//! Scope tasks in memory of the caller's: no allocator, no limit but that memory.

use core::fmt;
use core::mem::MaybeUninit;
use core::ptr::{self, NonNull};

use reveille_futex::{Os, Platform};

use super::Scope;
use crate::Worker;
use crate::job::{Job, Task, TaskRef};

/// Memory for one scope task whose closure is an `F`. See [`Scope::spawn_in`].
///
/// It may be on the stack, in a static cell or in an array, as long as it outlives the scope. When the scope has ended it is
/// free for the next one. It holds the closure and four words.
pub struct TaskSlot<F, P: Platform = Os>(MaybeUninit<SlotTask<F, P>>);

#[repr(C)]
struct SlotTask<F, P: Platform> {
    task: Task<P>,
    scope: *const Scope<'static, P>,
    f: F,
}

impl<F, P: Platform> TaskSlot<F, P> {
    /// A free slot.
    pub const fn new() -> Self {
        TaskSlot(MaybeUninit::uninit())
    }
}

// SAFETY: nobody reads the memory through the slot itself, and a task is moved to other threads only if its closure is Send.
unsafe impl<F, P: Platform> Send for TaskSlot<F, P> {}
// SAFETY: as above; a shared reference to a slot allows nothing.
unsafe impl<F, P: Platform> Sync for TaskSlot<F, P> {}

impl<F, P: Platform> Default for TaskSlot<F, P> {
    fn default() -> Self {
        Self::new()
    }
}

impl<F, P: Platform> fmt::Debug for TaskSlot<F, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TaskSlot(..)")
    }
}

impl<'scope, P: Platform> Scope<'scope, P> {
    /// Spawns a task in memory of the caller's, from a worker at hand. The task gets its own worker.
    ///
    /// Allocates nothing, and needs neither `std` nor `alloc`. If this worker's queue is full, the task goes to the pool's
    /// injector, which has no limit.
    ///
    /// # Panics
    ///
    /// If the worker belongs to another pool.
    ///
    /// ```
    /// use reveille_pool::{Pool, TaskSlot};
    ///
    /// static POOL: Pool<2, 16> = Pool::new();
    ///
    /// let mut parts = [0_u32; 4];
    /// let mut slots = [const { TaskSlot::new() }; 4];
    /// POOL.enter(|worker| {
    ///     worker.scope(|s| {
    ///         for ((i, part), slot) in (1..).zip(&mut parts).zip(&mut slots) {
    ///             s.spawn_in(worker, slot, move |_, _| *part = i * i);
    ///         }
    ///     });
    /// })
    /// .unwrap();
    /// assert_eq!(parts, [1, 4, 9, 16]);
    /// ```
    pub fn spawn_in<F>(&self, worker: &Worker<P>, slot: &'scope mut TaskSlot<F, P>, f: F)
    where
        F: FnOnce(&Worker<P>, &Scope<'scope, P>) + Send + 'scope,
    {
        assert!(ptr::eq(self.core(), worker.core()), "the worker belongs to another pool than the scope");
        self.count_one(Some(worker));
        let task = Task::new(SlotTask::<F, P>::run);
        let task = NonNull::from(slot.0.write(SlotTask { task, scope: (&raw const *self).cast(), f }));
        // SAFETY: the slot is this task's for as long as the scope, which waits for it; `f` is Send.
        worker.push(unsafe { TaskRef::new(task.cast()) });
    }
}

impl<F, P: Platform> SlotTask<F, P> {
    /// # Safety
    ///
    /// `this` is such a task, live until the scope has counted it as done, and runs once.
    unsafe fn run<'scope>(this: NonNull<Job<P>>, worker: &Worker<P>)
    where
        F: FnOnce(&Worker<P>, &Scope<'scope, P>) + Send + 'scope,
    {
        // SAFETY: the job is the first field of such a task; moved out once, and nothing in it is dropped in place.
        let this = unsafe { this.cast::<Self>().read() };
        let (scope, f) = (this.scope.cast::<Scope<'scope, P>>(), this.f);
        // SAFETY: the scope waits for this task, which took its count when it was spawned.
        unsafe { Scope::run_task(scope, worker, f) };
    }
}
