//! The queues of a pool that has threads of its own.

use reveille_deque::Steal;
use reveille_futex::Platform;
use reveille_futex::sync::atomic::{AtomicUsize, Ordering};

use super::Priority;
use super::memory::Blocks;
use crate::Worker;
use crate::fifo::{Fifo, SpareGroups};
use crate::injector::Injector;
use crate::job::TaskRef;
use crate::seat::{Seat, Tasks};
use crate::shared::Core;

/// Looks between two that begin with what waits longest. A power of two.
const FAIR_EVERY: usize = 32;

/// Of how many looks into a lane one begins with what came from outside. Odd, so that no rhythm of looks misses it.
const OUTSIDE_EVERY: usize = 7;

/// The queues of one seat.
pub(crate) struct Lanes<P: Platform> {
    /// Only its owner takes.
    inbox: Injector<P>,
    /// Looks for work. Owner only.
    looks: AtomicUsize,
    high: Tasks<P>,
    low: Tasks<P>,
    /// Tasks of `spawn_fifo`, each with a ticket in a deque.
    pub(crate) fifo: Fifo,
    pub(super) blocks: Blocks,
}

impl<P: Platform> Lanes<P> {
    pub(crate) const fn new() -> Self {
        Lanes {
            inbox: Injector::new(),
            looks: AtomicUsize::new(0),
            high: Tasks::<P>::growable(),
            low: Tasks::<P>::growable(),
            fifo: Fifo::new(),
            blocks: Blocks::new(),
        }
    }

    /// Whether there is mail. A hint, unless ordered by the wake path's fences. An owner that opens its mail is at work.
    #[inline]
    pub(crate) fn has_mail(&self) -> bool {
        !self.inbox.is_empty()
    }

    fn class(&self, class: Class) -> &Tasks<P> {
        match class {
            Class::High => &self.high,
            Class::Low => &self.low,
        }
    }
}

/// A priority with a queue of its own.
#[derive(Clone, Copy)]
enum Class {
    High,
    Low,
}

/// What the seats share.
pub(crate) struct SharedLanes<P: Platform> {
    high: SharedLane<P>,
    low: SharedLane<P>,
    pub(crate) spare_groups: SpareGroups,
}

struct SharedLane<P: Platform> {
    /// Tasks of this class in any queue, or about to be. Read-modify-writes only.
    queued: AtomicUsize,
    /// Those that came from outside.
    injector: Injector<P>,
}

impl<P: Platform> SharedLane<P> {
    const fn new() -> Self {
        SharedLane { queued: AtomicUsize::new(0), injector: Injector::new() }
    }

    #[inline]
    fn is_empty(&self) -> bool {
        self.queued.load(Ordering::Relaxed) == 0 // never too low; the wake path's fences order it
    }
}

impl<P: Platform> SharedLanes<P> {
    pub(crate) const fn new() -> Self {
        SharedLanes { high: SharedLane::new(), low: SharedLane::new(), spare_groups: SpareGroups::new() }
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.high.is_empty() && self.low.is_empty()
    }

    fn class(&self, class: Class) -> &SharedLane<P> {
        match class {
            Class::High => &self.high,
            Class::Low => &self.low,
        }
    }
}

impl<P: Platform> Core<P> {
    /// Adds a task from outside, and tells the sleepers.
    pub(crate) fn inject_with(&self, priority: Priority, task: TaskRef<P>) {
        let lane = match priority {
            Priority::Normal => return self.inject(task),
            Priority::High => &self.lanes.high,
            Priority::Low => &self.lanes.low,
        };
        lane.queued.fetch_add(1, Ordering::Relaxed); // before it can be taken
        lane.injector.push(task);
        self.posted_from_outside();
    }

    /// Gives a task to the owner of one seat and to nobody else, and wakes it.
    pub(crate) fn mail(&self, seat: &Seat<P>, task: TaskRef<P>) {
        seat.lanes.inbox.push(task);
        self.sleep.wake(&seat.park); // or keeps it from parking, so that it looks again
    }
}

