//! Calls into a pool that wait for their end, and what the caller does meanwhile.
//!
//! | the caller is | `enter` | `run_on_thread` | `in_place_scope` |
//! |---|---|---|---|
//! | a thread of the pool | goes on | goes on | goes on, and works while it waits |
//! | a guest of the pool | goes on | works for the pool while it waits | goes on, and works while it waits |
//! | a worker of another pool | takes a guest's seat | works for its own pool while it waits | works for its own pool while it waits |
//! | any other thread | takes a guest's seat | blocks | blocks |

use core::ptr::{self, NonNull};

use reveille_futex::Os;

use super::inner::Inner;
use crate::fifo::ScopeFifo;
use crate::idle::pause;
use crate::job::{Job, Task, TaskRef};
use crate::pool::visit;
use crate::scope::{Keeper, Scope};
use crate::seat::Seat;
use crate::shared::Core;
use crate::signal::Signal;
use crate::{Worker, current, unwind};

/// How often a caller that would block looks whether its call has ended, before it blocks: about 1.5 us, in which a short
/// call is over if a thread of the pool is awake. It does not yield: on a busy machine that costs a turn of everybody else's,
/// milliseconds, while a thread that blocked is run as soon as it is woken.
const LOOKS: u32 = 6;

impl Inner {
    /// Runs `f` as a worker of this pool: as the one that this thread is already, on a guest's seat, or, if all of those
    /// are taken, on a thread of the pool.
    pub(super) fn enter<R, F>(&self, f: F) -> R
    where
        F: FnOnce(&Worker<Os>) -> R + Send,
        R: Send,
    {
        current::with_worker_of(self.core(), |worker| match worker {
            Some(worker) => f(worker),
            None => self.enter_from_outside(f),
        })
    }

    fn enter_from_outside<R, F>(&self, f: F) -> R
    where
        F: FnOnce(&Worker<Os>) -> R + Send,
        R: Send,
    {
        self.core().assert_not_inherited();
        match self.guest_seat() {
            Some(seat) => self.visit(seat, f),
            None => self.send(f),
        }
    }

    /// A seat that was free and is this thread's now.
    fn guest_seat(&self) -> Option<&Seat<Os>> {
        self.guests().iter().find(|seat| seat.occupy())
    }

    fn visit<R>(&self, seat: &Seat<Os>, f: impl FnOnce(&Worker<Os>) -> R) -> R {
        // A pool with a resident does not see who is at work, but it sees this.
        let _hold = self.core().staff.has_resident().then(|| self.core().hold(true));
        visit(seat, |worker| current::scoped(worker, || f(worker)))
    }

    /// Runs `f` on a thread of the pool: on this one, if it is one.
    pub(super) fn run_on_thread<R, F>(&self, f: F) -> R
    where
        F: FnOnce(&Worker<Os>) -> R + Send,
        R: Send,
    {
        current::with_worker_of(self.core(), |worker| match worker.filter(|worker| worker.thread_index().is_some()) {
            Some(worker) => f(worker),
            None => {
                self.core().assert_not_inherited();
                self.send(f)
            }
        })
    }

    /// Sends `f` to a thread of the pool, and waits. If the pool takes nothing more, `f` runs here, as a guest.
    fn send<R, F>(&self, f: F) -> R
    where
        F: FnOnce(&Worker<Os>) -> R + Send,
        R: Send,
    {
        let Some(_hold) = self.core().hold(false) else { return self.alone(f) };
        current::with_worker(|worker| {
            let (waiter, keeper) = match worker {
                Some(worker) => (&raw const *worker.seat(), keeper(worker)),
                None => (ptr::null(), None),
            };
            let mut call = Call {
                task: Task::new(Call::<F, R>::run),
                f: Some(f),
                result: None,
                done: Signal::new(),
                waiter,
                keeper,
            };
            let this = NonNull::from(&mut call);
            // SAFETY: this frame lives until the task is done; `f` and its result are Send.
            self.core().inject(unsafe { TaskRef::new(this.cast()) });
            // SAFETY: the frame is shared with the task until the signal, which may be read.
            let done = unsafe { &(*this.as_ptr()).done };
            match worker {
                Some(worker) => worker.work_until(done),
                None => block(done),
            }
            match call.result.expect("written before the signal") {
                Ok(result) => result,
                Err(payload) => unwind::resume(payload),
            }
        })
    }

