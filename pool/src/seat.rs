//! What one worker owns and thieves see: its join stack, its deque, its park word, its counters.

use core::ptr;

use reveille_deque::Deque;
use reveille_deque::Padded;
use reveille_futex::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use reveille_futex::{Platform, const_unless_loom};
use reveille_latch::CoreLatch;

use crate::job::{Job, TaskRef};
use crate::lanes::Lanes;
use crate::settled::Settled;
use crate::shared::Core;
use crate::stack::{CAN_BE_LAZY, JoinStack, Slot};
use crate::stats::SeatStats;

/// Whether searches begin anywhere, and pass by seats without an owner. A core of 32 bits without an operating system has few
/// neighbours, and no flash for that: each begins behind its own seat.
pub(crate) const SCATTER: bool = !cfg!(all(target_os = "none", target_pointer_width = "32"));

/// Where a seat's spawned tasks wait: it grows if there is an allocator.
#[cfg(feature = "alloc")]
pub(crate) type Tasks<P> = Deque<TaskRef<P>, reveille_deque::Growable>;
#[cfg(not(feature = "alloc"))]
pub(crate) type Tasks<P> = Deque<TaskRef<P>, reveille_deque::Inline<32>>;

#[cfg(feature = "alloc")]
macro_rules! no_tasks {
    () => {
        Deque::growable()
    };
}
#[cfg(not(feature = "alloc"))]
macro_rules! no_tasks {
    () => {
        Deque::new()
    };
}

/// One place in a pool. Whoever occupies it is its owner.
#[repr(C)]
pub(crate) struct Seat<P: Platform> {
    /// First, so that a fork's offsets are small.
    pub(crate) stack: JoinStack<Job<P>>,
    core: Settled<*const Core<P>>,
    index: Settled<usize>,
    /// The owner's random numbers.
    random: AtomicUsize,
    /// How many pieces of work the owners of this seat have begun.
    episode: AtomicUsize,
    occupancy: Occupancy,
    pub(crate) stats: SeatStats,
    pub(crate) tasks: Padded<Tasks<P>>,
    pub(crate) lanes: Lanes<P>,
    pub(crate) park: Padded<CoreLatch<P>>,
}

impl<P: Platform> Seat<P> {
    const_unless_loom! {
        pub(crate) const fn new() -> Self {
            Seat {
                stack: JoinStack::new(),
                core: Settled::new(ptr::null()),
                index: Settled::new(0),
                random: AtomicUsize::new(0),
                episode: AtomicUsize::new(0),
                occupancy: Occupancy::new(),
                stats: SeatStats::new(),
                tasks: Padded::new(no_tasks!()),
                lanes: Lanes::new(),
                park: Padded::new(CoreLatch::new_on()),
            }
        }
    }

    /// Makes the seat part of a pool.
    ///
    /// # Safety
    ///
    /// As [`JoinStack::attach`]; `core` outlives every use of the seat.
    pub(crate) unsafe fn attach(
        &self,
        core: *const Core<P>,
        index: usize,
        slots: *const Slot<Job<P>>,
        capacity: usize,
        eager: bool,
    ) {
        // SAFETY: this happens before every use, as the caller guarantees.
        unsafe { self.core.set(core) };
        // SAFETY: as above.
        unsafe { self.index.set(index) };
        if SCATTER {
            self.random.store(index.wrapping_mul(0x9E37_79B9) | 1, Ordering::Relaxed); // as above
        }
        // SAFETY: the caller's promise.
        unsafe { self.stack.attach(slots, capacity, eager) };
    }

    #[inline]
    pub(crate) fn core(&self) -> &Core<P> {
        // SAFETY: set when the pool was made, and it outlives the seat's use.
        unsafe { &*self.core.get() }
    }

    #[inline]
    pub(crate) fn index(&self) -> usize {
        self.index.get()
    }

    /// Takes the seat; `false` if somebody has it.
    pub(crate) fn occupy(&self) -> bool {
        self.occupancy.occupy()
    }

    pub(crate) fn vacate(&self) {
        self.occupancy.vacate();
    }

    /// Whether a look at it might find something. One load of a line that nobody writes, for the seats of guests that are not
    /// there: each would take three, and a fence.
    ///
    /// A seat without an owner has nothing for others: its last one has left it so. An owner takes the seat before it publishes
    /// anything there, so whatever lets a look see that lets it see this (M33).
    #[inline]
    pub(crate) fn may_have_work(&self) -> bool {
        !SCATTER || self.occupancy.is_taken()
    }

    /// Owner: begins another piece of work.
    pub(crate) fn begin_episode(&self) {
        // loom would explore every reading of it, and it only delays requests, which are for private tasks.
        if CAN_BE_LAZY && !cfg!(loom) {
            self.episode.store(self.episode.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed); // one writer
        }
    }

    /// Which piece of work the owner is at: a hint.
    pub(crate) fn episode(&self) -> usize {
        self.episode.load(Ordering::Relaxed)
    }

    /// Owner: the next random number (xorshift).
    pub(crate) fn random(&self) -> usize {
        let mut x = self.random.load(Ordering::Relaxed) as u32; // owner only
        x ^= x << 13;
        x ^= x >> 17;
        x ^= x << 5;
        self.random.store(x as usize, Ordering::Relaxed); // owner only
        x as usize
    }
}

/// Whether a seat has an owner.
#[derive(Debug)]
pub struct Occupancy(AtomicBool);

impl Occupancy {
    const_unless_loom! {
        /// Nobody has the seat.
        pub const fn new() -> Self {
            Occupancy(AtomicBool::new(false))
        }
    }

    /// Takes the seat; `false` if somebody has it.
    pub fn occupy(&self) -> bool {
        // Acquire: the new owner goes on where the old one stopped. Pairs with `vacate`.
        !self.0.swap(true, Ordering::Acquire)
    }

    /// Whether somebody has the seat. A hint, ordered as what its owner publishes.
    #[inline]
    pub fn is_taken(&self) -> bool {
        self.0.load(Ordering::Relaxed) // see above
    }

    /// Gives it up. What this owner did happens before what the next one does.
    pub fn vacate(&self) {
        self.0.swap(false, Ordering::Release); // pairs with `occupy`; a swap, as every change of the flag
    }
}
