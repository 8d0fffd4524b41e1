//! Claims about the join stack: its owner and its thieves.

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

/// The same where every fork is published at once.
pub fn join_stack_eager_runs_each_nested_task_once(check: Check) {
    nested_forks(check, true, 1);
}

/// The owner takes the oldest of its own tasks in the midst of its joins, as a first half does that yields, while a thief is
/// at it: each task runs once, before its join ends.
pub fn join_stack_owner_takes_its_own_oldest_task(check: Check) {
    check.run(|| {
        let stack = Stack::new(2, false);
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

/// The same where the slot's next task is another one: a thief runs the one that it claimed.
pub fn join_stack_reuses_a_slot_for_another_task(check: Check) {
    check.run(|| {
        let stack = Stack::new(2, false);
        Stack::beside(&stack, 1, Stack::steal_and_run, || {
            stack.fork_and_join(0);
            stack.fork_and_join(1);
        });
    });
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
