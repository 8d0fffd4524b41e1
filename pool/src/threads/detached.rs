//! Spawned tasks without a handle.

use core::ptr::NonNull;

use std::boxed::Box;
use std::sync::Arc;

use reveille_futex::Os;

use super::inner::{Inner, Order};
use crate::job::{Job, Task, TaskRef};
use crate::{Worker, current, lanes, unwind};

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
    let detached = Detached { task: Task::new(Detached::<F>::run), pool: pool.clone(), f };
    let queued = current::with_worker(|worker| lanes::store(worker, detached));
    // SAFETY: it lives until it runs; the closure is Send.
    match pool.submit(order, unsafe { TaskRef::new(queued.cast()) }) {
        Ok(()) => Ok(()),
        Err(_) => {
            // SAFETY: stored above, and not queued.
            Err(unsafe { lanes::fetch(None::<&Worker>, queued) }.f)
        }
    }
}

impl<F: FnOnce() + Send + 'static> Detached<F> {
    /// # Safety
    ///
    /// `this` is such a task, stored by `spawn`, and runs once.
    unsafe fn run(this: NonNull<Job<Os>>, worker: &Worker<Os>) {
        // SAFETY: stored by `spawn`.
        let Detached { pool, f, .. } = unsafe { lanes::fetch(Some(worker), this.cast::<Self>()) };
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
