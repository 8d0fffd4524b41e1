//! A worker: the thread or core that occupies a seat, and the fork-join it offers.
//!
//! The fast path of `join` is in this file; what it does is in `stack.rs`.

use core::fmt;
use core::marker::PhantomData;
use core::mem::{self, ManuallyDrop, MaybeUninit};
use core::ptr::NonNull;

use reveille_futex::sync::cell::UnsafeCell;
use reveille_futex::{Os, Platform};

use crate::events::Event;
use crate::idle::WaitPolicy;
use crate::job::{Job, TaskRef};
use crate::linked::{LEAPFROGS, QUEUES};
use crate::seat::Seat;
use crate::shared::Core;
use crate::sleep::counters::Counts;
use crate::stack::{Joined, Slot};
use crate::unwind::{self, Payload};
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

    /// Runs `a` and `b`, perhaps in parallel, and returns both results.
    ///
    /// `a` runs here, at once. `b` can meanwhile be taken by an idle worker; if none did, it runs here, after `a`. A fork
    /// that nobody takes costs a few stores and two comparisons: no lock, no fence, no read-modify-write, no allocation.
    ///
    /// *Blocking.* If `b` was taken, this worker runs other tasks until it is done, and sleeps if there are none:
    /// [`WaitPolicy::Any`]. A program in which `a` waits for something that `b` does completes, provided another worker is
    /// idle. Deeper than the pool's capacity, both run here in sequence.
    ///
    /// *Memory ordering.* What happens before the call happens before `a` and `b`; both happen before it returns.
    ///
    /// # Panics
    ///
    /// With `std`: both sides run even if one panics, and the first panic resumes here: that of `a`, if both do. Without:
    /// a panic of `b` on another worker, or on top of one of `a`, aborts.
    #[inline(always)]
    pub fn join<A, B, RA, RB>(&self, a: A, b: B) -> (RA, RB)
    where
        A: FnOnce(&Worker<P>) -> RA,
        B: FnOnce(&Worker<P>) -> RB + Send,
        RB: Send,
    {
        self.join_with(WaitPolicy::Any, a, b)
    }

    /// [`join`](Self::join), with a policy for what this worker does while another one has `b`.
    #[inline(always)]
    pub fn join_with<A, B, RA, RB>(&self, policy: WaitPolicy, a: A, b: B) -> (RA, RB)
    where
        A: FnOnce(&Worker<P>) -> RA,
        B: FnOnce(&Worker<P>) -> RB + Send,
        RB: Send,
    {
        if policy == WaitPolicy::Leapfrog {
            LEAPFROGS.before(|| ());
        }
        <A as Beside>::join(self, policy, a, b)
    }

    /// [`join`](Self::join) for a function that passes on closures of its caller's, of which `T` is one.
    #[doc(hidden)]
    #[inline(always)]
    pub fn join_beside<T, A, B, RA, RB>(&self, _: PhantomData<T>, a: A, b: B) -> (RA, RB)
    where
        A: FnOnce(&Worker<P>) -> RA,
        B: FnOnce(&Worker<P>) -> RB + Send,
        RB: Send,
    {
        <T as Beside>::join(self, WaitPolicy::Any, a, b)
    }

    /// Publishes, and wakes somebody; `false` if the stack is full.
    #[cold]
    #[inline(never)]
    fn fork_slowly(&self, slot: *const Slot<Job<P>>) -> bool {
        let stack = &self.seat.stack;
        let fits = !stack.take_back_if_full(slot);
        if (fits || !stack.is_eager()) && stack.publish() {
            self.seat.stats.published.add_one();
            self.posted();
        }
        fits
    }

    /// A join deeper than the stack.
    #[cold]
    #[inline(never)]
    fn join_in_sequence<A, B, RA, RB>(&self, a: A, task: JoinTask<P, B, RB>) -> (RA, RB)
    where
        A: FnOnce(&Worker<P>) -> RA,
        B: FnOnce(&Worker<P>) -> RB + Send,
        RB: Send,
    {
        // SAFETY: the fork was taken back, so nobody else runs the task.
        let b = unsafe { task.take() };
        match unwind::catch(|| a(self)) {
            Ok(ra) => (ra, b(self)),
            Err(payload) => {
                unwind::swallow(|| drop(b(self)));
                unwind::resume(payload)
            }
        }
    }

    /// The slow half of a join: reclaims the slot (`true`), or waits for its thief.
    #[cold]
    #[inline(never)]
    fn take_back(&self, slot: *const Slot<Job<P>>, policy: WaitPolicy) -> bool {
        match self.seat.stack.reclaim(slot) {
            Joined::Mine => true,
            Joined::Stolen => {
                // SAFETY: the slot is this worker's until it is retired.
                self.wait_for_slot(unsafe { &*slot }, policy);
                // SAFETY: its fork returned it.
                unsafe { self.seat.stack.retire(slot) };
                false
            }
        }
    }

    /// The end of a join whose first half panics.
    #[cold]
    #[inline(never)]
    fn join_unwinding<B, R>(&self, slot: *const Slot<Job<P>>, task: &JoinTask<P, B, R>, policy: WaitPolicy)
    where
        B: FnOnce(&Worker<P>) -> R + Send,
        R: Send,
    {
        let result = if self.seat.stack.pop(slot) || self.take_back(slot, policy) {
            // SAFETY: the slot was taken back.
            let b = unsafe { task.take() };
            unwind::catch(|| b(self))
        } else {
            task.result.with_mut(|place| {
                // SAFETY: `take_back` waited for the thief, who has written it.
                let place = unsafe { &mut *place };
                // SAFETY: as above, and read once.
                unsafe { place.assume_init_read() }
            })
        };
        // The first panic resumes; a second one, from this value's own drop included, goes nowhere.
        unwind::swallow(|| drop(result));
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

/// A join as a function of its own, in the module of the type that implements this: the caller's closure.
///
/// *Of its own*, so that a recursion tests for its end before it makes a frame that can fork: half of the calls of a binary
/// recursion end there. *In that module*, because the compiler sees best through calls within a unit of code generation,
/// and it makes those of modules: then the recursion itself is inlined here. Row "fork that nobody steals" of
/// `benches/instructions.rs` shows what it is worth.
trait Beside {
    #[inline(never)]
    fn join<P, A, B, RA, RB>(worker: &Worker<P>, policy: WaitPolicy, a: A, b: B) -> (RA, RB)
    where
        P: Platform,
        A: FnOnce(&Worker<P>) -> RA,
        B: FnOnce(&Worker<P>) -> RB + Send,
        RB: Send,
    {
        let task = JoinTask::new(b);
        let stack = &worker.seat.stack;
        // SAFETY: the seat is attached; every path below takes the slot back once, after those of the forks inside `a`.
        let slot = unsafe { stack.fork(task.as_job()) };
        if stack.is_wanted(slot) && !worker.fork_slowly(slot) {
            return worker.join_in_sequence(a, task);
        }
        let unwinding = Unwinding { worker, slot, task: &task, policy };
        let ra = a(worker);
        mem::forget(unwinding);
        if stack.pop(slot) || worker.take_back(slot, policy) {
            // SAFETY: the slot was taken back, so nobody else runs the task.
            let b = unsafe { task.take() };
            return (ra, b(worker));
        }
        // SAFETY: `take_back` waited for the thief.
        match unsafe { task.into_result() } {
            Ok(rb) => (ra, rb),
            Err(payload) => unwind::resume(payload),
        }
    }
}

impl<T> Beside for T {}

/// The second half of a join, in the frame of the join.
#[repr(C)]
struct JoinTask<P: Platform, B, R> {
    job: Job<P>,
    func: UnsafeCell<ManuallyDrop<B>>,
    /// Written by a thief, before the slot is done.
    result: UnsafeCell<MaybeUninit<Result<R, Payload>>>,
}

impl<P: Platform, B, R> JoinTask<P, B, R>
where
    B: FnOnce(&Worker<P>) -> R + Send,
    R: Send,
{
    #[inline(always)]
    fn new(func: B) -> Self {
        JoinTask {
            job: Job::new(Self::run_stolen),
            func: UnsafeCell::new(ManuallyDrop::new(func)),
            result: UnsafeCell::new(MaybeUninit::uninit()),
        }
    }

    #[inline(always)]
    fn as_job(&self) -> *mut Job<P> {
        (&raw const *self).cast_mut().cast()
    }

    /// # Safety
    ///
    /// Called once, by whoever has the slot.
    #[inline(always)]
    unsafe fn take(&self) -> B {
        self.func.with_mut(|func| {
            // SAFETY: the slot's holder is the only one here.
            let func = unsafe { &mut *func };
            // SAFETY: taken once.
            unsafe { ManuallyDrop::take(func) }
        })
    }

    /// # Safety
    ///
    /// A thief has run the task, and that happens before this call.
    unsafe fn into_result(self) -> Result<R, Payload> {
        // SAFETY: the thief has written it.
        unsafe { self.result.into_inner().assume_init() }
    }

    unsafe fn run_stolen(this: NonNull<Job<P>>, worker: &Worker<P>) {
        // SAFETY: the job is the first field of this task, which its owner keeps until the slot is done.
        let this = unsafe { this.cast::<Self>().as_ref() };
        // SAFETY: whoever calls this has claimed the slot.
        let func = unsafe { this.take() };
        let result = unwind::catch(|| func(worker));
        this.result.with_mut(|place| {
            // SAFETY: nobody else writes it, and the owner reads it when the slot is done.
            unsafe { (*place).write(result) };
        });
    }
}

/// Runs or awaits the second half if the first one unwinds: its frame is about to go (J5).
struct Unwinding<'a, P, B, R>
where
    P: Platform,
    B: FnOnce(&Worker<P>) -> R + Send,
    R: Send,
{
    worker: &'a Worker<P>,
    slot: *const Slot<Job<P>>,
    task: &'a JoinTask<P, B, R>,
    policy: WaitPolicy,
}

impl<P, B, R> Drop for Unwinding<'_, P, B, R>
where
    P: Platform,
    B: FnOnce(&Worker<P>) -> R + Send,
    R: Send,
{
    /// Passes the fields on by value: then they stay in registers while the first half runs, and a fork does not store them.
    #[inline(always)]
    fn drop(&mut self) {
        self.worker.join_unwinding(self.slot, self.task, self.policy);
    }
}
