//! The scripts, each of which is one step for everybody else, and how their answers are read.

use std::sync::LazyLock;

use ::redis::{Cmd, FromRedisValue, Script, Value, cmd};

use super::keys::Keys;
use crate::{Epoch, Error};

/// A script with its prelude, and its hash.
pub(super) struct Prepared {
    code: String,
    hash: String,
}

/// When memory is short, a script with this line is refused before it does anything: never in the middle.
const GROWS: &str = "#!lua\n";
/// ... and one with this line is not: whoever waits is answered, and whoever cleans up may.
const STAYS: &str = "#!lua flags=allow-oom\n";

macro_rules! scripts {
    ($($(#[$doc:meta])* $name:ident = $memory:ident, $file:literal;)*) => {$(
        $(#[$doc])*
        pub(super) static $name: LazyLock<Prepared> =
            LazyLock::new(|| Prepared::new($memory, concat!(include_str!("scripts/prelude.lua"), include_str!($file))));
    )*};
}

scripts! {
    /// `epoch ttl fast refuse queue lease deliveries (id payload)*` -> `ok`, `busy`
    CREATE = GROWS, "scripts/create.lua";
    /// `epoch task nonce sign payload entry` -> `first remaining`, `duplicate`, `stale`, `unknown`, `cancelled`, `vanished`
    COMPLETE = GROWS, "scripts/complete.lua";
    /// `epoch named` -> `open missing`, `complete done`, `broken task reason`, `cancelled _ reason`, `superseded`, `vanished`
    LOOK = STAYS, "scripts/look.lua";
    /// `consumer` -> `task entry id payload delivery`, `idle lease`, `over`, `none`
    TAKE = GROWS, "scripts/take.lua";
    /// `epoch consumer entry` -> `renewed`, `lost`
    RENEW = STAYS, "scripts/renew.lua";
    /// `epoch reason` -> `ok`, `vanished`
    CANCEL = STAYS, "scripts/cancel.lua";
    /// `epoch` -> `ok`
    DISCARD = STAYS, "scripts/discard.lua";
    /// -> `ok`, `vanished`
    ATTACH = STAYS, "scripts/attach.lua";
}

impl Prepared {
    fn new(memory: &str, code: &str) -> Self {
        let code = format!("{memory}{code}");
        Prepared { hash: Script::new(&code).get_hash().to_owned(), code }
    }

    /// The call by hash; or with the code, for a server that does not know it.
    pub(super) fn command(&self, whole: bool, keys: &Keys, arguments: &[Vec<u8>]) -> Cmd {
        let mut command = if whole { cmd("EVAL") } else { cmd("EVALSHA") };
        command.arg(if whole { &self.code } else { &self.hash });
        command.arg(Keys::COUNT).arg(keys.all()).arg(arguments);
        command
    }
}

/// What every script answers.
pub(super) struct Answer {
    pub(super) status: String,
    /// The present run, if there is one.
    pub(super) epoch: Option<Epoch>,
    rest: std::vec::IntoIter<Value>,
}

/// When a script looked.
pub(super) struct Moment {
    /// By the server's clock, in milliseconds.
    pub(super) now: i64,
    /// The last event before it.
    pub(super) last_event: String,
}

impl Answer {
    pub(super) fn read(value: Value) -> Result<Self, Error> {
        let mut parts = take::<Vec<Value>>(Some(value))?.into_iter();
        let (status, epoch) = (take(parts.next())?, take::<String>(parts.next())?);
        Ok(Answer { status, epoch: Epoch::parse(&epoch), rest: parts })
    }

    /// The first part of what [`LOOK`], [`TAKE`] and [`ATTACH`] answer.
    pub(super) fn moment(&mut self) -> Result<Moment, Error> {
        Ok(Moment { now: self.next()?, last_event: self.next()? })
    }

    /// The next part of the answer.
    pub(super) fn next<T: FromRedisValue>(&mut self) -> Result<T, Error> {
        take(self.rest.next())
    }

    /// The run that is known to exist.
    pub(super) fn present(&self) -> Result<Epoch, Error> {
        self.epoch.ok_or_else(|| odd("no epoch"))
    }

    /// For a status that the caller does not know.
    pub(super) fn unexpected(&self) -> Error {
        odd(&self.status)
    }
}

fn take<T: FromRedisValue>(value: Option<Value>) -> Result<T, Error> {
    T::from_redis_value(value.unwrap_or(Value::Nil)).map_err(|error| odd(&error.to_string()))
}

/// An answer that the scripts do not give.
pub(super) fn odd(what: &str) -> Error {
    Error::Refused(std::sync::Arc::from(Box::<dyn std::error::Error + Send + Sync>::from(format!(
        "not an answer of this protocol: {what}"
    ))))
}
