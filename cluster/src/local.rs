//! Groups in one process: the embedded default, which needs no server.
//!
//! ```text
//!   Place   names -> run { epoch, pending set, outcomes, queue, leases, end }     one lock, never held while waiting
//!   Group   a name, an epoch, and the latch that opens when that run is over
//!   Worker  a name
//! ```
//!
//! *Invariant.* The latch of a run opens when `end` is set, or when the run leaves the table; it is a hint: whoever is let
//! go looks at the table, and believes that.
//!
//! The words mean what they mean in Redis: `tests/redis_model.rs` compares the two places, operation by operation.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use reveille_latch::CountdownLatch;

use crate::group::distinct;
use crate::{Epoch, Error, Lease, OnFailure, OnRunning, Options, Outcome, Recorded, Report, Taken, Task, WaitError};

/// Where the groups of one process meet. Clones are the same place.
///
/// ```
/// use std::time::Duration;
/// use reveille_cluster::{Group as _, Options, Outcome, Taken, Worker as _, local::Place};
///
/// let place = Place::new();
/// let mut group = place.create("squares", (0..10).map(|n| n.to_string()), &Options::new()).unwrap();
/// std::thread::scope(|s| {
///     for _ in 0..2 {
///         s.spawn(|| {
///             let mut worker = place.worker("squares");
///             while let Taken::Task(lease) = worker.take(Duration::from_secs(1)).unwrap() {
///                 let n: u32 = lease.task.parse().unwrap();
///                 worker.complete(&lease, Outcome::done((n * n).to_string())).unwrap();
///             }
///         });
///     }
///     let report = group.wait(Duration::from_secs(1)).unwrap();
///     assert_eq!(report.outcomes["7"], Outcome::done("49"));
/// });
/// ```
#[derive(Clone, Debug, Default)]
pub struct Place(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    table: Mutex<Table>,
    /// The table changed in a way that workers want to know.
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Table {
    runs: HashMap<String, Run>,
    epochs: u128,
}

#[derive(Debug)]
struct Run {
    epoch: Epoch,
    options: Options,
    over: Arc<CountdownLatch>,
    pending: BTreeSet<String>,
    outcomes: BTreeMap<String, Outcome>,
    queue: VecDeque<(Task, u32)>,
    leases: HashMap<String, (Task, u32, Instant)>,
    tickets: u64,
    end: Option<End>,
}

#[derive(Clone, Debug)]
enum End {
    Complete,
    Broken { task: String, reason: String },
    Cancelled { reason: String },
}

impl Run {
    fn record(&mut self, task: &str, outcome: Outcome) -> Recorded {
        if self.outcomes.contains_key(task) {
            return Recorded::Duplicate;
        }
        if !self.pending.contains(task) {
            return Recorded::Unknown;
        }
        if self.end.is_some() {
            return Recorded::Cancelled;
        }
        self.pending.remove(task);
        if let (Outcome::Failed(reason), OnFailure::FailFast) = (&outcome, self.options.on_failure) {
            self.finish(End::Broken { task: task.to_owned(), reason: reason.clone() });
        }
        self.outcomes.insert(task.to_owned(), outcome);
        if self.pending.is_empty() {
            self.finish(End::Complete);
        }
        Recorded::First { remaining: self.pending.len() as u64 }
    }

    fn finish(&mut self, end: End) {
        if self.end.is_none() {
            self.end = Some(end);
            self.queue.clear();
            self.leases.clear();
            let _ = self.over.count_down(); // open already if the run was superseded
        }
    }

    /// A task that is free or whose lease has expired, leased anew.
    fn lease(&mut self, now: Instant) -> Option<Lease> {
        while self.end.is_none() {
            let (task, deliveries) = self.queue.pop_front().or_else(|| self.expired(now))?;
            if !self.pending.contains(&task.id) {
                continue; // completed without a lease, or after it
            }
            if deliveries == self.options.deliveries {
                self.record(&task.id, Outcome::Failed(format!("handed out {deliveries} times and never answered")));
                continue;
            }
            self.tickets += 1;
            let (ticket, delivery) = (self.tickets.to_string(), deliveries + 1);
            let lease = Lease {
                epoch: self.epoch,
                task: task.id.clone(),
                payload: task.payload.clone(),
                delivery,
                ticket: ticket.clone(),
            };
            self.leases.insert(ticket, (task, delivery, now + self.options.lease));
            return Some(lease);
        }
        None
    }

    fn expired(&mut self, now: Instant) -> Option<(Task, u32)> {
        let (ticket, _) = self.leases.iter().find(|(_, (_, _, until))| *until <= now)?;
        let ticket = ticket.clone();
        self.leases.remove(&ticket).map(|(task, deliveries, _)| (task, deliveries))
    }
}

impl Place {
    /// A place without groups.
    pub fn new() -> Self {
        Self::default()
    }

    /// Begins a run of the group `name`.
    ///
    /// # Errors
    ///
    /// [`Error::RepeatedTask`], and [`Error::Busy`] if the options say so.
    pub fn create<T: Into<Task>>(
        &self,
        name: &str,
        tasks: impl IntoIterator<Item = T>,
        options: &Options,
    ) -> Result<Group, Error> {
        let tasks = distinct(tasks)?;
        let mut table = self.lock();
        if let Some(run) = table.runs.get(name) {
            if run.end.is_none() && options.on_running == OnRunning::Refuse {
                return Err(Error::Busy(run.epoch));
            }
        }
        table.epochs += 1;
        let epoch = Epoch(table.epochs);
        let over = Arc::new(CountdownLatch::new(1));
        let mut run = Run {
            epoch,
            options: options.clone(),
            over: over.clone(),
            pending: tasks.iter().map(|task| task.id.clone()).collect(),
            outcomes: BTreeMap::new(),
            queue: VecDeque::new(),
            leases: HashMap::new(),
            tickets: 0,
            end: None,
        };
        if options.queue {
            run.queue.extend(tasks.into_iter().map(|task| (task, 0)));
        }
        if run.pending.is_empty() {
            run.finish(End::Complete);
        }
        if let Some(before) = table.runs.insert(name.to_owned(), run) {
            let _ = before.over.count_down(); // open already if it was over
        }
        drop(table);
        self.0.changed.notify_all();
        Ok(Group { place: self.clone(), name: name.to_owned(), epoch, over })
    }

    /// The present run of the group `name`, such as one whose producer has panicked.
    ///
    /// # Errors
    ///
    /// [`Error::Vanished`] if there is none.
    pub fn attach(&self, name: &str) -> Result<Group, Error> {
        let table = self.lock();
        let run = table.runs.get(name).ok_or(Error::Vanished)?;
        Ok(Group { place: self.clone(), name: name.to_owned(), epoch: run.epoch, over: run.over.clone() })
    }

    /// A worker for the runs of the group `name`, which need not exist yet.
    pub fn worker(&self, name: &str) -> Worker {
        Worker { place: self.clone(), name: name.to_owned(), run: None }
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        // Nothing panics with the lock.
        self.0.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something to the run of this name and epoch, if it is the present one.
    fn with<R>(&self, name: &str, epoch: Epoch, f: impl FnOnce(&mut Run) -> R) -> Result<R, Other> {
        let mut table = self.lock();
        let run = table.runs.get_mut(name).ok_or(Other::Vanished)?;
        if run.epoch != epoch {
            return Err(Other::Run(run.epoch));
        }
        let result = f(run);
        drop(table);
        self.0.changed.notify_all();
        Ok(result)
    }

    fn complete(&self, name: &str, epoch: Epoch, task: &str, outcome: Outcome) -> Result<Recorded, Error> {
        match self.with(name, epoch, |run| run.record(task, outcome)) {
            Ok(recorded) => Ok(recorded),
            Err(Other::Run(_)) => Ok(Recorded::Stale),
            Err(Other::Vanished) => Err(Error::Vanished),
        }
    }
}

/// What is found in place of a run.
enum Other {
    Vanished,
    Run(Epoch),
}

impl From<Other> for WaitError {
    fn from(other: Other) -> Self {
        match other {
            Other::Vanished => WaitError::Vanished,
            Other::Run(by) => WaitError::Superseded { by },
        }
    }
}

/// A run of a group in this process. See [`crate::Group`] for what the methods do.
#[derive(Clone, Debug)]
pub struct Group {
    place: Place,
    name: String,
    epoch: Epoch,
    over: Arc<CountdownLatch>,
}

impl Group {
    /// Waits without blocking the thread, and without a limit; see [`Group::wait`](crate::Group::wait).
    ///
    /// *Cancel-safe.* A dropped future leaves nothing behind.
    ///
    /// # Errors
    ///
    /// As `wait`, but for the timeout.
    pub async fn wait_async(&self) -> Result<Report, WaitError> {
        let _ = self.over.wait_async().await; // never poisoned
        self.verdict()
    }

    /// Forgets the group and all outcomes. Whoever still waits is told that it vanished. Another run stays.
    pub fn discard(self) {
        let mut table = self.place.lock();
        if table.runs.get(&self.name).is_some_and(|run| run.epoch == self.epoch) {
            if let Some(run) = table.runs.remove(&self.name) {
                let _ = run.over.count_down(); // open already if it was over
            }
        }
        drop(table);
        self.place.0.changed.notify_all();
    }

    fn verdict(&self) -> Result<Report, WaitError> {
        self.place.with(&self.name, self.epoch, |run| match run.end.clone() {
            Some(End::Complete) => {
                Ok(Report { epoch: run.epoch, outcomes: run.outcomes.clone(), departed: Vec::new() })
            }
            Some(End::Broken { task, reason }) => Err(WaitError::Broken { task, reason }),
            Some(End::Cancelled { reason }) => Err(WaitError::Cancelled { reason }),
            None => Err(WaitError::Timeout { missing: run.pending.iter().cloned().collect() }),
        })?
    }
}

impl crate::Group for Group {
    fn epoch(&self) -> Epoch {
        self.epoch
    }

    fn complete(&mut self, task: &str, outcome: Outcome) -> Result<Recorded, Error> {
        self.place.complete(&self.name, self.epoch, task, outcome)
    }

    fn wait(&mut self, timeout: Duration) -> Result<Report, WaitError> {
        let _ = self.over.wait_timeout(timeout); // the verdict decides
        self.verdict()
    }

    fn missing(&mut self) -> Result<Vec<String>, Error> {
        let missing = self.place.with(&self.name, self.epoch, |run| run.pending.iter().cloned().collect());
        missing.map_err(|_| Error::Vanished)
    }

    fn cancel(&mut self, reason: &str) -> Result<(), Error> {
        let end = End::Cancelled { reason: reason.to_owned() };
        self.place.with(&self.name, self.epoch, |run| run.finish(end)).map_err(|_| Error::Vanished)
    }
}

/// A worker of a group in this process. See [`crate::Worker`] for what the methods do.
#[derive(Clone, Debug)]
pub struct Worker {
    place: Place,
    name: String,
    /// What it works on: should that vanish, it is over.
    run: Option<Epoch>,
}

impl Worker {
    /// Looks at the run until `look` has an answer, or for at most `timeout`. `look` may say when to look again.
    fn until<R>(
        &self,
        timeout: Duration,
        mut look: impl FnMut(Option<&mut Run>, Instant) -> Result<R, Option<Instant>>,
    ) -> Option<R> {
        let end = Instant::now().checked_add(timeout);
        let mut table = self.place.lock();
        loop {
            let now = Instant::now();
            let again = match look(table.runs.get_mut(&self.name), now) {
                Ok(answer) => return Some(answer),
                Err(again) => again,
            };
            if end.is_some_and(|end| end <= now) {
                return None;
            }
            let next = again.into_iter().chain(end).min();
            let pause = next.map_or(Duration::from_secs(3600), |next| next.saturating_duration_since(now));
            let waited = self.place.0.changed.wait_timeout(table, pause);
            table = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl crate::Worker for Worker {
    fn take(&mut self, timeout: Duration) -> Result<Taken, Error> {
        let mut known = self.run;
        let taken = self.until(timeout, |run, now| {
            let Some(run) = run else { return known.map(Taken::Over).ok_or(None) };
            known = Some(run.epoch);
            if let Some(lease) = run.lease(now) {
                return Ok(Taken::Task(lease));
            }
            if run.end.is_some() {
                return Ok(Taken::Over(run.epoch));
            }
            Err(run.leases.values().map(|&(_, _, until)| until).min())
        });
        let taken = taken.unwrap_or(Taken::Idle);
        self.run = if matches!(taken, Taken::Over(_)) { None } else { known };
        Ok(taken)
    }

    fn complete(&mut self, lease: &Lease, outcome: Outcome) -> Result<Recorded, Error> {
        self.place.complete(&self.name, lease.epoch, &lease.task, outcome)
    }

    fn renew(&mut self, lease: &Lease) -> Result<bool, Error> {
        let renewed = self.place.with(&self.name, lease.epoch, |run| match run.leases.get_mut(&lease.ticket) {
            Some((_, _, until)) => {
                *until = Instant::now() + run.options.lease;
                true
            }
            None => false,
        });
        Ok(renewed.unwrap_or(false))
    }

    fn next_run(&mut self, after: Option<Epoch>, timeout: Duration) -> Result<Option<Epoch>, Error> {
        let other = |epoch: &Epoch| Some(*epoch) != after;
        Ok(self.until(timeout, |run, _| run.map(|run| run.epoch).filter(other).ok_or(None)))
    }
}
