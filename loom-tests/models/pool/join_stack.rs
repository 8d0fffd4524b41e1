//! Claims about the join stack: its owner and its thieves.

use reveille_futex::model;
use reveille_loom_tests::{Check, spawn};

use super::stack::Stack;

fn nested_forks(check: Check, eager: bool, thieves: usize) {
    check.run(move || {
        let stack = Stack::new(2, eager);
        Stack::beside(&stack, thieves, Stack::steal_and_run, || {
            let (outer, _) = stack.fork(0);
            stack.fork_and_join(1);
            stack.join(0, outer);
        });
    });
}

/// Two nested forks and a thief: each task runs once, with its data, before its join ends.
pub fn join_stack_runs_each_nested_task_once(check: Check) {
    nested_forks(check, false, 1);
}

/// The same with two thieves.
pub fn join_stack_two_thieves_never_share_a_task(check: Check) {
    nested_forks(check, false, 2);
}

/// Without the barrier of a fork, which is a full one in models only: what a thief finds is published by the word alone.
pub fn join_stack_publishes_what_was_forked(check: Check) {
    check.run(|| {
        model::without_light();
        let stack = Stack::new(1, false);
        Stack::beside(&stack, 1, Stack::steal_and_run, || stack.fork_and_join(0));
    });
}

/// Two nested forks and a thief, where every fork is published at once.
pub fn join_stack_eager_runs_each_nested_task_once(check: Check) {
    nested_forks(check, true, 1);
}

fn own_oldest(check: Check, eager: bool) {
    check.run(move || {
        let stack = Stack::new(2, eager);
        let thief = spawn(&stack, |stack| stack.steal_and_run());
        let (outer, _) = stack.fork(0);
        let (inner, _) = stack.fork(1);
        if stack.stack.has_private() && !stack.stack.has_public() {
            stack.stack.publish();
        }
        stack.run_claimed(stack.stack.take_oldest());
        stack.join(1, inner);
        stack.join(0, outer);
        thief.join().unwrap();
    });
}

/// The owner takes the oldest of its own tasks in the midst of its joins, as a first half does that yields, while a thief is
/// at it: each task runs once, before its join ends.
pub fn join_stack_owner_takes_its_own_oldest_task(check: Check) {
    own_oldest(check, false);
}

/// The same where every fork is published at once.
pub fn join_stack_eager_owner_takes_its_own_oldest_task(check: Check) {
    own_oldest(check, true);
}

/// A slot is reused by the next fork only when nobody can still claim or read the one before.
pub fn join_stack_reuses_a_slot_only_after_its_join(check: Check) {
    check.run(|| {
        let stack = Stack::new(1, false);
        Stack::beside(&stack, 1, Stack::steal_and_run_two, || {
            stack.fork_and_join(0);
            stack.fork_and_join(0);
        });
    });
}

fn another_task(check: Check, eager: bool, thief: fn(&Stack)) {
    check.run(move || {
        let stack = Stack::new(2, eager);
        Stack::beside(&stack, 1, thief, || {
            stack.fork_and_join(0);
            stack.fork_and_join(1);
        });
    });
}

/// The same where the slot's next task is another one: a thief runs the one that it claimed.
pub fn join_stack_reuses_a_slot_for_another_task(check: Check) {
    another_task(check, false, Stack::steal_and_run);
}

/// The same where every fork is published at once, and the word comes back to what it was.
pub fn join_stack_eager_reuses_a_slot_for_another_task(check: Check) {
    another_task(check, true, Stack::steal_and_run_two);
}

/// A request that arrives while the owner publishes is kept, or what it asked for is there.
pub fn join_stack_keeps_a_request(check: Check) {
    check.run(|| {
        let stack = Stack::new(2, false);
        let thief = spawn(&stack, |stack| stack.steal_and_run());
        let (first, _) = stack.fork(0);
        let (second, _) = stack.fork(1);
        thief.join().unwrap();
        assert!(
            stack.stack.is_asked() || stack.stack.has_public(),
            "nothing is public, and the owner does not know that it is wanted"
        );
        stack.join(1, second);
        stack.join(0, first);
    });
}
