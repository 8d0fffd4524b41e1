//! A worker: the thread or core that occupies a seat. What it offers is in the files named after that: `join.rs`, `parallel.rs`,
//! `scope`, `yielding.rs`.

use core::fmt;
use core::marker::PhantomData;

use reveille_futex::{Os, Platform};

use crate::events::Event;
use crate::job::TaskRef;
use crate::linked::QUEUES;
use crate::seat::Seat;
use crate::shared::Core;
use crate::sleep::counters::Counts;
use crate::yielding::Yield;

/// The context of a thread that works for a pool: who forks, and where to.
///
/// A worker is borrowed from `run_worker`, `enter` or a task, never owned, and belongs to one thread: it is neither `Send`
/// nor `Sync`, and a task that runs elsewhere gets that thread's worker.
///
/// ```
/// use reveille_pool::{Pool, Worker};
///
/// static POOL: Pool<2, 64> = Pool::new();
///
/// fn sum(worker: &Worker, numbers: &[u64]) -> u64 {
///     if numbers.len() < 4 {
///         return numbers.iter().sum();
///     }
///     let (left, right) = numbers.split_at(numbers.len() / 2);
///     let (left, right) = worker.join(|w| sum(w, left), |w| sum(w, right));
///     left + right
/// }
///
/// let numbers: Vec<u64> = (0..1_000).collect();
/// assert_eq!(POOL.enter(|worker| sum(worker, &numbers)).unwrap(), 499_500);
/// ```
#[repr(transparent)]
pub struct Worker<P: Platform = Os> {
    seat: Seat<P>,
    /// The seat's owner methods are for one thread.
    not_sync: PhantomData<*mut ()>,
}

impl<P: Platform> Worker<P> {
    /// # Safety
    ///
    /// The caller occupies the seat, and this reference stays on its thread.
    #[inline]
    pub(crate) unsafe fn of(seat: &Seat<P>) -> &Self {
        // SAFETY: `repr(transparent)`.
        unsafe { &*(&raw const *seat).cast() }
    }

    #[inline]
    pub(crate) fn seat(&self) -> &Seat<P> {
        &self.seat
    }

    #[inline]
    pub(crate) fn core(&self) -> &Core<P> {
        self.seat.core()
    }

    /// The number of this worker's seat, from 0.
    pub fn index(&self) -> usize {
        self.seat.index()
    }

    /// How many threads work for the pool at once.
    pub fn num_threads(&self) -> usize {
        self.core().parallelism()
    }

    /// Queues a task that others may take, and tells the sleepers.
    pub(crate) fn push(&self, task: TaskRef<P>) {
        QUEUES.before(|| {
            // SAFETY: this thread owns the seat, and with it the deque.
            let owner = unsafe { self.seat.tasks.pusher() };
            match owner.try_push(task) {
                Ok(()) => self.posted(),
                Err(full) => self.core().inject(full.0.linkable()), // no room: the injector needs none
            }
        });
    }

    /// Leaves the seat: what this worker has queued and not run goes to the others.
    pub(crate) fn leave(&self) {
        if QUEUES.is_open() {
            self.leave_tasks();
        }
        self.seat.vacate();
        self.core().left();
    }

    /// Before it leaves: what it has queued, and what was queued while the pool closed.
    fn leave_tasks(&self) {
        // SAFETY: this thread owns the seat, and with it the deque.
        let owner = unsafe { self.seat.tasks.owner() };
        while let Some(task) = owner.pop() {
            self.core().injector.push(task.linkable());
        }
        if self.core().has_injected() && self.core().lifecycle.has_closed_over() {
            while self.run_one() == Yield::Executed {}
        }
    }

    /// Tells the pool's observer, if it has one.
    #[inline]
    pub(crate) fn tell(&self, event: Event) {
        self.core().events.tell(|| self.index(), event);
    }

    /// Tells the sleepers of work that was published before this call.
    #[inline]
    pub(crate) fn posted(&self) {
        if let Some(counts) = self.core().sleep.post() {
            self.wake_another(counts);
        }
    }

    #[cfg_attr(not(all(target_os = "none", target_pointer_width = "32")), inline(never))]
    fn wake_another(&self, counts: Counts) {
        if self.core().wake_another(counts, self.index()) {
            self.seat.stats.wakes.add_one();
            self.tell(Event::Wake);
        }
    }
}

impl<P: Platform> fmt::Debug for Worker<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker").field("index", &self.index()).finish_non_exhaustive()
    }
}
