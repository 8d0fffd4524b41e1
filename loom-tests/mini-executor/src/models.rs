//! What the executor claims, for every interleaving that loom can tell apart, and one mistake that it must notice.
//!
//! ```text
//! RUSTFLAGS="--cfg loom" cargo test --release --target-dir target/loom --package mini-executor-example --lib
//! ```

use std::env;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use loom::model::Builder;
use loom::thread;

use crate::Executor;

/// A run that reaches this was cut short. loom ends it without a word, so we count.
const EXECUTIONS: usize = 1_000_000;

/// Runs `model` once per interleaving. loom does not see the counter, which is the standard library's.
fn check(model: impl Fn() + Sync + Send + 'static) {
    let mut builder = Builder::new();
    builder.preemption_bound = Some(3);
    builder.max_permutations = Some(EXECUTIONS);
    let executions = Arc::new(AtomicUsize::new(0));
    let counter = executions.clone();
    builder.check(move || {
        counter.fetch_add(1, Relaxed);
        reveille_futex::model::init();
        model();
    });
    let executions = executions.load(Relaxed);
    println!("{executions} executions");
    assert!(executions < EXECUTIONS, "cut short after {executions} executions");
}

/// Two tasks, run by the boss and a helper; each is counted in a bit of its own.
fn both_tasks_run(help: fn(&Executor<u32, 2>, &AtomicUsize)) {
    let shared = loom::sync::Arc::new((Executor::<u32, 2>::new(), AtomicUsize::new(0)));
    let helper = thread::spawn({
        let shared = shared.clone();
        move || help(&shared.0, &shared.1)
    });
    let (executor, runs) = &*shared;
    let boss = executor.boss().unwrap();
    boss.spawn(0).unwrap();
    boss.spawn(1).unwrap();
    boss.finish(|task| count(runs, task));
    helper.join().unwrap();
    assert_eq!(runs.load(Relaxed), 0x101, "each task runs once");
}

fn count(runs: &AtomicUsize, task: u32) {
    runs.fetch_add(1 << (8 * task), Relaxed);
}

/// No task is lost or run twice, and the helper never sleeps through the end.
#[test]
fn every_task_runs_once_and_the_helper_goes_home() {
    check(|| both_tasks_run(|executor, runs| executor.help(|task| count(runs, task))));
}

/// A mistake: the bell is reset after the search, so that a task pushed between the two is forgotten.
fn help_with_a_late_reset(executor: &Executor<u32, 2>, runs: &AtomicUsize) {
    loop {
        let closed = executor.closed.load(reveille_futex::sync::atomic::Ordering::Relaxed);
        executor.steal_all(&mut |task| count(runs, task));
        if closed {
            return;
        }
        executor.bell.reset();
        executor.bell.wait();
    }
}

/// The model is able to fail, and for the reason we think of. It fails in a process of its own: after a deadlock loom
/// unwinds through destructors that need loom, and may abort.
#[test]
fn a_late_reset_is_noticed() {
    if env::var_os("MISTAKE").is_some() {
        return check(|| both_tasks_run(help_with_a_late_reset));
    }
    let child = Command::new(env::current_exe().unwrap())
        .args(["models::a_late_reset_is_noticed", "--exact", "--nocapture"])
        .env("MISTAKE", "1")
        .output()
        .unwrap();
    let output = String::from_utf8_lossy(&child.stderr);
    assert!(!child.status.success() && output.contains("deadlock"), "{output}");
}
