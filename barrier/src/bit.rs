//! The barrier that knows who is missing: each member has a bit.
//!
//! ```text
//!   arrived  one bit per name; a member that arrives sets it in an even phase and clears it in an odd one
//!   members  one bit per name that the phases wait for; a bit only goes away
//!   claimed  one bit per name that was handed out
//!   phase    31 ... 1  0
//!            number    SLEEPERS
//! ```
//!
//! Because the meaning of a bit changes with the phase, nothing is ever reset (R3), and because arriving is an insertion
//! into a set and not an increment, doing it twice changes nothing. Anybody may complete a phase: the number goes from `p`
//! to `p + 1` by compare-exchange, once, however many try and however late (R15).
//!
//! *Invariant.* Arriving changes `arrived`, then reads `members`; removing changes `members`, then reads `arrived` by a
//! read-modify-write: of two at the same time the later one on `arrived` sees both, and completes the phase.
//!
//! The layout is fixed and has no pointers: the barrier may lie in memory that processes share, with a platform that waits
//! across processes. Attaching never writes (R5).
//!
//! Checked by the `bit_*` models of `loom-tests/models/barrier`.

use core::error::Error;
use core::fmt;
use core::marker::PhantomData;
use core::num::NonZeroU32;
use core::time::Duration;

use reveille_futex::relax;
use reveille_futex::sync::atomic::{AtomicU32, Ordering};
use reveille_futex::{Deadline, Os, Platform, WaitOutcome, const_unless_loom};

use crate::host;
use crate::names::{AtomicBits, Bits, Names};

/// Somebody sleeps, or is about to.
const SLEEPERS: u32 = 1;
/// One phase.
const PHASE: u32 = 2;

/// A barrier of up to 64 named members (32 on targets without 64-bit atomics), which goes on without the dead.
///
/// Names are the numbers from 0 to 63. A member that is dropped or [removed](Self::remove) is not waited for any more; a
/// wait that times out says who is missing, so that somebody can decide about them.
///
/// *Memory ordering.* What a member did before it arrived happens before every wait of the phase returns. What a removed
/// member did is ordered with nothing.
///
/// ```
/// use reveille_barrier::{BitBarrier, Names};
/// use std::time::Duration;
///
/// let barrier = BitBarrier::new(Names::first(3));
/// let (mut a, mut b) = (barrier.claim(0).unwrap(), barrier.claim(1).unwrap());
/// std::thread::scope(|s| {
///     s.spawn(|| b.wait());
///     let missing = loop {
///         match a.wait_timeout(Duration::from_millis(10)) {
///             Err(missing) if missing == Names::one(2).unwrap() => break missing,
///             _ => {} // the second member is on its way
///         }
///     };
///     assert!(missing.contains(2)); // and it is known to be dead
///     barrier.remove(2);
///     a.wait();
/// });
/// ```
#[repr(C)]
pub struct BitBarrier<P: Platform = Os> {
    /// Read-modify-writes only, each member its own bit.
    arrived: AtomicBits,
    /// Read-modify-writes only.
    members: AtomicBits,
    /// Read-modify-writes only.
    claimed: AtomicBits,
    /// Read-modify-writes only.
    phase: AtomicU32,
    platform: PhantomData<P>,
}

/// The handle of one name.
///
/// Dropped, it is removed: the others go on without it, also when a panic drops it. They see that in
/// [`BitBarrier::members`].
pub struct BitMember<'a, P: Platform = Os> {
    barrier: &'a BitBarrier<P>,
    name: u32,
    /// The phase to arrive in next, or to wait for.
    phase: u32,
    /// Arrived in it, and timed out.
    pending: bool,
}

/// The name is not a member's, or was handed out already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NoSuchMember;

impl BitBarrier {
    const_unless_loom! {
        /// Creates a barrier for `names` on the built-in platform.
        ///
        /// # Panics
        ///
        /// If there are no names. In a constant that is a compile-time error.
        pub const fn new(names: Names) -> Self {
            Self::new_on(names)
        }
    }
}

