//! Conversations with a server, without the connection: what to send, what to make of the answer, when to give up.
//!
//! ```text
//!   Call      script by hash --NOSCRIPT--> script in full --> answer
//!               ^--- pause, another connection <--- no answer: every script may be repeated
//!
//!   Watch     look --answered--> done
//!               ^     | not yet, and the last event that the look has seen
//!               |     v
//!             read the events after that one, in a bounded slice
//! ```
//!
//! *Invariant.* The look and the number of the last event come from one script, so an event that the look has not seen ends
//! the read (R9, R10). An event is a hint: what is believed is the next look. A lost one costs a slice, not a wait.
//!
//! The drivers are `blocking.rs` and `asynchronous.rs`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ::redis::{Cmd, ErrorKind, RedisError, ServerErrorKind, Value, cmd};

use super::keys::Keys;
use super::scripts::{Answer, Moment, Prepared};
use crate::Error;

/// Longest blocking read. Whatever is not announced, such as a flush, is noticed after this.
pub(super) const SLICE: Duration = Duration::from_millis(500);

/// How much longer than the server was told to block its answer may take.
const MARGIN: Duration = Duration::from_secs(2);

/// How long after the deadline a server that was asked before may still answer.
const GRACE: Duration = Duration::from_secs(2);

/// By how much the caller's clock may be ahead of the server's, which counts whole milliseconds, in the course of a wait.
const EARLY: Duration = Duration::from_millis(2);

/// One exchange that has not been answered after this is tried on another connection.
const ATTEMPT: Duration = Duration::from_secs(5);

/// Pause before the second try, doubled before each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_millis(250);

/// What the driver is to do next.
pub(super) enum Step<T> {
    /// Send this, and say what came back within that time. Then drop the connection if it failed.
    Send(Cmd, Duration),
    Pause(Duration),
    Done(T),
}

/// A conversation.
pub(super) trait Talk {
    type Output;
    fn step(&mut self) -> Step<Self::Output>;
    /// What came of `Step::Send`.
    fn hear(&mut self, reply: Result<Value, RedisError>);
}

/// One run of a script, repeated until it is answered or the time is up.
pub(super) struct Call {
    script: &'static Prepared,
    keys: Keys,
    arguments: Vec<Vec<u8>>,
    /// No try begins after this.
    until: Instant,
    whole: bool,
    failures: u32,
    pause: Option<Duration>,
    answer: Option<Result<Answer, Error>>,
}

impl Call {
    pub(super) fn new(script: &'static Prepared, keys: &Keys, arguments: Vec<Vec<u8>>, until: Instant) -> Self {
        let keys = keys.clone();
        Call { script, keys, arguments, until, whole: false, failures: 0, pause: None, answer: None }
    }

    fn fail(&mut self, error: RedisError) {
        let pause = pause_after(self.failures);
        self.failures = (self.failures + 1).min(MANY);
        if Instant::now() + pause < self.until {
            self.pause = Some(pause);
        } else {
            self.answer = Some(Err(Error::Unreachable(Arc::new(error))));
        }
    }
}

impl Talk for Call {
    type Output = Result<Answer, Error>;

    fn step(&mut self) -> Step<Self::Output> {
        if let Some(answer) = self.answer.take() {
            return Step::Done(answer);
        }
        if let Some(pause) = self.pause.take() {
            return Step::Pause(pause);
        }
        let left = self.until.saturating_duration_since(Instant::now());
        let within = (left + GRACE).min(ATTEMPT);
        Step::Send(self.script.command(self.whole, &self.keys, &self.arguments), within)
    }

    fn hear(&mut self, reply: Result<Value, RedisError>) {
        match reply {
            Ok(value) => self.answer = Some(Answer::read(value)),
            Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) && !self.whole => {
                self.whole = true;
            }
            Err(error) if passes(&error) => self.fail(error),
            Err(error) => self.answer = Some(Err(Error::Refused(Arc::new(error)))),
        }
    }
}

/// Failures that are counted.
const MANY: u32 = 16;

fn pause_after(failures: u32) -> Duration {
    (FIRST_PAUSE * (1 << failures)).min(LONGEST_PAUSE)
}

/// Whether it may go better next time: the network, or a server that starts, fails over or is busy with a script.
fn passes(error: &RedisError) -> bool {
    use ServerErrorKind::{BusyLoading, ClusterDown, MasterDown, ReadOnly, TryAgain};
    match error.kind() {
        // Half an answer is no answer.
        ErrorKind::Io | ErrorKind::Parse => true,
        ErrorKind::Server(kind) => matches!(kind, BusyLoading | TryAgain | MasterDown | ClusterDown | ReadOnly),
        _ => error.code() == Some("BUSY"),
    }
}

/// What a [`Watch`] waits for.
pub(super) trait Question {
    type Answer;

