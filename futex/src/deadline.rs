//! A point in time on the platform's monotonic clock, without `std`.

use core::time::Duration;

use crate::{Os, Platform};

/// A point in time on a [`Platform`]'s monotonic clock, in nanoseconds since an origin of the platform's choice.
///
/// Deadlines of one platform compare with each other and with nothing else. The arithmetic saturates: a deadline too far
/// away to be represented is [`Deadline::NEVER`], which waits for ever.
///
/// Never blocks or allocates; reading the clock is a vDSO call on Linux and may be called from an interrupt where the
/// platform's clock may.
///
/// ```
/// use core::time::Duration;
/// use reveille_futex::Deadline;
///
/// let soon = Deadline::after(Duration::from_millis(5));
/// assert!(soon > Deadline::now());
/// assert!(Deadline::after(Duration::MAX).is_never());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Deadline(u64);

impl Deadline {
    /// The deadline that never passes.
    pub const NEVER: Deadline = Deadline(u64::MAX);

    /// The deadline that has always passed: a wait until then polls.
    pub const PASSED: Deadline = Deadline(0);

    /// A deadline at `nanos` nanoseconds after the clock's origin. `u64::MAX` is [`Deadline::NEVER`].
    #[inline]
    pub const fn from_nanos(nanos: u64) -> Self {
        Deadline(nanos)
    }

    /// Nanoseconds after the clock's origin.
    #[inline]
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// Whether this is [`Deadline::NEVER`].
    #[inline]
    pub const fn is_never(self) -> bool {
        self.0 == u64::MAX
    }

    /// Now, on the clock of [`Os`].
    #[inline]
    pub fn now() -> Self {
        Self::now_on::<Os>()
    }

    /// Now, on the clock of `P`.
    #[inline]
    pub fn now_on<P: Platform>() -> Self {
        P::now()
    }

    /// `timeout` from now, on the clock of [`Os`].
    #[inline]
    pub fn after(timeout: Duration) -> Self {
        Self::after_on::<Os>(timeout)
    }

    /// `timeout` from now, on the clock of `P`. A timeout that overflows the clock is [`Deadline::NEVER`]; a zero
    /// timeout is [`Deadline::PASSED`] and does not read the clock.
    #[inline]
    pub fn after_on<P: Platform>(timeout: Duration) -> Self {
        if timeout.is_zero() {
            return Self::PASSED;
        }
        P::now().saturating_add(timeout)
    }

    /// This deadline moved later by `timeout`, or [`Deadline::NEVER`] if that overflows.
    #[must_use]
    pub const fn saturating_add(self, timeout: Duration) -> Self {
        let nanos = timeout.as_nanos();
        if nanos >= u64::MAX as u128 {
            return Self::NEVER;
        }
        Deadline(self.0.saturating_add(nanos as u64))
    }

    /// The time left at `now`: zero if the deadline has passed, `None` if it never does.
    pub const fn remaining(self, now: Deadline) -> Option<Duration> {
        if self.is_never() {
            return None;
        }
        Some(Duration::from_nanos(self.0.saturating_sub(now.0)))
    }
}
