//! Spawned tasks without a handle: one box each.

use core::ptr::NonNull;

use std::boxed::Box;
use std::sync::Arc;

use reveille_futex::Os;

use super::inner::{Inner, Order};
use crate::job::{Job, Task, TaskRef};
use crate::{Worker, current, unwind};

#[repr(C)]
struct Detached<F> {
    task: Task<Os>,
    pool: Arc<Inner>,
    f: F,
}

/// Queues `f` on the pool, or gives it back.
pub(super) fn spawn<F>(pool: &Arc<Inner>, order: Order, f: F) -> Result<(), F>
where
    F: FnOnce() + Send + 'static,
{
    let detached = Box::new(Detached { task: Task::new(Detached::<F>::run), pool: pool.clone(), f });
    let queued = NonNull::from(Box::leak(detached));
    // SAFETY: the box lives until it runs; the closure is Send.
    match pool.submit(order, unsafe { TaskRef::new(queued.cast()) }) {
        Ok(()) => Ok(()),
        Err(_) => {
            // SAFETY: leaked above, and not queued.
            Err(unsafe { Box::from_raw(queued.as_ptr()) }.f)
        }
    }
}

impl<F: FnOnce() + Send + 'static> Detached<F> {
    /// # Safety
    ///
    /// `this` is such a task, leaked from a box, and runs once.
    unsafe fn run(this: NonNull<Job<Os>>, worker: &Worker<Os>) {
        // SAFETY: leaked by `spawn`.
        let Detached { pool, f, .. } = *unsafe { Box::from_raw(this.cast::<Self>().as_ptr()) };
        if pool.abandoned.has_begun() {
            let its_pool = pool.clone();
            pool.abandoned.keep(Box::new(move || its_pool.run_detached(f)));
        } else {
            current::scoped(worker, || pool.run_detached(f));
        }
        pool.core().task_ended();
    }
}

impl Inner {
    /// Runs a task for whose end nobody waits.
    pub(super) fn run_detached(&self, f: impl FnOnce()) {
        if let Err(payload) = unwind::catch(f) {
            self.nobody_waits(payload);
        }
    }
}
