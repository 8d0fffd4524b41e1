//! Everybody who entered has left: a count that goes up and down, any number of times.
//!
//! ```text
//!   state  31 ......... 17   16   ......   2    1         0
//!          rounds ended      members inside     POISONED  SLEEPERS
//!   wakes  one more for each round that ended with somebody asleep: the word they sleep on
//! ```
//!
//! *Invariant.* The last member out ends the round in the same step: the count reaches zero, the number of rounds goes up,
//! SLEEPERS is taken. A waiter reads `wakes` before it reads `state`, so a round that ends after that either changed
//! `wakes` or wakes it.
//!
//! Members borrow the group, so it outlives the second word's last use.
//!
//! Checked by the `wait_group_*` models of `loom-tests/models/latch`.

use core::error::Error;
use core::fmt;
use core::marker::PhantomData;
use core::num::NonZeroU32;
use core::time::Duration;

use reveille_futex::relax;
use reveille_futex::sync::atomic::{AtomicU32, Ordering};
use reveille_futex::{Deadline, Os, Platform, WaitOutcome, const_unless_loom};

use crate::latch::LOOK;
use crate::panicking::panicking;
use crate::{Poisoned, WaitError};

/// One reading of the state.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Word(u32);

impl Word {
    const SLEEPERS: u32 = 1; // whoever ends the round must wake
    const POISONED: u32 = 2; // a member panicked
    const MEMBER: u32 = 1 << 2;
    const MEMBERS: u32 = 0x7fff;
    const ROUND: u32 = 1 << 17;

    const fn members(self) -> u32 {
        (self.0 / Self::MEMBER) & Self::MEMBERS
    }

    const fn round(self) -> u32 {
        self.0 / Self::ROUND
    }

    /// After one member left: also the end of the round, if it was the last.
    const fn leave(self) -> Self {
        let next = self.0 - Self::MEMBER;
        if self.members() == 1 { Word((next & !Self::SLEEPERS).wrapping_add(Self::ROUND)) } else { Word(next) }
    }
}

/// Waits until everybody who entered has left.
///
/// Members enter before their thread or task starts, and leave when the [`Entered`] guard is dropped; a panic tells the
/// waiters. Borrowed, not counted: put it on the stack next to `std::thread::scope`, or in a `static`.
///
/// A wait returns at the end of a round, also if the next round starts at once.
///
/// *Memory ordering.* What a member did before it left happens before a wait for its round returns.
///
/// Entering and leaving never block or allocate.
///
/// ```
/// use reveille_latch::WaitGroup;
/// use std::sync::atomic::{AtomicU32, Ordering};
///
/// let (group, sum) = (WaitGroup::new(), AtomicU32::new(0));
/// std::thread::scope(|s| {
///     for i in 1..=4 {
///         let member = group.enter();
///         let sum = &sum;
///         s.spawn(move || {
///             let _member = member;
///             sum.fetch_add(i, Ordering::Relaxed);
///         });
///     }
///     group.wait().unwrap();
///     assert_eq!(sum.load(Ordering::Relaxed), 10);
/// });
/// ```
pub struct WaitGroup<P: Platform = Os> {
    /// Read-modify-writes only.
    state: AtomicU32,
    /// Read-modify-writes by whoever ends a round.
    wakes: AtomicU32,
    platform: PhantomData<P>,
}

/// A member of a [`WaitGroup`]; it leaves when it is dropped.
#[must_use = "leaves the group when dropped"]
pub struct Entered<'a, P: Platform = Os> {
    group: &'a WaitGroup<P>,
}

/// There are [`WaitGroup::MAX`] members in the group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Full;

impl WaitGroup {
    const_unless_loom! {
        /// Creates an empty group on the built-in platform.
        pub const fn new() -> Self {
            Self::new_on()
        }
    }
}

impl<P: Platform> WaitGroup<P> {
    /// The largest number of members at one time.
    pub const MAX: u32 = Word::MEMBERS;

    const_unless_loom! {
        /// Creates an empty group on platform `P`.
        pub const fn new_on() -> Self {
            Self { state: AtomicU32::new(0), wakes: AtomicU32::new(0), platform: PhantomData }
        }
    }

