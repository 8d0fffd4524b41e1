//! A barrier of exactly `N` handles: one addition per arrival, and nothing to reset.
//!
//! ```text
//!   arrivals  31 ................ 2   1       0
//!             total, modulo 2^30      BROKEN  SLEEPERS
//!
//!   phase p is over  <=>  total has reached (p + 1) * N, by wrapping comparison (R14)
//! ```
//!
//! Each member counts its own phases, so the total only grows and no leader has to reset anything: the last arrival *is*
//! the release. Nobody sleeps on the total (R1, R2): sleepers wait on `wakes`, which the leader changes when it finds
//! SLEEPERS up.
//!
//! *Invariant.* A sleeper reads `wakes`, then the total, and raises SLEEPERS before it sleeps. A leader takes the flag down
//! before it changes `wakes`: a flag of the next phase that it takes down by mistake belongs to a sleeper whose `wakes` is
//! now old, so that one looks again.
//!
//! Checked by the `group_*` models of `loom-tests/models/barrier`.

use core::fmt;
use core::marker::PhantomData;
use core::num::NonZeroU32;
use core::time::Duration;

use crossbeam_utils::CachePadded;
use reveille_futex::sync::atomic::{AtomicU32, Ordering};
use reveille_futex::{Deadline, Os, Platform, WaitOutcome, const_unless_loom};

use crate::handles::{self, BROKEN, FLAGS, Phased, SLEEPERS, STEP, reached};
use crate::{AllClaimed, Broken, WaitError};

/// One arrival.
const ARRIVAL: u32 = STEP;

/// A barrier for exactly `N` members, each with a handle.
///
/// The fastest one here: an arrival is one atomic instruction, a release is none. A dropped [`Member`] breaks the group:
/// members who wait get [`Broken`], with [`Broken::PANICKED`] if a panic dropped it and [`Broken::LEFT`] otherwise. Phases
/// that it had reached complete all the same.
///
/// *Memory ordering.* What any member did before it arrived happens before every wait of the phase returns.
///
/// `N` of zero does not compile:
///
/// ```compile_fail
/// let group = reveille_barrier::Group::<0>::new();
/// ```
///
/// ```
/// use reveille_barrier::Group;
///
/// let mut group = Group::<3>::new();
/// std::thread::scope(|s| {
///     for mut member in group.members() {
///         s.spawn(move || {
///             for _ in 0..100 {
///                 member.wait().unwrap();
///             }
///         });
///     }
/// });
/// ```
pub struct Group<const N: usize, P: Platform = Os> {
    /// Read-modify-writes only.
    arrivals: CachePadded<AtomicU32>,
    side: CachePadded<Side>,
    platform: PhantomData<P>,
}

/// What is not touched in a phase in which nobody sleeps.
struct Side {
    /// The word to sleep on: read-modify-writes by leaders and dropped members.
    wakes: AtomicU32,
    /// Members handed out; read-modify-writes.
    claimed: AtomicU32,
    /// Why the group broke; swapped before the flag goes up.
    reason: AtomicU32,
}

/// One of the `N` handles of a [`Group`].
pub struct Member<'a, const N: usize, P: Platform = Os> {
    group: &'a Group<N, P>,
    /// The total at which this member's phase is over.
    target: u32,
    /// Arrived in that phase, and timed out.
    pending: bool,
    index: u32,
}

impl<const N: usize> Group<N> {
    const_unless_loom! {
        /// Creates a group on the built-in platform.
        pub const fn new() -> Self {
            Self::new_on()
        }
    }
}

impl<const N: usize, P: Platform> Group<N, P> {
    /// One phase of the total.
    const PHASE: u32 = {
        assert!(N > 0 && N < 1 << 16, "a group has members, and fewer than 65,536");
        N as u32 * ARRIVAL
    };

    const_unless_loom! {
        /// Creates a group on platform `P`.
        pub const fn new_on() -> Self {
            Self::starting_at(0)
        }
    }

    const_unless_loom! {
        /// A group whose total starts `below` arrivals below its overflow: for tests.
        #[doc(hidden)]
        pub const fn starting_at(below: u32) -> Self {
            let _ = Self::PHASE;
            let total = 0u32.wrapping_sub(below.wrapping_mul(ARRIVAL));
            Self {
                arrivals: CachePadded::new(AtomicU32::new(total)),
                side: CachePadded::new(Side {
                    wakes: AtomicU32::new(0),
                    claimed: AtomicU32::new(0),
                    reason: AtomicU32::new(0),
                }),
                platform: PhantomData,
            }
        }
    }

