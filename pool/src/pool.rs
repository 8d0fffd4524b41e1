//! A pool in static memory, on threads or cores that the caller brings.

use core::fmt;

use reveille_futex::sync::atomic::{AtomicU32, Ordering};
use reveille_futex::{Deadline, Os, Platform};

use core::num::NonZeroU32;

use crate::Worker;
use crate::idle::Event;
use crate::idle_policy::{Habit, IdlePolicy};
use crate::job::Job;
use crate::linked::ENDING;
use crate::seat::Seat;
use crate::shared::Core;
use crate::sleep::counters::MAX_SEATS;
use crate::span::MAX_CAPACITY;
use crate::stack::{CAN_BE_LAZY, Slot};

/// A work-stealing pool of `N` seats in static memory, without an allocator and without threads of its own.
///
/// Threads or cores call [`run_worker`](Self::run_worker) to serve, or [`enter`](Self::enter) to take part for one call.
/// `CAP` is how deep joins may nest before they run in sequence; a seat takes 16 bytes of it per level on 64-bit targets.
///
/// ```
/// use reveille_pool::Pool;
///
/// static POOL: Pool<2, 64> = Pool::new();
///
/// let server = std::thread::spawn(|| POOL.run_worker(0));
/// let (a, b) = POOL.enter(|worker| worker.join(|_| 2 + 2, |_| 3 * 3)).unwrap();
/// assert_eq!((a, b), (4, 9));
///
/// POOL.shutdown();
/// server.join().unwrap().unwrap();
/// ```
pub struct Pool<const N: usize, const CAP: usize, P: Platform = Os> {
    core: Core<P>,
    seats: [Seat<P>; N],
    slots: [Row<CAP, P>; N],
    attached: AtomicU32,
}

/// The slots of one seat, and the spare one behind them.
#[repr(C)]
struct Row<const CAP: usize, P: Platform> {
    slots: [Slot<Job<P>>; CAP],
    spare: Slot<Job<P>>,
}

const NEW: u32 = 0;
const ATTACHING: u32 = 1; // one thread connects the parts
const ATTACHED: u32 = 2;

// SAFETY: what is not atomic in a pool belongs to the seat's owner, and `occupy` admits one.
unsafe impl<const N: usize, const CAP: usize, P: Platform> Sync for Pool<N, CAP, P> {}

/// Why a thread could not work for a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SeatError {
    /// There is no seat of this number.
    NoSuchSeat,
    /// Another thread has the seat.
    Occupied,
}

impl fmt::Display for SeatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SeatError::NoSuchSeat => "the pool has no seat of this number",
            SeatError::Occupied => "another thread has this seat",
        })
    }
}

impl core::error::Error for SeatError {}

/// No seat was free; the closure comes back.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Crowded<F>(pub F);

impl<F> fmt::Debug for Crowded<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Crowded(..)")
    }
}

impl<F> fmt::Display for Crowded<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("every seat of the pool is taken")
    }
}

impl<F> core::error::Error for Crowded<F> {}

#[cfg(not(loom))]
impl<const N: usize, const CAP: usize> Pool<N, CAP> {
    /// A pool on the built-in platform. Sizes that cannot work do not compile.
    pub const fn new() -> Self {
        Self::new_on()
    }
}

impl<const N: usize, const CAP: usize, P: Platform> Pool<N, CAP, P> {
    const SIZES_FIT: () = {
        assert!(N > 0 && N <= MAX_SEATS, "a pool has at least one seat, and at most as many as its counters can count");
        assert!(CAP > 0 && CAP <= MAX_CAPACITY, "CAP is at least 1, and at most what a join stack's word can say");
    };

    /// A pool on platform `P`. Sizes that cannot work do not compile.
    #[cfg(not(loom))]
    pub const fn new_on() -> Self {
        let () = Self::SIZES_FIT;
        Pool {
            core: Core::new(),
            seats: [const { Seat::new() }; N],
            slots: [const { Row { slots: [const { Slot::new() }; CAP], spare: Slot::new() } }; N],
            attached: AtomicU32::new(NEW),
        }
    }

