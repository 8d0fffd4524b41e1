//! The memory that the threads of a pool share.

use core::fmt;
use core::mem;
use core::ptr::NonNull;

use std::alloc::{self, Layout};
use std::any::Any;
use std::boxed::Box;
use std::sync::Arc;
use std::vec::Vec;

use reveille_futex::Os;

use super::abandoned::Abandoned;
use crate::Worker;
use crate::current;
use crate::job::{Job, Task, TaskRef};
use crate::lanes::Priority;
use crate::pool::visit;
use crate::seat::Seat;
use crate::shared::Core;
use crate::signal::Signal;
use crate::stack::Slot;
use crate::unwind;

/// Called with the index of a thread.
pub(super) type Hook = Box<dyn Fn(usize) + Send + Sync>;

/// Called with the payload of a panic that nobody waits for.
pub(super) type PanicHandler = Box<dyn Fn(Box<dyn Any + Send>) + Send + Sync>;

/// Seats for callers from outside. When all are taken, a caller waits behind the queue instead of working itself.
const GUESTS: usize = 8;

/// Shared by the handle, the threads and the tasks.
pub(super) struct Inner {
    core: Core<Os>,
    /// The workers' seats, then the guests'.
    seats: Box<[Seat<Os>]>,
    /// Owned; the seats point into it.
    _slots: Slots,
    threads: usize,
    pub(super) start: Option<Hook>,
    pub(super) exit: Option<Hook>,
    pub(super) panic: Option<PanicHandler>,
    pub(super) abandoned: Abandoned,
}

// SAFETY: what is not atomic belongs to the seat's owner, and `occupy` admits one.
unsafe impl Sync for Inner {}
// SAFETY: as above.
unsafe impl Send for Inner {}

impl Inner {
    pub(super) fn new(
        threads: usize,
        capacity: usize,
        start: Option<Hook>,
        exit: Option<Hook>,
        panic: Option<PanicHandler>,
    ) -> Arc<Self> {
        let seats: Box<[Seat<Os>]> = (0..threads + GUESTS).map(|_| Seat::new()).collect::<Vec<_>>().into();
        let slots = Slots::new(seats.len() * (capacity + 1));
        let abandoned = Abandoned::new();
        let inner = Arc::new(Inner { core: Core::new(), seats, _slots: slots, threads, start, exit, panic, abandoned });
        inner.core.set_threads(threads);
        // SAFETY: called once, and what it refers to lives and stays where it is as long as the `Arc`.
        unsafe { inner.core.attach(&inner.seats, inner._slots.pointer.as_ptr(), capacity, threads) };
        inner
    }

    /// The pool whose shared part this is.
    ///
    /// # Safety
    ///
    /// `core` is that of a live `Inner`.
    pub(super) unsafe fn of(core: &Core<Os>) -> Arc<Self> {
        // SAFETY: `core` is a field of an `Inner`.
        let inner = unsafe { (&raw const *core).byte_sub(mem::offset_of!(Inner, core)) }.cast::<Inner>();
        // SAFETY: an `Inner` is only ever made inside an `Arc`, and lives.
        unsafe { Arc::increment_strong_count(inner) };
        // SAFETY: the count that was just taken.
        unsafe { Arc::from_raw(inner) }
    }

    pub(super) fn core(&self) -> &Core<Os> {
        &self.core
    }

    pub(super) fn seats(&self) -> &[Seat<Os>] {
        &self.seats
    }

    pub(super) fn threads(&self) -> usize {
        self.threads
    }

    /// Runs `f` as a worker of this pool: as the one that this thread is already, on a guest's seat, or, if all of those
    /// are taken, on a thread of the pool.
    pub(super) fn enter<R, F>(&self, f: F) -> R
    where
        F: FnOnce(&Worker<Os>) -> R + Send,
        R: Send,
    {
        current::with_worker_of(&self.core, |worker| match worker {
            Some(worker) => f(worker),
            None => self.enter_from_outside(f),
        })
    }

    fn enter_from_outside<R, F>(&self, f: F) -> R
    where
        F: FnOnce(&Worker<Os>) -> R + Send,
        R: Send,
    {
        self.core.assert_not_inherited();
        match self.seats[self.threads..].iter().find(|seat| seat.occupy()) {
            Some(seat) => visit(seat, |worker| current::scoped(worker, || f(worker))),
            None => self.wait_for(f),
        }
    }

