//! What can go wrong, as values.

use core::error::Error;
use core::fmt;

/// A count would have gone below zero; it was left as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Underflow;

/// Why a count could not be raised; it was left as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AddError {
    /// The latch is open, and an open latch stays open.
    Released,
    /// The count would pass [`CountdownLatch::MAX`](crate::CountdownLatch::MAX).
    Overflow,
}

/// Everybody counted down, but somebody did so by panicking or by calling `poison`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Poisoned;

/// Why a wait with a deadline did not succeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WaitError {
    /// The deadline passed first. The latch is as it was and can be waited for again.
    TimedOut,
    /// The latch is open, and poisoned.
    Poisoned,
}

impl From<Poisoned> for WaitError {
    fn from(_: Poisoned) -> Self {
        WaitError::Poisoned
    }
}

impl fmt::Display for Underflow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("count down below zero")
    }
}

impl fmt::Display for AddError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            AddError::Released => "the latch is open already",
            AddError::Overflow => "the count is too large",
        })
    }
}

impl fmt::Display for Poisoned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a participant panicked or failed")
    }
}

impl fmt::Display for WaitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            WaitError::TimedOut => f.write_str("timed out"),
            WaitError::Poisoned => Poisoned.fmt(f),
        }
    }
}

impl Error for Underflow {}
impl Error for AddError {}
impl Error for Poisoned {}
impl Error for WaitError {}
