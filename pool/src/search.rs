//! Where a worker looks for work, and in which order.

use core::ptr::NonNull;

use reveille_deque::Steal;
use reveille_futex::Platform;

use crate::Worker;
use crate::events::Event;
use crate::job::{Job, TaskRef};
use crate::seat::Seat;
use crate::signal::Signal;
use crate::stack::Slot;

/// Something to run.
pub(crate) enum Work<'a, P: Platform> {
    /// A spawned task.
    Task(TaskRef<P>),
    /// The second half of another worker's join.
    Join { victim: &'a Seat<P>, slot: *const Slot<Job<P>>, job: NonNull<Job<P>> },
}

impl<P: Platform> Work<'_, P> {
    /// Whether its owner is likely to have more: then another searcher is worth a wake.
    pub(crate) fn may_have_siblings(&self) -> bool {
        matches!(self, Work::Join { .. })
    }
}

impl<P: Platform> Worker<P> {
    /// What is urgent, or else the newest task that this worker has queued itself.
    pub(crate) fn own_work(&self) -> Option<Work<'_, P>> {
        if let Some(task) = self.first_choice() {
            return Some(Work::Task(task));
        }
        // SAFETY: this thread owns the seat, and with it the deque.
        unsafe { self.seat().tasks.owner() }.pop().map(Work::Task)
    }

    /// One look everywhere. What was published before it began, and is still there, is found.
    pub(crate) fn search(&self) -> Option<Work<'_, P>> {
        if let Some(work) = self.own_work() {
            return Some(work);
        }
        let core = self.core();
        // From a random seat on, so that thieves spread out.
        let start = self.seat().random() % core.seats().len().max(1);
        loop {
            let mut again = false;
            for victim in core.others(start).chain(core.seats().get(start)) {
                if victim.index() == self.index() {
                    continue;
                }
                if let Some(work) = self.steal_join(victim) {
                    return Some(work);
                }
                match victim.tasks.stealer().steal() {
                    Steal::Success(task) => return Some(Work::Task(task)),
                    // Somebody was faster: not the same as empty (D22). Taking it for empty would cost no task here: whoever
                    // was faster looks for more before it runs what it has, and posts.
                    Steal::Retry => again = true,
                    Steal::Empty => {}
                }
            }
            if let Some(task) = self.take_injected().or_else(|| self.last_choice()) {
                return Some(Work::Task(task));
            }
            if !again {
                return None;
            }
        }
    }

    /// A public join task of one worker.
    pub(crate) fn steal_from(&self, index: usize) -> Option<Work<'_, P>> {
        self.steal_join(&self.core().seats()[index])
    }

    fn steal_join<'a>(&self, victim: &'a Seat<P>) -> Option<Work<'a, P>> {
        match victim.stack.steal() {
            Some((slot, job)) => {
                // SAFETY: a claimed slot is live, and this thief's.
                unsafe { &*slot }.set_thief(self.index());
                // A claimed slot holds a task: never null.
                NonNull::new(job).map(|job| Work::Join { victim, slot, job })
            }
            None => None,
        }
    }

    /// Takes all that came from outside, runs the oldest, and queues the rest where others find it.
    pub(crate) fn take_injected(&self) -> Option<TaskRef<P>> {
        let mut tasks = self.core().injector.take();
        let first = tasks.next()?;
        let mut rest = false;
        // SAFETY: this thread owns the seat, and with it the deque.
        let owner = unsafe { self.seat().tasks.owner() };
        for task in tasks {
            rest = true;
            if let Err(full) = owner.try_push(task) {
                self.core().injector.push(full.0);
            }
        }
        if rest {
            self.posted();
        }
        Some(first)
    }

    /// Runs what was found.
    pub(crate) fn run(&self, work: Work<'_, P>) {
        self.seat().begin_episode();
        match work {
            Work::Task(task) => {
                self.seat().stats.jobs.add_one();
                self.tell(Event::TaskBegin);
                task.run(self);
                self.tell(Event::TaskEnd);
            }
            Work::Join { victim, slot, job } => {
                self.seat().stats.steals.add_one();
                self.tell(Event::StealBegin { victim: victim.index() });
                // SAFETY: claimed, so live and this worker's to run.
                unsafe { Job::run(job, self) };
                self.tell(Event::StealEnd); // before its owner goes on
                // SAFETY: a slot lives as long as its pool, which outlives the call.
                let done = unsafe { &raw const (*slot).done };
                // SAFETY: as above. The owner may go on as soon as it is set; its seat stays (J4).
                if unsafe { Signal::set::<P>(done) } {
                    self.core().sleep.wake(&victim.park);
                }
            }
        }
    }
}