    /// Enters the group.
    ///
    /// # Panics
    ///
    /// If [`MAX`](Self::MAX) members are inside; [`try_enter`](Self::try_enter) does not panic.
    #[inline]
    #[track_caller]
    pub fn enter(&self) -> Entered<'_, P> {
        match self.try_enter() {
            Ok(member) => member,
            Err(Full) => panic!("the group is full"),
        }
    }

    /// Enters the group.
    ///
    /// # Errors
    ///
    /// [`Full`] if [`MAX`](Self::MAX) members are inside.
    #[inline]
    pub fn try_enter(&self) -> Result<Entered<'_, P>, Full> {
        // Relaxed: the compare-exchange confirms the reading.
        let mut now = Word(self.state.load(Ordering::Relaxed));
        loop {
            if now.members() == Self::MAX {
                return Err(Full);
            }
            let next = now.0 + Word::MEMBER;
            // Relaxed: entering publishes nothing, and is part of the release sequence of those who leave.
            match self.state.compare_exchange_weak(now.0, next, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return Ok(Entered { group: self }),
                Err(other) => now = Word(other),
            }
        }
    }

    /// How many members are inside. A picture of a moment.
    pub fn members(&self) -> u32 {
        // Relaxed: not for decisions.
        Word(self.state.load(Ordering::Relaxed)).members()
    }

    /// Blocks until nobody is inside, or the present round has ended.
    ///
    /// # Errors
    ///
    /// [`Poisoned`] if a member panicked since the group was made or [`clear_poison`](Self::clear_poison) was called.
    pub fn wait(&self) -> Result<(), Poisoned> {
        match self.wait_until(Deadline::NEVER) {
            Err(WaitError::Poisoned) => Err(Poisoned),
            Ok(()) | Err(WaitError::TimedOut) => Ok(()), // `NEVER` does not pass
        }
    }

    /// [`wait`](Self::wait) for at most `timeout`. A zero timeout never blocks.
    ///
    /// # Errors
    ///
    /// [`WaitError::TimedOut`], [`WaitError::Poisoned`].
    pub fn wait_timeout(&self, timeout: Duration) -> Result<(), WaitError> {
        self.wait_until(Deadline::after_on::<P>(timeout))
    }

    /// [`wait`](Self::wait) until `deadline` at the latest.
    ///
    /// # Errors
    ///
    /// [`WaitError::TimedOut`], [`WaitError::Poisoned`].
    pub fn wait_until(&self, deadline: Deadline) -> Result<(), WaitError> {
        let first = self.read();
        let ended = |now: Word| now.members() == 0 || now.round() != first.round();
        if !ended(first) && deadline != Deadline::PASSED {
            relax::until::<P>(LOOK, || ended(self.read()));
        }
        let mut timed_out = deadline == Deadline::PASSED;
        loop {
            // Acquire: before the state is read; otherwise a round could end unnoticed between the two.
            let wakes = self.wakes.load(Ordering::Acquire);
            let now = self.read();
            if ended(now) {
                return if now.0 & Word::POISONED == 0 { Ok(()) } else { Err(WaitError::Poisoned) };
            }
            if timed_out {
                return Err(WaitError::TimedOut);
            }
            let asleep = now.0 | Word::SLEEPERS;
            // Relaxed: publishes nothing; whoever ends the round finds the flag in the word it changes.
            if now.0 != asleep
                && self.state.compare_exchange_weak(now.0, asleep, Ordering::Relaxed, Ordering::Relaxed).is_err()
            {
                continue;
            }
            timed_out = P::wait(&self.wakes, wakes, deadline) == WaitOutcome::TimedOut;
        }
    }

    /// Forgets that members panicked.
    pub fn clear_poison(&self) {
        // Relaxed: concerns no data.
        self.state.fetch_and(!Word::POISONED, Ordering::Relaxed);
    }

    #[inline]
    fn read(&self) -> Word {
        // Acquire: pairs with the release in `leave`; without it a waiter would not see what the members wrote.
        Word(self.state.load(Ordering::Acquire))
    }

    #[inline]
    fn leave(&self) {
        // Relaxed: the compare-exchange confirms the reading.
        let mut now = Word(self.state.load(Ordering::Relaxed));
        loop {
            // Release: publishes what the member wrote to whoever sees the round end.
            match self.state.compare_exchange_weak(now.0, now.leave().0, Ordering::Release, Ordering::Relaxed) {
                Ok(_) => break,
                Err(other) => now = Word(other),
            }
        }
        if now.members() == 1 && now.0 & Word::SLEEPERS != 0 {
            // Release: pairs with the acquire load in `wait_until`; whoever sees the new number sees the round ended.
            self.wakes.fetch_add(1, Ordering::Release);
            P::wake(&self.wakes, NonZeroU32::MAX);
        }
    }
}

impl<P: Platform> Drop for Entered<'_, P> {
    fn drop(&mut self) {
        if panicking() {
            // Relaxed: seen through the same word's order.
            self.group.state.fetch_or(Word::POISONED, Ordering::Relaxed);
        }
        self.group.leave();
    }
}

impl<P: Platform> Clone for Entered<'_, P> {
    /// Enters once more.
    ///
    /// # Panics
    ///
    /// If the group is full.
    fn clone(&self) -> Self {
        self.group.enter()
    }
}

impl<P: Platform> Default for WaitGroup<P> {
    fn default() -> Self {
        Self::new_on()
    }
}

impl fmt::Display for Full {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the group is full")
    }
}

impl Error for Full {}

impl<P: Platform> fmt::Debug for WaitGroup<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WaitGroup").field("members", &self.members()).finish()
    }
}

impl<P: Platform> fmt::Debug for Entered<'_, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entered").field("group", self.group).finish()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn the_last_one_out_ends_the_round_and_wakes_whoever_sleeps() {
        let two = Word(5 * Word::ROUND + 2 * Word::MEMBER + Word::POISONED + Word::SLEEPERS);
        assert_eq!((two.members(), two.round()), (2, 5));
        let one = two.leave();
        assert_eq!(one.0, two.0 - Word::MEMBER, "the round goes on, and its sleepers sleep");
        let none = one.leave();
        assert_eq!((none.members(), none.round()), (0, 6));
        assert_eq!(none.0 & (Word::SLEEPERS | Word::POISONED), Word::POISONED, "whoever ends the round wakes");
        let last = Word((u32::MAX / Word::ROUND * Word::ROUND) | (Word::ROUND - 1));
        assert_eq!((last.members(), last.round()), (WaitGroup::<Os>::MAX, u32::MAX / Word::ROUND));
        assert_eq!(Word(last.round() * Word::ROUND + Word::MEMBER).leave().round(), 0, "rounds wrap");
    }
}
