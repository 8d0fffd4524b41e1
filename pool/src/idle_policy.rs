//! How long a worker without work looks for some before it sleeps.

use core::time::Duration;

use reveille_futex::sync::atomic::{AtomicUsize, Ordering};
use reveille_futex::{Deadline, Platform, const_unless_loom};

/// What a worker does when it finds no work: for how long it searches on before it sleeps in the kernel.
///
/// A sleeping worker costs nothing and needs a wake, a few microseconds and a system call of whoever has work. A searching
/// one finds work sooner and takes processor time from others. Except by [`Spin`](Self::Spin), at most about as many
/// workers search as are at work; the others sleep at once, so that a wide pool does not burn its processors over a little
/// work.
///
/// | policy | an idle pool burns | work from outside is begun |
/// |---|---|---|
/// | `Sleep` | nothing | after a wake |
/// | `Brief`, the default | about 20 us per worker that runs out of work | after a wake, or at once within those 20 us |
/// | `Search(d)` | `d` per worker that runs out of work | after a wake, or at once within `d` |
/// | `Spin` | every processor that it has a worker on | at once |
///
/// ```
/// use std::time::Duration;
/// use reveille_pool::{IdlePolicy, ThreadPoolBuilder};
///
/// // Requests come every 100 us or so: stay awake between two of them.
/// let policy = IdlePolicy::Search(Duration::from_micros(200));
/// let pool = ThreadPoolBuilder::new().num_threads(2).idle_policy(policy).build().unwrap();
/// assert_eq!(pool.spawn(|| 1).join().unwrap(), 1);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum IdlePolicy {
    /// Sleeps after one look everywhere and the announced one that the wake path demands.
    Sleep,
    /// Searches for about twice the time that a wake takes.
    #[default]
    Brief,
    /// Searches for that long, in steps of a microsecond, at least as long as `Brief`.
    Search(Duration),
    /// Never sleeps. For threads that have a processor of their own; it yields to other threads between two looks.
    Spin,
}

const BRIEF: usize = 0; // the first value, so that a static pool is all zero
const SPIN: usize = usize::MAX - 1;
const SLEEP: usize = usize::MAX;

/// A policy in one word: microseconds of search, or one of the names above.
pub(crate) struct AtomicIdlePolicy(AtomicUsize);

impl AtomicIdlePolicy {
    const_unless_loom! {
        pub(crate) const fn new() -> Self {
            AtomicIdlePolicy(AtomicUsize::new(BRIEF))
        }
    }

    pub(crate) fn set(&self, policy: IdlePolicy) {
        let word = match policy {
            IdlePolicy::Sleep => SLEEP,
            IdlePolicy::Brief => BRIEF,
            IdlePolicy::Spin => SPIN,
            IdlePolicy::Search(time) => usize::try_from(time.as_micros()).unwrap_or(SPIN).clamp(1, SPIN),
        };
        self.0.store(word, Ordering::Relaxed); // a worker may act on the old one for a while
    }
}

/// One worker's search, from the moment it ran out of work.
#[derive(Default)]
pub(crate) struct Budget {
    round: u32,
    /// When a search by time ends; set after the rounds of `Brief`, so that a short search reads no clock.
    ends: Option<Deadline>,
}

impl Budget {
    /// The next round of searching, or `None` if it is time to sleep. `brief` is how many rounds `Brief` may have now.
    pub(crate) fn next_round<P: Platform>(&mut self, policy: &AtomicIdlePolicy, brief: u32) -> Option<u32> {
        let policy = policy.0.load(Ordering::Relaxed); // a hint, see `set`
        let goes_on = match policy {
            SPIN => true,
            SLEEP => false,
            _ if self.round < brief => true,
            BRIEF => false,
            _ if brief == 0 => false, // others search
            micros => {
                let now = P::now();
                let time = (micros as u64).saturating_mul(1_000);
                now < *self.ends.get_or_insert_with(|| Deadline::from_nanos(now.as_nanos().saturating_add(time)))
            }
        };
        let round = self.round;
        self.round = round.saturating_add(1);
        goes_on.then_some(round)
    }

    /// After a sleep.
    pub(crate) fn start_again(&mut self) {
        *self = Budget::default();
    }
}

#[cfg(all(test, feature = "std", not(loom)))]
mod tests {
    use reveille_futex::Os;

    use super::*;

    fn rounds(policy: IdlePolicy, brief: u32) -> usize {
        let word = AtomicIdlePolicy::new();
        word.set(policy);
        let mut budget = Budget::default();
        (0..1_000_000).take_while(|_| budget.next_round::<Os>(&word, brief).is_some()).count()
    }

    #[test]
    fn each_policy_ends_its_search_in_its_own_way() {
        assert_eq!(rounds(IdlePolicy::Sleep, 24), 0);
        assert_eq!(rounds(IdlePolicy::Brief, 24), 24);
        assert_eq!(rounds(IdlePolicy::Brief, 0), 0);
        assert_eq!(rounds(IdlePolicy::Spin, 0), 1_000_000);
        assert_eq!(rounds(IdlePolicy::Search(Duration::from_secs(1)), 0), 0, "others search");
        let start = std::time::Instant::now();
        let searched = rounds(IdlePolicy::Search(Duration::from_millis(2)), 24);
        assert!(searched >= 24 && start.elapsed() >= Duration::from_millis(2), "{searched}");
        assert!(searched < 1_000_000);
    }
}
