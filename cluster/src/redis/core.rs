//! What a client says, whichever way it is connected: arguments in, meaning out.

use std::time::{Duration, Instant};

use super::keys::Keys;
use super::scripts::{self, Answer, Prepared, odd};
use super::talk::{Call, Question, Step, Talk, Watch};
use crate::{Epoch, Error, Lease, OnFailure, OnRunning, Options, Outcome, Recorded, Report, Taken, Task, WaitError};

/// A random number that nobody else has.
pub(super) fn nonce() -> Result<u128, Error> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| Error::Refused(std::sync::Arc::new(error)))?;
    Ok(u128::from_ne_bytes(bytes))
}

/// One group on a server.
#[derive(Clone, Debug)]
pub(super) struct Core {
    pub(super) keys: Keys,
    /// How long to try.
    pub(super) patience: Duration,
}

/// A call whose answer is read by a function.
pub(super) struct Reading<T> {
    call: Call,
    read: fn(Answer) -> Result<T, Error>,
}

impl<T> Talk for Reading<T> {
    type Output = Result<T, Error>;

    fn step(&mut self) -> Step<Self::Output> {
        match self.call.step() {
            Step::Send(command, within) => Step::Send(command, within),
            Step::Pause(pause) => Step::Pause(pause),
            Step::Done(answer) => Step::Done(answer.and_then(self.read)),
        }
    }

    fn hear(&mut self, reply: Result<::redis::Value, ::redis::RedisError>) {
        self.call.hear(reply);
    }
}

fn text(value: impl ToString) -> Vec<u8> {
    value.to_string().into_bytes()
}

fn millis(duration: Duration) -> Vec<u8> {
    text(duration.as_millis().max(1))
}

fn flag(set: bool) -> Vec<u8> {
    text(u8::from(set))
}

impl Core {
    fn call<T>(
        &self,
        script: &'static Prepared,
        arguments: Vec<Vec<u8>>,
        read: fn(Answer) -> Result<T, Error>,
    ) -> Reading<T> {
        Reading { call: Call::new(script, &self.keys, arguments, Instant::now() + self.patience), read }
    }

    pub(super) fn create(&self, epoch: Epoch, tasks: Vec<Task>, options: &Options) -> Reading<Epoch> {
        let Options { on_failure, on_running, ttl, lease, deliveries, queue } = options;
        let mut arguments = vec![
            text(epoch),
            millis(*ttl),
            flag(*on_failure == OnFailure::FailFast),
            flag(*on_running == OnRunning::Refuse),
            flag(*queue),
            millis(*lease),
            text(deliveries),
        ];
        arguments.extend(tasks.into_iter().flat_map(|task| [task.id.into_bytes(), task.payload]));
        self.call(&scripts::CREATE, arguments, |answer| match answer.status.as_str() {
            "ok" => answer.present(),
            "busy" => Err(Error::Busy(answer.present()?)),
            _ => Err(answer.unexpected()),
        })
    }

    pub(super) fn attach(&self) -> Reading<Epoch> {
        self.call(&scripts::ATTACH, Vec::new(), |answer| match answer.status.as_str() {
            "ok" => answer.present(),
            "vanished" => Err(Error::Vanished),
            _ => Err(answer.unexpected()),
        })
    }

    /// The nonce tells a repeated call from a second completion: the answer to the first may have been lost.
    pub(super) fn complete(
        &self,
        epoch: Epoch,
        task: &str,
        entry: &str,
        outcome: Outcome,
    ) -> Result<Reading<Recorded>, Error> {
        let (sign, payload) = match outcome {
            Outcome::Done(result) => ("+", result),
            Outcome::Failed(reason) => ("-", reason.into_bytes()),
        };
        let nonce = format!("{:x}", nonce()?);
        let arguments = vec![text(epoch), text(task), text(nonce), text(sign), payload, text(entry)];
        Ok(self.call(&scripts::COMPLETE, arguments, |mut answer| match answer.status.as_str() {
            "first" => Ok(Recorded::First { remaining: answer.next()? }),
            "duplicate" => Ok(Recorded::Duplicate),
            "stale" => Ok(Recorded::Stale),
            "unknown" => Ok(Recorded::Unknown),
            "cancelled" => Ok(Recorded::Cancelled),
            "vanished" => Err(Error::Vanished),
            _ => Err(answer.unexpected()),
        }))
    }

    pub(super) fn cancel(&self, epoch: Epoch, reason: &str) -> Reading<()> {
        self.call(&scripts::CANCEL, vec![text(epoch), text(reason)], |answer| match answer.status.as_str() {
            "ok" => Ok(()),
            "vanished" => Err(Error::Vanished),
            _ => Err(answer.unexpected()),
        })
    }

    pub(super) fn discard(&self, epoch: Epoch) -> Reading<()> {
        self.call(&scripts::DISCARD, vec![text(epoch)], |_| Ok(()))
    }

    pub(super) fn renew(&self, lease: &Lease, consumer: &str) -> Reading<bool> {
        let arguments = vec![text(lease.epoch), text(consumer), text(&lease.ticket)];
        self.call(&scripts::RENEW, arguments, |answer| Ok(answer.status == "renewed"))
    }

    pub(super) fn missing(&self, epoch: Epoch) -> Reading<Vec<String>> {
        self.call(&scripts::LOOK, vec![text(epoch), text(2)], |mut answer| match answer.status.as_str() {
            "open" => {
                answer.moment()?;
                missing(&mut answer)
            }
            "superseded" | "vanished" => Err(Error::Vanished),
            _ => Err(answer.unexpected()),
        })
    }

