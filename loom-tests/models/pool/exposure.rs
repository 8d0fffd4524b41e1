//! Claims about private tasks: who forces them out, and who goes to sleep beside them.

use loom::sync::Arc;
use reveille_futex::sync::atomic::{AtomicU32, Ordering, fence};
use reveille_futex::{Os, asym, model};
use reveille_loom_tests::{Check, spawn};

use super::stack::Stack;
use super::subject::protocol::heavy;

/// A searcher that forces private tasks out, and a thief, never get a task that the owner runs.
pub fn join_stack_forced_exposure_never_duplicates_a_task(check: Check) {
    check.run(|| {
        let stack = Stack::new(3, false);
        Stack::beside(&stack, 1, Stack::force_and_run_two, || {
            let (first, _) = stack.fork(0);
            stack.fork_and_join(1);
            stack.join(0, first);
        });
    });
}

/// The same while the owner goes down and up again.
pub fn join_stack_forced_exposure_survives_a_descent(check: Check) {
    check.run(|| {
        let stack = Stack::new(2, false);
        // Quiet at first: one public task would be enough for a thief.
        let (first, _) = stack.fork(0);
        Stack::beside(&stack, 1, Stack::force_and_run_two, || {
            stack.fork_and_join(1);
            stack.fork_and_join(1);
            stack.join(0, first);
        });
    });
}

/// The same with a searcher that forces twice: the second time it begins from the word that the owner's reclaim has left.
pub fn join_stack_forced_exposure_begins_after_a_reclaim(check: Check) {
    fn force_twice(stack: &Stack) {
        stack.stack.force::<Os>();
        if stack.stack.force::<Os>() {
            stack.steal_and_run_two();
        }
    }

    check.run(|| {
        let stack = Stack::new(2, false);
        let (first, _) = stack.fork(0);
        Stack::beside(&stack, 1, force_twice, || {
            stack.fork_and_join(1);
            stack.fork_and_join(1);
            stack.join(0, first);
        });
    });
}

fn force(stack: &Stack) {
    stack.stack.force::<Os>();
}

/// A task that one searcher has forced out is whole for another one that claims it.
pub fn join_stack_forced_exposure_hands_the_task_on(check: Check) {
    check.run(|| {
        let stack = Stack::new(2, false);
        // Quiet at first: one public task would be enough for a thief.
        stack.fork_and_join(0);
        let forcer = spawn(&stack, force);
        Stack::beside(&stack, 1, Stack::steal_and_run, || stack.fork_and_join(0));
        forcer.join().unwrap();
    });
}

/// The same where the owner takes the slot back and forks another task into it, under the searcher's eyes.
pub fn join_stack_forced_exposure_hands_on_what_is_there_now(check: Check) {
    check.run(|| {
        let stack = Stack::new(2, false);
        // Quiet at first, as above.
        stack.fork_and_join(0);
        let forcer = spawn(&stack, force);
        let thief = spawn(&stack, Stack::steal_and_run);
        stack.fork_and_join(0);
        let (slot, _) = stack.fork(1);
        forcer.join().unwrap();
        thief.join().unwrap();
        stack.join(1, slot);
    });
}

/// Runs a fork, `above` it and its join, while a searcher exposes the fork. The light barrier is none: what the searcher reads
/// has to be released by the owner's stores. So the owner waits for the searcher before it joins what is exposed.
fn exposed_below(check: Check, stack: fn() -> Arc<Stack>, above: fn(&Stack)) {
    check.run(move || {
        model::without_light();
        let stack = stack();
        // Quiet at first, as above.
        stack.fork_and_join(0);
        let searcher = spawn(&stack, |stack| {
            stack.stack.force::<Os>();
            stack.steal_and_run();
        });
        let (slot, _) = stack.fork(0);
        above(&stack);
        searcher.join().unwrap();
        stack.join(0, slot);
    });
}

/// A searcher that sees the depth after a join sees the tasks below.
pub fn join_stack_forced_exposure_reads_the_task_below_a_join(check: Check) {
    exposed_below(check, || Stack::new(2, false), |stack| stack.fork_and_join(1));
}

/// The same after a fork that was taken back.
pub fn join_stack_forced_exposure_reads_the_task_below_a_fork_beyond_the_capacity(check: Check) {
    exposed_below(check, || Stack::of_capacity(1, 2, false), |stack| stack.run_beyond_the_capacity(1));
}

/// A fork that finds the stack full stands in the spare slot for a moment. A searcher that comes just then does not publish it.
pub fn join_stack_forced_exposure_leaves_a_fork_beyond_the_capacity_alone(check: Check) {
    check.run(|| {
        let stack = Stack::of_capacity(1, 2, false);
        Stack::beside(&stack, 1, Stack::force_and_run_two, || {
            let (fits, _) = stack.fork(0);
            stack.run_beyond_the_capacity(1);
            stack.join(0, fits);
        });
    });
}

/// A worker that asks everybody and then finds no task goes to sleep in peace: the owner's next fork goes slow.
pub fn join_stack_hides_no_task_from_a_sleeper(check: Check) {
    check.run(|| {
        let stack = Stack::new(2, false);
        // The request from the start has been served: forks are private from now on.
        stack.fork_and_join(0);
        let sleeper = spawn(&stack, move |stack| {
            stack.stack.ask();
            heavy::<Os>();
            stack.stack.has_private() || stack.stack.has_public()
        });
        let (slot, told) = stack.fork(0);
        let seen = sleeper.join().unwrap();
        assert!(told || seen, "hidden: the owner told nobody, and the sleeper saw nothing");
        stack.join(0, slot);
    });
}

/// The barrier that the join stack is built on, as loom sees it.
pub fn asymmetric_barrier_orders_a_store_before_a_load(check: Check) {
    check.run(|| {
        let words = Arc::new((AtomicU32::new(0), AtomicU32::new(0)));
        let rare = spawn(&words, move |words| {
            words.0.store(1, Ordering::Relaxed);
            assert!(heavy::<Os>());
            words.1.load(Ordering::Relaxed)
        });
        words.1.store(1, Ordering::Relaxed);
        asym::light();
        let here = words.0.load(Ordering::Relaxed);
        let there = rare.join().unwrap();
        assert!(here == 1 || there == 1, "both sides missed the other's store");
        fence(Ordering::SeqCst);
    });
}
