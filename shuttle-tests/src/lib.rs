//! Whole pools under [shuttle](https://docs.rs/shuttle): what is too large for loom.
//!
//! loom tries every interleaving of three threads; here eight workers and their callers run under schedulers that choose at
//! random, thousands of steps per execution. Memory is sequentially consistent, so a wrong ordering is loom's to find;
//! what this suite finds is a lost wake, a hidden task, a worker that stays, a count that is off.
//!
//! ```text
//! RUSTFLAGS="--cfg shuttle -C debug-assertions" cargo test --release --target-dir target/shuttle -p reveille-shuttle-tests
//! ```
//!
//! | variable | is |
//! |---|---|
//! | `REVEILLE_SHUTTLE_ITERATIONS` | executions per claim and scheduler |
//! | `SHUTTLE_RANDOM_SEED` | another seed than the suite's own, for other executions |
//!
//! A failure prints its schedule, which `shuttle::replay` repeats. All threads blocked is a deadlock, and too many steps are
//! a livelock: both are failures. Without `std` a panic inside a task aborts the process, after its message.
#![cfg(shuttle)]

use std::env;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use reveille_pool::{IdlePolicy, Pool, State, WorkerStats};
use shuttle::rand::Rng as _;
use shuttle::scheduler::{PctScheduler, RandomScheduler, Scheduler};
use shuttle::{Config, MaxSteps, Runner, thread};

/// Workers that serve.
pub const WORKERS: usize = 8;

/// Seats for callers from outside.
pub const GUESTS: usize = 2;

/// How deep joins nest before they run in sequence: deeper than what is public at once.
pub const CAPACITY: usize = 8;

/// The pool of every claim here.
pub type TestPool = Pool<{ WORKERS + GUESTS }, CAPACITY>;

/// Executions per claim and scheduler, unless the environment says otherwise.
const ITERATIONS: usize = 300;

/// Changes of priority in an execution under PCT, plus one.
const DEPTH: usize = 4;

/// The same executions every time, so that the suite's outcome depends on the code alone.
const SEED: u64 = 0x7265_7665_696c_6c65;

/// A pause of up to half of two to this power of yields: enough for every worker to fall asleep.
pub const LONG: u32 = 13;

/// A pause that is about as long as one worker needs to fall asleep.
pub const SHORT: u32 = 9;

/// A task's frames are deeper than what shuttle reckons with.
const STACK: usize = 1 << 20;

/// No execution here comes near it: a livelock.
const STEPS: usize = 1_000_000;

/// Runs a claim under each scheduler.
///
/// # Panics
///
/// If an execution fails, or if no execution had a worker that slept and one that stole: then nothing was checked.
pub fn check(name: &str, claim: impl Fn(&Execution) + Send + Sync + 'static) {
    let iterations = env::var("REVEILLE_SHUTTLE_ITERATIONS").map_or(ITERATIONS, |text| {
        text.parse().unwrap_or_else(|e| panic!("REVEILLE_SHUTTLE_ITERATIONS is {text:?}: {e}"))
    });
    let claim = Arc::new(claim);
    run(name, "random", iterations, RandomScheduler::new_from_seed(SEED, iterations), claim.clone());
    run(name, "pct", iterations, PctScheduler::new_from_seed(SEED, DEPTH, iterations), claim);
}

fn run(
    name: &str,
    scheduler_name: &str,
    iterations: usize,
    scheduler: impl Scheduler + 'static,
    claim: Arc<impl Fn(&Execution) + Send + Sync + 'static>,
) {
    let mut config = Config::new();
    config.stack_size = STACK;
    config.max_steps = MaxSteps::FailAfter(STEPS);
    config.silence_warnings = true; // the module's documentation says what is not modelled
    let start = Instant::now();
    let execution = Arc::new(Execution::default());
    let shared = execution.clone();
    let executions = Runner::new(scheduler, config).run(move || {
        shared.executions.fetch_add(1, Ordering::Relaxed);
        claim(&shared);
    });
    let stats = *execution.stats.lock().expect("the claim holds");
    println!(
        "{name}: holds; {scheduler_name}, {executions} executions, {:.2} s; {stats:?}",
        start.elapsed().as_secs_f64()
    );
    assert_eq!(executions, iterations, "{name}: cut short");
    assert!(stats.parks > 0 && stats.wakes > 0, "{name}: nobody slept and was woken: {stats:?}");
    assert!(stats.steals + stats.jobs > 0, "{name}: nothing was shared: {stats:?}");
}

/// Lets the others run for a random while, from nothing to the limit, each order of magnitude as often as the other.
pub fn pause(limit: u32) {
    for _ in 0..(1_u32 << shuttle::rand::thread_rng().gen_range(0..limit)) / 2 {
        thread::yield_now();
    }
}

/// What the executions of a claim have in common.
#[derive(Debug, Default)]
pub struct Execution {
    executions: AtomicU64,
    stats: Mutex<WorkerStats>,
}

impl Execution {
    /// Runs `f` with a pool of [`WORKERS`] workers, shuts the pool down, and waits until everybody has left.
    pub fn with_pool<R>(&self, f: impl FnOnce(&'static TestPool) -> R) -> R {
        let pool = Box::into_raw(Box::new(TestPool::new()));
        // SAFETY: a live box; freed below, when every thread that has this reference is gone.
        let shared: &'static TestPool = unsafe { &*pool };
        // Half of the executions search before they sleep.
        if self.executions.load(Ordering::Relaxed) % 2 == 0 {
            shared.set_idle_policy(IdlePolicy::Sleep);
        }
        let serve = |seat| thread::spawn(move || shared.run_worker(seat).expect("the seat is this worker's"));
        let workers: Vec<_> = (0..WORKERS).map(serve).collect();
        pause(LONG);
        let result = f(shared);
        shared.shutdown();
        for worker in workers {
            worker.join().expect("the worker returns");
        }
        assert_eq!(shared.state(), State::Closed);
        let mut sum = self.stats.lock().expect("one system thread");
        *sum = shared.stats().into_iter().fold(*sum, |sum, seat| sum + seat);
        drop(sum);
        // SAFETY: made by `Box::into_raw`; the workers were joined, and `f` joins what it spawned.
        drop(unsafe { Box::from_raw(pool) });
        result
    }
}