    pub(super) fn wait(&self, epoch: Epoch, timeout: Duration) -> Watch<Completion> {
        Watch::new(Completion { epoch }, &self.keys, timeout)
    }

    /// `run`: what the worker works on, as far as it knows.
    pub(super) fn take(&self, consumer: &str, run: Option<Epoch>, timeout: Duration) -> Watch<NextTask> {
        let consumer = consumer.to_owned();
        Watch::new(NextTask { consumer, run, slice: None }, &self.keys, timeout)
    }

    pub(super) fn next_run(&self, after: Option<Epoch>, timeout: Duration) -> Watch<NextRun> {
        Watch::new(NextRun { after }, &self.keys, timeout)
    }
}

fn missing(answer: &mut Answer) -> Result<Vec<String>, Error> {
    let mut missing: Vec<String> = answer.next()?;
    missing.sort();
    Ok(missing)
}

/// Is the run over, and how?
pub(super) struct Completion {
    epoch: Epoch,
}

impl Question for Completion {
    type Answer = Result<Report, WaitError>;

    fn look(&self, last: bool) -> (&'static Prepared, Vec<Vec<u8>>) {
        (&scripts::LOOK, vec![text(self.epoch), flag(last)])
    }

    fn judge(&mut self, mut seen: Answer, last: bool) -> Result<Option<Self::Answer>, Error> {
        Ok(Some(match seen.status.as_str() {
            "open" if last => Err(WaitError::Timeout { missing: missing(&mut seen)? }),
            "open" => return Ok(None),
            "complete" => Ok(self.report(seen.next()?)?),
            "broken" => Err(WaitError::Broken { task: seen.next()?, reason: seen.next()? }),
            "cancelled" => {
                let _no_task: String = seen.next()?;
                Err(WaitError::Cancelled { reason: seen.next()? })
            }
            "superseded" => Err(WaitError::Superseded { by: seen.present()? }),
            "vanished" => Err(WaitError::Vanished),
            _ => return Err(seen.unexpected()),
        }))
    }
}

impl Completion {
    fn report(&self, done: Vec<(String, Vec<u8>)>) -> Result<Report, Error> {
        let outcomes = done.into_iter().map(|(task, record)| {
            let outcome = outcome(record).ok_or_else(|| odd("not an outcome"))?;
            Ok((task, outcome))
        });
        Ok(Report { epoch: self.epoch, outcomes: outcomes.collect::<Result<_, Error>>()?, departed: Vec::new() })
    }
}

/// `nonce:remaining:+result` or `nonce:remaining:-reason`.
fn outcome(mut record: Vec<u8>) -> Option<Outcome> {
    let mut colons = record.iter().enumerate().filter(|&(_, &byte)| byte == b':').map(|(at, _)| at);
    let sign = colons.nth(1)? + 1;
    let payload = record.split_off(sign + 1);
    match record.get(sign)? {
        b'+' => Some(Outcome::Done(payload)),
        b'-' => Some(Outcome::Failed(String::from_utf8_lossy(&payload).into_owned())),
        _ => None,
    }
}

/// Is there something to do?
pub(super) struct NextTask {
    consumer: String,
    /// Should it vanish, it is over.
    run: Option<Epoch>,
    /// Half a lease, once it is known: that is when another worker's task may become free without a word.
    slice: Option<Duration>,
}

impl Question for NextTask {
    type Answer = Taken;

    fn look(&self, _last: bool) -> (&'static Prepared, Vec<Vec<u8>>) {
        (&scripts::TAKE, vec![text(&self.consumer)])
    }

    fn judge(&mut self, mut seen: Answer, last: bool) -> Result<Option<Taken>, Error> {
        if let ("none", Some(run)) = (seen.status.as_str(), self.run) {
            return Ok(Some(Taken::Over(run)));
        }
        Ok(Some(match seen.status.as_str() {
            "task" => Taken::Task(Lease {
                epoch: seen.present()?,
                ticket: seen.next()?,
                task: seen.next()?,
                payload: seen.next()?,
                delivery: seen.next()?,
            }),
            "over" => Taken::Over(seen.present()?),
            "idle" | "none" if last => Taken::Idle,
            "idle" => {
                self.run = Some(seen.present()?);
                self.slice = Some(Duration::from_millis(seen.next()?) / 2);
                return Ok(None);
            }
            "none" => return Ok(None),
            _ => return Err(seen.unexpected()),
        }))
    }

    fn slice(&self) -> Duration {
        let longest = super::talk::SLICE;
        self.slice.map_or(longest, |slice| slice.clamp(Duration::from_millis(1), longest))
    }
}

/// What a worker works on after it got this.
pub(super) fn run_after(taken: &Taken, before: Option<Epoch>) -> Option<Epoch> {
    match taken {
        Taken::Task(lease) => Some(lease.epoch),
        Taken::Idle => before,
        Taken::Over(_) => None,
    }
}

/// Is there another run?
pub(super) struct NextRun {
    after: Option<Epoch>,
}

impl Question for NextRun {
    type Answer = Option<Epoch>;

    fn look(&self, _last: bool) -> (&'static Prepared, Vec<Vec<u8>>) {
        (&scripts::ATTACH, Vec::new())
    }

    fn judge(&mut self, seen: Answer, last: bool) -> Result<Option<Self::Answer>, Error> {
        let epoch = seen.epoch.filter(|_| seen.status == "ok").filter(|&epoch| Some(epoch) != self.after);
        Ok((epoch.is_some() || last).then_some(epoch))
    }
}
