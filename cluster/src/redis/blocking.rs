//! The client that blocks its thread.

use std::fmt;
use std::thread;
use std::time::Duration;

use ::redis::{Client, Cmd, Connection, ConnectionLike as _, RedisError, Value};

use super::Server;
use super::core::{Core, nonce, run_after};
use super::talk::{Step, Talk};
use crate::group::distinct;
use crate::{Epoch, Error, Lease, Options, Outcome, Recorded, Report, Taken, Task, WaitError};

/// A connection of its owner's alone, made when it is needed: a blocking read holds up nobody else (C5).
struct Link {
    client: Client,
    connection: Option<Connection>,
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").field("connected", &self.connection.is_some()).finish_non_exhaustive()
    }
}

impl Link {
    fn run<T: Talk>(&mut self, mut talk: T) -> T::Output {
        loop {
            match talk.step() {
                Step::Send(command, within) => {
                    let reply = self.send(&command, within);
                    if reply.is_err() {
                        self.connection = None; // an answer may still be on its way
                    }
                    talk.hear(reply);
                }
                Step::Pause(pause) => thread::sleep(pause),
                Step::Done(output) => return output,
            }
        }
    }

    fn send(&mut self, command: &Cmd, within: Duration) -> Result<Value, RedisError> {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            none => none.insert(self.client.get_connection_with_timeout(within)?),
        };
        connection.set_read_timeout(Some(within))?;
        connection.set_write_timeout(Some(within))?;
        connection.req_command(command)?.extract_error()
    }
}

impl Server {
    /// Begins a run of the group `name`, and keeps a connection for it.
    ///
    /// One script: either the whole group is there, or nothing of it. The server does nothing else meanwhile, which is
    /// some tenths of a second for 10^5 tasks.
    ///
    /// # Errors
    ///
    /// [`Error::RepeatedTask`], [`Error::Name`]; [`Error::Busy`] if the options say so; [`Error::Unreachable`],
    /// [`Error::Refused`].
    pub fn create<T: Into<Task>>(
        &self,
        name: &str,
        tasks: impl IntoIterator<Item = T>,
        options: &Options,
    ) -> Result<Group, Error> {
        let (core, mut link) = self.open(name)?;
        let epoch = link.run(core.create(Epoch(nonce()?), distinct(tasks)?, options))?;
        Ok(Group { core, link, epoch })
    }

    /// The present run of the group `name`: for the producer that comes after one that crashed, or for workers that need
    /// no queue.
    ///
    /// # Errors
    ///
    /// [`Error::Vanished`] if there is none; [`Error::Name`], [`Error::Unreachable`], [`Error::Refused`].
    pub fn attach(&self, name: &str) -> Result<Group, Error> {
        let (core, mut link) = self.open(name)?;
        let epoch = link.run(core.attach())?;
        Ok(Group { core, link, epoch })
    }

    /// A worker for the runs of the group `name`, which need not exist yet. Connects when it is used.
    ///
    /// # Errors
    ///
    /// [`Error::Name`].
    pub fn worker(&self, name: &str) -> Result<Worker, Error> {
        let (core, link) = self.open(name)?;
        Ok(Worker { core, link, consumer: format!("{:x}", nonce()?), run: None })
    }

    fn open(&self, name: &str) -> Result<(Core, Link), Error> {
        Ok((self.core(name)?, Link { client: self.client.clone(), connection: None }))
    }
}

/// A run of a group on a server. See [`crate::Group`] for what the methods do.
///
/// Connects again by itself. A call that got no answer is repeated: every call may arrive any number of times.
#[derive(Debug)]
pub struct Group {
    core: Core,
    link: Link,
    epoch: Epoch,
}

impl Group {
    /// Forgets the group and all outcomes at once, not after its time to live. Another run of this name stays.
    ///
    /// # Errors
    ///
    /// [`Error::Unreachable`], [`Error::Refused`].
    pub fn discard(mut self) -> Result<(), Error> {
        self.link.run(self.core.discard(self.epoch))
    }
}

impl crate::Group for Group {
    fn epoch(&self) -> Epoch {
        self.epoch
    }

    fn complete(&mut self, task: &str, outcome: Outcome) -> Result<Recorded, Error> {
        self.link.run(self.core.complete(self.epoch, task, "", outcome)?)
    }

    fn wait(&mut self, timeout: Duration) -> Result<Report, WaitError> {
        self.link.run(self.core.wait(self.epoch, timeout))?
    }

    fn missing(&mut self) -> Result<Vec<String>, Error> {
        self.link.run(self.core.missing(self.epoch))
    }

    fn cancel(&mut self, reason: &str) -> Result<(), Error> {
        self.link.run(self.core.cancel(self.epoch, reason))
    }
}

/// A worker of a group on a server. See [`crate::Worker`] for what the methods do.
#[derive(Debug)]
pub struct Worker {
    core: Core,
    link: Link,
    /// Its name in the stream's consumer group.
    consumer: String,
    run: Option<Epoch>,
}

impl crate::Worker for Worker {
    fn take(&mut self, timeout: Duration) -> Result<Taken, Error> {
        let taken = self.link.run(self.core.take(&self.consumer, self.run, timeout))?;
        self.run = run_after(&taken, self.run);
        Ok(taken)
    }

    fn complete(&mut self, lease: &Lease, outcome: Outcome) -> Result<Recorded, Error> {
        self.link.run(self.core.complete(lease.epoch, &lease.task, &lease.ticket, outcome)?)
    }

    fn renew(&mut self, lease: &Lease) -> Result<bool, Error> {
        self.link.run(self.core.renew(lease, &self.consumer))
    }

    fn next_run(&mut self, after: Option<Epoch>, timeout: Duration) -> Result<Option<Epoch>, Error> {
        self.link.run(self.core.next_run(after, timeout))
    }
}
