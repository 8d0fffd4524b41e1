//! Groups between processes, in memory that they share. Linux and Android.
//!
//! A *region* has up to 64 members, with the names `"0"` to `"63"`. Its runs are phases: in each, every member has one task,
//! which bears its name. Members wait for each other, as at a barrier; a handle that is no member, such as a producer's,
//! waits without being waited for.
//!
//! | it happens | what comes of it |
//! |---|---|
//! | a member dies, at whatever instruction | [`OnDeath::Break`]: all are told [`WaitError::Broken`](crate::WaitError); [`OnDeath::Depart`]: the others go on, and are told in [`Report::departed`](crate::Report) |
//! | a member is stopped, or slow | a timeout that names it: its lock is held, so it is not dead |
//! | a member arrives and dies before it can wake the others | they notice at their next look |
//! | a member leaves: its handle is dropped | it is not waited for any more; dropped by a panic, it breaks a region that breaks |
//! | the creator dies before the region is ready | nobody attaches to it; the next creator begins anew |
//! | the file was left by processes that are dead | nobody attaches to it; the next creator begins anew |
//! | a program of another word size or version | [`Error::Layout`](crate::Error) |
//!
//! Liveness is a lock that the kernel releases, so no process has to answer, and no number of a process is ever taken for
//! another's. Outcomes are one bit, done or failed: results belong into memory that the members share anyway.
//!
//! *Trust.* Whoever can write the file can harm those who map it; shortening it ends them with `SIGBUS`.
//!
//! ```
//! use std::time::Duration;
//! use reveille_cluster::shm::{self, Config};
//! use reveille_cluster::{Group as _, Outcome, Recorded};
//!
//! let mut producer = shm::create_anonymous(&Config::new(2)).unwrap();
//!
//! // In other processes, usually:
//! let mut a = shm::attach(producer.path(), Duration::ZERO).unwrap();
//! let mut b = shm::attach(producer.path(), Duration::ZERO).unwrap();
//! a.join(0).unwrap();
//! b.join(1).unwrap();
//! assert_eq!(a.complete("0", Outcome::done("")).unwrap(), Recorded::First { remaining: 1 });
//! assert_eq!(b.complete("1", Outcome::done("")).unwrap(), Recorded::First { remaining: 0 });
//!
//! assert_eq!(producer.wait(Duration::ZERO).unwrap().outcomes.len(), 2);
//! a.wait(Duration::ZERO).unwrap(); // on to the next phase
//! ```

mod breakage;
mod entry;
mod group;
mod lock;
mod region;

use std::path::Path;
use std::time::Duration;

pub use self::group::Group;
use self::region::Mapping;
use crate::{Error, OnFailure};

/// What the death of a member means for the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum OnDeath {
    /// No run completes any more: every wait returns [`WaitError::Broken`](crate::WaitError).
    #[default]
    Break,
    /// The others go on without it.
    Depart,
}

/// How a region is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    members: u32,
    on_death: OnDeath,
    on_failure: OnFailure,
}

impl Config {
    /// The most members.
    pub const MAX: u32 = 64;

    /// A region of so many members.
    ///
    /// # Panics
    ///
    /// If it is none, or more than [`MAX`](Self::MAX).
    pub fn new(members: u32) -> Self {
        assert!((1..=Self::MAX).contains(&members), "{members} members: from 1 to 64 are possible");
        Config { members, on_death: OnDeath::default(), on_failure: OnFailure::CollectAll }
    }

    /// What a death means. Default: [`OnDeath::Break`].
    #[must_use]
    pub fn on_death(self, on_death: OnDeath) -> Self {
        Config { on_death, ..self }
    }

    /// What a failure means. Default here: [`OnFailure::CollectAll`].
    #[must_use]
    pub fn on_failure(self, on_failure: OnFailure) -> Self {
        Config { on_failure, ..self }
    }
}

/// Makes a region in a file, preferably of a file system in memory such as `/dev/shm`, and attaches to it. A file that nobody
/// uses is made anew. Only this user may open it.
///
/// # Errors
///
/// [`Error::Busy`] if somebody uses the file; [`Error::Unreachable`] if somebody is creating it and does not get on;
/// [`Error::Layout`], [`Error::Refused`].
pub fn create(path: impl AsRef<Path>, config: &Config) -> Result<Group, Error> {
    create_interrupted(path, config, || {})
}

/// Makes a region in memory without a name, and attaches to it. Others attach to its [path](Group::path) as long as this
/// process has it open.
///
/// # Errors
///
/// [`Error::Refused`].
pub fn create_anonymous(config: &Config) -> Result<Group, Error> {
    Ok(Group::new(Mapping::create_anonymous(config)?))
}

/// Attaches to the region at `path`, for at most `timeout`: until somebody has made it. Writes nothing.
///
/// # Errors
///
/// [`Error::Vanished`] if there is none, or if nobody uses it any more; [`Error::Layout`], [`Error::Refused`].
pub fn attach(path: impl AsRef<Path>, timeout: Duration) -> Result<Group, Error> {
    Ok(Group::new(Mapping::attach(path.as_ref(), timeout)?))
}

/// [`create`], with something in between when the region is filled and not ready: for tests of what happens then.
#[doc(hidden)]
pub fn create_interrupted(
    path: impl AsRef<Path>,
    config: &Config,
    before_ready: impl FnOnce(),
) -> Result<Group, Error> {
    Ok(Group::new(Mapping::create(path.as_ref(), config, before_ready)?))
}
