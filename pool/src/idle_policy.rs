//! How long a worker without work looks for some before it sleeps.

use core::time::Duration;

use reveille_futex::relax::LOOKS;
use reveille_futex::sync::atomic::{AtomicUsize, Ordering};
use reveille_futex::{Deadline, Platform, const_unless_loom};

use crate::linked::POLICY;

/// What a worker does when it finds no work: for how long it searches on before it sleeps in the kernel.
///
/// A sleeping worker costs nothing and needs a wake, a few microseconds and a system call of whoever has work. A searching
/// one finds work sooner and takes processor time from others. Except by [`Spin`](Self::Spin), at most about as many
/// workers search as are at work; the others sleep at once, so that a wide pool does not burn its processors over a little
/// work. With `Brief` those that were just sent a task for them alone search too: a broadcast is likely to be followed by another.
///
/// | policy | an idle pool burns | work from outside is begun |
/// |---|---|---|
/// | `Sleep` | nothing | after a wake |
/// | `Brief`, the default | about 20 us per worker that runs out of work, 2 us if its last task came more than 100 us after the one before | after a wake, or at once within those 20 us |
/// | `Search(d)` | `d` per worker that runs out of work | after a wake, or at once within `d` |
/// | `Spin` | every processor that it has a worker on | at once |
///
/// A core of 32 bits without an operating system goes to sleep in a few instructions: there, `Brief` and `Search` are `Sleep`.
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
    /// Searches for about twice the time that a wake takes, less where tasks come one at a time and far apart.
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
        POLICY.before(|| self.0.store(word, Ordering::Relaxed)); // a worker may act on the old one for a while
    }

    #[inline]
    fn get(&self) -> usize {
        if POLICY.is_open() { self.0.load(Ordering::Relaxed) } else { BRIEF } // a hint, see `set`
    }
}

/// The first pauses, about 1.5 us in all: each round has twice as many as the one before, and no clock is read.
const FIRST_PAUSES: u32 = if cfg!(loom) {
    0
} else if cfg!(shuttle) {
    3 // two rounds, so that sleeping is as likely as finding
} else {
    63
};

/// How long `Brief` goes on after them, in nanoseconds: with them somewhat more than 20 us, twice the price of a wake.
const BRIEF_TIME: u64 = 22_000;

/// The bound on `Brief` where the clock stands still: as many pauses as fit into that time if each takes 4 ns, the shortest
/// of any processor. Models have none.
const MOST_PAUSES: u32 = if cfg!(any(loom, shuttle)) { 0 } else { BRIEF_TIME as u32 / 4 };

/// Pauses between two looks that disturb somebody, under a microsecond: a look takes lines from whoever is at work.
pub(crate) const CONSIDERATE: u32 = 32;

/// Pauses between two looks that disturb nobody.
pub(crate) const EAGER: u32 = 4;

/// What a yield counts as. It takes a system call at least, and the bound is not to end a search while a clock runs.
const YIELD: u32 = 8;

/// How often a search that may not end is made longer: to 180 us.
const MOST_DOUBLINGS: u32 = 3;

/// What came after a rest of this length is not likely to be followed by more within `BRIEF_TIME`. In nanoseconds.
const LONG_REST: u64 = 100_000;

/// What to do between two looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Round {
    /// Pause so often.
    Pause(u32),
    /// Offer the processor to others.
    Yield,
}

/// How to search next, learnt from the last piece of work and what was before it.
///
/// | | after a long rest | otherwise |
/// |---|---|---|
/// | a task | `Short` | `Pausing` |
/// | half of a join | `Pausing` | `Yielding` |
/// | a task for this worker alone | `Short` | `Mailed` |
///
/// Whoever forks may be on the same processor and have more halves to give: a yield lets it go on. But a scheduler takes a
/// yield for a wish to be behind all others; Linux then lets a poster run on for milliseconds when it wakes this thread on its
/// own processor. So nothing is yielded where the next thing is likely to be a sleep and a wake.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Habit {
    /// Work comes one piece at a time and far apart: a search would find nothing.
    Short,
    /// Pause between two looks.
    Pausing,
    /// Yield between two looks, after the first pauses.
    #[default]
    Yielding,
    /// As `Yielding` until the first sleep, and with `Brief` beside one searcher more. Whoever has made the pool is likely to want
    /// it at once: to wake a sleeper then, or a processor that has nothing to run, costs more than the search, and a pause
    /// keeps the maker waiting where two processors start two threads.
    Starting,
    /// As `Yielding`, and until the first sleep with `Brief` however many others search: only this worker can run what is for it
    /// alone. Whoever sends such tasks waits for all of their receivers, as a rule, and then sends the next ones.
    Mailed,
}

impl Habit {
    /// What a piece of work has taught.
    pub(crate) fn after_work(self, is_task: bool, long_rest: bool) -> Self {
        if !LOOKS || self == Habit::Starting { self } else { Habit::after(is_task, long_rest) }
    }

