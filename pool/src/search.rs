//! Where a worker looks for work, and in which order.

use core::ptr::NonNull;

use reveille_deque::Steal;
use reveille_futex::Platform;

use crate::Worker;
use crate::events::Event;
use crate::job::{Job, TaskRef};
use crate::linked::{LEAPFROGS, QUEUES};
use crate::seat::{SCATTER, Seat};
use crate::signal::Signal;
use crate::stack::Slot;

/// Something to run.
pub(crate) enum Work<'a, P: Platform> {
    /// A spawned task: this worker's own, or from outside.
    Task(TaskRef<P>),
    /// A spawned task of another worker's, to whom the thief comes back.
    #[cfg(not(all(target_os = "none", target_pointer_width = "32")))]
    Stolen { victim: &'a Seat<P>, task: TaskRef<P> },
    /// The second half of another worker's join.
    Join { victim: &'a Seat<P>, slot: NonNull<Slot<Job<P>>> },
}

impl<P: Platform> Work<'_, P> {
    /// Whether it is a spawned task.
    pub(crate) fn is_task(&self) -> bool {
        QUEUES.is_open() && !matches!(self, Work::Join { .. })
    }

    /// Whether its owner is likely to have more: then another searcher is worth a wake.
    pub(crate) fn may_have_siblings(&self) -> bool {
        !self.is_task()
    }
}

#[cfg(not(all(target_os = "none", target_pointer_width = "32")))]
impl<'a, P: Platform> Work<'a, P> {
    fn stolen(victim: &'a Seat<P>, task: TaskRef<P>) -> Self {
        Work::Stolen { victim, task }
    }

    /// Whose task it was.
    pub(crate) fn source(&self) -> Option<&'a Seat<P>> {
        match self {
            Work::Stolen { victim, .. } => Some(victim),
            Work::Task(_) | Work::Join { .. } => None,
        }
    }
}

/// A core of 32 bits without an operating system has no flash for thieves that come back.
#[cfg(all(target_os = "none", target_pointer_width = "32"))]
impl<'a, P: Platform> Work<'a, P> {
    fn stolen(_: &'a Seat<P>, task: TaskRef<P>) -> Self {
        Work::Task(task)
    }

    pub(crate) fn source(&self) -> Option<&'a Seat<P>> {
        None
    }
}

impl<P: Platform> Worker<P> {
    /// What is urgent, or else the newest task that this worker has queued itself.
    pub(crate) fn own_task(&self) -> Option<TaskRef<P>> {
        if let Some(task) = self.first_choice() {
            return Some(task);
        }
        if QUEUES.is_open() { self.queued_task() } else { None }
    }

    /// The task that this worker has queued and runs next.
    fn queued_task(&self) -> Option<TaskRef<P>> {
        if self.core().staff.runs_oldest_first() {
            return self.oldest_own_task();
        }
        // SAFETY: this thread owns the seat, and with it the deque.
        unsafe { self.seat().tasks.owner() }.pop()
    }

    #[cold]
    fn oldest_own_task(&self) -> Option<TaskRef<P>> {
        loop {
            match self.seat().tasks.stealer().steal() {
                Steal::Success(task) => return Some(task),
                Steal::Retry => {} // somebody was faster, and perhaps there is more
                Steal::Empty => return None,
            }
        }
    }

