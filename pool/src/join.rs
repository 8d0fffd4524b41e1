//! Fork and join: the fast path. What the stack behind it does is in `stack.rs`.

use core::marker::PhantomData;
use core::mem::{self, ManuallyDrop, MaybeUninit};
use core::ptr::NonNull;

use reveille_futex::Platform;
use reveille_futex::sync::cell::UnsafeCell;

use crate::Worker;
use crate::idle::WaitPolicy;
use crate::job::Job;
use crate::linked::LEAPFROGS;
use crate::stack::{Joined, Slot};
use crate::unwind::{self, Payload};

impl<P: Platform> Worker<P> {
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
        self.join_as::<A, _, _, _, _>(policy, a, b)
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
        self.join_as::<T, _, _, _, _>(WaitPolicy::Any, a, b)
    }

    #[inline(always)]
    fn join_as<T, A, B, RA, RB>(&self, policy: WaitPolicy, a: A, b: B) -> (RA, RB)
    where
        A: FnOnce(&Worker<P>) -> RA,
        B: FnOnce(&Worker<P>) -> RB + Send,
        RB: Send,
    {
        if size_of::<B>() <= IN_REGISTERS {
            <T as Beside>::join(self, policy, a, b)
        } else {
            // SAFETY: a new task, for this join.
            unsafe { <T as Beside>::join_task(self, policy, a, &JoinTask::new(b)) }
        }
    }

    /// Publishes, and wakes somebody; `false` if the stack is full.
    #[cold]
    #[inline(never)]
    fn fork_slowly(&self, slot: *const Slot<Job<P>>) -> bool {
        let stack = &self.seat().stack;
        let fits = !stack.take_back_if_full(slot);
        if (fits || !stack.is_eager()) && stack.publish() {
            self.seat().stats.published.add_one();
            self.posted();
        }
        fits
    }

    /// A join deeper than the stack.
    #[cold]
    #[inline(never)]
    fn join_in_sequence<A, B, RA, RB>(&self, a: A, task: &JoinTask<P, B, RB>) -> (RA, RB)
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
        match self.seat().stack.reclaim(slot) {
            Joined::Mine => true,
            Joined::Stolen => {
                // SAFETY: the slot is this worker's until it is retired.
                self.wait_for_slot(unsafe { &*slot }, policy);
                // SAFETY: its fork returned it.
                unsafe { self.seat().stack.retire(slot) };
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
        let result = if self.seat().stack.pop(slot) || self.take_back(slot, policy) {
            // SAFETY: the slot was taken back.
            let b = unsafe { task.take() };
            unwind::catch(|| b(self))
        } else {
            // SAFETY: `take_back` waited for the thief.
            unsafe { task.take_result() }
        };
        // The first panic resumes; a second one, from this value's own drop included, goes nowhere.
        unwind::swallow(|| drop(result));
    }
}

/// How large a second half may be to go to the join by value: what is passed in registers.
///
/// A larger one would go through memory, and be copied from there into its task. Such a copy reads in one piece what the caller
/// has just stored field by field, and so waits until these stores have left the store buffer, behind all that came before
/// them: two leaves of a recursion would not overlap any more. It is stored once instead, into a task in the caller's frame.
const IN_REGISTERS: usize = 2 * size_of::<usize>();

/// A join as a function of its own, in the module of the type that implements this: the caller's closure.
///
/// *Of its own*, so that a recursion tests for its end before it makes a frame that can fork: half of the calls of a binary
/// recursion end there. *In that module*, because the compiler sees best through calls within a unit of code generation,
/// and it makes those of modules: then the recursion itself is inlined here. Rows "made fork" and "map-reduce" of the
/// benchmarks show what it is worth.
trait Beside {
    #[inline(never)]
    fn join<P, A, B, RA, RB>(worker: &Worker<P>, policy: WaitPolicy, a: A, b: B) -> (RA, RB)
    where
        P: Platform,
        A: FnOnce(&Worker<P>) -> RA,
        B: FnOnce(&Worker<P>) -> RB + Send,
        RB: Send,
    {
        // SAFETY: a new task, for this join.
        unsafe { fork_and_join(worker, policy, a, &JoinTask::new(b)) }
    }

    /// # Safety
    ///
    /// As [`fork_and_join`].
    #[inline(never)]
    unsafe fn join_task<P, A, B, RA, RB>(
        worker: &Worker<P>,
        policy: WaitPolicy,
        a: A,
        task: &JoinTask<P, B, RB>,
    ) -> (RA, RB)
    where
        P: Platform,
        A: FnOnce(&Worker<P>) -> RA,
        B: FnOnce(&Worker<P>) -> RB + Send,
        RB: Send,
    {
        // SAFETY: the caller's promise.
        unsafe { fork_and_join(worker, policy, a, task) }
    }
}

impl<T> Beside for T {}

/// # Safety
///
/// The task is new, and used for this join only.
#[inline(always)]
unsafe fn fork_and_join<P, A, B, RA, RB>(
    worker: &Worker<P>,
    policy: WaitPolicy,
    a: A,
    task: &JoinTask<P, B, RB>,
) -> (RA, RB)
where
    P: Platform,
    A: FnOnce(&Worker<P>) -> RA,
    B: FnOnce(&Worker<P>) -> RB + Send,
    RB: Send,
{
    let stack = &worker.seat().stack;
    // SAFETY: the seat is attached; every path below takes the slot back once, after those of the forks inside `a`.
    let slot = unsafe { stack.fork(task.as_job()) };
    if stack.is_wanted(slot) && !worker.fork_slowly(slot) {
        return worker.join_in_sequence(a, task);
    }
    let unwinding = Unwinding { worker, slot, task, policy };
    let ra = a(worker);
    mem::forget(unwinding);
    if stack.pop(slot) || worker.take_back(slot, policy) {
        // SAFETY: the slot was taken back, so nobody else runs the task.
        let b = unsafe { task.take() };
        return (ra, b(worker));
    }
    // SAFETY: `take_back` waited for the thief.
    match unsafe { task.take_result() } {
        Ok(rb) => (ra, rb),
        Err(payload) => unwind::resume(payload),
    }
}

/// The second half of a join, in the frame of the join or of its caller.
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
    /// A thief has run the task, and that happens before this call, the only one.
    unsafe fn take_result(&self) -> Result<R, Payload> {
        self.result.with_mut(|place| {
            // SAFETY: the thief is done with it.
            let place = unsafe { &mut *place };
            // SAFETY: the thief has written it, and it is read once.
            unsafe { place.assume_init_read() }
        })
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
