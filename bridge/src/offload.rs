//! Closures that run elsewhere, with their results awaited on the loop.
//!
//! ```text
//!   loop:   run(f) -> Task          drop: QUEUED -> CANCELLED, f never runs
//!   worker: QUEUED -> RUNNING; f; result stored; completion published     RUNNING -> DONE
//!   loop:   completions drained, the waker of each task called; Task ready
//! ```
//!
//! The workers are anybody's: [`Execute`] is a closure that takes a [`Job`]. So this layer knows no pool, and a pool knows
//! no event loop. The workers tell the loop through a bridge: many completions are one signal, and the wakers of the tasks
//! are called on the loop, where waking is cheap.
//!
//! *Invariant.* A task's state is changed under its lock; who takes it from QUEUED owns the closure. No code of the user
//! runs under the lock.

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::any::Any;
use core::fmt;
use core::future::{Future, poll_fn};
use core::mem;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::signal::{Signal, WakerSignal};
use crate::{Attached, Boxed, Bridge, Budget, Closed, Drained, Hold, Receiver};

/// Runs jobs somewhere else than on the loop: a thread pool.
///
/// A closure does: `|job: Job| pool.spawn(move || job.run()).detach()`. Dropping a job instead of running it makes its
/// task fail with [`TaskError::Abandoned`].
pub trait Execute: Send + Sync {
    /// Queues the job. Must not run it before it returns, or the loop would do the work.
    fn execute(&self, job: Job);
}

impl<F: Fn(Job) + Send + Sync> Execute for F {
    fn execute(&self, job: Job) {
        self(job);
    }
}

/// A closure on its way to a worker.
pub struct Job(Option<Box<dyn Run>>);

trait Run: Send {
    /// Runs the closure, unless its task was dropped, and tells the loop.
    fn run(self: Box<Self>);
    /// Drops the closure, and tells the loop.
    fn abandon(self: Box<Self>);
}

impl Job {
    /// Runs the closure, unless its task was dropped. A panic of the closure is carried to the task.
    pub fn run(mut self) {
        if let Some(job) = self.0.take() {
            job.run();
        }
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        if let Some(job) = self.0.take() {
            job.abandon();
        }
    }
}

/// What a closure panicked with.
pub struct Payload(Mutex<Box<dyn Any + Send>>); // the lock makes it Sync

impl Payload {
    /// As `catch_unwind` has it: for `resume_unwind`, or to be looked into.
    pub fn into_inner(self) -> Box<dyn Any + Send> {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Payload").finish_non_exhaustive()
    }
}

/// Why a task has no result.
pub enum TaskError {
    /// The closure panicked.
    Panicked(Payload),
    /// The executor dropped the job: it is shutting down.
    Abandoned,
}

impl fmt::Debug for TaskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TaskError::Panicked(_) => "Panicked(..)",
            TaskError::Abandoned => "Abandoned",
        })
    }
}

impl fmt::Display for TaskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TaskError::Panicked(_) => "the closure panicked",
            TaskError::Abandoned => "the executor dropped the job",
        })
    }
}

impl core::error::Error for TaskError {}

/// A completion, as it travels over the bridge.
type Completion = Boxed<Arc<dyn Finish>>;
type Mail<S> = Bridge<Completion, S>;

trait Finish: Send + Sync {
    /// The waker of the task, if it waits.
    fn waker(&self) -> Option<Waker>;
}

/// Sends closures to an executor and brings their results to the loop.
///
/// ```
/// use reveille_bridge::offload::{Job, Offload};
/// use reveille_bridge::{Budget, Parker};
/// # use std::{future::Future, pin::pin, task::{Context, Poll, Waker}};
///
/// let (offload, mut completions) = Offload::new(|job: Job| drop(std::thread::spawn(move || job.run())), Parker::new());
/// let mut task = pin!(offload.run(|| 6 * 7));
/// let mut context = Context::from_waker(Waker::noop());
/// let answer = loop {
///     match task.as_mut().poll(&mut context) {
///         Poll::Ready(answer) => break answer.unwrap(),
///         Poll::Pending => completions.drain(Budget::ALL).unwrap(), // the loop, whenever it is signalled
///     };
/// };
/// assert_eq!(answer, 42);
/// ```
pub struct Offload<E, S: Signal = WakerSignal> {
    executor: E,
    mail: Arc<Mail<S>>,
}

