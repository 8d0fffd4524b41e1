//! Groups between machines, by a Redis server.
//!
//! Every operation is one script: atomic for everybody, and repeatable, because an answer can always be lost. What is on the
//! server is the truth; what it announces is a hint.
//!
//! | it happens | what comes of it |
//! |---|---|
//! | workers are done before the producer waits | the first look says so |
//! | a task is delivered twice, or completed twice | one [`Recorded::First`](crate::Recorded), one `Duplicate` |
//! | a worker dies | its lease expires, another one gets the task |
//! | a task kills every worker | it fails after [`Options::deliveries`](crate::Options::deliveries) |
//! | an answer is lost | the call is repeated; a nonce makes the second answer equal to the first |
//! | the producer dies | [`Server::attach`], and wait or cancel; or the keys expire |
//! | the server restarts with its data | calls go on when it is back |
//! | ... without them, `FLUSHALL`, eviction, expiry | [`WaitError::Vanished`](crate::WaitError), whichever key it is |
//! | `SCRIPT FLUSH` | the script is sent in full |
//! | another run of the name begins | `Superseded` for the one who waits, `Stale` for stragglers |
//! | the server cannot be reached | [`Error::Unreachable`], at the deadline |
//! | the server hangs | the same, about two seconds after the deadline at the latest |
//!
//! *Needs.* Redis 7.0 or later, or a server that speaks its protocol and runs its scripts. The keys of a group are
//! `reveille:{name}:meta`, `:pending`, `:done`, `:queue` and `:events`: one slot of a Redis cluster. All of them expire.
//!
//! *Does not protect* against a server that forgets what it has acknowledged, as a fail-over to a replica that lags may: if
//! what it forgot is a whole number of steps, the group goes on from there, and tasks are done again.

#[cfg(feature = "tokio")]
mod asynchronous;
mod blocking;
mod core;
mod keys;
mod scripts;
mod talk;

use std::sync::Arc;
use std::time::Duration;

use ::redis::{Client, IntoConnectionInfo};

#[cfg(feature = "tokio")]
pub use self::asynchronous::{AsyncGroup, AsyncWorker};
pub use self::blocking::{Group, Worker};
use self::core::Core;
use self::keys::Keys;
use crate::Error;

/// Where a server is, and how long to try to reach it. Connects to nothing yet: each group and each worker has a connection
/// of its own.
///
/// ```no_run
/// use std::time::Duration;
/// use reveille_cluster::{Group as _, Options, Outcome, Taken, Worker as _, redis::Server};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let server = Server::new("redis://127.0.0.1:6379")?;
/// let mut group = server.create("render", ["frame 1", "frame 2"], &Options::new())?;
///
/// // On any machine:
/// let mut worker = server.worker("render")?;
/// while let Taken::Task(lease) = worker.take(Duration::from_secs(10))? {
///     worker.complete(&lease, Outcome::done("pixels"))?;
/// }
///
/// let report = group.wait(Duration::from_secs(60))?;
/// assert_eq!(report.outcomes.len(), 2);
/// group.discard()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Server {
    client: Client,
    patience: Duration,
}

impl Server {
    /// A server by its address, such as `redis://user:password@host:6379/0`, or by anything else that the `redis` crate
    /// takes. Encryption (`rediss://`) is a feature of that crate: name it in your own manifest.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`] if it is not an address.
    pub fn new(address: impl IntoConnectionInfo) -> Result<Self, Error> {
        let client = Client::open(address).map_err(|error| Error::Refused(Arc::new(error)))?;
        Ok(Server { client, patience: Duration::from_secs(30) })
    }

    /// How long a call that does not wait for anything else is tried before it is [`Error::Unreachable`]. Default: half a
    /// minute. `wait` and `take` have timeouts of their own.
    #[must_use]
    pub fn patience(self, patience: Duration) -> Self {
        Server { patience: patience.min(Duration::from_secs(1 << 31)), ..self }
    }

    fn core(&self, name: &str) -> Result<Core, Error> {
        Ok(Core { keys: Keys::new(name)?, patience: self.patience })
    }
}
