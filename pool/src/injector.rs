//! Where tasks from outside the pool arrive, and leave oldest first.
//!
//! ```text
//!   push  ->  arrived: newest first  ->  opened: oldest first  ->  take
//!             any thread, one exchange   one taker at a time
//! ```
//!
//! The taker moves what has arrived to the opened chain when that is empty, with one swap that takes *all*. Popping the stack
//! one at a time would read the link of a task that may have run already, confuse a reused address with the old one, and starve
//! the oldest (M16).
//!
//! *Nobody waits for the taker.* Who comes while another one takes leaves a mark and goes on with nothing, perhaps to sleep; the
//! taker finds the mark when it is done, and tells the sleepers if there is more (M29). Whoever left it had announced itself
//! before, so it is told too; and what was pushed before that, which its poster left to it, the taker sees.
//!
//! Checked by `loom-tests/models/pool/injector.rs`.

use core::fmt;
use core::ptr::{self, NonNull};

use reveille_futex::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};
use reveille_futex::{Platform, const_unless_loom};

use crate::job::{Task, TaskRef};

/// Nobody takes.
const FREE: usize = 0;
/// Somebody takes.
const TAKING: usize = 1;
/// Somebody takes, and somebody else has come in vain.
const MISSED: usize = 2;

/// See the module's documentation.
pub struct Injector<P: Platform> {
    /// Read-modify-writes only.
    arrived: AtomicPtr<Task<P>>,
    /// Only the taker writes it, or the links of its tasks.
    opened: AtomicPtr<Task<P>>,
    /// Read-modify-writes only.
    taker: AtomicUsize,
}

impl<P: Platform> Injector<P> {
    const_unless_loom! {
        /// Nothing has arrived.
        pub const fn new() -> Self {
            Injector {
                arrived: AtomicPtr::new(ptr::null_mut()),
                opened: AtomicPtr::new(ptr::null_mut()),
                taker: AtomicUsize::new(FREE),
            }
        }
    }

    /// Adds a task. The caller then tells the sleepers.
    pub fn push(&self, mut task: TaskRef<P>) {
        let pointer = task.as_ptr().as_ptr();
        let mut head = self.arrived.load(Ordering::Relaxed); // checked by the exchange
        loop {
            // SAFETY: the head is a task that nobody runs before it has been taken; the reference goes with the link.
            task.set_next(unsafe { task_at(head) });
            // Release: the taker sees the task and its link.
            match self.arrived.compare_exchange_weak(head, pointer, Ordering::Release, Ordering::Relaxed) {
                Ok(_) => return,
                Err(now) => head = now,
            }
        }
    }

    /// Whether there is nothing to take. A hint, unless ordered by the wake path's fences; and while somebody moves tasks from
    /// one chain to the other, who then tells the sleepers.
    #[inline]
    pub fn is_empty(&self) -> bool {
        // Relaxed: see above.
        self.opened.load(Ordering::Relaxed).is_null() && self.arrived.load(Ordering::Relaxed).is_null()
    }

    /// Takes the oldest task. None if there is none, or if somebody else takes one right now. Calls `tell` if the sleepers are
    /// to be told that there is more.
    pub fn take(&self, tell: impl FnOnce()) -> Option<TaskRef<P>> {
        if self.is_empty() || !self.begin() {
            return None;
        }
        // Relaxed: the takers come one after the other, each ordered behind the last by the word that admits it.
        let mut opened = self.opened.load(Ordering::Relaxed);
        let moved = opened.is_null();
        if moved {
            opened = self.arrivals();
        }
        // SAFETY: only the taker takes from the chain; what is moved there was its own.
        let mut task = unsafe { task_at(opened) };
        if let Some(task) = &mut task {
            self.opened.store(pointer_to(task.set_next(None)), Ordering::Relaxed); // as above
        }
        let missed = self.end();
        if (moved || missed) && !self.is_empty() {
            tell();
        }
        task
    }

    /// Whether the caller is the taker now. If not, the one who is will know.
    fn begin(&self) -> bool {
        // Acquire, both: the chain as the last taker left it, through the release of `end`.
        let free = self.taker.compare_exchange(FREE, TAKING, Ordering::Acquire, Ordering::Relaxed).is_ok();
        // Release too: who finds the mark sees what this caller would have found.
        free || self.taker.swap(MISSED, Ordering::AcqRel) == FREE
    }

    /// Whether somebody came in vain.
    fn end(&self) -> bool {
        // Release for the next taker. Acquire: pairs with the mark.
        self.taker.swap(FREE, Ordering::AcqRel) == MISSED
    }

    /// Takes all that has arrived, linked oldest first.
    fn arrivals(&self) -> *mut Task<P> {
        // Acquire: pairs with every push since the last swap, through the release sequence of their exchanges.
        let newest = self.arrived.swap(ptr::null_mut(), Ordering::Acquire);
        let mut oldest = None;
        // SAFETY: the swap made the whole chain this caller's.
        let mut rest = unsafe { task_at(newest) };
        while let Some(mut task) = rest {
            rest = task.set_next(oldest);
            oldest = Some(task);
        }
        pointer_to(oldest)
    }
}

/// The task that a chain begins with.
///
/// # Safety
///
/// The pointer is null or to a live task, and stands for the right to run it, which the caller takes over.
unsafe fn task_at<P: Platform>(pointer: *mut Task<P>) -> Option<TaskRef<P>> {
    // SAFETY: the caller's promise.
    NonNull::new(pointer).map(|task| unsafe { TaskRef::new(task) })
}

/// The other way round.
fn pointer_to<P: Platform>(task: Option<TaskRef<P>>) -> *mut Task<P> {
    task.map_or(ptr::null_mut(), |task| task.as_ptr().as_ptr())
}

impl<P: Platform> fmt::Debug for Injector<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Injector").field("empty", &self.is_empty()).finish()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use reveille_futex::Os;

    use super::*;
    use crate::Worker;
    use crate::job::Job;

    #[test]
    fn the_oldest_comes_first() {
        unsafe fn run(_: NonNull<Job<Os>>, _: &Worker<Os>) {}

        let injector = Injector::<Os>::new();
        let mut tasks: [Task<Os>; 3] = core::array::from_fn(|_| Task::new(run));
        let pointers = tasks.each_mut().map(NonNull::from);
        for task in pointers {
            // SAFETY: live for the test, and queued once.
            injector.push(unsafe { TaskRef::new(task) });
        }
        let mut told = 0;
        let taken: Vec<_> = std::iter::from_fn(|| injector.take(|| told += 1)).map(|task| task.as_ptr()).collect();
        assert_eq!(taken, pointers);
        assert!(injector.is_empty());
        assert_eq!(told, 1, "there was more, once");
    }
}
