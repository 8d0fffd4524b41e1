//! The words that all places share: group, task, epoch, outcome, report.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use crate::{Error, WaitError};

/// One run of a group: tasks that workers complete, and a producer that waits for the last of them.
///
/// The same in every place: [`local::Group`](crate::local::Group) in one process, `shm::Group` between processes, and
/// `redis::Group` between machines. A handle is for the producer and for workers alike; whoever waits does not count.
///
/// *Completion is an insertion into a set, never an increment.* Completing a task again changes nothing and says so.
///
/// *Ordering.* What a worker did before [`complete`](Self::complete) returned [`Recorded::First`] happens before the
/// [`wait`](Self::wait) that reports it returns.
///
/// ```
/// use std::time::Duration;
/// use reveille_cluster::{Group, Options, Outcome, Recorded, local::Place};
///
/// fn work(group: &mut dyn Group) {
///     let recorded = group.complete("b", Outcome::done("2")).unwrap();
///     assert_eq!(recorded, Recorded::First { remaining: 1 });
///     assert_eq!(group.complete("b", Outcome::done("2")).unwrap(), Recorded::Duplicate);
///     assert_eq!(group.complete("z", Outcome::done("")).unwrap(), Recorded::Unknown);
///     group.complete("a", Outcome::done("1")).unwrap();
/// }
///
/// let place = Place::new();
/// let mut group = place.create("letters", ["a", "b"], &Options::new()).unwrap();
/// work(&mut group);
/// let report = group.wait(Duration::from_secs(1)).unwrap();
/// assert_eq!(report.outcomes["b"], Outcome::done("2"));
/// ```
pub trait Group {
    /// Which run this is: a later one of the same name has another epoch.
    fn epoch(&self) -> Epoch;

    /// Records the outcome of a task. May be repeated, by anybody and at any time: only the first one counts.
    ///
    /// Never waits for other tasks.
    ///
    /// # Errors
    ///
    /// [`Error::Vanished`] if the place has lost the group; whatever keeps the place from answering. After an error the
    /// outcome may have been recorded or not: ask again.
    fn complete(&mut self, task: &str, outcome: Outcome) -> Result<Recorded, Error>;

    /// Blocks until every task is complete, for at most `timeout`. May be called again after a timeout, by any handle.
    ///
    /// # Errors
    ///
    /// [`WaitError`] says why not; a timeout names the missing tasks. An error is never a reason to take the tasks for done.
    fn wait(&mut self, timeout: Duration) -> Result<Report, WaitError>;

    /// Which tasks are not complete, in order.
    ///
    /// # Errors
    ///
    /// [`Error::Vanished`] if there is no such run any more; whatever keeps the place from answering.
    fn missing(&mut self) -> Result<Vec<String>, Error>;

    /// Ends the run: waits return [`WaitError::Cancelled`], workers are told [`Recorded::Cancelled`]. A run that is over
    /// stays as it is.
    ///
    /// # Errors
    ///
    /// As for [`missing`](Self::missing).
    fn cancel(&mut self, reason: &str) -> Result<(), Error>;
}

/// A worker's end of the queue of tasks: each goes to one worker at a time, and to another if that one dies.
///
/// ```
/// use std::time::Duration;
/// use reveille_cluster::{Options, Outcome, Taken, Worker, local::Place};
///
/// fn work_off(worker: &mut dyn Worker) -> usize {
///     let mut done = 0;
///     while let Taken::Task(lease) = worker.take(Duration::from_secs(1)).unwrap() {
///         worker.complete(&lease, Outcome::Done(lease.payload.clone())).unwrap();
///         done += 1;
///     }
///     done // the run is over
/// }
///
/// let place = Place::new();
/// let _group = place.create("g", ["a", "b", "c"], &Options::new()).unwrap();
/// assert_eq!(work_off(&mut place.worker("g")), 3);
/// ```
pub trait Worker {
    /// The next task, for at most `timeout`.
    ///
    /// A task is *leased*: whoever does not answer within [`Options::lease`] has to expect that another worker gets it too.
    ///
    /// # Errors
    ///
    /// Whatever keeps the place from answering. A group that does not exist is [`Taken::Idle`].
    fn take(&mut self, timeout: Duration) -> Result<Taken, Error>;