    /// A pool on platform `P`.
    #[cfg(loom)]
    pub fn new_on() -> Self {
        let () = Self::SIZES_FIT;
        Pool {
            core: Core::new(),
            seats: core::array::from_fn(|_| Seat::new()),
            slots: core::array::from_fn(|_| Row { slots: core::array::from_fn(|_| Slot::new()), spare: Slot::new() }),
            attached: AtomicU32::new(NEW),
        }
    }

    /// Serves as the worker of seat `index` until the pool is shut down and its work is done.
    ///
    /// Blocks; that is its purpose. Allocates nothing.
    ///
    /// # Errors
    ///
    /// [`SeatError`]: there is no such seat, or another thread has it.
    pub fn run_worker(&'static self, index: usize) -> Result<(), SeatError> {
        let seat = self.attached_seats().get(index).ok_or(SeatError::NoSuchSeat)?;
        if !seat.occupy() {
            return Err(SeatError::Occupied);
        }
        serve_as(seat, |_, serve| serve());
        Ok(())
    }

    /// Runs `f` here, on a free seat: the caller takes part in the pool's work while it waits for joins.
    ///
    /// Blocks only where `f` does. Allocates nothing. If `f` unwinds, the seat is left first.
    ///
    /// # Errors
    ///
    /// [`Crowded`], with the closure: every seat is taken.
    pub fn enter<R, F: FnOnce(&Worker<P>) -> R>(&'static self, f: F) -> Result<R, Crowded<F>> {
        match self.attached_seats().iter().rev().find(|seat| seat.occupy()) {
            Some(seat) => Ok(visit(seat, f)),
            None => Err(Crowded(f)),
        }
    }

    /// Finishes the work that there is, and lets every [`run_worker`](Self::run_worker) return. Does not wait for them.
    pub fn shutdown(&'static self) {
        self.attached_seats();
        self.core.drain();
    }

    /// What the pool accepts. A hint while somebody shuts it down.
    ///
    /// ```
    /// use reveille_pool::{Pool, State};
    ///
    /// static POOL: Pool<1, 8> = Pool::new();
    /// assert_eq!(POOL.state(), State::Running);
    /// POOL.shutdown();
    /// assert_eq!(POOL.state(), State::Draining); // and closed as soon as a worker finds nothing left
    /// POOL.run_worker(0).unwrap();
    /// assert_eq!(POOL.state(), State::Closed);
    /// ```
    pub fn state(&self) -> crate::State {
        self.core.lifecycle.state()
    }

    /// How long a worker without work searches before it sleeps. May be called at any time.
    pub fn set_idle_policy(&self, policy: IdlePolicy) {
        self.core.idle_policy.set(policy);
    }

    /// What each seat has done.
    pub fn stats(&self) -> [crate::WorkerStats; N] {
        core::array::from_fn(|i| self.seats[i].stats.read())
    }

    /// The seats, once the parts of the pool know each other.
    fn attached_seats(&'static self) -> &'static [Seat<P>; N] {
        // Acquire: pairs with the release below; the parts are connected.
        while self.attached.load(Ordering::Acquire) != ATTACHED {
            // Relaxed: there is nothing yet, or the load above is made again.
            match self.attached.compare_exchange(NEW, ATTACHING, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => {
                    // SAFETY: this thread alone attaches, before any use; a static does not move; a row has CAP + 1 slots.
                    unsafe { self.core.attach(&self.seats, self.slots.as_ptr().cast(), CAP, N) };
                    // Release: to the loads above.
                    self.attached.swap(ATTACHED, Ordering::Release);
                    P::wake(&raw const self.attached, NonZeroU32::MAX);
                }
                Err(ATTACHING) => {
                    P::wait(&self.attached, ATTACHING, Deadline::NEVER);
                }
                Err(_) => {} // attached since the load
            }
        }
        &self.seats
    }
}

#[cfg(not(loom))]
impl<const N: usize, const CAP: usize> Default for Pool<N, CAP> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const N: usize, const CAP: usize, P: Platform> fmt::Debug for Pool<N, CAP, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("seats", &N).field("capacity", &CAP).finish_non_exhaustive()
    }
}

