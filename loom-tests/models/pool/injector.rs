//! Claims about the injector.

use std::ptr::NonNull;

use loom::sync::Arc;
use reveille_futex::Os;
use reveille_loom_tests::{Check, spawn};

use super::subject::Worker;
use super::subject::protocol::{Injector, Job, Task, TaskRef};

/// A queued task: what the pool needs, and a number.
#[repr(C)]
struct Queued {
    task: Task<Os>,
    number: usize,
}

/// Two takers share the tasks that were pushed: none is lost, and none is taken twice.
pub fn injector_takers_get_each_task_once(check: Check) {
    /// # Safety
    ///
    /// Never called.
    unsafe fn run(_: NonNull<Job<Os>>, _: &Worker<Os>) {
        unreachable!("the model only queues");
    }

    fn take(injector: &Injector<Os>) -> Vec<usize> {
        // SAFETY: the tasks are live for the model, and this one's.
        let number = |task: TaskRef<Os>| unsafe { task.as_ptr().cast::<Queued>().as_ref() }.number;
        let mut taken = Vec::new();
        while !injector.is_empty() {
            taken.extend(injector.take().map(number));
        }
        taken
    }

    check.run(|| {
        let injector = Arc::new(Injector::<Os>::new());
        let mut tasks: Vec<_> = (0..2).map(|number| Box::new(Queued { task: Task::new(run), number })).collect();
        let takers = [spawn(&injector, take), spawn(&injector, take)];
        for task in &mut tasks {
            // SAFETY: live for the model; each is queued once.
            injector.push(unsafe { TaskRef::new(NonNull::from(&mut **task).cast()) });
        }
        let mut taken: Vec<_> = takers.into_iter().flat_map(|taker| taker.join().unwrap()).collect();
        taken.extend(take(&injector));
        taken.sort_unstable();
        assert_eq!(taken, [0, 1], "each task once");
    });
}