/// The loop's end of an [`Offload`]: drained when the signal comes, it wakes the tasks that are done.
pub struct Completions<S: Signal = WakerSignal> {
    receiver: Receiver<Arc<Mail<S>>>,
    mail: Arc<Mail<S>>,
}

impl<E: Execute, S: Signal + Send + 'static> Offload<E, S> {
    /// Two ends: one to run closures, one for the loop.
    pub fn new(executor: E, signal: S) -> (Self, Completions<S>) {
        let mail = Arc::new(Mail::new(signal));
        let receiver = match Bridge::attach_to(mail.clone()) {
            Ok(receiver) => receiver,
            Err(Attached) => unreachable!("a new bridge has no receiver"),
        };
        (Offload { executor, mail: mail.clone() }, Completions { receiver, mail })
    }

    /// Runs `f` on the executor; the future is its result. Never blocks; allocates.
    ///
    /// What was done before this call happens before `f`, and `f` happens before the future is ready. Dropping the future
    /// cancels `f` if it was not started; a started one runs on, and its result is dropped. A job not yet delivered
    /// [holds](Hold) the loop.
    pub fn run<F, T>(&self, f: F) -> Task<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let cell = Arc::new(Cell { state: Mutex::new(State::Queued(None)) });
        let completion = Boxed::new(cell.clone() as Arc<dyn Finish>);
        let hold = Hold::new(self.mail.clone());
        let work = Work { f, cell: cell.clone(), completion, hold };
        self.executor.execute(Job(Some(Box::new(work))));
        Task(Some(cell))
    }

    /// How many signals the workers have sent: at most one for each time that the loop slept.
    pub fn edges(&self) -> usize {
        self.mail.edges()
    }

    /// How the loop is told.
    pub fn signal(&self) -> &S {
        self.mail.signal()
    }
}

impl<S: Signal> Completions<S> {
    /// Wakes the tasks that are done, within `budget`. For a loop on descriptors or callbacks.
    ///
    /// # Errors
    ///
    /// As [`Receiver::drain`].
    pub fn drain(&mut self, budget: Budget) -> Result<Drained, Closed> {
        self.receiver.drain(budget, |completion| deliver(&self.mail, completion))
    }

    /// How the loop is told.
    pub fn signal(&self) -> &S {
        self.mail.signal()
    }

    /// Whether jobs are on their way, so that the loop should go on.
    pub fn is_held(&self) -> bool {
        self.receiver.is_held()
    }
}

impl Completions<WakerSignal> {
    /// Wakes the tasks that are done, and again whenever some are: spawn it on the loop's runtime.
    ///
    /// `budget` is for one turn of the loop. Ends only by being dropped; tasks then are woken by the workers themselves.
    pub async fn drive(mut self, budget: Budget) {
        poll_fn(|context| {
            let Self { receiver, mail } = &mut self;
            // Until it is pending, or out of budget: then it was woken again.
            while let Poll::Ready(drained) = receiver.poll_drain(context, budget, |it| deliver(mail, it)) {
                match drained {
                    Ok(Drained { more: true, .. }) => break,
                    Ok(_) => {}
                    Err(Closed) => return Poll::Ready(()),
                }
            }
            Poll::Pending
        })
        .await;
    }
}

/// On the loop: the job's hold goes, and its task is told.
fn deliver<S: Signal>(mail: &Mail<S>, completion: Completion) {
    mail.core.unhold();
    wake(completion);
}

fn wake(completion: Completion) {
    if let Some(waker) = completion.into_inner().waker() {
        waker.wake();
    }
}

/// The result of a closure that runs elsewhere.
#[must_use = "dropping the task cancels the closure"]
pub struct Task<T>(Option<Arc<Cell<T>>>);

struct Cell<T> {
    state: Mutex<State<T>>,
}