    /// The script that looks, and its arguments. `last`: the time is up, and an answer must come of it.
    fn look(&self, last: bool) -> (&'static Prepared, Vec<Vec<u8>>);

    /// What the look says; `None` for "not yet", but not to the last one.
    fn judge(&mut self, seen: Answer, last: bool) -> Result<Option<Self::Answer>, Error>;

    /// How often to look when nothing is announced.
    fn slice(&self) -> Duration {
        SLICE
    }
}

/// Looks until a question is answered or the time is up, by the server's clock.
pub(super) struct Watch<Q: Question> {
    question: Q,
    keys: Keys,
    timeout: Duration,
    /// By this clock, in case the server does not answer.
    give_up: Instant,
    /// By the server's clock, once that is known.
    deadline: Option<i64>,
    /// Reads in a row that broke.
    broken: u32,
    state: State,
}

#[allow(clippy::large_enum_variant, reason = "there is one of them, and it stays where it is")]
enum State {
    Looking { call: Call, last: bool },
    Reading { after: String, block: Duration },
    Refused(RedisError),
}

impl<Q: Question> Watch<Q> {
    pub(super) fn new(question: Q, keys: &Keys, timeout: Duration) -> Self {
        // A timeout that no clock can represent is as good as none.
        let timeout = timeout.min(Duration::from_secs(100 * 365 * 24 * 3600));
        let give_up = Instant::now() + timeout;
        let last = timeout.is_zero();
        let state = State::Looking { call: Self::call(&question, keys, give_up, last), last };
        Watch { question, keys: keys.clone(), timeout, give_up, deadline: None, broken: 0, state }
    }

    fn call(question: &Q, keys: &Keys, give_up: Instant, last: bool) -> Call {
        let (script, arguments) = question.look(last);
        // The last look begins when the time is up, and may have a broken connection to replace.
        Call::new(script, keys, arguments, if last { give_up + LONGEST_PAUSE } else { give_up })
    }

    fn look(&mut self, last: bool) {
        self.state = State::Looking { call: Self::call(&self.question, &self.keys, self.give_up, last), last };
    }

    /// Handles what a look has seen; `Some` if the conversation is over.
    fn seen(&mut self, mut seen: Answer, last: bool) -> Result<Option<Q::Answer>, Error> {
        let Moment { now, last_event } = seen.moment()?;
        if let Some(answer) = self.question.judge(seen, last)? {
            return Ok(Some(answer));
        }
        let deadline = *self.deadline.get_or_insert_with(|| now.saturating_add(self.timeout.as_millis() as i64));
        // The first look may have come late: the caller's time counts as well.
        let left = Duration::from_millis(deadline.saturating_sub(now).max(0) as u64);
        if left.is_zero() || self.give_up + EARLY <= Instant::now() {
            self.look(true);
        } else {
            self.state = State::Reading { after: last_event, block: left.min(self.question.slice()) };
        }
        Ok(None)
    }
}

impl<Q: Question> Talk for Watch<Q> {
    type Output = Result<Q::Answer, Error>;

    fn step(&mut self) -> Step<Self::Output> {
        loop {
            match &mut self.state {
                State::Looking { call, last } => {
                    let last = *last;
                    match call.step() {
                        Step::Send(command, within) => return Step::Send(command, within),
                        Step::Pause(pause) => return Step::Pause(pause),
                        Step::Done(Err(error)) => return Step::Done(Err(error)),
                        Step::Done(Ok(seen)) => {
                            if let Some(result) = self.seen(seen, last).transpose() {
                                return Step::Done(result);
                            }
                        }
                    }
                }
                State::Reading { after, block } => {
                    let mut command = cmd("XREAD");
                    // Zero would mean for ever.
                    command.arg("COUNT").arg(1).arg("BLOCK").arg(block.as_millis().max(1) as u64);
                    command.arg("STREAMS").arg(self.keys.events()).arg(after.as_str());
                    let left = self.give_up.saturating_duration_since(Instant::now());
                    return Step::Send(command, (*block + MARGIN).min(left + GRACE));
                }
                State::Refused(error) => return Step::Done(Err(Error::Refused(Arc::new(error.clone())))),
            }
        }
    }

    fn hear(&mut self, reply: Result<Value, RedisError>) {
        match &mut self.state {
            State::Looking { call, .. } => call.hear(reply),
            State::Reading { .. } => match reply {
                // Whatever it says: a hint.
                Ok(_) => {
                    self.broken = 0;
                    self.look(false);
                }
                // The look finds out whether the server can be reached, but not in a hurry.
                Err(error) if passes(&error) => {
                    self.look(false);
                    if let State::Looking { call, .. } = &mut self.state {
                        call.pause = Some(pause_after(self.broken));
                    }
                    self.broken = (self.broken + 1).min(MANY);
                }
                Err(error) => self.state = State::Refused(error),
            },
            State::Refused(_) => {}
        }
    }
}