    /// What a task has taught that was for this worker alone.
    pub(crate) fn after_mail(self, long_rest: bool) -> Self {
        match self {
            Habit::Starting => self,
            _ if long_rest => Habit::Short,
            _ => Habit::Mailed,
        }
    }

    /// What a sleep has taught.
    pub(crate) fn after_sleep(self) -> Self {
        if matches!(self, Habit::Starting | Habit::Mailed) { Habit::default() } else { self }
    }

    fn after(is_task: bool, long_rest: bool) -> Self {
        match (is_task, long_rest) {
            (true, true) => Habit::Short,
            (false, false) => Habit::Yielding,
            _ => Habit::Pausing,
        }
    }
}

/// One worker's search, from the moment it ran out of work.
#[derive(Default)]
pub(crate) struct Budget {
    /// Made so far; yields count as some.
    pauses: u32,
    habit: Habit,
    /// How often the time of `Brief` was doubled.
    doublings: u32,
    /// When the first pauses were over.
    began: Option<Deadline>,
}

impl Budget {
    pub(crate) fn new(habit: Habit) -> Self {
        Budget { habit, ..Budget::default() }
    }

    /// Once more from the start, and for twice as long: there is work, but it is over too soon to be had.
    pub(crate) fn extend(&mut self) {
        let doublings = (self.doublings + 1).min(MOST_DOUBLINGS);
        *self = Budget { doublings, ..Budget::default() };
    }

    /// The next round of searching, or `None` if it is time to sleep. `others` says how many searchers more than enough there
    /// are, and how many pauses a round may have.
    pub(crate) fn next_round<P: Platform>(
        &mut self,
        policy: &AtomicIdlePolicy,
        others: impl FnOnce() -> (usize, u32),
    ) -> Option<Round> {
        let policy = policy.get();
        if !LOOKS {
            return (policy == SPIN).then_some(Round::Yield);
        }
        let (excess, longest) = others();
        match policy {
            SPIN => Some(self.first_round(longest).unwrap_or(Round::Yield)),
            SLEEP => None,
            BRIEF if self.habit == Habit::Starting && excess == 1 => self.next_brief_round::<P>(longest),
            BRIEF if self.habit == Habit::Mailed && excess < usize::MAX => self.next_brief_round::<P>(longest),
            _ if excess > 0 => None,
            BRIEF => self.next_brief_round::<P>(longest),
            micros => self.next_brief_round::<P>(longest).or_else(|| {
                let ends = later(self.began?, (micros as u64).saturating_mul(1_000));
                (P::now() < ends).then_some(Round::Yield)
            }),
        }
    }

    /// The next round of `Brief`.
    pub(crate) fn next_brief_round<P: Platform>(&mut self, longest: u32) -> Option<Round> {
        if !LOOKS {
            return None;
        }
        self.first_round(longest).or_else(|| {
            if MOST_PAUSES == 0 {
                return None; // a model's clock tells nothing, and would be one more thing to explore
            }
            let now = P::now();
            let ends = later(*self.began.get_or_insert(now), BRIEF_TIME << self.doublings);
            let goes_on = self.habit != Habit::Short && self.pauses < MOST_PAUSES << self.doublings && now < ends;
            goes_on.then(|| match self.habit {
                Habit::Yielding | Habit::Starting | Habit::Mailed => {
                    self.pauses += YIELD;
                    Round::Yield
                }
                _ => self.pause(longest),
            })
        })
    }

    fn first_round(&mut self, longest: u32) -> Option<Round> {
        let left = FIRST_PAUSES.saturating_sub(self.pauses);
        (left != 0).then(|| self.pause(longest.min(self.pauses + 1)))
    }

    fn pause(&mut self, times: u32) -> Round {
        self.pauses += times;
        Round::Pause(times)
    }

    /// Whether the search, and the sleep after it, have been a long rest.
    pub(crate) fn was_long_rest<P: Platform>(&self) -> bool {
        LOOKS && self.began.is_some_and(|began| P::now() >= later(began, LONG_REST))
    }
}

/// Without `Duration`, whose arithmetic divides and panics: a microcontroller pays for both.
fn later(began: Deadline, nanos: u64) -> Deadline {
    Deadline::from_nanos(began.as_nanos().saturating_add(nanos))
}

#[cfg(all(test, feature = "std", not(loom)))]
mod tests {
    use reveille_futex::testing::FakeClock;
    use reveille_futex::{Os, Spin};

    use super::*;

    /// More than 2 ms of rounds, each of at least a system call or a look at the clock.
    const MANY: usize = 100_000;

    fn rounds<P: Platform>(policy: IdlePolicy, excess: usize, habit: Habit) -> Vec<Round> {
        let word = AtomicIdlePolicy::new();
        word.set(policy);
        let mut budget = Budget::new(habit);
        let next = || {
            let round = budget.next_round::<P>(&word, || (excess, CONSIDERATE))?;
            match round {
                Round::Pause(times) => (0..times).for_each(|_| core::hint::spin_loop()),
                Round::Yield => P::yield_now(),
            }
            Some(round)
        };
        core::iter::from_fn(next).take(MANY).collect()
    }

