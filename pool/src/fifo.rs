//! First in, first out: tasks that one thread spawns run in the order in which it spawned them.
//!
//! A worker takes its newest task first. So that a task keeps its rank among the worker's others and yet the oldest of a group
//! comes first, each goes into the group's own queue, and a *ticket* in its place into the worker's deque. Whoever takes a
//! ticket runs the oldest task of the group. There are as many tickets as tasks, so none is left and no ticket finds nothing.

use core::fmt;
use core::ptr::{self, NonNull};

use std::boxed::Box;
use std::vec::Vec;

use reveille_deque::{Injector, Steal};
use reveille_futex::Os;
use reveille_futex::sync::atomic::{AtomicPtr, Ordering};
use reveille_futex::sync::hint;

use crate::Worker;
use crate::job::{Job, Task, TaskRef};
use crate::scope::Scope;
use crate::shared::Core;

/// The tasks that one thread has spawned into one group.
pub(crate) type Fifo = Injector<TaskRef<Os>>;

/// The right to run the oldest task of a group.
#[repr(C)]
struct Ticket {
    task: Task<Os>,
    fifo: *const Fifo,
}

impl Ticket {
    /// # Safety
    ///
    /// `this` is such a ticket, leaked from a box, and runs once; its task was queued before it.
    unsafe fn run(this: NonNull<Job<Os>>, worker: &Worker) {
        // SAFETY: leaked by `push_fifo`.
        let this = unsafe { Box::from_raw(this.cast::<Self>().as_ptr()) };
        // SAFETY: the group outlives its tasks, of which one is still there for this ticket.
        let fifo = unsafe { &*this.fifo };
        let task = loop {
            if let Steal::Success(task) = fifo.steal() {
                break task; // anything else: others are at it, and there is one for each
            }
            hint::spin_loop();
        };
        drop(this);
        task.run(worker); // the last task of a group may end it
    }
}

impl Worker {
    /// Queues a task of a group, and its ticket.
    ///
    /// # Safety
    ///
    /// The group lives until its tasks have begun.
    pub(crate) unsafe fn push_fifo(&self, fifo: &Fifo, task: TaskRef<Os>) {
        fifo.push(task);
        let ticket = Box::new(Ticket { task: Task::new(Ticket::run), fifo });
        // SAFETY: the box lives until it runs, and the group until then, as the caller guarantees.
        self.push(unsafe { TaskRef::new(NonNull::from(Box::leak(ticket)).cast()) });
    }
}

/// A scope whose tasks keep their order: those that one thread spawns begin in that order.
///
/// Made by [`Worker::scope_fifo`]. Tasks of different threads have no order; and as idle threads take tasks too, the next may
/// begin before the one before has ended. Each task costs two boxes.
pub struct ScopeFifo<'scope> {
    /// Set before the body runs.
    scope: AtomicPtr<Scope<'scope>>,
    /// One for each seat.
    fifos: Vec<Fifo>,
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
        let fifos = core.seats().iter().map(|_| Fifo::new()).collect();
        ScopeFifo { scope: AtomicPtr::new(ptr::null_mut()), fifos }
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
        let task = scope.task(move |_, _| {
            let this = this;
            // SAFETY: it outlives the scope, which waits for this task.
            f(unsafe { &*this.0 })
        });
        crate::current::with_worker_of(scope.core(), |worker| match worker {
            // SAFETY: the group lives as long as this scope, which waits for its tasks.
            Some(worker) => unsafe { worker.push_fifo(&self.fifos[worker.index()], task) },
            None => scope.core().inject(task),
        });
    }
}

impl fmt::Debug for ScopeFifo<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ScopeFifo(..)")
    }
}
