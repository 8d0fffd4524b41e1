//! What can go wrong, with the item back.

use core::error::Error;
use core::fmt;

/// An item that was not accepted, and why.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum PublishError<T> {
    /// No credit is left: the loop has not caught up.
    Full(T),
    /// The bridge takes nothing any more.
    Closed(T),
    /// It is full, and the caller is the thread of the loop that would have to make room.
    WouldDeadlock(T),
}

impl<T> PublishError<T> {
    /// The item.
    pub fn into_inner(self) -> T {
        match self {
            PublishError::Full(item) | PublishError::Closed(item) | PublishError::WouldDeadlock(item) => item,
        }
    }

    /// The same reason, with another item.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> PublishError<U> {
        match self {
            PublishError::Full(item) => PublishError::Full(f(item)),
            PublishError::Closed(item) => PublishError::Closed(f(item)),
            PublishError::WouldDeadlock(item) => PublishError::WouldDeadlock(f(item)),
        }
    }

    /// Whether a later attempt may succeed.
    pub fn is_full(&self) -> bool {
        matches!(self, PublishError::Full(_))
    }

    /// Whether no later attempt can succeed.
    pub fn is_closed(&self) -> bool {
        matches!(self, PublishError::Closed(_))
    }
}

impl<T> fmt::Display for PublishError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            PublishError::Full(_) => "the bridge is full",
            PublishError::Closed(_) => "the bridge is closed",
            PublishError::WouldDeadlock(_) => "the bridge is full, and only this thread can make room",
        })
    }
}

impl<T> fmt::Debug for PublishError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            PublishError::Full(_) => "Full(..)",
            PublishError::Closed(_) => "Closed(..)",
            PublishError::WouldDeadlock(_) => "WouldDeadlock(..)",
        })
    }
}

impl<T> Error for PublishError<T> {}

/// A bridge that already has a receiver, or had one that is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attached;

impl fmt::Display for Attached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the bridge has or had another receiver")
    }
}

impl Error for Attached {}

/// A bridge that has delivered everything it ever will.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closed;

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the bridge is closed and drained")
    }
}

impl Error for Closed {}