    /// All the handles of a group that nobody uses; mends a broken one.
    pub fn members(&mut self) -> [Member<'_, N, P>; N] {
        // Relaxed: the reference is exclusive.
        let total = self.arrivals.fetch_and(!FLAGS, Ordering::Relaxed) & !FLAGS;
        self.side.claimed.swap(N as u32, Ordering::Relaxed);
        let group = &*self;
        core::array::from_fn(|index| Member { group, target: total, pending: false, index: index as u32 })
    }

    /// One of the handles of a shared group, such as one in a `static`. No member may arrive before all are claimed; that
    /// is what makes it wait for them.
    ///
    /// # Errors
    ///
    /// [`AllClaimed`] after `N` of them.
    pub fn claim(&self) -> Result<Member<'_, N, P>, AllClaimed> {
        // The target of the first phase does not depend on who has arrived: the total starts at zero.
        let index = handles::claim(&self.side.claimed, N as u32)?;
        Ok(Member { group: self, target: 0, pending: false, index })
    }
}

impl<const N: usize, P: Platform> Phased<P> for Group<N, P> {
    #[inline]
    fn word(&self) -> &AtomicU32 {
        &self.arrivals
    }

    fn reason(&self) -> &AtomicU32 {
        &self.side.reason
    }

    fn before_the_word(&self) -> u32 {
        // Acquire: before the total is read; the other way round the phase could end unnoticed in between.
        self.side.wakes.load(Ordering::Acquire)
    }

    fn block(&self, before: u32, _asleep: u32, deadline: Deadline) -> WaitOutcome {
        P::wait(&self.side.wakes, before, deadline)
    }

    #[cold]
    #[inline(never)]
    fn wake(&self) {
        // Relaxed: publishes nothing; the change of `wakes` does. In this order: see the file's invariant.
        self.arrivals.fetch_and(!SLEEPERS, Ordering::Relaxed);
        // Release: pairs with the acquire in `before_the_word`; who sees the new number sees the total that led to it.
        self.side.wakes.fetch_add(1, Ordering::Release);
        P::wake(&self.side.wakes, NonZeroU32::MAX);
    }
}

impl<const N: usize, P: Platform> Member<'_, N, P> {
    /// Arrives, and waits until everybody has; returns whether this was the last.
    ///
    /// After a wait that timed out it does not arrive again but goes on waiting.
    ///
    /// # Errors
    ///
    /// [`Broken`] if a member has left without reaching this phase.
    #[inline]
    pub fn wait(&mut self) -> Result<bool, Broken> {
        handles::untimed(self.wait_until(Deadline::NEVER))
    }

    /// [`wait`](Self::wait) for at most `timeout`.
    ///
    /// # Errors
    ///
    /// [`WaitError::TimedOut`]: the arrival stands, and the next wait goes on with it. [`WaitError::Broken`].
    pub fn wait_timeout(&mut self, timeout: Duration) -> Result<bool, WaitError> {
        self.wait_until(Deadline::after_on::<P>(timeout))
    }

    /// [`wait`](Self::wait) until `deadline` at the latest.
    ///
    /// # Errors
    ///
    /// As [`wait_timeout`](Self::wait_timeout).
    #[inline]
    pub fn wait_until(&mut self, deadline: Deadline) -> Result<bool, WaitError> {
        let group = self.group;
        if !self.pending {
            self.target = self.target.wrapping_add(Group::<N, P>::PHASE);
            // Release: publishes what this member did. Acquire: should this be the last, it sees what all others did.
            let before = group.arrivals.fetch_add(ARRIVAL, Ordering::AcqRel);
            if reached(before.wrapping_add(ARRIVAL), self.target) {
                if before & SLEEPERS != 0 {
                    group.wake();
                }
                return Ok(true);
            }
        }
        let result = group.wait_for(self.target, N as u32, deadline);
        self.pending = matches!(result, Err(WaitError::TimedOut(())));
        result.map(|()| false)
    }

    /// Which of the `N` this is.
    pub fn index(&self) -> usize {
        self.index as usize
    }
}

impl<const N: usize, P: Platform> Drop for Member<'_, N, P> {
    fn drop(&mut self) {
        self.group.leave();
    }
}

impl<const N: usize, P: Platform> Default for Group<N, P> {
    fn default() -> Self {
        Self::new_on()
    }
}

impl<const N: usize, P: Platform> fmt::Debug for Group<N, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Relaxed: a picture for a person.
        let now = self.arrivals.load(Ordering::Relaxed);
        f.debug_struct("Group").field("members", &N).field("broken", &(now & BROKEN != 0)).finish()
    }
}

impl<const N: usize, P: Platform> fmt::Debug for Member<'_, N, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Member").field("index", &self.index).field("of", &N).finish()
    }
}
