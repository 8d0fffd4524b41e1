//! A spawned task and the handle to its result.

use core::fmt;
use core::future::Future;
use core::mem;
use core::pin::Pin;
use core::ptr::NonNull;
use core::task::{Context, Poll, Waker};

use std::boxed::Box;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, Thread};

use reveille_futex::Os;
use reveille_futex::sync::atomic::{AtomicBool, Ordering};

use super::abandoned::Cancelled;
use super::inner::{Inner, Order};
use crate::Worker;
use crate::current;
use crate::idle::Event;
use crate::job::{Job, Task, TaskRef};
use crate::seat::Seat;
use crate::unwind;

/// The task and, later, its result, shared by the queue and the handle.
#[repr(C)]
struct Spawned<F, T> {
    task: Task<Os>,
    pool: Arc<Inner>,
    shared: Shared<T>,
    f: Mutex<Option<F>>,
}

/// What the handle sees.
struct Shared<T> {
    /// Set, under the lock, when the result is there.
    done: AtomicBool,
    /// Set, under the lock, when the task was set aside by `shutdown_now`.
    aside: AtomicBool,
    state: Mutex<State<T>>,
}

enum State<T> {
    /// Not done; somebody may wait.
    Running(Waiter),
    /// Not begun, and no worker will; somebody may wait.
    Aside(Waiter),
    /// Not done, and nobody will ask.
    Detached,
    /// Done.
    Done(thread::Result<T>),
    /// The result was taken.
    Taken,
}

enum Waiter {
    Nobody,
    /// A worker of the same pool, by its seat.
    Worker(*const Seat<Os>),
    Thread(Thread),
    Future(Waker),
}

// SAFETY: the seat is only used to wake its park word, which any thread may do.
unsafe impl Send for Waiter {}

/// The result of a spawned task: join it, await it, or drop it to let the task go its way.
///
/// ```
/// use reveille_pool::ThreadPoolBuilder;
///
/// let pool = ThreadPoolBuilder::new().num_threads(1).build().unwrap();
/// let answer = pool.spawn(|| 6 * 7);
/// assert_eq!(answer.join().unwrap(), 42);
/// ```
#[must_use = "dropping the handle detaches the task; say `.detach()` if that is meant"]
pub struct JoinHandle<T>(Option<Arc<dyn Outcome<T>>>);

trait Outcome<T>: Send + Sync {
    fn shared(&self) -> &Shared<T>;
    fn pool(&self) -> &Arc<Inner>;
    /// Runs the task here unless it has begun or was dropped; whether it did.
    fn run_here(&self) -> bool;
}

impl<F: FnOnce() -> T + Send, T: Send> Outcome<T> for Spawned<F, T> {
    fn shared(&self) -> &Shared<T> {
        &self.shared
    }

    fn pool(&self) -> &Arc<Inner> {
        &self.pool
    }

    fn run_here(&self) -> bool {
        let Some(f) = lock(&self.f).take() else { return false };
        self.finish(unwind::catch(f));
        true
    }
}

// SAFETY: the link of the task belongs to the queue; all else is Sync by its locks.
unsafe impl<F: Send, T: Send> Sync for Spawned<F, T> {}
// SAFETY: as above.
unsafe impl<F: Send, T: Send> Send for Spawned<F, T> {}

/// Queues `f` on the pool, or gives it back.
pub(super) fn spawn<F, T>(pool: &Arc<Inner>, order: Order, f: F) -> Result<JoinHandle<T>, F>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    let spawned = Arc::new(Spawned {
        task: Task::new(Spawned::<F, T>::run),
        pool: pool.clone(),
        shared: Shared {
            done: AtomicBool::new(false),
            aside: AtomicBool::new(false),
            state: Mutex::new(State::Running(Waiter::Nobody)),
        },
        f: Mutex::new(Some(f)),
    });
    let queued = NonNull::from(&*spawned).cast();
    mem::forget(spawned.clone()); // the queue's share, which `run` takes over
    // SAFETY: that share keeps it alive; closure and result are Send.
    match pool.submit(order, unsafe { TaskRef::new(queued) }) {
        Ok(()) => Ok(JoinHandle(Some(spawned))),
        Err(_) => {
            // SAFETY: the share forgotten above, which nobody has taken over.
            unsafe { Arc::decrement_strong_count(&raw const *spawned) };
            let f = lock(&spawned.f).take();
            Err(f.expect("only `run` takes it, and the task was not queued"))
        }
    }
}

impl<F, T> Spawned<F, T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    /// # Safety
    ///
    /// `this` carries the queue's share, and runs once.
    unsafe fn run(this: NonNull<Job<Os>>, worker: &Worker<Os>) {
        // SAFETY: the share that `spawn` has forgotten.
        let this = unsafe { Arc::from_raw(this.cast::<Self>().as_ptr()) };
        if this.pool.abandoned.has_begun() && this.set_aside() {
            let task = Unrun(this.clone());
            this.pool.abandoned.keep(Box::new(move || {
                task.0.run_here();
            }));
        } else {
            current::scoped(worker, || this.run_here());
        }
        this.pool.core().task_ended();
    }

    /// Tells the handle that no worker will run the task; `false` if a worker sleeps until it has run.
    fn set_aside(&self) -> bool {
        let mut state = lock(&self.shared.state);
        match &mut *state {
            State::Running(Waiter::Worker(_)) => return false,
            State::Running(waiter) => *state = State::Aside(mem::replace(waiter, Waiter::Nobody)),
            _ => {}
        }
        self.shared.aside.store(true, Ordering::Release); // pairs with `Finished::is_done`
        true
    }
}

