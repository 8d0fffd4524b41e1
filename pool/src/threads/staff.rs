//! What workers know of the threads that their pool has of its own, and what holds such a pool open.

use reveille_futex::Platform;
use reveille_futex::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::seat::Seat;
use crate::shared::Core;

/// All zero, as the core that it is part of. Set before any worker runs.
pub(crate) struct Staff {
    threads: AtomicUsize,
    resident: AtomicBool,
    oldest_first: AtomicBool,
}

impl Staff {
    pub(crate) const fn new() -> Self {
        Staff { threads: AtomicUsize::new(0), resident: AtomicBool::new(false), oldest_first: AtomicBool::new(false) }
    }

    /// The seats from the first on belong to that many threads of the pool.
    pub(super) fn set_threads(&self, threads: usize) {
        self.threads.store(threads, Ordering::Relaxed); // happens before every use
    }

    /// The first of them is a thread of the program's, which serves only while it waits.
    pub(super) fn set_resident(&self) {
        self.resident.store(true, Ordering::Relaxed); // happens before every use
    }

    /// Whether the first seat belongs to a thread of the program's. Its doings of its own look like a task, so spawned tasks are
    /// counted until they end instead.
    #[inline]
    pub(crate) fn has_resident(&self) -> bool {
        self.resident.load(Ordering::Relaxed) // constant
    }

    /// Workers run the oldest of their own tasks first.
    pub(super) fn set_oldest_first(&self) {
        self.oldest_first.store(true, Ordering::Relaxed); // happens before every use
    }

    #[inline]
    pub(crate) fn runs_oldest_first(&self) -> bool {
        self.oldest_first.load(Ordering::Relaxed) // constant
    }
}

impl<P: Platform> Core<P> {
    /// The seats of the pool's own threads.
    pub(crate) fn thread_seats(&self) -> &[Seat<P>] {
        &self.seats()[..self.staff.threads.load(Ordering::Relaxed)] // constant
    }

    /// Keeps the pool from closing until the guard is dropped, or refuses: a submission from outside is refused by a pool that
    /// drains, one that is part of accepted work only by a closed one.
    ///
    /// Scope tasks need no guard: their scope's worker holds the pool open.
    pub(super) fn hold(&self, part_of_accepted_work: bool) -> Option<Hold<'_, P>> {
        if self.is_inherited() {
            return None; // nobody would run it
        }
        let admitted = self.lifecycle.count_in(part_of_accepted_work);
        let hold = Hold(self);
        admitted.then_some(hold)
    }

    /// A task is accepted. It holds a pool with a resident open until it ends; other pools see it in a queue or in the hands of
    /// an active thread. Follows an admission, so it cannot be refused.
    pub(super) fn task_accepted(&self) {
        if self.staff.has_resident() {
            self.lifecycle.count_in(true);
        }
    }

    /// An accepted task has run, or never will.
    pub(super) fn task_ended(&self) {
        if self.staff.has_resident() {
            drop(Hold(self));
        }
    }
}

/// A submission in flight.
pub(super) struct Hold<'a, P: Platform>(&'a Core<P>);

impl<P: Platform> Drop for Hold<'_, P> {
    fn drop(&mut self) {
        if self.0.lifecycle.count_out() {
            self.0.wake_all();
        }
    }
}