impl<P: Platform> BitBarrier<P> {
    const_unless_loom! {
        /// Creates a barrier for `names` on platform `P`.
        ///
        /// # Panics
        ///
        /// If there are no names.
        pub const fn new_on(names: Names) -> Self {
            Self::starting_at(names, 0)
        }
    }

    const_unless_loom! {
        /// A barrier whose first phase has a given number: for tests of the overflow.
        #[doc(hidden)]
        pub const fn starting_at(names: Names, phase: u32) -> Self {
            assert!(!names.is_empty(), "a barrier has members");
            // In an odd phase a set bit is one that has not arrived.
            let arrived = if phase % 2 == 0 { 0 } else { Bits::MAX };
            Self {
                arrived: AtomicBits::new(arrived),
                members: AtomicBits::new(names.bits()),
                claimed: AtomicBits::new(0),
                phase: AtomicU32::new(phase.wrapping_mul(PHASE)),
                platform: PhantomData,
            }
        }
    }

    /// The barrier at `memory`, such as one that another process has made there. Writes nothing.
    ///
    /// # Safety
    ///
    /// `memory` holds a barrier of this type, and stays valid and mapped for `'a`. All who use it use platforms that wait
    /// and wake each other at this address.
    pub unsafe fn attach<'a>(memory: *const Self) -> &'a Self {
        // SAFETY: the caller's promise.
        unsafe { &*memory }
    }

