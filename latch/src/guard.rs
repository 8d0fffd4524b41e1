//! A count that comes down by itself, also when its holder panics.

use core::fmt;

use reveille_futex::{Os, Platform};

use crate::CountdownLatch;
use crate::panicking::panicking;

/// One count of a [`CountdownLatch`], taken down when the guard is dropped.
///
/// A guard that is dropped by a panic poisons the latch first, so the waiters are told instead of left waiting. To tell a
/// panic from a return takes the feature `std`; without it, say so by [`fail`](Self::fail).
///
/// A guard too many is a count-down too many: the latch refuses it, and the refusal is lost with the guard.
///
/// ```
/// use reveille_latch::{CountdownLatch, Poisoned};
///
/// let done = CountdownLatch::new(2);
/// std::thread::scope(|s| {
///     s.spawn(|| {
///         let _count = done.guard();
///     });
///     s.spawn(|| done.guard().fail());
///     assert_eq!(done.wait(), Err(Poisoned));
/// });
/// ```
#[must_use = "counts down when dropped"]
pub struct CountGuard<'a, P: Platform = Os> {
    latch: &'a CountdownLatch<P>,
}

impl<'a, P: Platform> CountGuard<'a, P> {
    pub(crate) fn new(latch: &'a CountdownLatch<P>) -> Self {
        Self { latch }
    }

    /// Poisons the latch and counts down.
    pub fn fail(self) {
        self.latch.poison();
    }
}

impl<P: Platform> Drop for CountGuard<'_, P> {
    fn drop(&mut self) {
        if panicking() {
            self.latch.poison();
        }
        // An underflow leaves the latch as it is; there is nobody to tell.
        let _ = self.latch.count_down();
    }
}

impl<P: Platform> fmt::Debug for CountGuard<'_, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CountGuard").field("latch", self.latch).finish()
    }
}
