//! What the workers of one pool share, apart from their seats.

use core::ptr;
use core::slice;

use reveille_deque::Padded;
use reveille_futex::sync::atomic::{AtomicUsize, Ordering, fence};
use reveille_futex::{Platform, asym, const_unless_loom};

use crate::events::Events;
use crate::idle_policy::AtomicIdlePolicy;
use crate::injector::Injector;
use crate::job::{Job, TaskRef};
use crate::lanes::SharedLanes;
use crate::lifecycle::{Lifecycle, State};
use crate::linked::{ENDING, QUEUES};
use crate::process;
use crate::seat::Seat;
use crate::settled::Settled;
use crate::sleep::Sleep;
use crate::sleep::counters::Counts;
use crate::stack::{CAN_BE_LAZY, Slot};
#[cfg(all(feature = "std", not(any(loom, target_os = "none"))))]
use crate::threads::Staff;

/// In place of a worker's index: a caller from outside, who has no seat.
const NOBODY: usize = usize::MAX;

/// Whether there may be more seats than threads that may be active at once: not where all threads are the caller's.
const CAN_BE_CROWDED: bool = !cfg!(target_os = "none");

/// The shared part of a pool. All zero until it is attached, as are the seats: a static pool takes no flash.
pub(crate) struct Core<P: Platform> {
    seats: Settled<*const Seat<P>>,
    seat_count: Settled<usize>,
    /// How many threads may be active at once: guests beyond it rest workers.
    parallelism: Settled<usize>,
    /// Its threads of its own, if it may have any.
    pub(crate) staff: Staff,
    /// The process it was made in; see `process.rs`.
    generation: AtomicUsize,
    pub(crate) idle_policy: AtomicIdlePolicy,
    pub(crate) events: Events,
    /// Seats with an owner.
    occupied: Padded<AtomicUsize>,
    pub(crate) sleep: Sleep,
    pub(crate) injector: Padded<Injector<P>>,
    pub(crate) lanes: Padded<SharedLanes<P>>,
    pub(crate) lifecycle: Lifecycle,
}

impl<P: Platform> Core<P> {
    const_unless_loom! {
        pub(crate) const fn new() -> Self {
            Core {
                seats: Settled::new(ptr::null()),
                seat_count: Settled::new(0),
                parallelism: Settled::new(0),
                staff: Staff::new(),
                generation: AtomicUsize::new(0),
                idle_policy: AtomicIdlePolicy::new(),
                events: Events::new(),
                occupied: Padded::new(AtomicUsize::new(0)),
                sleep: Sleep::unused(),
                injector: Padded::new(Injector::new()),
                lanes: Padded::new(SharedLanes::new()),
                lifecycle: Lifecycle::new(),
            }
        }
    }

    /// Gives the pool its seats, and each seat `capacity + 1` of the slots.
    ///
    /// # Safety
    ///
    /// Called once, before any other use, which it happens before. The core, the seats and the slots outlive every use and
    /// do not move; there are `seats.len() * (capacity + 1)` slots.
    pub(crate) unsafe fn attach(
        &self,
        seats: &[Seat<P>],
        slots: *const Slot<Job<P>>,
        capacity: usize,
        parallelism: usize,
    ) {
        let eager = !CAN_BE_LAZY || !asym::is_available::<P>();
        for (index, seat) in seats.iter().enumerate() {
            // SAFETY: within the slots that the caller provides.
            let own = unsafe { slots.add(index * (capacity + 1)) };
            // SAFETY: the caller's promise.
            unsafe { seat.attach(self, index, own, capacity, eager) };
        }
        self.sleep.begin();
        // SAFETY: this happens before every use.
        unsafe { self.parallelism.set(parallelism) };
        self.generation.store(process::register(), Ordering::Relaxed); // as above
        // SAFETY: as above.
        unsafe { self.seats.set(seats.as_ptr()) };
        // SAFETY: as above.
        unsafe { self.seat_count.set(seats.len()) };
    }

    #[inline]
    pub(crate) fn seats(&self) -> &[Seat<P>] {
        // SAFETY: `attach` was given a slice of this length, which outlives the pool's use.
        unsafe { slice::from_raw_parts(self.seats.get(), self.seat_count.get()) }
    }

    pub(crate) fn parallelism(&self) -> usize {
        self.parallelism.get()
    }

    /// Whether the process that made the pool has forked since, and this is its child.
    #[inline]
    pub(crate) fn is_inherited(&self) -> bool {
        process::has_forked_since(&self.generation)
    }

    /// Before whatever waits for the pool's threads.
    ///
    /// # Panics
    ///
    /// In a child process: the threads stayed in the parent.
    #[inline]
    pub(crate) fn assert_not_inherited(&self) {
        if self.is_inherited() {
            inherited();
        }
    }