impl<P: Platform> Worker<P> {
    /// Queues a task of this priority, and tells the sleepers.
    pub(crate) fn push_with(&self, priority: Priority, task: TaskRef<P>) {
        let class = match priority {
            Priority::Normal => return self.push(task),
            Priority::High => Class::High,
            Priority::Low => Class::Low,
        };
        self.core().lanes.class(class).queued.fetch_add(1, Ordering::Relaxed); // before it can be taken
        self.keep(class, task);
        self.posted();
    }

    fn keep(&self, class: Class, task: TaskRef<P>) {
        // SAFETY: this thread owns the seat, and with it the deques.
        let owner = unsafe { self.seat().lanes.class(class).owner() };
        if let Err(full) = owner.try_push(task) {
            self.core().lanes.class(class).injector.push(full.0); // the allocator refused; a link needs no memory
        }
    }

    /// The oldest task that was given to this worker alone.
    #[inline]
    pub(crate) fn open_mail(&self) -> Option<TaskRef<P>> {
        self.seat().lanes.inbox.take(|| {}) // nobody else may run it
    }

    /// What comes before this worker's own deque.
    #[inline]
    pub(crate) fn first_choice(&self) -> Option<TaskRef<P>> {
        let looks = &self.seat().lanes.looks;
        let look = looks.load(Ordering::Relaxed).wrapping_add(1); // owner only
        looks.store(look, Ordering::Relaxed); // owner only
        if let Some(task) = self.open_mail() {
            return Some(task);
        }
        if look % FAIR_EVERY == 0 {
            if let Some(task) = self.longest_waiting(look / FAIR_EVERY) {
                return Some(task);
            }
        }
        self.take_class(Class::High)
    }

    /// What comes when there is nothing else.
    #[inline]
    pub(crate) fn last_choice(&self) -> Option<TaskRef<P>> {
        self.take_class(Class::Low)
    }

    #[cold]
    fn longest_waiting(&self, turn: usize) -> Option<TaskRef<P>> {
        match turn % 2 == 0 {
            true => self.take_class(Class::Low),
            false => self.take_injected(),
        }
    }

    #[inline]
    fn take_class(&self, class: Class) -> Option<TaskRef<P>> {
        match self.core().lanes.class(class).is_empty() {
            true => None,
            false => self.search_class(class),
        }
    }

    /// The oldest task of this class: of this worker's own, of those from outside, of another worker's.
    #[cold]
    #[inline(never)]
    fn search_class(&self, class: Class) -> Option<TaskRef<P>> {
        let shared = self.core().lanes.class(class);
        let found = loop {
            let mut again = false;
            let mut oldest = |seat: &Seat<P>| match seat.lanes.class(class).stealer().steal() {
                Steal::Success(task) => Some(task),
                Steal::Retry => {
                    again = true;
                    None
                }
                Steal::Empty => None,
            };
            // What came from outside takes its turn: a task here that always queues its successor would keep it waiting.
            // Owner only.
            let outside_first = self.seat().lanes.looks.load(Ordering::Relaxed) % OUTSIDE_EVERY == 0;
            if outside_first {
                if let Some(task) = self.take_injected_of(class) {
                    break task;
                }
            }
            if let Some(task) = oldest(self.seat()) {
                break task;
            }
            if let Some(task) = self.take_injected_of(class) {
                break task;
            }
            if let Some(task) = self.core().others(self.index()).find_map(oldest) {
                break task;
            }
            if !again {
                return None; // counted, and still on its way into a queue: whoever queues it posts
            }
        };
        shared.queued.fetch_sub(1, Ordering::Relaxed); // after it was taken
        Some(found)
    }

    fn take_injected_of(&self, class: Class) -> Option<TaskRef<P>> {
        self.core().lanes.class(class).injector.take(|| self.posted())
    }
}
