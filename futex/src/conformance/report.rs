//! What to check, and what came of it.

use core::fmt;
use core::time::Duration;

/// How much to check.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Options {
    /// Turns between the leader and one follower.
    pub hand_offs: u32,
    /// Whether the platform has a clock, and waits that end by it.
    pub timed: bool,
    /// How late the best of a few timeouts may be, on a machine with nothing else to do.
    pub late: Duration,
    /// How long a wake may take before it counts as lost.
    pub patience: Duration,
}

impl Options {
    /// A thousand turns, timeouts late by at most 20 ms, wakes by at most 10 s.
    pub const fn quick() -> Self {
        Options { hand_offs: 1_000, timed: true, late: Duration::from_millis(20), patience: Duration::from_secs(10) }
    }

    /// As [`quick`](Self::quick), with a million turns.
    pub const fn full() -> Self {
        Self::quick().hand_offs(1_000_000)
    }

    /// Changes the number of turns.
    #[must_use]
    pub const fn hand_offs(self, hand_offs: u32) -> Self {
        Options { hand_offs, ..self }
    }

    /// Leaves out what needs a clock.
    #[must_use]
    pub const fn untimed(self) -> Self {
        Options { timed: false, ..self }
    }

    /// Changes how late a timeout may be.
    #[must_use]
    pub const fn late(self, late: Duration) -> Self {
        Options { late, ..self }
    }

    /// Changes how long a wake may take.
    #[must_use]
    pub const fn patience(self, patience: Duration) -> Self {
        Options { patience, ..self }
    }
}

/// The demands; see the [module](super).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the module's table says what each is")]
pub enum Check {
    Mismatch = 1,
    ZeroTimeout,
    DeadAddress,
    ClockSteps,
    Early,
    Late,
    Overflow,
    HandOff,
    WakeOne,
}

const CHECKS: [Check; 9] = [
    Check::Mismatch,
    Check::ZeroTimeout,
    Check::DeadAddress,
    Check::ClockSteps,
    Check::Early,
    Check::Late,
    Check::Overflow,
    Check::HandOff,
    Check::WakeOne,
];

/// The first check that failed, of any party.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Which.
    pub check: Check,
    /// Nanoseconds early or late, the turn, the number of waiters left: what the check is about.
    pub value: u32,
}

impl Failure {
    const VALUE_BITS: u32 = 24;
    const VALUE_MASK: u32 = (1 << Self::VALUE_BITS) - 1;

    /// One word, not zero: the check above its value, which is cut to what fits.
    pub(super) fn pack(self) -> u32 {
        ((self.check as u32) << Self::VALUE_BITS) | self.value.min(Self::VALUE_MASK)
    }

    pub(super) fn unpack(word: u32) -> Failure {
        let index = (word >> Self::VALUE_BITS).saturating_sub(1) as usize;
        Failure { check: CHECKS[index.min(CHECKS.len() - 1)], value: word & Self::VALUE_MASK }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the platform fails {:?} ({})", self.check, self.value)
    }
}

impl core::error::Error for Failure {}

/// What was measured on the way.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Report {
    /// Turns done.
    pub hand_offs: u32,
    /// The worst of the best latenesses.
    pub late: Duration,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_survives_packing() {
        for check in CHECKS {
            for value in [0, 7, Failure::VALUE_MASK] {
                let failure = Failure { check, value };
                assert_eq!(Failure::unpack(failure.pack()), failure);
            }
        }
        let large = Failure { check: Check::Late, value: u32::MAX };
        assert_eq!(Failure::unpack(large.pack()), Failure { value: Failure::VALUE_MASK, ..large });
    }
}
