//! What a steal comes to.

use core::fmt;

/// The outcome of a steal.
#[must_use]
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub enum Steal<T> {
    /// There was nothing to steal.
    Empty,
    /// At least one item.
    Success(T),
    /// Somebody else was faster, or is in the middle of something: there may be more, so try again. Not the same as
    /// `Empty`: a thread that goes to sleep on it may sleep on work.
    Retry,
}

impl<T> Steal<T> {
    /// Whether there was nothing to steal.
    #[inline]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        matches!(self, Steal::Empty)
    }

    /// Whether something was stolen.
    #[inline]
    #[must_use]
    pub fn is_success(&self) -> bool {
        matches!(self, Steal::Success(_))
    }

    /// Whether the steal should be tried again.
    #[inline]
    #[must_use]
    pub fn is_retry(&self) -> bool {
        matches!(self, Steal::Retry)
    }

    /// What was stolen, if anything.
    #[inline]
    #[must_use]
    pub fn success(self) -> Option<T> {
        match self {
            Steal::Success(item) => Some(item),
            Steal::Empty | Steal::Retry => None,
        }
    }

    /// The same outcome with another value.
    #[inline(always)]
    pub(crate) fn map<U>(self, value: impl FnOnce(T) -> U) -> Steal<U> {
        match self {
            Steal::Success(item) => Steal::Success(value(item)),
            Steal::Empty => Steal::Empty,
            Steal::Retry => Steal::Retry,
        }
    }

    /// This outcome if it is a success, else that of `other`; `Retry` if one of the two was and none was a success.
    ///
    /// ```
    /// use reveille_deque::Steal;
    ///
    /// assert_eq!(Steal::Empty.or_else(|| Steal::Success(1)), Steal::Success(1));
    /// assert_eq!(Steal::<u8>::Retry.or_else(|| Steal::Empty), Steal::Retry);
    /// ```
    #[inline]
    pub fn or_else(self, other: impl FnOnce() -> Steal<T>) -> Steal<T> {
        match self {
            Steal::Success(_) => self,
            Steal::Empty => other(),
            Steal::Retry => match other() {
                Steal::Empty => Steal::Retry,
                outcome => outcome,
            },
        }
    }
}

/// Without the item, which need not be `Debug`.
impl<T> fmt::Debug for Steal<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Steal::Empty => "Empty",
            Steal::Success(_) => "Success(..)",
            Steal::Retry => "Retry",
        })
    }
}

/// The first success of several steals; steals no further then.
impl<T> FromIterator<Steal<T>> for Steal<T> {
    fn from_iter<I: IntoIterator<Item = Steal<T>>>(steals: I) -> Self {
        let mut outcome = Steal::Empty;
        for steal in steals {
            match steal {
                Steal::Success(_) => return steal,
                Steal::Retry => outcome = Steal::Retry,
                Steal::Empty => {}
            }
        }
        outcome
    }
}

#[cfg(test)]
mod tests {
    use super::Steal::{self, Empty, Retry, Success};

    #[test]
    fn or_else_prefers_success_then_retry() {
        for (first, second, outcome) in [
            (Success(1), Success(2), Success(1)),
            (Retry, Success(2), Success(2)),
            (Empty, Success(2), Success(2)),
            (Retry, Empty, Retry),
            (Empty, Retry, Retry),
            (Retry, Retry, Retry),
            (Empty, Empty, Empty),
        ] {
            assert_eq!(first.or_else(|| second), outcome, "{first:?}, {second:?}");
            assert_eq!([first, second].into_iter().collect::<Steal<i32>>(), outcome, "{first:?}, {second:?}");
        }
        assert_eq!(Success(1).or_else(|| panic!("not asked")), Success(1));
    }
}