/// Works on an occupied seat until the pool closes, then leaves it. `as_worker` surrounds the work.
pub(crate) fn serve_as<P: Platform>(seat: &Seat<P>, as_worker: impl FnOnce(&Worker<P>, &mut dyn FnMut())) {
    visit(seat, |worker| as_worker(worker, &mut || worker.work_until_with(&Closing(worker), Habit::Starting)));
}

/// Runs `f` on an occupied seat, then leaves it, also when `f` unwinds.
pub(crate) fn visit<P: Platform, R>(seat: &Seat<P>, f: impl FnOnce(&Worker<P>) -> R) -> R {
    struct Leave<'a, P: Platform>(&'a Worker<P>);

    impl<P: Platform> Drop for Leave<'_, P> {
        fn drop(&mut self) {
            self.0.leave();
        }
    }

    // SAFETY: the caller has occupied the seat, and `f` gets a reference that it cannot send.
    let leave = Leave(unsafe { settle(seat) });
    f(leave.0)
}

/// Makes the caller the worker of a seat.
///
/// # Safety
///
/// The caller has occupied the seat, and the worker stays on its thread.
pub(crate) unsafe fn settle<P: Platform>(seat: &Seat<P>) -> &Worker<P> {
    // SAFETY: the caller's promise.
    let worker = unsafe { Worker::of(seat) };
    worker.core().joined();
    seat.begin_episode();
    if CAN_BE_LAZY && worker.core().sleep.counts().sleeping() > 0 {
        seat.stack.ask(); // see `Worker::end_search`
    }
    worker
}

/// What a serving worker waits for. It also closes the pool, when it drains and nothing is left.
pub(crate) struct Closing<'a, P: Platform>(pub(crate) &'a Worker<P>);

impl<P: Platform> Event for Closing<'_, P> {
    fn is_done(&self) -> bool {
        ENDING.is_open() && self.0.may_go_home()
    }

    /// Not worth the line that every submission from outside writes: `wake_all` comes before the worker sleeps.
    fn is_done_already(&self) -> bool {
        false
    }

    fn watch(&self) -> bool {
        !ENDING.is_open() || !self.0.core().lifecycle.is_closed() // `wake_all` wakes every park word
    }
}

impl<P: Platform> Worker<P> {
    /// Whether the pool is closed and nothing is left for this worker; closes a pool that drains and is quiet.
    fn may_go_home(&self) -> bool {
        let core = self.core();
        if core.lifecycle.is_closed() {
            // Whoever closed may have counted this worker as a searcher while it had just taken what was in the injector.
            let seat = self.seat();
            core.lifecycle.before_going_home();
            let nothing_left = seat.tasks.is_empty() && !seat.lanes.has_mail() && !core.has_injected();
            if !nothing_left {
                P::yield_now(); // it may be another worker that is taking it, and nobody sleeps any more
            }
            return nothing_left;
        }
        if !core.lifecycle.is_drained() {
            return false;
        }
        // Nothing is in flight, so all that was accepted is in a queue, or in the hands of a thread that looks at its own
        // queue once more before it leaves.
        let quiet = || core.active(core.sleep.counts().idle()) == 0 && !core.has_visible_work() && !core.has_mail();
        // With a resident, tasks are in flight until they end, and what it does itself keeps nobody.
        if (core.staff.has_resident() || quiet()) && core.lifecycle.close() {
            core.wake_all();
        }
        false // asked again, now that it is closed
    }
}
