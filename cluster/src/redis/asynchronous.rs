//! The client for tokio: the same conversations, waited for without blocking a thread.
//!
//! *Cancel-safe.* A future that is dropped takes its connection with it, because an answer may be on its way; the next call
//! makes another. What it asked for may have been done; every call may be repeated.

use std::time::Duration;

use ::redis::aio::{ConnectionLike as _, MultiplexedConnection};
use ::redis::{AsyncConnectionConfig, Client, Cmd, RedisError, Value};

use super::Server;
use super::core::{Core, nonce, run_after};
use super::talk::{Step, Talk};
use crate::group::distinct;
use crate::{Epoch, Error, Lease, Options, Outcome, Recorded, Report, Taken, Task, WaitError};

#[derive(Debug)]
struct Link {
    client: Client,
    connection: Option<MultiplexedConnection>,
}

impl Link {
    async fn run<T: Talk>(&mut self, mut talk: T) -> T::Output {
        loop {
            match talk.step() {
                Step::Send(command, within) => {
                    let reply = tokio::time::timeout(within, self.send(&command)).await;
                    let late = |_| Err(RedisError::from(std::io::Error::from(std::io::ErrorKind::TimedOut)));
                    talk.hear(reply.unwrap_or_else(late));
                }
                Step::Pause(pause) => tokio::time::sleep(pause).await,
                Step::Done(output) => return output,
            }
        }
    }

    /// The connection is put back when its answer is there: neither an error nor a dropped future leaves one behind that
    /// has an answer to come.
    async fn send(&mut self, command: &Cmd) -> Result<Value, RedisError> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => {
                // Our own timeouts: the crate's would cut a blocking read (C5).
                let config = AsyncConnectionConfig::new().set_connection_timeout(None).set_response_timeout(None);
                self.client.get_multiplexed_async_connection_with_config(&config).await?
            }
        };
        let value = connection.req_packed_command(command).await?.extract_error()?;
        self.connection = Some(connection);
        Ok(value)
    }
}

impl Server {
    /// [`create`](Self::create) without blocking.
    ///
    /// # Errors
    ///
    /// As `create`.
    pub async fn create_async<T: Into<Task>>(
        &self,
        name: &str,
        tasks: impl IntoIterator<Item = T>,
        options: &Options,
    ) -> Result<AsyncGroup, Error> {
        let (core, mut link) = self.open_async(name)?;
        let call = core.create(Epoch(nonce()?), distinct(tasks)?, options);
        let epoch = link.run(call).await?;
        Ok(AsyncGroup { core, link, epoch })
    }

    /// [`attach`](Self::attach) without blocking.
    ///
    /// # Errors
    ///
    /// As `attach`.
    pub async fn attach_async(&self, name: &str) -> Result<AsyncGroup, Error> {
        let (core, mut link) = self.open_async(name)?;
        let epoch = link.run(core.attach()).await?;
        Ok(AsyncGroup { core, link, epoch })
    }

    /// A worker whose methods do not block.
    ///
    /// # Errors
    ///
    /// [`Error::Name`].
    pub fn worker_async(&self, name: &str) -> Result<AsyncWorker, Error> {
        let (core, link) = self.open_async(name)?;
        Ok(AsyncWorker { core, link, consumer: format!("{:x}", nonce()?), run: None })
    }

    fn open_async(&self, name: &str) -> Result<(Core, Link), Error> {
        Ok((self.core(name)?, Link { client: self.client.clone(), connection: None }))
    }
}

/// A run of a group on a server, for async code. The methods are those of [`crate::Group`], with the same answers and
/// errors; their futures are cancel-safe.
///
/// ```no_run
/// use std::time::Duration;
/// use reveille_cluster::{Options, Outcome, Taken, redis::Server};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let server = Server::new("redis://127.0.0.1:6379")?;
/// let mut group = server.create_async("render", ["frame 1"], &Options::new()).await?;
/// let mut worker = server.worker_async("render")?;
/// if let Taken::Task(lease) = worker.take(Duration::from_secs(1)).await? {
///     worker.complete(&lease, Outcome::done("pixels")).await?;
/// }
/// assert_eq!(group.wait(Duration::from_secs(1)).await?.outcomes.len(), 1);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct AsyncGroup {
    core: Core,
    link: Link,
    epoch: Epoch,
}

#[allow(clippy::missing_errors_doc, reason = "those of the trait's methods")]
impl AsyncGroup {
    /// [`crate::Group::epoch`].
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// [`crate::Group::complete`].
    pub async fn complete(&mut self, task: &str, outcome: Outcome) -> Result<Recorded, Error> {
        let call = self.core.complete(self.epoch, task, "", outcome)?;
        self.link.run(call).await
    }

    /// [`crate::Group::wait`].
    pub async fn wait(&mut self, timeout: Duration) -> Result<Report, WaitError> {
        self.link.run(self.core.wait(self.epoch, timeout)).await?
    }

    /// [`crate::Group::missing`].
    pub async fn missing(&mut self) -> Result<Vec<String>, Error> {
        self.link.run(self.core.missing(self.epoch)).await
    }

    /// [`crate::Group::cancel`].
    pub async fn cancel(&mut self, reason: &str) -> Result<(), Error> {
        self.link.run(self.core.cancel(self.epoch, reason)).await
    }

    /// Forgets the group and all outcomes at once. Another run of this name stays.
    pub async fn discard(mut self) -> Result<(), Error> {
        self.link.run(self.core.discard(self.epoch)).await
    }
}

/// A worker of a group on a server, for async code. The methods are those of [`crate::Worker`].
#[derive(Debug)]
pub struct AsyncWorker {
    core: Core,
    link: Link,
    consumer: String,
    run: Option<Epoch>,
}

#[allow(clippy::missing_errors_doc, reason = "those of the trait's methods")]
impl AsyncWorker {
    /// [`crate::Worker::take`]. A task that a dropped future had got is handed out again when its lease is over.
    pub async fn take(&mut self, timeout: Duration) -> Result<Taken, Error> {
        let taken = self.link.run(self.core.take(&self.consumer, self.run, timeout)).await?;
        self.run = run_after(&taken, self.run);
        Ok(taken)
    }

    /// [`crate::Worker::complete`].
    pub async fn complete(&mut self, lease: &Lease, outcome: Outcome) -> Result<Recorded, Error> {
        let call = self.core.complete(lease.epoch, &lease.task, &lease.ticket, outcome)?;
        self.link.run(call).await
    }

    /// [`crate::Worker::renew`].
    pub async fn renew(&mut self, lease: &Lease) -> Result<bool, Error> {
        self.link.run(self.core.renew(lease, &self.consumer)).await
    }

    /// [`crate::Worker::next_run`].
    pub async fn next_run(&mut self, after: Option<Epoch>, timeout: Duration) -> Result<Option<Epoch>, Error> {
        self.link.run(self.core.next_run(after, timeout)).await
    }
}
