//! First in, first out: tasks that one thread spawns run in the order in which it spawned them.
//!
//! A worker takes its newest task first. So that a task keeps its rank among the worker's others and yet the oldest of a group
//! comes first, each goes into the group's own queue, and a *ticket* in its place into the worker's deque. Whoever takes a
//! ticket runs the oldest task of the group.
//!
//! *No ticket finds nothing, and no task is left.* There are as many tickets as tasks, and each ticket comes after a task of its
//! own. So the queue needs one pusher, the worker, and no look at it: a ticket is the right to take an item unseen. Model
//! `a_ticket_is_worth_an_item`.
//!
//! All tickets of a group are one [repeatable](Task::repeatable) task, the group's own. Where a task needs a link, because
//! it goes to the pool's injector, a box stands for the ticket.

use core::fmt;
use core::mem;
use core::ptr::{self, NonNull};

use std::boxed::Box;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::vec::Vec;

use reveille_deque::{Deque, Growable};
use reveille_futex::sync::atomic::{AtomicPtr, Ordering};
use reveille_futex::{Os, Platform};

use crate::Worker;
use crate::job::{Job, Task, TaskRef};
use crate::scope::Scope;
use crate::shared::Core;

/// The tasks that one seat's owner has spawned into one group.
#[repr(C)]
pub(crate) struct Fifo {
    ticket: Task<Os>,
    /// Pushed to by that owner, stolen from with tickets.
    tasks: Deque<TaskRef<Os>, Growable>,
}

// SAFETY: the queue is Sync, and the ticket never changes.
unsafe impl Sync for Fifo {}

impl Fifo {
    pub(crate) const fn new() -> Self {
        Fifo { ticket: Task::repeatable(Self::run_oldest), tasks: Deque::growable_fifo() }
    }

    /// # Safety
    ///
    /// `this` is the ticket of a group, in which a task was queued before each ticket. One run for each.
    unsafe fn run_oldest(this: NonNull<Job<Os>>, worker: &Worker) {
        // SAFETY: the group outlives its tasks, of which one is still there for this ticket.
        let fifo = unsafe { this.cast::<Self>().as_ref() };
        // SAFETY: the push before this ticket happens before its run, and nobody takes a task without a ticket.
        let task = unsafe { fifo.tasks.stealer().steal_certain() };
        task.run(worker); // the last task of a group may end it
    }
}

/// A ticket that can be in a chain.
#[repr(C)]
struct Boxed<P: Platform> {
    task: Task<P>,
    ticket: TaskRef<P>,
}

impl<P: Platform> Boxed<P> {
    /// # Safety
    ///
    /// `this` is such a box, leaked, and runs once.
    unsafe fn run(this: NonNull<Job<P>>, worker: &Worker<P>) {
        // SAFETY: leaked by `linkable`.
        let Boxed { ticket, .. } = *unsafe { Box::from_raw(this.cast::<Self>().as_ptr()) };
        ticket.run(worker);
    }
}

impl<P: Platform> TaskRef<P> {
    /// The same task so that it can go into a chain.
    pub(crate) fn linkable(self) -> Self {
        if !self.is_repeatable() {
            return self;
        }
        let boxed = Box::new(Boxed { task: Task::new(Boxed::run), ticket: self });
        // SAFETY: the box lives until it runs, and the ticket's group until then.
        unsafe { TaskRef::new(NonNull::from(Box::leak(boxed)).cast()) }
    }
}

impl Worker {
    /// Queues a task of a group, and its ticket.
    ///
    /// # Safety
    ///
    /// The group is of this worker's seat, and lives, where it is, until its tasks have begun.
    pub(crate) unsafe fn push_fifo(&self, fifo: &Fifo, task: TaskRef<Os>) {
        // SAFETY: this thread owns the seat. Whoever owned it before has left it, or lent the group to a scope that has ended.
        unsafe { fifo.tasks.pusher() }.push(task);
        // SAFETY: a group begins with its ticket, which is repeatable and lives as the caller guarantees.
        self.push(unsafe { TaskRef::new(NonNull::from(fifo).cast()) }); // after its task
    }
}

/// A scope whose tasks keep their order: those that one thread spawns begin in that order.
///
/// Made by [`Worker::scope_fifo`]. Tasks of different threads have no order; and as idle threads take tasks too, the next may
/// begin before the one before has ended.
pub struct ScopeFifo<'scope> {
    /// Set before the body runs.
    scope: AtomicPtr<Scope<'scope>>,
    /// One for each seat. Lent by the pool.
    fifos: Groups,
}

/// The groups of one scope.
struct Groups {
    of_each_seat: Box<[Fifo]>,
    core: *const Core<Os>,
}

// SAFETY: groups are Sync, and the pool's shared part is there for any thread.
unsafe impl Sync for Groups {}
// SAFETY: as above.
unsafe impl Send for Groups {}