    /// The handle for `name`.
    ///
    /// # Errors
    ///
    /// [`NoSuchMember`] if the name is not a member's, or was handed out before.
    pub fn claim(&self, name: u32) -> Result<BitMember<'_, P>, NoSuchMember> {
        let bit = Names::one(name).ok_or(NoSuchMember)?.bits();
        // Relaxed: the members are constant but for removals, and the claimed bit goes to one caller whatever the order.
        // Release: whoever finds the name among the `claimed` sees what its claimant did before.
        if self.members.load(Ordering::Relaxed) & bit == 0 || self.claimed.fetch_or(bit, Ordering::Release) & bit != 0 {
            return Err(NoSuchMember);
        }
        // Not stale: the phase cannot have gone on before this member arrives.
        let phase = self.phase.load(Ordering::Relaxed) / PHASE;
        Ok(BitMember { barrier: self, name, phase, pending: false })
    }

    /// Goes on without `name`: no phase waits for it any more, the present one included. Returns whether it was a member.
    ///
    /// For members that are known to be dead. A removed member that lives on after all may still wait along with the others,
    /// but is not waited for.
    ///
    /// *Memory ordering.* What the caller did before happens before every wait of a phase that completes without `name`
    /// returns.
    pub fn remove(&self, name: u32) -> bool {
        let Some(bit) = Names::one(name).map(Names::bits) else { return false };
        // Release: pairs with `missing_in`. Whoever completes a phase without this member passes on what the caller did before.
        let was = self.members.fetch_and(!bit, Ordering::Release) & bit != 0;
        // Acquire: the phase is read before the arrivals; older arrivals would be taken for those of this phase.
        let phase = self.phase.load(Ordering::Acquire) / PHASE;
        // AcqRel: see the file's invariant; a plain load could miss an arrival that misses the removal.
        let arrived = self.arrived.fetch_or(0, Ordering::AcqRel);
        self.complete(phase, arrived);
        was
    }

    /// Who is waited for, phase after phase.
    pub fn members(&self) -> Names {
        // Relaxed: a picture of a moment.
        Names::from_bits(self.members.load(Ordering::Relaxed))
    }

    /// Whose handles were handed out, whatever became of them since.
    ///
    /// *Memory ordering.* What a claimant did before it claimed happens before a call that returns its name.
    pub fn claimed(&self) -> Names {
        // Acquire: pairs with the claim, so that whoever finds a name claimed sees what came before, such as a lock.
        Names::from_bits(self.claimed.load(Ordering::Acquire))
    }

    /// Waits until `phase`, the present one or an earlier one, is over, without being a member: nobody waits for the
    /// caller. Blocks; allocates nothing.
    ///
    /// *Memory ordering.* What the members did before they arrived in `phase` happens before this returns `Ok`.
    ///
    /// # Errors
    ///
    /// The names of those who are missing when `deadline` passes.
    ///
    /// ```
    /// use reveille_barrier::{BitBarrier, Names};
    /// use reveille_futex::Deadline;
    ///
    /// let barrier = BitBarrier::new(Names::first(2));
    /// assert_eq!(barrier.wait_past(0, Deadline::PASSED), Err(Names::first(2)));
    /// std::thread::scope(|s| {
    ///     for name in 0..2 {
    ///         let mut member = barrier.claim(name).unwrap();
    ///         s.spawn(move || member.wait());
    ///     }
    ///     assert_eq!(barrier.wait_past(0, Deadline::NEVER), Ok(()));
    /// });
    /// ```
    pub fn wait_past(&self, phase: u32, deadline: Deadline) -> Result<(), Names> {
        let budget = host::budget(self.members().len());
        let looked = deadline != Deadline::PASSED && relax::until::<P>(budget, || over(self.read(), phase));
        if looked { Ok(()) } else { self.sleep(phase, deadline) }
    }

    /// Who has not arrived in the present phase. A picture of a moment.
    pub fn missing(&self) -> Names {
        // Acquire: the phase before the arrivals, as in `remove`.
        let phase = self.phase.load(Ordering::Acquire) / PHASE;
        // Relaxed: the phase brings what led to it, and the rest is a picture.
        self.missing_in(phase, self.arrived.load(Ordering::Relaxed))
    }

    /// The number of the present phase. Wraps at 2^31.
    pub fn phase(&self) -> u32 {
        // Relaxed: a picture of a moment.
        self.phase.load(Ordering::Relaxed) / PHASE
    }

    fn missing_in(&self, phase: u32, arrived: Bits) -> Names {
        let there = if phase % 2 == 0 { arrived } else { !arrived };
        // Acquire: pairs with the removal in `remove`.
        Names::from_bits(self.members.load(Ordering::Acquire) & !there)
    }

    /// Goes on to the next phase if nobody is missing in `phase`, by a reading of the arrivals made not before it began.
    ///
    /// A reading made after it ended does no harm: the exchange fails.
    fn complete(&self, phase: u32, arrived: Bits) {
        if !self.missing_in(phase, arrived).is_empty() {
            return;
        }
        // Relaxed: the compare-exchange confirms the reading.
        let mut now = self.phase.load(Ordering::Relaxed);
        while now / PHASE == phase {
            let next = (now & !SLEEPERS).wrapping_add(PHASE);
            // Release: carries on what the members published, which came with the arrivals.
            match self.phase.compare_exchange(now, next, Ordering::Release, Ordering::Relaxed) {
                Ok(_) => {
                    if now & SLEEPERS != 0 {
                        P::wake(&self.phase, NonZeroU32::MAX);
                    }
                    return;
                }
                Err(other) => now = other,
            }
        }
    }

    #[inline]
    fn read(&self) -> u32 {
        // Acquire: pairs with the step of whoever completed; without it a member would not see what others did (R18).
        self.phase.load(Ordering::Acquire)
    }

    #[cold]
    #[inline(never)]
    fn sleep(&self, phase: u32, deadline: Deadline) -> Result<(), Names> {
        let mut timed_out = deadline == Deadline::PASSED;
        loop {
            // Acquire: whoever completes carries on what the arrivals published. For an arrival that died before it could
            // complete: anybody may.
            let arrived = self.arrived.load(Ordering::Acquire);
            self.complete(phase, arrived);
            // One reading: it is tested, and it is what the wait expects (R6).
            let now = self.read();
            if over(now, phase) {
                return Ok(());
            }
            if timed_out {
                return Err(self.missing_in(phase, arrived)); // the phase is not over, so the reading is of it
            }
            let asleep = now | SLEEPERS;
            // Relaxed: publishes nothing; whoever completes finds the flag in the word it changes.
            if now != asleep
                && self.phase.compare_exchange_weak(now, asleep, Ordering::Relaxed, Ordering::Relaxed).is_err()
            {
                continue;
            }
            timed_out = P::wait(&self.phase, asleep, deadline) == WaitOutcome::TimedOut;
        }
    }
}

