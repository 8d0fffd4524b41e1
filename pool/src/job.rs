//! What the pool runs: a pointer to something that begins with the function that runs it.

use core::fmt;
use core::ptr::NonNull;

use reveille_deque::{Token, Word};
use reveille_futex::Platform;
use reveille_futex::sync::cell::UnsafeCell;

use crate::Worker;

/// How to run a task: the first field of every task, so that one thin pointer is enough.
#[repr(C)]
pub struct Job<P: Platform> {
    run: unsafe fn(NonNull<Job<P>>, &Worker<P>),
}

impl<P: Platform> Job<P> {
    /// A task that `run` runs.
    pub const fn new(run: unsafe fn(NonNull<Job<P>>, &Worker<P>)) -> Self {
        Job { run }
    }

    /// Runs the task.
    ///
    /// # Safety
    ///
    /// The task is live and the caller's, and has not run. It may be gone when this returns.
    #[inline]
    pub unsafe fn run(this: NonNull<Self>, worker: &Worker<P>) {
        // SAFETY: live, as the caller guarantees.
        let run = unsafe { this.as_ref() }.run;
        // SAFETY: `new` was given the function that fits the task.
        unsafe { run(this, worker) }
    }
}

/// A task that can wait in a queue: [`Job`] with a link.
#[repr(C)]
pub struct Task<P: Platform> {
    /// How to run it.
    pub job: Job<P>,
    /// The next task of the chain. Belongs to whoever holds the task.
    next: UnsafeCell<Option<TaskRef<P>>>,
}

impl<P: Platform> Task<P> {
    /// A task that `run` runs, in no chain.
    pub fn new(run: unsafe fn(NonNull<Job<P>>, &Worker<P>)) -> Self {
        Task { job: Job::new(run), next: UnsafeCell::new(None) }
    }

    /// A task that may be queued any number of times at once, and runs as often. It has no link to a next one, so it can be in
    /// deques, and in no chain.
    #[cfg(all(feature = "std", not(any(loom, target_os = "none"))))]
    pub(crate) const fn repeatable(run: unsafe fn(NonNull<Job<P>>, &Worker<P>)) -> Self {
        Task { job: Job::new(run), next: UnsafeCell::new(Some(TaskRef(NonNull::dangling()))) }
    }
}

/// The right to run a queued task, once.
pub struct TaskRef<P: Platform>(NonNull<Task<P>>);

impl<P: Platform> TaskRef<P> {
    /// The right to run this task.
    ///
    /// # Safety
    ///
    /// The task stays live until it has run, may run on any thread, and no other reference to it runs it, unless it is
    /// repeatable.
    pub unsafe fn new(task: NonNull<Task<P>>) -> Self {
        TaskRef(task)
    }

    /// The task.
    pub fn as_ptr(&self) -> NonNull<Task<P>> {
        self.0
    }

    /// Runs the task.
    #[inline]
    pub fn run(self, worker: &Worker<P>) {
        // SAFETY: live and not run yet, as `new` demands. A task begins with its job.
        unsafe { Job::run(self.0.cast(), worker) }
    }

    /// Whether the task is repeatable.
    #[cfg(all(feature = "std", not(any(loom, target_os = "none"))))]
    pub(crate) fn is_repeatable(&self) -> bool {
        // SAFETY: the task is live.
        let task = unsafe { self.0.as_ref() };
        task.next.with(|link| {
            // SAFETY: of a repeatable task it is constant, of any other the holder of the only reference is here.
            let link = unsafe { &*link };
            matches!(link, Some(next) if next.0 == NonNull::dangling())
        })
    }

    /// The same task so that it can go into a chain. Without threads of its own a pool has no repeatable ones.
    #[cfg(not(all(feature = "std", not(any(loom, target_os = "none")))))]
    pub(crate) fn linkable(self) -> Self {
        self
    }

    /// Links `next` behind this task and returns what was there.
    pub fn set_next(&mut self, next: Option<TaskRef<P>>) -> Option<TaskRef<P>> {
        // SAFETY: the task is live.
        let task = unsafe { self.0.as_ref() };
        task.next.with_mut(|link| {
            // SAFETY: the holder of the only reference is the only one to use the link.
            unsafe { link.replace(next) }
        })
    }
}

// SAFETY: `TaskRef::new` demands that the task may run on any thread.
unsafe impl<P: Platform> Send for TaskRef<P> {}

// SAFETY: one word, made from a non-null pointer and turned back into it.
unsafe impl<P: Platform> Token for TaskRef<P> {
    type Words = [Word; 1];

    fn into_words(self) -> [Word; 1] {
        [Word::from_ptr(self.0.as_ptr())]
    }

    unsafe fn from_words([word]: [Word; 1]) -> Self {
        // SAFETY: `into_words` stored a non-null pointer.
        TaskRef(unsafe { NonNull::new_unchecked(word.to_ptr()) })
    }
}

impl<P: Platform> fmt::Debug for Job<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Job")
    }
}

impl<P: Platform> fmt::Debug for Task<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Task")
    }
}

impl<P: Platform> fmt::Debug for TaskRef<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TaskRef").field(&self.0).finish()
    }
}
