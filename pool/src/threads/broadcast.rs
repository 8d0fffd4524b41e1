//! One call on every thread of a pool.

use core::ptr::NonNull;

use std::boxed::Box;
use std::sync::Arc;
use std::vec::Vec;

use reveille_futex::Os;

use super::calls;
use super::inner::Inner;
use super::staff::Hold;
use crate::Worker;
use crate::current;
use crate::job::{Job, Task, TaskRef};
use crate::shared::Core;
use crate::unwind;

/// Calls `f` on every thread of the pool and waits for the results.
pub(super) fn wait<F, R>(core: &Core<Os>, f: &F) -> Vec<R>
where
    F: Fn(&Worker) -> R + Sync,
    R: Send,
{
    let _hold = hold(core);
    let seats = core.thread_seats();
    let mut results: Vec<_> = seats.iter().map(|_| None).collect();
    calls::in_place_scope(core, |scope| {
        for (seat, result) in seats.iter().zip(&mut results) {
            scope.spawn_to(seat, move |worker, _| *result = Some(unwind::catch(|| f(worker))));
        }
    });
    let results = results.into_iter().map(|result| result.expect("the scope waited for its tasks"));
    // All of them first: the others' payloads are dropped before the first one resumes.
    results.collect::<Result<_, _>>().unwrap_or_else(|payload| unwind::resume(payload))
}

/// Calls `f` on every thread of the pool at some time.
pub(super) fn detached<F>(pool: &Arc<Inner>, f: F)
where
    F: Fn(&Worker) + Send + Sync + 'static,
{
    let core = pool.core();
    let _hold = hold(core);
    let f = Arc::new(f);
    for seat in core.thread_seats() {
        core.task_accepted();
        let letter = Box::new(Letter { task: Task::new(Letter::<F>::run), f: f.clone(), pool: pool.clone() });
        // SAFETY: the box lives until it runs; the closure is Send and Sync.
        core.mail(seat, unsafe { TaskRef::new(NonNull::from(Box::leak(letter)).cast()) });
    }
}

/// A thread that has left reads no mail, so the pool stays open meanwhile.
fn hold(core: &Core<Os>) -> Hold<'_, Os> {
    let inside = current::with_worker_of(core, |worker| worker.is_some());
    match core.hold(inside) {
        Some(hold) => hold,
        None => {
            core.assert_not_inherited();
            panic!("the pool is shutting down")
        }
    }
}

#[repr(C)]
struct Letter<F> {
    task: Task<Os>,
    f: Arc<F>,
    pool: Arc<Inner>,
}

impl<F: Fn(&Worker) + Send + Sync + 'static> Letter<F> {
    /// # Safety
    ///
    /// `this` is such a letter, leaked from a box, and runs once.
    unsafe fn run(this: NonNull<Job<Os>>, worker: &Worker<Os>) {
        // SAFETY: leaked by `detached`.
        let this = unsafe { Box::from_raw(this.cast::<Self>().as_ptr()) };
        this.pool.run_detached(|| current::scoped(worker, || (this.f)(worker)));
        this.pool.core().task_ended();
    }
}