/// Whether `phase` is over: the word is newer, by wrapping comparison.
#[inline]
fn over(now: u32, phase: u32) -> bool {
    (now & !SLEEPERS).wrapping_sub(phase.wrapping_add(1).wrapping_mul(PHASE)) as i32 >= 0
}

impl<P: Platform> BitMember<'_, P> {
    /// Arrives, and waits until nobody is missing.
    ///
    /// After a wait that timed out it goes on waiting for the same phase.
    pub fn wait(&mut self) {
        let _ = self.wait_until(Deadline::NEVER);
    }

    /// [`wait`](Self::wait) for at most `timeout`.
    ///
    /// # Errors
    ///
    /// The names of those who are missing. The arrival stands, and the next wait goes on with it.
    pub fn wait_timeout(&mut self, timeout: Duration) -> Result<(), Names> {
        self.wait_until(Deadline::after_on::<P>(timeout))
    }

    /// [`wait`](Self::wait) until `deadline` at the latest.
    ///
    /// # Errors
    ///
    /// As [`wait_timeout`](Self::wait_timeout).
    pub fn wait_until(&mut self, deadline: Deadline) -> Result<(), Names> {
        let (barrier, phase) = (self.barrier, self.phase);
        if !self.pending {
            let arrived = self.insert();
            barrier.complete(phase, arrived);
        }
        let result = barrier.wait_past(phase, deadline);
        self.pending = result.is_err();
        if result.is_ok() {
            self.phase = phase.wrapping_add(1) % (1 << 31);
        }
        result
    }

    /// Arrives without waiting, and says who is missing then; the next wait is for this phase. Doing it again before that
    /// changes nothing.
    ///
    /// Of the members that arrive in a phase at most one is told that nobody is missing: the last. To a member that was
    /// [removed](BitBarrier::remove) the answer means nothing.
    ///
    /// ```
    /// use reveille_barrier::{BitBarrier, Names};
    ///
    /// let barrier = BitBarrier::new(Names::first(2));
    /// let (mut a, mut b) = (barrier.claim(0).unwrap(), barrier.claim(1).unwrap());
    /// assert_eq!(a.arrive(), Names::one(1).unwrap());
    /// assert!(b.arrive().is_empty());
    /// a.wait(); // is over
    /// ```
    pub fn arrive(&mut self) -> Names {
        let (barrier, phase) = (self.barrier, self.phase);
        if self.pending {
            return barrier.wait_past(phase, Deadline::PASSED).err().unwrap_or(Names::NONE);
        }
        let arrived = self.insert();
        self.pending = true;
        let missing = barrier.missing_in(phase, arrived);
        barrier.complete(phase, arrived);
        missing
    }

    /// Adds the name to the arrivals of the present phase; returns all of them.
    fn insert(&mut self) -> Bits {
        let arrived = &self.barrier.arrived;
        let bit = Names::one(self.name).map_or(0, Names::bits);
        // Release: publishes what this member did. Acquire: whoever finds that nobody is missing sees what all did.
        if self.phase % 2 == 0 {
            arrived.fetch_or(bit, Ordering::AcqRel) | bit
        } else {
            arrived.fetch_and(!bit, Ordering::AcqRel) & !bit
        }
    }

    /// The phase that this member is to arrive in next, or has arrived in and not seen the end of.
    pub fn phase(&self) -> u32 {
        self.phase
    }

    /// Whose handle this is.
    pub fn name(&self) -> u32 {
        self.name
    }
}

impl<P: Platform> Drop for BitMember<'_, P> {
    fn drop(&mut self) {
        self.barrier.remove(self.name);
    }
}

impl fmt::Display for NoSuchMember {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not the name of a member, or handed out already")
    }
}

impl Error for NoSuchMember {}

impl<P: Platform> fmt::Debug for BitBarrier<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BitBarrier")
            .field("members", &self.members())
            .field("missing", &self.missing())
            .field("phase", &self.phase())
            .finish()
    }
}

impl<P: Platform> fmt::Debug for BitMember<'_, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BitMember").field("name", &self.name).field("phase", &self.phase).finish()
    }
}
