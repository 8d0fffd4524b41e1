//! What `shutdown_now` does with tasks that have not begun: workers set them aside instead of running them.

use core::fmt;
use core::mem;

use std::boxed::Box;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::vec::Vec;

use reveille_futex::sync::atomic::{AtomicBool, Ordering};

/// A task that was accepted and has not begun.
///
/// Calling it runs the task here and gives the result to its handle, if that still exists. Dropping it drops the task's
/// closure, and the handle's `join` returns [`Cancelled`].
pub type UnrunTask = Box<dyn FnOnce() + Send>;

/// What a handle's `join` returns, as the payload of its error, if the task will never run.
///
/// ```
/// use reveille_pool::{Cancelled, ThreadPoolBuilder};
///
/// let pool = ThreadPoolBuilder::new().num_threads(1).build().unwrap();
/// let (go_on, may_go_on) = std::sync::mpsc::channel::<()>();
/// let (busy, is_busy) = std::sync::mpsc::channel();
/// pool.spawn(move || {
///     busy.send(()).unwrap();
///     may_go_on.recv().unwrap();
/// })
/// .detach();
/// is_busy.recv().unwrap();
/// let handle = pool.spawn(|| 2);
/// let unrun = std::thread::scope(|s| {
///     let unrun = s.spawn(|| pool.shutdown_now());
///     while pool.state() == reveille_pool::State::Running {
///         std::thread::yield_now();
///     }
///     go_on.send(()).unwrap(); // what runs is finished
///     unrun.join().unwrap()
/// });
/// assert_eq!(unrun.len(), 1);
/// drop(unrun);
/// assert!(handle.join().unwrap_err().is::<Cancelled>());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cancelled;

impl fmt::Display for Cancelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the pool was shut down before the task began")
    }
}

impl core::error::Error for Cancelled {}

/// The tasks set aside.
pub(super) struct Abandoned {
    /// Whether tasks are set aside. On a line that is otherwise constant, because each task reads it.
    flag: AtomicBool,
    /// `None` when nobody will collect any more: tasks hold the pool, so it must not hold them.
    tasks: Mutex<Option<Vec<UnrunTask>>>,
}

impl Abandoned {
    pub(super) fn new() -> Self {
        Abandoned { flag: AtomicBool::new(false), tasks: Mutex::new(None) }
    }

    /// From now on, tasks that have not begun are kept.
    pub(super) fn begin(&self) {
        self.lock().get_or_insert_default();
        // Release: who sees the flag finds the list. A swap, as every change of a flag.
        self.flag.swap(true, Ordering::Release);
    }

    /// What was kept. What comes later is dropped.
    pub(super) fn finish(&self) -> Vec<UnrunTask> {
        mem::take(&mut *self.lock()).unwrap_or_default()
    }

    #[inline]
    pub(super) fn has_begun(&self) -> bool {
        self.flag.load(Ordering::Acquire) // pairs with `begin`
    }

    pub(super) fn keep(&self, task: UnrunTask) {
        let late = match &mut *self.lock() {
            Some(tasks) => {
                tasks.push(task);
                None
            }
            None => Some(task),
        };
        drop(late); // the user's closure, not under the lock
    }

    /// No code of the user runs under this lock, so poison says nothing.
    fn lock(&self) -> MutexGuard<'_, Option<Vec<UnrunTask>>> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