    /// Runs `f` as a guest of a pool whose threads have left, or are about to.
    fn alone<R>(&self, f: impl FnOnce(&Worker<Os>) -> R) -> R {
        loop {
            if let Some(seat) = self.guest_seat() {
                return self.visit(seat, f);
            }
            std::thread::yield_now(); // the others who came late leave one by one
        }
    }
}

/// What keeps a worker's pool alive.
fn keeper(worker: &Worker<Os>) -> Keeper {
    // SAFETY: only a `ThreadPool` makes its workers current, and this one is at work.
    Some(unsafe { Inner::of(worker.core()) })
}

/// A guest has found a call that is for a thread of the pool: one of them gets it.
#[cold]
fn forward(task: TaskRef<Os>, guest: &Worker<Os>) {
    let core = guest.core();
    // A resident reads its mail only when it waits.
    let threads = match core.thread_seats() {
        [_resident, others @ ..] if core.staff.has_resident() && !others.is_empty() => others,
        all => all,
    };
    core.mail(&threads[guest.seat().random() % threads.len()], task);
}

/// Blocks until the event has happened, after a few looks.
fn block(done: &Signal) {
    for round in 0..LOOKS {
        if done.is_done() {
            return;
        }
        pause(1 << round, done);
    }
    done.block::<Os>();
}

/// Runs `f` here with a scope whose tasks run on the pool's workers.
pub(super) fn in_place_scope<'scope, R>(core: &Core<Os>, f: impl FnOnce(&Scope<'scope>) -> R) -> R {
    current::with_worker(|worker| match worker {
        Some(worker) if ptr::eq(worker.core(), core) => worker.scope(f),
        outsider => {
            core.assert_not_inherited();
            let Some(_hold) = core.hold(false) else {
                // SAFETY: only a `ThreadPool` has threads, and its caller keeps it.
                return unsafe { Inner::of(core) }.alone(|worker| worker.scope(f));
            };
            match outsider {
                Some(worker) => Scope::visiting(core, worker, keeper(worker), f),
                None => Scope::blocking(core, f),
            }
        }
    })
}

/// [`in_place_scope`], with the order of [`ScopeFifo`].
pub(super) fn in_place_scope_fifo<'scope, R>(core: &Core<Os>, f: impl FnOnce(&ScopeFifo<'scope>) -> R) -> R {
    let ordered = ScopeFifo::new(core);
    in_place_scope(core, |scope| f(ordered.within(scope)))
}

/// A call that waits for a thread of the pool, in the frame of the caller.
#[repr(C)]
struct Call<F, R> {
    task: Task<Os>,
    f: Option<F>,
    result: Option<std::thread::Result<R>>,
    done: Signal,
    /// The worker that waits; null if a thread that is none does, which blocks on the signal.
    waiter: *const Seat<Os>,
    /// Keeps the waiter's pool until the waiter has been told.
    keeper: Keeper,
}

impl<F, R> Call<F, R>
where
    F: FnOnce(&Worker<Os>) -> R + Send,
    R: Send,
{
    /// # Safety
    ///
    /// `this` is such a call, live until its signal is set, and runs once.
    unsafe fn run(this: NonNull<Job<Os>>, worker: &Worker<Os>) {
        if worker.thread_index().is_none() {
            // SAFETY: not run yet, and nobody else has it.
            return forward(unsafe { TaskRef::new(this.cast()) }, worker);
        }
        let this = this.cast::<Self>().as_ptr();
        // SAFETY: the caller waits, so the frame is this task's.
        let f = unsafe { &mut (*this).f }.take();
        let result = f.map(|f| unwind::catch(|| current::scoped(worker, || f(worker))));
        // SAFETY: as above.
        unsafe { (*this).result = result };
        // SAFETY: as above. The waiter's pool may go as soon as it is told, before it is woken (M25).
        let _kept = unsafe { &(*this).keeper }.clone();
        // SAFETY: as above.
        let waiter = unsafe { (*this).waiter };
        // SAFETY: as above.
        let done = unsafe { &raw const (*this).done };
        // SAFETY: live until it is set.
        if unsafe { Signal::set::<Os>(done) } {
            // SAFETY: a worker waits, whose pool is kept.
            let waiter = unsafe { &*waiter };
            waiter.core().sleep.wake(&waiter.park);
        }
    }
}