impl<F, T> Spawned<F, T> {
    fn finish(&self, result: thread::Result<T>) {
        let mut state = lock(&self.shared.state);
        match mem::replace(&mut *state, State::Taken) {
            State::Running(waiter) | State::Aside(waiter) => {
                *state = State::Done(result);
                self.shared.done.store(true, Ordering::Release); // pairs with `is_finished`
                drop(state); // never wake under a lock
                waiter.wake();
            }
            _ => {
                drop(state);
                if let Err(payload) = result {
                    self.pool.nobody_waits(payload);
                }
            }
        }
    }
}

/// A task that was set aside. If it is dropped before it ran, it is cancelled.
struct Unrun<F, T>(Arc<Spawned<F, T>>);

impl<F, T> Drop for Unrun<F, T> {
    fn drop(&mut self) {
        let unrun = lock(&self.0.f).take();
        if unrun.is_some() {
            drop(unrun);
            self.0.finish(Err(Box::new(Cancelled)));
        }
    }
}

impl Inner {
    /// A panic of a task whose handle is gone.
    pub(super) fn nobody_waits(&self, payload: unwind::Payload) {
        match &self.panic {
            _ if payload.is::<Cancelled>() => {} // no panic
            Some(handler) => {
                if unwind::catch(|| handler(payload)).is_err() {
                    std::process::abort(); // as rayon does: there is nowhere left to report it
                }
            }
            None => std::process::abort(),
        }
    }
}

impl Waiter {
    fn wake(self) {
        match self {
            Waiter::Nobody => {}
            Waiter::Worker(seat) => {
                // SAFETY: the waiting worker is in a call of the pool, whose seats live longer.
                let seat = unsafe { &*seat };
                seat.core().sleep.wake(&seat.park);
            }
            Waiter::Thread(thread) => thread.unpark(),
            Waiter::Future(waker) => waker.wake(),
        }
    }
}

impl<T> JoinHandle<T> {
    /// Blocks until the task is done and returns its result, or its panic as an error.
    ///
    /// A worker of the same pool runs other tasks meanwhile; any other thread sleeps.
    ///
    /// # Errors
    ///
    /// The payload, if the task panicked; [`Cancelled`], if it was given up by
    /// [`shutdown_now`](crate::ThreadPool::shutdown_now).
    ///
    /// # Panics
    ///
    /// In a child process that inherited the pool over fork(2), if the task is not done.
    pub fn join(mut self) -> thread::Result<T> {
        let outcome = self.0.take().expect("only `join` and `drop` take it");
        let shared = outcome.shared();
        let core = outcome.pool().core();
        if !shared.is_done() {
            core.assert_not_inherited();
        }
        current::with_worker_of(core, |worker| {
            if let Some(worker) = worker {
                worker.work_until(&Finished { shared, seat: worker.seat() });
                if shared.is_done() || outcome.run_here() {
                    return; // set aside: part of a task that is still to finish
                }
            }
            while shared.wait_by(|| Waiter::Thread(thread::current())) {
                thread::park();
            }
        });
        shared.take().expect("done, and taken once")
    }

    /// Whether the task is done: then [`join`](Self::join) does not block.
    pub fn is_finished(&self) -> bool {
        self.0.as_ref().is_some_and(|outcome| outcome.shared().is_done())
    }

    /// Lets the task run on its own. If it panics, the pool's panic handler gets the payload; without one, the process
    /// aborts.
    pub fn detach(self) {}
}

impl<T> Drop for JoinHandle<T> {
    fn drop(&mut self) {
        let Some(outcome) = self.0.take() else { return };
        let mut state = lock(&outcome.shared().state);
        let before = mem::replace(&mut *state, State::Detached);
        drop(state);
        if let State::Done(Err(payload)) = before {
            outcome.pool().nobody_waits(payload);
        }
    }
}

impl<T> Future for JoinHandle<T> {
    type Output = thread::Result<T>;

    /// Ready with what [`join`](JoinHandle::join) would return. Dropping the future detaches the task.
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let outcome = self.0.as_ref().expect("polled after it was ready");
        if outcome.shared().wait_by(|| Waiter::Future(cx.waker().clone())) {
            return Poll::Pending;
        }
        let result = outcome.shared().take().expect("done, and taken once");
        self.0 = None;
        Poll::Ready(result)
    }
}

impl<T> Unpin for JoinHandle<T> {}

impl<T> fmt::Debug for JoinHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinHandle").field("finished", &self.is_finished()).finish()
    }
}

impl<T> Shared<T> {
    fn is_done(&self) -> bool {
        self.done.load(Ordering::Acquire) // pairs with the store in `run`
    }

    /// Leaves a waiter to be woken; `false` if the task is done.
    fn wait_by(&self, waiter: impl FnOnce() -> Waiter) -> bool {
        let mut state = lock(&self.state);
        match &mut *state {
            State::Running(slot) => {
                *slot = waiter();
                true
            }
            State::Aside(slot) => match waiter() {
                Waiter::Worker(_) => false, // it runs the task itself
                waiter => {
                    *slot = waiter;
                    true
                }
            },
            _ => false,
        }
    }

    fn take(&self) -> Option<thread::Result<T>> {
        match mem::replace(&mut *lock(&self.state), State::Taken) {
            State::Done(result) => Some(result),
            _ => None,
        }
    }
}

/// A worker's wait for a spawned task.
struct Finished<'a, T> {
    shared: &'a Shared<T>,
    seat: *const Seat<Os>,
}

impl<T> Event for Finished<'_, T> {
    fn is_done(&self) -> bool {
        // Acquire: pairs with `set_aside`.
        self.shared.is_done() || self.shared.aside.load(Ordering::Acquire)
    }

    fn watch(&self) -> bool {
        self.shared.wait_by(|| Waiter::Worker(self.seat))
    }
}

/// No code of the user runs under these locks, so poison says nothing.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