    /// Queues `f` and blocks until a thread of the pool has run it.
    fn wait_for<R, F>(&self, f: F) -> R
    where
        F: FnOnce(&Worker<Os>) -> R + Send,
        R: Send,
    {
        let mut visit = Visit { task: Task::new(Visit::<F, R>::run), f: Some(f), result: None, done: Signal::new() };
        // SAFETY: this frame lives until the task is done; `f` and its result are Send.
        let task = unsafe { TaskRef::new(NonNull::from(&mut visit).cast()) };
        self.core.inject(task);
        visit.done.block::<Os>();
        match visit.result.expect("written before the signal") {
            Ok(result) => result,
            Err(payload) => unwind::resume(payload),
        }
    }

    /// Queues a task from a worker of this pool, or from outside unless the pool is draining.
    pub(super) fn submit(&self, order: Order, task: TaskRef<Os>) -> Result<(), TaskRef<Os>> {
        current::with_worker_of(&self.core, |worker| match worker {
            // Part of work that was accepted already, unless a guest came too late.
            Some(_) if self.core.lifecycle.is_closed() => Err(task),
            Some(worker) => {
                match order {
                    Order::By(priority) => worker.push_with(priority, task),
                    // SAFETY: a seat outlives its pool's tasks.
                    Order::Fifo => unsafe { worker.push_fifo(&worker.seat().lanes.fifo, task) },
                }
                Ok(())
            }
            None => match self.core.hold(false) {
                Some(_hold) => {
                    match order {
                        Order::By(priority) => self.core.inject_with(priority, task),
                        Order::Fifo => self.core.inject(task),
                    }
                    Ok(())
                }
                None => Err(task),
            },
        })
    }
}

/// Where a spawned task ranks.
#[derive(Clone, Copy)]
pub(super) enum Order {
    By(Priority),
    Fifo,
}

/// A call that waits for a thread of the pool, in the frame of the caller.
#[repr(C)]
struct Visit<F, R> {
    task: Task<Os>,
    f: Option<F>,
    result: Option<std::thread::Result<R>>,
    done: Signal,
}

impl<F, R> Visit<F, R>
where
    F: FnOnce(&Worker<Os>) -> R + Send,
    R: Send,
{
    /// # Safety
    ///
    /// `this` is such a call, live until its signal is set, and runs once.
    unsafe fn run(this: NonNull<Job<Os>>, worker: &Worker<Os>) {
        let this = this.cast::<Self>().as_ptr();
        // SAFETY: the caller blocks, so the frame is this task's.
        let f = unsafe { &mut (*this).f }.take();
        let result = f.map(|f| unwind::catch(|| f(worker)));
        // SAFETY: as above.
        unsafe { (*this).result = result };
        // SAFETY: as above.
        let done = unsafe { &raw const (*this).done };
        // SAFETY: live until it is set. The caller blocks on it, so there is no park word to wake.
        unsafe { Signal::set::<Os>(done) };
    }
}

/// Zeroed slots: a page that no join reaches is never resident.
struct Slots {
    pointer: NonNull<Slot<Job<Os>>>,
    layout: Layout,
}

impl Slots {
    fn new(count: usize) -> Self {
        let layout = Layout::array::<Slot<Job<Os>>>(count).expect("the builder checked the capacity");
        // SAFETY: the layout is not empty.
        let pointer = unsafe { alloc::alloc_zeroed(layout) };
        // A slot is a null pointer and two words whose initial value is zero.
        let pointer = NonNull::new(pointer.cast()).unwrap_or_else(|| alloc::handle_alloc_error(layout));
        Slots { pointer, layout }
    }
}

impl Drop for Slots {
    fn drop(&mut self) {
        // SAFETY: allocated above with this layout; slots own nothing.
        unsafe { alloc::dealloc(self.pointer.as_ptr().cast(), self.layout) };
    }
}

/// The pool no longer accepts work; the closure comes back.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Rejected<F>(pub F);

impl<F> fmt::Debug for Rejected<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Rejected(..)")
    }
}

impl<F> fmt::Display for Rejected<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the pool is shutting down")
    }
}

impl<F> core::error::Error for Rejected<F> {}