    /// The second half of the oldest of this worker's own joins, which it takes as any thief would.
    ///
    /// For a worker that can go on with nothing else: what it waits for may be done only after that half.
    pub(crate) fn own_join(&self) -> Option<Work<'_, P>> {
        let stack = &self.seat().stack;
        if stack.is_empty() {
            return None;
        }
        if stack.has_private() && !stack.has_public() && stack.publish() {
            self.posted(); // it is there for all (M15)
        }
        stack.take_oldest().map(|slot| Work::Join { victim: self.seat(), slot })
    }

    /// One look everywhere. What was published before it began, and is still there, is found.
    pub(crate) fn search(&self) -> Option<Work<'_, P>> {
        if let Some(task) = self.own_task() {
            return Some(Work::Task(task));
        }
        loop {
            let mut again = false;
            for victim in self.victims() {
                if let Some(work) = self.steal_join(victim) {
                    return Some(work);
                }
                match self.steal_task(victim) {
                    Steal::Success(task) => return Some(Work::stolen(victim, task)),
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

    /// The next task of the worker from which the last one came. One look, by a worker that counts as active throughout: nobody
    /// trusts it to find anything (M32), it is no search and a search follows before it sleeps (M31), and two steps of the
    /// counters that every poster reads are saved.
    pub(crate) fn another_of(&self, victim: &Seat<P>) -> Option<TaskRef<P>> {
        if self.core().is_overcrowded() {
            return None;
        }
        self.steal_task(victim).success()
    }

    /// Seats other than this one, from anywhere on.
    fn victims(&self) -> impl Iterator<Item = &Seat<P>> {
        let core = self.core();
        let seats = match SCATTER {
            true => core.all_behind(self.seat().random() % core.seats().len().max(1)),
            false => core.others(self.index()),
        };
        seats.filter(|seat| seat.may_have_work() && (!SCATTER || seat.index() != self.index()))
    }

    fn steal_task(&self, victim: &Seat<P>) -> Steal<TaskRef<P>> {
        if QUEUES.is_open() { victim.tasks.stealer().steal() } else { Steal::Empty }
    }

    /// A public join task of one worker.
    pub(crate) fn steal_from(&self, index: usize) -> Option<Work<'_, P>> {
        self.steal_join(&self.core().seats()[index])
    }

    fn steal_join<'a>(&self, victim: &'a Seat<P>) -> Option<Work<'a, P>> {
        victim.stack.steal().map(|slot| {
            if LEAPFROGS.is_open() {
                // SAFETY: a claimed slot is live, and this thief's.
                unsafe { slot.as_ref() }.set_thief(self.index());
            }
            Work::Join { victim, slot }
        })
    }

    /// The oldest task that came from outside.
    pub(crate) fn take_injected(&self) -> Option<TaskRef<P>> {
        if QUEUES.is_open() { self.core().injector.take(|| self.posted()) } else { None }
    }

    /// Runs what was found.
    pub(crate) fn run(&self, work: Work<'_, P>) {
        match work {
            // Where nobody queues tasks there is none.
            Work::Task(task) if QUEUES.is_open() => self.run_task(task),
            Work::Task(_) => {}
            #[cfg(not(all(target_os = "none", target_pointer_width = "32")))]
            Work::Stolen { task, .. } => self.run_task(task),
            Work::Join { victim, slot } => {
                self.seat().begin_episode();
                self.seat().stats.steals.add_one();
                self.tell(Event::StealBegin { victim: victim.index() });
                // SAFETY: a slot lives as long as its pool, which outlives the call.
                let job = unsafe { slot.as_ref() }.task();
                debug_assert!(!job.is_null(), "a claimed slot without its task");
                // SAFETY: a claimed slot holds a task.
                let job = unsafe { NonNull::new_unchecked(job) };
                // SAFETY: claimed, so live and this worker's to run.
                unsafe { Job::run(job, self) };
                self.tell(Event::StealEnd); // before its owner goes on
                // SAFETY: as above.
                let done = unsafe { &raw const (*slot.as_ptr()).done };
                // SAFETY: as above. The owner may go on as soon as it is set; its seat stays (J4).
                if unsafe { Signal::set::<P>(done) } {
                    self.core().sleep.wake(&victim.park);
                }
            }
        }
    }

    /// Runs a task.
    #[inline]
    pub(crate) fn run_task(&self, task: TaskRef<P>) {
        self.seat().begin_episode();
        self.seat().stats.jobs.add_one();
        if self.core().events.has_observer() { self.run_observed(task) } else { task.run(self) }
    }

    #[cold]
    #[inline(never)]
    fn run_observed(&self, task: TaskRef<P>) {
        self.tell(Event::TaskBegin);
        task.run(self);
        self.tell(Event::TaskEnd);
    }
}
