//! A barrier for many cores: arrivals meet in a tree of counters, four to a node, each on its own cache line.
//!
//! ```text
//!   members   0 1 2 3   4 5 6 7   8 9        level 0: nodes 0, 1, 2 of 4, 4 and 2
//!                \         |       /
//!                 \------- + -----/          level 1: node 3 of 3
//!                          |
//!                        phase               the word that everybody looks at and sleeps on
//! ```
//!
//! Node counters only grow, and each member counts its phases, so the last of `k` at a node is the one that brings it to
//! `phase * k`; it goes on to the parent. The last at the root publishes the phase. Nobody sleeps on a counter.
//!
//! *Invariant.* The change of `phase` is the last access of the leader, and comes after every arrival.
//!
//! Checked by the `tree_*` models of `loom-tests/models/barrier`.

use core::fmt;
use core::marker::PhantomData;
use core::num::NonZeroU32;
use core::time::Duration;

use crossbeam_utils::CachePadded;
use reveille_futex::sync::atomic::{AtomicU32, Ordering};
use reveille_futex::{Deadline, Os, Platform, WaitOutcome, const_unless_loom};

use crate::handles::{self, BROKEN, Phased, SLEEPERS, STEP};
use crate::{AllClaimed, Broken, WaitError};

/// Members of a node: four arrivals on a line cost about what one more level does. Two under loom, so that three members
/// need two levels.
const ARITY: usize = if cfg!(loom) { 2 } else { 4 };

/// One phase.
const PHASE: u32 = STEP;

/// A barrier for exactly `N` members on many cores.
///
/// At most four members meet on one cache line, so the cost of a phase grows with the logarithm of `N`. Below about a
/// dozen members [`Group`](crate::Group) is faster. It behaves like a group: a dropped member breaks it.
///
/// *Memory ordering.* What any member did before it arrived happens before every wait of the phase returns.
///
/// ```
/// use reveille_barrier::TreeBarrier;
///
/// let mut barrier = TreeBarrier::<6>::new();
/// std::thread::scope(|s| {
///     for mut member in barrier.members() {
///         s.spawn(move || {
///             for _ in 0..100 {
///                 member.wait().unwrap();
///             }
///         });
///     }
/// });
/// ```
pub struct TreeBarrier<const N: usize, P: Platform = Os> {
    /// Arrivals at each node, from the leaves to the root; fewer than `N` are used. Read-modify-writes only.
    nodes: [CachePadded<AtomicU32>; N],
    /// Read-modify-writes only.
    phase: CachePadded<AtomicU32>,
    /// Why it broke; swapped before the flag goes up.
    reason: AtomicU32,
    /// Members handed out; read-modify-writes.
    claimed: AtomicU32,
    platform: PhantomData<P>,
}

/// One of the `N` handles of a [`TreeBarrier`].
pub struct TreeMember<'a, const N: usize, P: Platform = Os> {
    barrier: &'a TreeBarrier<N, P>,
    /// Phases that this member has arrived in; wraps.
    arrived: u32,
    /// Arrived in the last of them, and timed out.
    pending: bool,
    index: u32,
}

impl<const N: usize> TreeBarrier<N> {
    const_unless_loom! {
        /// Creates a barrier on the built-in platform.
        pub const fn new() -> Self {
            Self::new_on()
        }
    }
}

impl<const N: usize, P: Platform> TreeBarrier<N, P> {
    const MEMBERS: u32 = {
        assert!(N > 0 && N < 1 << 16, "a barrier has members, and fewer than 65,536");
        N as u32
    };

    /// Creates a barrier on platform `P`.
    #[cfg(not(loom))]
    pub const fn new_on() -> Self {
        let _ = Self::MEMBERS;
        Self {
            nodes: [const { CachePadded::new(AtomicU32::new(0)) }; N],
            phase: CachePadded::new(AtomicU32::new(0)),
            reason: AtomicU32::new(0),
            claimed: AtomicU32::new(0),
            platform: PhantomData,
        }
    }

    /// Creates a barrier on platform `P`.
    #[cfg(loom)]
    pub fn new_on() -> Self {
        Self {
            nodes: core::array::from_fn(|_| CachePadded::new(AtomicU32::new(0))),
            phase: CachePadded::new(AtomicU32::new(0)),
            reason: AtomicU32::new(0),
            claimed: AtomicU32::new(0),
            platform: PhantomData,
        }
    }

    /// All the handles of a barrier that nobody uses; mends a broken one.
    pub fn members(&mut self) -> [TreeMember<'_, N, P>; N] {
        *self = Self::new_on();
        // Relaxed: the reference is exclusive.
        self.claimed.swap(Self::MEMBERS, Ordering::Relaxed);
        let barrier = &*self;
        core::array::from_fn(|index| TreeMember { barrier, arrived: 0, pending: false, index: index as u32 })
    }

