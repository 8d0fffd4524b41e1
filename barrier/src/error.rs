//! What can go wrong, as values.

use core::error::Error;
use core::fmt;

/// The barrier is broken: the phase will not complete, and no other before a reset.
///
/// The code says why: one of the constants, or what was passed to `break_with`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Broken {
    pub(crate) code: u32,
}

impl Broken {
    /// A party panicked.
    pub const PANICKED: u32 = u32::MAX;
    /// Every party has left.
    pub const EMPTY: u32 = u32::MAX - 1;
    /// A member was dropped.
    pub const LEFT: u32 = u32::MAX - 2;
    /// The barrier was reset while somebody waited.
    pub const RESET: u32 = u32::MAX - 3;

    /// Why it broke.
    pub const fn code(self) -> u32 {
        self.code
    }
}

/// Why a wait with a deadline did not succeed. `T` is what is needed to go on: a token, or nothing.
#[derive(Debug, PartialEq, Eq)]
pub enum WaitError<T = ()> {
    /// The deadline passed first. The arrival stands.
    TimedOut(T),
    /// The phase will not complete.
    Broken(Broken),
}

/// Why an arrival was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ArriveError {
    /// Everybody has arrived already: the caller is one too many, or did not wait for the phase before.
    Full,
    /// The barrier is broken.
    Broken(Broken),
}

/// Why a party could not be added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RegisterError {
    /// There are [`Barrier::MAX`](crate::Barrier::MAX) parties.
    TooMany,
    /// The barrier is broken.
    Broken(Broken),
}

/// A number of parties that no barrier can have: none, or more than [`Barrier::MAX`](crate::Barrier::MAX).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PartiesError;

/// An arrival could not be withdrawn, because its phase is complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Completed;

/// Why a barrier could not be reset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ResetError {
    /// This many arrivals of the broken phase have not been given up yet: their waits have not returned, or their tokens
    /// have not been dropped.
    Busy(u32),
    /// Every party has left.
    Empty,
}

/// Every handle was handed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AllClaimed;

impl<T> From<Broken> for WaitError<T> {
    fn from(broken: Broken) -> Self {
        WaitError::Broken(broken)
    }
}

impl From<Broken> for ArriveError {
    fn from(broken: Broken) -> Self {
        ArriveError::Broken(broken)
    }
}

impl From<Broken> for RegisterError {
    fn from(broken: Broken) -> Self {
        RegisterError::Broken(broken)
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.code {
            Self::PANICKED => f.write_str("the barrier is broken: a party panicked"),
            Self::EMPTY => f.write_str("the barrier is broken: every party has left"),
            Self::LEFT => f.write_str("the barrier is broken: a member has left"),
            Self::RESET => f.write_str("the barrier is broken: it was reset"),
            code => write!(f, "the barrier is broken: code {code}"),
        }
    }
}

impl<T> fmt::Display for WaitError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            WaitError::TimedOut(_) => f.write_str("timed out"),
            WaitError::Broken(broken) => broken.fmt(f),
        }
    }
}

impl fmt::Display for ArriveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ArriveError::Full => f.write_str("every party has arrived already"),
            ArriveError::Broken(broken) => broken.fmt(f),
        }
    }
}

impl fmt::Display for RegisterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RegisterError::TooMany => f.write_str("the barrier has its largest number of parties"),
            RegisterError::Broken(broken) => broken.fmt(f),
        }
    }
}

impl fmt::Display for PartiesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no parties, or too many")
    }
}

impl fmt::Display for Completed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the phase is complete")
    }
}

impl fmt::Display for ResetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ResetError::Busy(arrivals) => write!(f, "{arrivals} arrivals have not been given up yet"),
            ResetError::Empty => f.write_str("every party has left"),
        }
    }
}

impl fmt::Display for AllClaimed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("every handle was handed out")
    }
}

impl Error for Broken {}
impl<T: fmt::Debug> Error for WaitError<T> {}
impl Error for ArriveError {}
impl Error for RegisterError {}
impl Error for PartiesError {}
impl Error for Completed {}
impl Error for ResetError {}
impl Error for AllClaimed {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reasons_are_distinct_and_leave_small_numbers_to_users() {
        let reasons = [Broken::PANICKED, Broken::EMPTY, Broken::LEFT, Broken::RESET];
        for (i, &reason) in reasons.iter().enumerate() {
            assert!(reason >= u32::MAX - 3 && !reasons[..i].contains(&reason));
        }
    }
}