    /// Records the outcome of a task that this or another worker took, like [`Group::complete`].
    ///
    /// # Errors
    ///
    /// As for [`Group::complete`].
    fn complete(&mut self, lease: &Lease, outcome: Outcome) -> Result<Recorded, Error>;

    /// Begins the lease anew; returns whether it was still this worker's.
    ///
    /// # Errors
    ///
    /// Whatever keeps the place from answering.
    fn renew(&mut self, lease: &Lease) -> Result<bool, Error>;

    /// Waits until there is a run other than `after`, for at most `timeout`; returns its epoch.
    ///
    /// # Errors
    ///
    /// Whatever keeps the place from answering.
    fn next_run(&mut self, after: Option<Epoch>, timeout: Duration) -> Result<Option<Epoch>, Error>;
}

/// What a worker got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taken {
    /// A task to do.
    Task(Lease),
    /// Nothing within the time: there is no such group, or other workers have all that is left.
    Idle,
    /// This run is over, or has vanished: nothing of it is left to do. See [`Worker::next_run`].
    Over(Epoch),
}

/// A task that was handed to a worker for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The run.
    pub epoch: Epoch,
    /// The task's id.
    pub task: String,
    /// What the producer said about it.
    pub payload: Vec<u8>,
    /// How often it was handed out, this time included.
    pub delivery: u32,
    /// The place's own name for it.
    pub(crate) ticket: String,
}

/// Names one run of a group: random, so that two runs of one name differ, whoever made them and wherever.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(pub(crate) u128);

impl Epoch {
    #[cfg(feature = "redis")]
    pub(crate) fn parse(text: &str) -> Option<Self> {
        u128::from_str_radix(text, 16).ok().map(Epoch)
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Epoch({self})")
    }
}

/// A task as the producer names it: an id, unique within the group, and whatever workers need to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// The id.
    pub id: String,
    /// For the worker.
    pub payload: Vec<u8>,
}

impl Task {
    /// A task with a payload.
    pub fn new(id: impl Into<String>, payload: impl Into<Vec<u8>>) -> Self {
        Task { id: id.into(), payload: payload.into() }
    }
}

impl From<&str> for Task {
    fn from(id: &str) -> Self {
        Task::new(id, Vec::new())
    }
}

impl From<String> for Task {
    fn from(id: String) -> Self {
        Task::new(id, Vec::new())
    }
}

/// How a task ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Well, with a result.
    Done(Vec<u8>),
    /// Badly, and why.
    Failed(String),
}

impl Outcome {
    /// [`Outcome::Done`].
    pub fn done(result: impl Into<Vec<u8>>) -> Self {
        Outcome::Done(result.into())
    }

    /// [`Outcome::Failed`].
    pub fn failed(reason: impl Into<String>) -> Self {
        Outcome::Failed(reason.into())
    }
}

/// What became of a completion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Recorded {
    /// It counts. So many tasks are missing now. In process and on a server exactly one task is told zero, in shared memory
    /// at most one.
    First {
        /// Tasks that are not complete.
        remaining: u64,
    },
    /// The task was complete before; this outcome was dropped.
    Duplicate,
    /// The caller's run is not the present one of this name; nothing was recorded.
    Stale,
    /// No task has this id.
    Unknown,
    /// The run was cancelled, or is broken; nothing was recorded.
    Cancelled,
}

/// The outcome of every task.
///
/// ```
/// use std::time::Duration;
/// use reveille_cluster::{Group as _, OnFailure, Options, Outcome, local::Place};
///
/// let options = Options::new().on_failure(OnFailure::CollectAll);
/// let mut group = Place::new().create("g", ["a", "b"], &options).unwrap();
/// group.complete("a", Outcome::done("1")).unwrap();
/// group.complete("b", Outcome::failed("no disk")).unwrap();
/// let report = group.wait(Duration::ZERO).unwrap();
/// assert_eq!(report.failures().collect::<Vec<_>>(), [("b", "no disk")]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The run.
    pub epoch: Epoch,
    /// By task.
    pub outcomes: BTreeMap<String, Outcome>,
    /// Members that died and were not waited for, in this run and before. Only in shared memory.
    pub departed: Vec<String>,
}