/// Groups that no scope uses, with the memory that they have grown.
pub(crate) struct SpareGroups(Mutex<Vec<Box<[Fifo]>>>);

impl SpareGroups {
    pub(crate) const fn new() -> Self {
        SpareGroups(Mutex::new(Vec::new()))
    }

    /// Nothing can panic under this lock but an allocation.
    fn lock(&self) -> MutexGuard<'_, Vec<Box<[Fifo]>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How many the pool keeps: as many as scopes are open at once, as a rule.
const MOST_SPARE: usize = 16;

impl Groups {
    fn borrow(core: &Core<Os>) -> Self {
        let spare = core.lanes.spare_groups.lock().pop();
        let of_each_seat = spare.unwrap_or_else(|| core.seats().iter().map(|_| Fifo::new()).collect());
        Groups { of_each_seat, core }
    }
}

impl Drop for Groups {
    fn drop(&mut self) {
        // SAFETY: a scope lives inside the pool's use.
        let core = unsafe { &*self.core };
        let mut spare = core.lanes.spare_groups.lock();
        if spare.len() < MOST_SPARE {
            spare.push(mem::take(&mut self.of_each_seat)); // empty: the scope waited for its tasks
        }
    }
}

/// A scope's address, for its tasks.
struct Address<'scope>(*const ScopeFifo<'scope>);

// SAFETY: the scope is Sync and waits for its tasks.
unsafe impl Send for Address<'_> {}
// SAFETY: as above; it only gives shared references out.
unsafe impl Sync for Address<'_> {}

impl Worker {
    /// [`scope`](Self::scope) for tasks that begin in the order in which they are spawned.
    ///
    /// ```
    /// use std::sync::Mutex;
    /// use reveille_pool::ThreadPoolBuilder;
    ///
    /// let pool = ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    /// let order = Mutex::new(Vec::new());
    /// pool.broadcast(|worker| {
    ///     worker.scope_fifo(|s| {
    ///         for i in 0..4 {
    ///             let order = &order;
    ///             s.spawn_fifo(move |_| order.lock().unwrap().push(i));
    ///         }
    ///     });
    /// });
    /// assert_eq!(*order.lock().unwrap(), [0, 1, 2, 3]); // a scope would run the newest first
    /// ```
    pub fn scope_fifo<'scope, F, R>(&self, f: F) -> R
    where
        F: FnOnce(&ScopeFifo<'scope>) -> R,
    {
        let ordered = ScopeFifo::new(self.core());
        self.scope(|scope| f(ordered.within(scope)))
    }
}

impl<'scope> ScopeFifo<'scope> {
    /// Made before its scope, so that it lives until the scope's tasks have ended.
    pub(crate) fn new(core: &Core<Os>) -> Self {
        ScopeFifo { scope: AtomicPtr::new(ptr::null_mut()), fifos: Groups::borrow(core) }
    }

    /// The scope begins.
    pub(crate) fn within(&self, scope: &Scope<'scope>) -> &Self {
        self.scope.store((&raw const *scope).cast_mut(), Ordering::Relaxed); // before any task exists
        self
    }

    fn scope(&self) -> &Scope<'scope> {
        // SAFETY: set before the body, and live until its tasks, of which the caller is one or the body, have ended.
        unsafe { &*self.scope.load(Ordering::Relaxed) } // constant
    }

    /// As [`Scope::spawn_broadcast`].
    pub fn spawn_broadcast<F>(&self, f: F)
    where
        F: Fn(&ScopeFifo<'scope>, &Worker) + Send + Sync + 'scope,
    {
        let this = Address(self);
        self.scope().spawn_broadcast(move |_, worker| {
            let this = &this;
            // SAFETY: it outlives the scope, which waits for this task.
            f(unsafe { &*this.0 }, worker);
        });
    }

    /// Spawns a task, which gets the scope to spawn more.
    ///
    /// On a worker of the scope's pool it takes its place among that worker's tasks; on any other thread it goes to the
    /// pool's injector.
    pub fn spawn_fifo<F>(&self, f: F)
    where
        F: FnOnce(&ScopeFifo<'scope>) + Send + 'scope,
    {
        let scope = self.scope();
        let this = Address(self);
        crate::current::with_worker_of(scope.core(), |worker| {
            let task = scope.task(worker, move |_, _| {
                let this = this;
                // SAFETY: it outlives the scope, which waits for this task.
                f(unsafe { &*this.0 })
            });
            match worker {
                // SAFETY: the group of this seat lives as long as this scope, which waits for its tasks.
                Some(worker) => unsafe { worker.push_fifo(&self.fifos.of_each_seat[worker.index()], task) },
                None => scope.core().inject(task),
            }
        });
    }
}

impl fmt::Debug for ScopeFifo<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ScopeFifo(..)")
    }
}
