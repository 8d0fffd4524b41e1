//! Claims about what a scope waits for.

use loom::sync::Arc;
use reveille_futex::Os;
use reveille_loom_tests::{Check, Notes, spawn};

use super::subject::protocol::Pending;

/// What a scope waits for, and what its tasks do.
struct Scope {
    pending: Pending,
    notes: Notes,
    tasks: usize,
}

impl Scope {
    fn new(tasks: usize) -> Arc<Self> {
        Arc::new(Scope { pending: Pending::new(), notes: Notes::new(), tasks })
    }

    /// A task does what it does, and is done. Whether it was the last one.
    fn run(&self, task: usize) -> bool {
        self.notes.write(task, 1);
        // SAFETY: one count of the caller's; the shared reference outlives the model's threads.
        self.tell_if(unsafe { Pending::finish_one(&self.pending) })
    }

    fn end_body(&self) -> bool {
        // SAFETY: as above, once, on the thread that runs the body.
        self.tell_if(unsafe { Pending::finish_body(&self.pending) })
    }

    fn tell_if(&self, last: bool) -> bool {
        if last {
            self.notes.check(self.tasks, 1);
            // SAFETY: as above.
            assert!(!unsafe { Pending::tell::<Os>(&self.pending) }, "the owner blocks on the signal itself");
        }
        last
    }

    fn wait(&self) {
        self.pending.done.block::<Os>();
        self.notes.check(self.tasks, 1);
    }
}

fn assert_one(ends: impl IntoIterator<Item = bool>) {
    assert_eq!(ends.into_iter().filter(|last| *last).count(), 1, "one is the last");
}

/// Two tasks and the body end in any order: one of them is the last, and it and the owner see what all of them did.
pub fn scope_ends_after_what_its_tasks_did(check: Check) {
    check.run(|| {
        let scope = Scope::new(2);
        let tasks = [0, 1].map(|task| {
            scope.pending.add_one();
            spawn(&scope, move |scope| scope.run(task))
        });
        let mine = scope.end_body();
        scope.wait();
        assert_one(tasks.map(|task| task.join().unwrap()).into_iter().chain([mine]));
    });
}

/// The same, with a body that spawns more tasks than it has counts in advance, while the first ones end.
pub fn scope_body_hands_out_counts_that_it_has_taken_in_advance(check: Check) {
    check.run(|| {
        let scope = Scope::new(3);
        // SAFETY: the body runs here.
        let spawned = || unsafe { scope.pending.add_one_from_body() };
        spawned();
        spawned();
        let two = spawn(&scope, |scope| [scope.run(0), scope.run(1)]);
        spawned();
        let third = spawn(&scope, |scope| scope.run(2));
        let mine = scope.end_body();
        scope.wait();
        assert_one(two.join().unwrap().into_iter().chain([third.join().unwrap(), mine]));
    });
}

/// After the body its thread runs a task that spawns another one: for that the body's counts are gone.
pub fn scope_body_keeps_no_counts_when_it_has_ended(check: Check) {
    check.run(|| {
        let scope = Scope::new(2);
        // SAFETY: the body runs here, or ran.
        let spawned = || unsafe { scope.pending.add_one_from_body() };
        spawned();
        let body = scope.end_body();
        spawned();
        let other = spawn(&scope, |scope| scope.run(1));
        let mine = scope.run(0);
        scope.wait();
        assert_one([body, mine, other.join().unwrap()]);
    });
}