    /// One of the handles of a shared barrier, such as one in a `static`.
    ///
    /// # Errors
    ///
    /// [`AllClaimed`] after `N` of them.
    pub fn claim(&self) -> Result<TreeMember<'_, N, P>, AllClaimed> {
        let index = handles::claim(&self.claimed, Self::MEMBERS)?;
        Ok(TreeMember { barrier: self, arrived: 0, pending: false, index })
    }

    /// Goes up from leaf `index`; returns whether everybody has arrived for the `arrived`-th time.
    #[inline]
    fn climb(&self, index: usize, arrived: u32) -> bool {
        let (mut place, mut width, mut offset) = (index, N, 0);
        loop {
            let node = place / ARITY;
            let size = ARITY.min(width - node * ARITY);
            // Release: publishes what this member, and those below, did. Acquire: whoever goes on carries it up.
            let before = self.nodes[offset + node].fetch_add(1, Ordering::AcqRel);
            if before.wrapping_add(1) != arrived.wrapping_mul(size as u32) {
                return false;
            }
            let above = width.div_ceil(ARITY);
            if above == 1 {
                return true;
            }
            offset += above;
            place = node;
            width = above;
        }
    }

    #[inline]
    fn publish(&self) {
        // Relaxed: the compare-exchange confirms the reading; only sleepers and leavers change the word besides.
        let mut now = self.phase.load(Ordering::Relaxed);
        loop {
            let next = now.wrapping_add(PHASE) & !SLEEPERS;
            // Release: lets everybody see what all members did, which the climb has brought here.
            match self.phase.compare_exchange_weak(now, next, Ordering::Release, Ordering::Relaxed) {
                Ok(_) => break,
                Err(other) => now = other,
            }
        }
        if now & SLEEPERS != 0 {
            self.wake();
        }
    }
}

impl<const N: usize, P: Platform> Phased<P> for TreeBarrier<N, P> {
    #[inline]
    fn word(&self) -> &AtomicU32 {
        &self.phase
    }

    fn reason(&self) -> &AtomicU32 {
        &self.reason
    }

    /// Nothing: the word itself is what a member sleeps on.
    fn before_the_word(&self) -> u32 {
        0
    }

    fn block(&self, _before: u32, asleep: u32, deadline: Deadline) -> WaitOutcome {
        P::wait(&self.phase, asleep, deadline)
    }

    fn wake(&self) {
        P::wake(&raw const *self.phase, NonZeroU32::MAX);
    }
}

impl<const N: usize, P: Platform> TreeMember<'_, N, P> {
    /// Arrives, and waits until everybody has; returns whether this was the last.
    ///
    /// After a wait that timed out it does not arrive again but goes on waiting.
    ///
    /// # Errors
    ///
    /// As [`Member::wait`](crate::Member::wait).
    #[inline]
    pub fn wait(&mut self) -> Result<bool, Broken> {
        handles::untimed(self.wait_until(Deadline::NEVER))
    }

    /// [`wait`](Self::wait) for at most `timeout`.
    ///
    /// # Errors
    ///
    /// As [`Member::wait_timeout`](crate::Member::wait_timeout).
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
        let barrier = self.barrier;
        if !self.pending {
            self.arrived = self.arrived.wrapping_add(1);
            if barrier.climb(self.index as usize, self.arrived) {
                barrier.publish();
                return Ok(true);
            }
        }
        let result = barrier.wait_for(self.arrived.wrapping_mul(PHASE), N as u32, deadline);
        self.pending = matches!(result, Err(WaitError::TimedOut(())));
        result.map(|()| false)
    }

    /// Which of the `N` this is.
    pub fn index(&self) -> usize {
        self.index as usize
    }
}

impl<const N: usize, P: Platform> Drop for TreeMember<'_, N, P> {
    fn drop(&mut self) {
        self.barrier.leave();
    }
}

impl<const N: usize, P: Platform> Default for TreeBarrier<N, P> {
    fn default() -> Self {
        Self::new_on()
    }
}

impl<const N: usize, P: Platform> fmt::Debug for TreeBarrier<N, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Relaxed: a picture for a person.
        let now = self.phase.load(Ordering::Relaxed);
        f.debug_struct("TreeBarrier").field("members", &N).field("broken", &(now & BROKEN != 0)).finish()
    }
}

impl<const N: usize, P: Platform> fmt::Debug for TreeMember<'_, N, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TreeMember").field("index", &self.index).field("of", &N).finish()
    }
}
