//! Claims about what a scope waits for.

use loom::sync::Arc;
use reveille_futex::Os;
use reveille_loom_tests::{Check, Notes, spawn};

use super::subject::protocol::Pending;

/// Two tasks and the body end in any order: one of them is the last, and it and the owner see what all of them did.
pub fn scope_ends_after_what_its_tasks_did(check: Check) {
    fn end((pending, notes): &(Pending, Notes)) -> bool {
        // SAFETY: one count of each caller's; the shared reference outlives the model's threads.
        let last = unsafe { Pending::finish_one(pending) };
        if last {
            notes.check(2, 1);
            // SAFETY: as above.
            assert!(!unsafe { Pending::tell::<Os>(pending) }, "the owner blocks on the signal itself");
        }
        last
    }

    check.run(|| {
        let scope = Arc::new((Pending::new(), Notes::new()));
        let tasks = [0, 1].map(|task| {
            scope.0.add_one();
            spawn(&scope, move |scope| {
                scope.1.write(task, 1);
                end(scope)
            })
        });
        let mine = end(&scope);
        scope.0.done.block::<Os>();
        scope.1.check(2, 1);
        let ends = tasks.map(|task| task.join().unwrap());
        assert_eq!(ends.into_iter().chain([mine]).filter(|last| *last).count(), 1, "one is the last");
    });
}