    #[test]
    fn each_policy_ends_its_search_in_its_own_way() {
        let (alone, beside_one, crowd) = (0, 1, 2);
        let first = [1, 2, 4, 8, 16, 32].map(Round::Pause);
        let habit = Habit::Pausing;
        assert_eq!(rounds::<Os>(IdlePolicy::Sleep, alone, habit), []);
        assert_eq!(rounds::<Os>(IdlePolicy::Brief, crowd, habit), []);
        assert_eq!(rounds::<Os>(IdlePolicy::Search(Duration::from_secs(1)), crowd, habit), []);
        assert_eq!(rounds::<Os>(IdlePolicy::Spin, crowd, habit).len(), MANY);
        assert_eq!(rounds::<Os>(IdlePolicy::Brief, alone, Habit::Short), first);
        assert_eq!(rounds::<Os>(IdlePolicy::Sleep, alone, Habit::Starting), []);
        assert_eq!(rounds::<Os>(IdlePolicy::Brief, crowd, Habit::Starting), []);
        assert_eq!(rounds::<Os>(IdlePolicy::Brief, beside_one, Habit::Yielding), []);
        assert_eq!(rounds::<Os>(IdlePolicy::Search(Duration::from_secs(1)), beside_one, Habit::Starting), []);
        assert_eq!(rounds::<Os>(IdlePolicy::Brief, usize::MAX, Habit::Mailed), []);

        let searches = [
            (Habit::Pausing, alone, false),
            (Habit::Yielding, alone, true),
            (Habit::Starting, alone, true),
            (Habit::Starting, beside_one, true),
            (Habit::Mailed, crowd, true),
        ];
        for (habit, others, yields) in searches {
            let start = std::time::Instant::now();
            let brief = rounds::<Os>(IdlePolicy::Brief, others, habit);
            assert!(start.elapsed() >= Duration::from_nanos(BRIEF_TIME) && brief.starts_with(&first), "{brief:?}");
            assert!(brief[first.len()..].iter().all(|round| (*round == Round::Yield) == yields), "{brief:?}");
        }

        let start = std::time::Instant::now();
        let long = rounds::<Os>(IdlePolicy::Search(Duration::from_millis(2)), alone, habit);
        assert!(start.elapsed() >= Duration::from_millis(2) && long.contains(&Round::Yield), "{}", long.len());
        assert!(long.len() < MANY, "it ends");
    }

    #[test]
    fn a_search_ends_where_no_clock_runs() {
        for (habit, each) in [(Habit::Pausing, CONSIDERATE), (Habit::Yielding, YIELD)] {
            let rounds = rounds::<Spin>(IdlePolicy::Brief, 0, habit).len() as u32;
            assert!(rounds.abs_diff(MOST_PAUSES / each) < 10, "{rounds} rounds");
        }
    }

    #[test]
    fn a_rest_is_long_from_the_end_of_the_first_pauses_on() {
        type Clock = FakeClock<0>;
        let mut budget = Budget::new(Habit::after(true, true));
        assert!(!budget.was_long_rest::<Clock>(), "it has not begun");
        while budget.next_brief_round::<Clock>(CONSIDERATE).is_some() {}
        assert!(!budget.was_long_rest::<Clock>(), "no time has passed");
        Clock::advance(Duration::from_nanos(LONG_REST).max(Duration::from_millis(1))); // its step
        assert!(budget.was_long_rest::<Clock>());
    }

    #[test]
    fn single_tasks_far_apart_are_not_searched_for_and_only_joins_close_together_yield() {
        let table = [(true, true), (true, false), (false, true), (false, false)];
        let habits = table.map(|(is_task, long_rest)| Habit::after(is_task, long_rest));
        assert_eq!(habits, [Habit::Short, Habit::Pausing, Habit::Pausing, Habit::Yielding]);
        assert!(
            habits.iter().all(|habit| habit.after_sleep() == *habit && habit.after_work(true, true) == Habit::Short)
        );
        assert_eq!([true, false].map(|long| Habit::Pausing.after_mail(long)), [Habit::Short, Habit::Mailed]);
        // A thread that has begun stays as it is until it sleeps.
        assert_eq!(Habit::Starting.after_mail(false), Habit::Starting);
        assert_eq!(Habit::Mailed.after_sleep(), Habit::Yielding);
        assert_eq!(Habit::Starting.after_work(true, false), Habit::Starting);
        assert_eq!(Habit::Starting.after_sleep(), Habit::Yielding);
    }

    #[test]
    fn a_search_that_may_not_end_gets_longer_up_to_a_bound() {
        let word = AtomicIdlePolicy::new();
        let mut budget = Budget::new(Habit::Pausing);
        let rounds = [0; 6].map(|_: u32| {
            let next = || budget.next_round::<Spin>(&word, || (0, CONSIDERATE));
            let rounds = core::iter::from_fn(next).count();
            budget.extend();
            rounds
        });
        assert!(rounds[1] > rounds[0] && rounds[3] > 7 * rounds[0], "{rounds:?}");
        assert!(rounds[3..].iter().all(|n| *n == rounds[3]), "{rounds:?}");
    }
}