    /// Seats other than number `index`, beginning behind it, so that neighbours do not all try the same one first.
    #[inline]
    pub(crate) fn others(&self, index: usize) -> Around<'_, P> {
        let all = self.all_behind(index);
        Around { left: all.left - 1, ..all }
    }

    /// All seats, beginning behind number `index`, which comes last; from the first on for [`NOBODY`].
    #[inline]
    pub(crate) fn all_behind(&self, index: usize) -> Around<'_, P> {
        let seats = self.seats();
        Around { seats, last: index, left: seats.len() }
    }

    /// Tells the sleepers of work that was published before this call.
    #[inline]
    pub(crate) fn posted(&self, from: usize) {
        if let Some(counts) = self.sleep.post() {
            self.wake_another(counts, from);
        }
    }

    /// After a post that found sleepers only: wakes one, if there is room for it. Returns whether one was woken.
    #[inline(never)]
    pub(crate) fn wake_another(&self, counts: Counts, from: usize) -> bool {
        // The caller's own seat among them: it is awake, so nobody can claim it.
        self.has_room(counts.idle()) && self.sleep.wake_any(self.all_behind(from).map(|seat| &*seat.park))
    }

    /// Threads that run tasks, given how many are idle. The two are not read together: whoever acts on it can be wrong by
    /// those that come and go meanwhile, and each of them looks for work when it does.
    #[inline]
    pub(crate) fn active(&self, idle: usize) -> usize {
        self.occupied.load(Ordering::Relaxed).saturating_sub(idle) // see above
    }

    /// Whether as many threads are active as may be, so that an idle one leaves the work to them.
    #[inline]
    pub(crate) fn is_crowded(&self) -> bool {
        CAN_BE_CROWDED && !self.has_room(self.sleep.counts().idle())
    }

    /// Whether more threads are active than may be, so that an active one leaves the work to the others.
    #[inline]
    pub(crate) fn is_overcrowded(&self) -> bool {
        CAN_BE_CROWDED && self.active(self.sleep.counts().idle()) > self.parallelism()
    }

    #[inline]
    fn has_room(&self, idle: usize) -> bool {
        !CAN_BE_CROWDED || self.active(idle) < self.parallelism()
    }

    /// An owner has taken its seat.
    pub(crate) fn joined(&self) {
        self.occupied.fetch_add(1, Ordering::Relaxed); // see `active`
        fence(Ordering::SeqCst); // between the count and the first fork; pairs with the fence in `Worker::last_search`
    }

    /// An owner leaves its seat. What a poster did not wake anybody for, because this thread was active, is looked for.
    pub(crate) fn left(&self) {
        self.occupied.fetch_sub(1, Ordering::Relaxed); // ordered by the fence
        // Between the count and the looks at the work and at the lifecycle. Pairs with the fence in `Counters::announce`:
        // either a worker that is about to sleep in a crowd sees that this thread has left, or this thread sees the work (M26).
        // And with the fence in `drain`: either this thread sees that the pool drains, or those that `drain` wakes see that
        // this thread has left.
        fence(Ordering::SeqCst);
        if self.has_visible_work() {
            self.posted(NOBODY); // the seat may have its next owner already (M27)
        }
        if ENDING.is_open() && self.lifecycle.state() == State::Draining {
            self.wake_all(); // they may have waited for nothing else
        }
    }

    /// Refuses further work, and sends the workers to look whether any is left.
    pub(crate) fn drain(&self) {
        ENDING.before(|| {
            self.lifecycle.drain();
            fence(Ordering::SeqCst); // pairs with the fence in `left`
            self.wake_all();
        });
    }

    /// Whether a search might find something.
    pub(crate) fn has_visible_work(&self) -> bool {
        QUEUES.is_open() && self.has_injected()
            || self.seats().iter().filter(|seat| seat.may_have_work()).any(|seat| {
                seat.stack.has_public() || seat.stack.has_private() || QUEUES.is_open() && !seat.tasks.is_empty()
            })
    }

    /// Whether there are tasks that are not on a seat's deque, for whoever closes the pool.
    pub(crate) fn has_injected(&self) -> bool {
        !self.injector.is_empty() || !self.lanes.is_empty()
    }

    /// Adds a task from outside, and tells the sleepers.
    pub(crate) fn inject(&self, task: TaskRef<P>) {
        QUEUES.before(|| {
            self.injector.push(task);
            self.posted_from_outside();
        });
    }

    /// Tells the sleepers of work that no worker has posted.
    pub(crate) fn posted_from_outside(&self) {
        self.posted(NOBODY);
    }

    /// Whether a worker has mail that it has not read.
    pub(crate) fn has_mail(&self) -> bool {
        self.seats().iter().any(|seat| seat.lanes.has_mail())
    }

    /// Wakes every sleeper, to look at the lifecycle.
    pub(crate) fn wake_all(&self) {
        for seat in self.seats() {
            self.sleep.wake(&seat.park);
        }
    }
}

#[cold]
#[inline(never)]
fn inherited() -> ! {
    panic!("the pool was inherited over fork(2) and its threads stayed in the parent; make a new pool in the child");
}

/// Seats of a pool, round and round. Without division.
pub(crate) struct Around<'a, P: Platform> {
    seats: &'a [Seat<P>],
    /// The number of the seat before the next one.
    last: usize,
    left: usize,
}

impl<'a, P: Platform> Iterator for Around<'a, P> {
    type Item = &'a Seat<P>;

    fn next(&mut self) -> Option<&'a Seat<P>> {
        self.left = self.left.checked_sub(1)?;
        let next = self.last.wrapping_add(1); // from `NOBODY` to the first
        self.last = if next < self.seats.len() { next } else { 0 };
        self.seats.get(self.last)
    }
}

/// The threads of a pool that has none of its own.
#[cfg(not(all(feature = "std", not(any(loom, target_os = "none")))))]
pub(crate) struct Staff;

#[cfg(not(all(feature = "std", not(any(loom, target_os = "none")))))]
impl Staff {
    pub(crate) const fn new() -> Self {
        Staff
    }

    #[inline]
    pub(crate) fn has_resident(&self) -> bool {
        false
    }

    #[inline]
    pub(crate) fn runs_oldest_first(&self) -> bool {
        false
    }
}