enum State<T> {
    /// Not started.
    Queued(Option<Waker>),
    /// Not done.
    Running(Option<Waker>),
    /// Not started, and nobody asks.
    Cancelled,
    Done(Result<T, TaskError>, Option<Waker>),
    Taken,
}

impl<T> Cell<T> {
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        // No code of the user runs under the lock, so poison says nothing.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn start(&self) -> bool {
        let mut state = self.lock();
        match &mut *state {
            State::Queued(waker) => {
                *state = State::Running(waker.take());
                true
            }
            _ => false,
        }
    }

    /// Stores the outcome; `false` if nobody asks.
    fn finish(&self, outcome: Result<T, TaskError>) -> bool {
        let mut state = self.lock();
        if let State::Running(waker) = &mut *state {
            *state = State::Done(outcome, waker.take());
            return true;
        }
        drop(state);
        drop(outcome); // outside the lock
        false
    }
}

impl<T: Send> Finish for Cell<T> {
    fn waker(&self) -> Option<Waker> {
        match &mut *self.lock() {
            State::Done(_, waker) => waker.take(),
            _ => None,
        }
    }
}

struct Work<F, T, S: Signal> {
    f: F,
    cell: Arc<Cell<T>>,
    /// Made with the task, so that a worker allocates nothing.
    completion: Completion,
    hold: Hold<Arc<Mail<S>>>,
}

impl<F, T, S> Run for Work<F, T, S>
where
    F: FnOnce() -> T + Send,
    T: Send,
    S: Signal + Send,
{
    fn run(self: Box<Self>) {
        let Work { f, cell, completion, hold } = *self;
        if !cell.start() {
            return; // cancelled: nobody wants to know, and the hold goes
        }
        let outcome =
            catch_unwind(AssertUnwindSafe(f)).map_err(|payload| TaskError::Panicked(Payload(Mutex::new(payload))));
        tell(&cell, outcome, completion, hold);
    }

    fn abandon(self: Box<Self>) {
        let Work { f, cell, completion, hold } = *self;
        drop(f);
        if cell.start() {
            tell(&cell, Err(TaskError::Abandoned), completion, hold);
        }
    }
}

fn tell<T, S: Signal>(cell: &Cell<T>, outcome: Result<T, TaskError>, completion: Completion, hold: Hold<Arc<Mail<S>>>) {
    if !cell.finish(outcome) {
        return;
    }
    match hold.bridge().try_publish(0, completion) {
        Ok(()) => hold.hand_over(),
        Err(refused) => wake(refused.into_inner()), // the loop's end is gone
    }
}

impl<T> Task<T> {
    /// Whether it is done, so that the next poll is ready.
    pub fn is_finished(&self) -> bool {
        self.0.as_ref().is_some_and(|cell| matches!(*cell.lock(), State::Done(..)))
    }
}

impl<T> Future for Task<T> {
    type Output = Result<T, TaskError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let cell = self.0.as_ref().expect("polled after it was ready");
        let mut waker = Some(context.waker().clone());
        let mut state = cell.lock();
        match &mut *state {
            State::Queued(slot) | State::Running(slot) => {
                mem::swap(slot, &mut waker);
                drop(state);
                drop(waker); // the one before, outside the lock
                Poll::Pending
            }
            _ => {
                let before = mem::replace(&mut *state, State::Taken);
                drop(state);
                self.0 = None;
                match before {
                    State::Done(outcome, _) => Poll::Ready(outcome),
                    _ => unreachable!("only a drop cancels or takes"),
                }
            }
        }
    }
}

impl<T> Unpin for Task<T> {}

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        let Some(cell) = self.0.take() else { return };
        let before = mem::replace(&mut *cell.lock(), State::Cancelled);
        drop(before); // outside the lock
    }
}

impl<E, S: Signal> fmt::Debug for Offload<E, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Offload").field("mail", &self.mail).finish_non_exhaustive()
    }
}

impl<S: Signal> fmt::Debug for Completions<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Completions").field("mail", &self.mail).finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for Task<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Task").finish_non_exhaustive()
    }
}

impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job").finish_non_exhaustive()
    }
}
