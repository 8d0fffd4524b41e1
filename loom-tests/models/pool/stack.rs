//! A join stack with its tasks, as the models drive it.

use core::ptr::NonNull;

use loom::cell::UnsafeCell;
use loom::sync::Arc;
use reveille_futex::Os;
use reveille_futex::sync::atomic::{AtomicU32, Ordering};
use reveille_loom_tests::spawn;

use super::subject::protocol::{JoinStack, Joined, Signal, Slot};

/// A task of a join: data that its owner stores before the fork, and how often it ran.
pub(super) struct TestTask {
    data: UnsafeCell<u32>,
    runs: AtomicU32,
}

impl TestTask {
    pub(super) fn new() -> Self {
        TestTask { data: UnsafeCell::new(0), runs: AtomicU32::new(0) }
    }

    /// Runs the task: takes its data, which loom takes for a race if the fork does not happen before.
    pub(super) fn run(&self) {
        self.data.with_mut(|data| {
            // SAFETY: whoever has the slot is alone here; loom checks it.
            let data = unsafe { &mut *data };
            assert_eq!(*data, 7, "a task ran that is not the one that was forked");
            *data = 0;
        });
        assert_eq!(self.runs.fetch_add(1, Ordering::Relaxed), 0, "a task ran twice");
    }
}

/// One worker's join stack, and as many tasks.
pub(super) struct Stack {
    tasks: Vec<TestTask>,
    slots: Vec<Slot<TestTask>>,
    pub(super) stack: JoinStack<TestTask>,
}

impl Stack {
    pub(super) fn new(tasks: usize, eager: bool) -> Arc<Self> {
        Stack::of_capacity(tasks, tasks, eager)
    }

    pub(super) fn of_capacity(capacity: usize, tasks: usize, eager: bool) -> Arc<Self> {
        let this = Arc::new(Stack {
            tasks: (0..tasks).map(|_| TestTask::new()).collect(),
            slots: (0..=capacity).map(|_| Slot::new()).collect(),
            stack: JoinStack::new(),
        });
        // SAFETY: the slots live as long as the stack, and nobody uses it yet.
        unsafe { this.stack.attach(this.slots.as_ptr(), capacity, eager) };
        this
    }

    /// Forks a task, as `Worker::join` does; returns whether it told the sleepers.
    pub(super) fn fork(&self, task: usize) -> (*const Slot<TestTask>, bool) {
        let task = &self.tasks[task];
        // SAFETY: not shared yet.
        task.data.with_mut(|data| unsafe { *data = 7 });
        // SAFETY: every fork here is followed by its join.
        let slot = unsafe { self.stack.fork((&raw const *task).cast_mut()) };
        let wanted = self.stack.is_wanted(slot);
        (slot, wanted && !self.stack.take_back_if_full(slot) && self.stack.publish())
    }

    /// Forks and joins a task that finds the stack full, as `Worker::join` does.
    pub(super) fn run_beyond_the_capacity(&self, task: usize) {
        let task = &self.tasks[task];
        // SAFETY: not shared.
        task.data.with_mut(|data| unsafe { *data = 7 });
        // SAFETY: taken back below.
        let slot = unsafe { self.stack.fork((&raw const *task).cast_mut()) };
        assert!(self.stack.is_wanted(slot) && self.stack.take_back_if_full(slot), "the stack is full");
        self.stack.publish();
        task.run();
    }

    /// Joins it: runs it here, or waits for the thief.
    pub(super) fn join(&self, task: usize, slot: *const Slot<TestTask>) {
        let task = &self.tasks[task];
        if self.stack.pop(slot) || self.stack.reclaim(slot) == Joined::Mine {
            task.run();
        } else {
            // SAFETY: slots live as long as the stack.
            unsafe { &*slot }.done.block::<Os>();
            // SAFETY: as above; its fork returned it.
            unsafe { self.stack.retire(slot) };
        }
        assert_eq!(task.runs.swap(0, Ordering::Relaxed), 1, "a task ran not once when its join ended");
    }

    pub(super) fn fork_and_join(&self, task: usize) {
        let (slot, _) = self.fork(task);
        self.join(task, slot);
    }

    /// Steals one task, if there is one to be had, and runs it.
    pub(super) fn steal_and_run(&self) {
        self.run_claimed(self.stack.steal());
    }

    pub(super) fn run_claimed(&self, claimed: Option<NonNull<Slot<TestTask>>>) {
        if let Some(slot) = claimed {
            // SAFETY: slots live as long as the stack.
            let task = unsafe { slot.as_ref() }.task();
            assert!(!task.is_null(), "a claimed slot without its task");
            // SAFETY: a claimed task is live until its slot is done.
            unsafe { &*task }.run();
            // SAFETY: as above.
            let done = unsafe { &raw const (*slot.as_ptr()).done };
            // SAFETY: as above.
            assert!(!unsafe { Signal::set::<Os>(done) }, "the owner blocks on the signal itself");
        }
    }

    pub(super) fn steal_and_run_two(&self) {
        self.steal_and_run();
        self.steal_and_run();
    }

    /// What a searcher does that sees private tasks only.
    pub(super) fn force_and_run_two(&self) {
        self.stack.force::<Os>();
        self.steal_and_run_two();
    }

    /// Runs `owner` while each of so many other threads does `other`.
    pub(super) fn beside(this: &Arc<Self>, others: usize, other: fn(&Stack), owner: impl FnOnce()) {
        let others: Vec<_> = (0..others).map(|_| spawn(this, other)).collect();
        owner();
        for thread in others {
            thread.join().unwrap();
        }
    }
}
