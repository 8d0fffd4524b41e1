//! Where tasks from outside the pool arrive: a stack that is taken whole.
//!
//! A push is one exchange; a take is one swap, which takes *all* and returns the oldest first. Popping one at a time would
//! read the link of a task that may have run already, confuse a reused address with the old one, and starve the oldest
//! (M16). Checked by `loom-tests/models/pool/injector.rs`.

use core::fmt;
use core::ptr::{self, NonNull};

use reveille_futex::sync::atomic::{AtomicPtr, Ordering};
use reveille_futex::{Platform, const_unless_loom};

use crate::job::{Task, TaskRef};

/// See the module's documentation. Read-modify-writes only.
pub struct Injector<P: Platform>(AtomicPtr<Task<P>>);

impl<P: Platform> Injector<P> {
    const_unless_loom! {
        /// Nothing has arrived.
        pub const fn new() -> Self {
            Injector(AtomicPtr::new(ptr::null_mut()))
        }
    }

    /// Adds a task. The caller then tells the sleepers.
    pub fn push(&self, mut task: TaskRef<P>) {
        let pointer = task.as_ptr().as_ptr();
        let mut head = self.0.load(Ordering::Relaxed); // checked by the exchange
        loop {
            // SAFETY: the head is a task that nobody runs before it has been taken; the reference goes with the link.
            let next = NonNull::new(head).map(|next| unsafe { TaskRef::new(next) });
            task.set_next(next);
            // Release: the taker sees the task and its link.
            match self.0.compare_exchange_weak(head, pointer, Ordering::Release, Ordering::Relaxed) {
                Ok(_) => return,
                Err(now) => head = now,
            }
        }
    }

    /// Whether there is nothing to take. A hint, unless ordered by the wake path's fences.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.0.load(Ordering::Relaxed).is_null()
    }

    /// Takes every task; the iterator yields the oldest first.
    pub fn take(&self) -> Chain<P> {
        let mut oldest = None;
        for mut task in self.take_newest_first() {
            task.set_next(oldest);
            oldest = Some(task);
        }
        Chain(oldest)
    }

    /// Takes every task; the iterator yields the newest first.
    pub fn take_newest_first(&self) -> Chain<P> {
        if self.is_empty() {
            return Chain(None);
        }
        // Acquire: pairs with every push since the last take, through the release sequence of their exchanges.
        let newest = NonNull::new(self.0.swap(ptr::null_mut(), Ordering::Acquire))
            // SAFETY: the swap made the whole chain this caller's.
            .map(|task| unsafe { TaskRef::new(task) });
        Chain(newest)
    }
}

/// Tasks taken together.
pub struct Chain<P: Platform>(Option<TaskRef<P>>);

impl<P: Platform> Chain<P> {
    const_unless_loom! {
        /// No tasks.
        #[cfg_attr(not(all(feature = "std", not(any(loom, target_os = "none")))), allow(dead_code, reason = "only threads get mail"))]
        pub const fn empty() -> Self {
            Chain(None)
        }
    }

    /// Whether no task is left.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }
}

impl<P: Platform> Iterator for Chain<P> {
    type Item = TaskRef<P>;

    fn next(&mut self) -> Option<TaskRef<P>> {
        let mut first = self.0.take()?;
        self.0 = first.set_next(None);
        Some(first)
    }
}

impl<P: Platform> fmt::Debug for Injector<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Injector").field("empty", &self.is_empty()).finish()
    }
}

impl<P: Platform> fmt::Debug for Chain<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Chain").field(&self.0).finish()
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
        let taken: Vec<_> = injector.take().map(|task| task.as_ptr()).collect();
        assert_eq!(taken, pointers);
        assert!(injector.is_empty());
    }
}