impl Report {
    /// The tasks that failed, and why.
    pub fn failures(&self) -> impl Iterator<Item = (&str, &str)> {
        self.outcomes.iter().filter_map(|(task, outcome)| match outcome {
            Outcome::Failed(reason) => Some((task.as_str(), reason.as_str())),
            Outcome::Done(_) => None,
        })
    }
}

/// What a failed task means for its group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum OnFailure {
    /// The run is broken at once: waits return [`WaitError::Broken`], and workers stop.
    #[default]
    FailFast,
    /// The other tasks go on; failures are in the report.
    CollectAll,
}

/// What a new run means for an unfinished one of the same name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum OnRunning {
    /// It ends: its waits return [`WaitError::Superseded`], its workers are told [`Recorded::Stale`].
    #[default]
    Supersede,
    /// It goes on, and the new one is refused with [`Error::Busy`].
    Refuse,
}

/// No clock overflows by it.
const LONGEST: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// How a group behaves. All have defaults.
///
/// ```
/// use reveille_cluster::{OnFailure, Options};
/// use std::time::Duration;
///
/// let options = Options::new().on_failure(OnFailure::CollectAll).lease(Duration::from_secs(5));
/// assert_eq!(options, options.clone());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    pub(crate) on_failure: OnFailure,
    pub(crate) on_running: OnRunning,
    pub(crate) ttl: Duration,
    pub(crate) lease: Duration,
    pub(crate) deliveries: u32,
    pub(crate) queue: bool,
}

impl Options {
    /// The defaults.
    pub fn new() -> Self {
        Options {
            on_failure: OnFailure::default(),
            on_running: OnRunning::default(),
            ttl: Duration::from_secs(3600),
            lease: Duration::from_secs(30),
            deliveries: 10,
            queue: true,
        }
    }

    /// What a failed task means. Default: [`OnFailure::FailFast`].
    #[must_use]
    pub fn on_failure(self, on_failure: OnFailure) -> Self {
        Options { on_failure, ..self }
    }

    /// What this run means for an unfinished one of the same name. Default: [`OnRunning::Supersede`].
    #[must_use]
    pub fn on_running(self, on_running: OnRunning) -> Self {
        Options { on_running, ..self }
    }

    /// How long a server keeps a group that nobody uses any more: completing, waiting and taking begin the time anew.
    /// Default: an hour. At least a millisecond. A group in process is kept until it is discarded.
    #[must_use]
    pub fn ttl(self, ttl: Duration) -> Self {
        Options { ttl: ttl.clamp(Duration::from_millis(1), LONGEST), ..self }
    }

    /// How long a worker has for a task before another one may get it. Default: half a minute.
    #[must_use]
    pub fn lease(self, lease: Duration) -> Self {
        Options { lease: lease.min(LONGEST), ..self }
    }

    /// How often a task is handed out before it is taken for one that kills its workers, and failed. Default: 10.
    #[must_use]
    pub fn deliveries(self, deliveries: u32) -> Self {
        Options { deliveries: deliveries.max(1), ..self }
    }

    /// Whether workers get the tasks from a queue. Without one they learn of them otherwise. Default: yes.
    #[must_use]
    pub fn queue(self, queue: bool) -> Self {
        Options { queue, ..self }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self::new()
    }
}

/// The tasks of a new group, each once.
pub(crate) fn distinct<T: Into<Task>>(tasks: impl IntoIterator<Item = T>) -> Result<Vec<Task>, Error> {
    let tasks: Vec<Task> = tasks.into_iter().map(Into::into).collect();
    let mut seen = std::collections::HashSet::with_capacity(tasks.len());
    match tasks.iter().find(|task| !seen.insert(task.id.as_str())) {
        Some(repeated) => Err(Error::RepeatedTask(repeated.id.clone())),
        None => Ok(tasks),
    }
}
