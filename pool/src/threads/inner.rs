//! The memory that the threads of a pool share.

use core::fmt;
use core::mem;

use std::any::Any;
use std::boxed::Box;
use std::sync::{Arc, Mutex, PoisonError};
use std::vec::Vec;

use reveille_futex::Os;
use reveille_latch::CountdownLatch;

use super::abandoned::Abandoned;
use super::slots::Slots;
use crate::Worker;
use crate::current;
use crate::job::TaskRef;
use crate::lanes::Priority;
use crate::pool::settle;
use crate::seat::Seat;
use crate::shared::Core;

/// Called with the index of a thread.
pub(super) type Hook = Box<dyn Fn(usize) + Send + Sync>;

/// Called with the payload of a panic that nobody waits for.
pub(super) type PanicHandler = Box<dyn Fn(Box<dyn Any + Send>) + Send + Sync>;

/// The pools that a thread of the program's belongs to: nobody knows when it ends, so they are kept for good.
static RESIDENTS: Mutex<Vec<Arc<Inner>>> = Mutex::new(Vec::new());

/// Shared by the handle, the threads and the tasks.
pub(super) struct Inner {
    core: Core<Os>,
    /// The workers' seats, then the guests'.
    seats: Box<[Seat<Os>]>,
    /// Owned; the seats point into it.
    slots: Slots,
    threads: usize,
    /// Threads that serve or will, and one for the pool's handle. Opens when the last of them has left.
    serving: CountdownLatch,
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
        guests: usize,
        capacity: usize,
        start: Option<Hook>,
        exit: Option<Hook>,
        panic: Option<PanicHandler>,
    ) -> Arc<Self> {
        let seats: Box<[Seat<Os>]> = (0..threads + guests).map(|_| Seat::new()).collect::<Vec<_>>().into();
        let slots = Slots::new(seats.len() * (capacity + 1));
        let abandoned = Abandoned::new();
        let inner = Arc::new(Inner {
            core: Core::new(),
            seats,
            slots,
            threads,
            serving: CountdownLatch::new(1),
            start,
            exit,
            panic,
            abandoned,
        });
        inner.core.staff.set_threads(threads);
        // SAFETY: called once, and what it refers to lives and stays where it is as long as the `Arc`.
        unsafe { inner.core.attach(&inner.seats, inner.slots.as_ptr(), capacity, threads) };
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

    #[cfg(test)]
    pub(super) fn slots(&self) -> &Slots {
        &self.slots
    }

    pub(super) fn guests(&self) -> &[Seat<Os>] {
        &self.seats[self.threads..]
    }

    /// Makes the calling thread the pool's first one, which serves whenever it waits for something of the pool's.
    pub(super) fn settle_first(self: &Arc<Self>) {
        let seat = &self.seats[0];
        let occupied = seat.occupy();
        debug_assert!(occupied, "the first seat is the caller's");
        // SAFETY: occupied above, and this thread's for good.
        let worker = unsafe { settle(seat) };
        RESIDENTS.lock().unwrap_or_else(PoisonError::into_inner).push(self.clone());
        // SAFETY: as above, and kept for good.
        unsafe { current::settle(worker) };
    }

    fn is_resident(&self, worker: &Worker<Os>) -> bool {
        self.core.staff.has_resident() && worker.index() == 0
    }

    /// Before a thread of the pool is started.
    pub(super) fn thread_comes(&self) {
        self.serving.try_add(1).expect("the handle is counted, and seats are fewer than a latch can count");
    }

    /// A thread has served, or never will.
    pub(super) fn thread_left(&self) {
        self.serving.count_down().expect("once for each thread, and once for the handle");
    }

    /// Blocks until every thread has left. Called after the handle has.
    pub(super) fn wait_for_threads(&self) {
        self.serving.wait().expect("nobody poisons it");
    }

    /// Queues a task from a worker of this pool, or from outside unless the pool is draining.
    pub(super) fn submit(&self, order: Order, task: TaskRef<Os>) -> Result<(), TaskRef<Os>> {
        current::with_worker_of(&self.core, |worker| match worker {
            // Part of work that was accepted already, unless a guest came too late. A resident stays, and may run it yet.
            Some(worker) if self.core.lifecycle.is_closed() && !self.is_resident(worker) => Err(task),
            Some(worker) => {
                self.core.task_accepted();
                match order {
                    Order::By(priority) => worker.push_with(priority, task),
                    // SAFETY: a seat outlives its pool's tasks.
                    Order::Fifo => unsafe { worker.push_fifo(&worker.seat().lanes.fifo, task) },
                }
                Ok(())
            }
            None => match self.core.hold(false) {
                Some(_hold) => {
                    self.core.task_accepted();
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

/// The handle of an accepted task.
///
/// # Panics
///
/// If the pool is shutting down, or was inherited.
pub(super) fn accepted<T, F>(pool: &Core<Os>, queued: Result<T, F>) -> T {
    queued.unwrap_or_else(|_| {
        pool.assert_not_inherited();
        panic!("the pool is shutting down")
    })
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
