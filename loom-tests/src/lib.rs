//! The runner of the model-checking suite.
//!
//! A model checks a claim about a layer; a twin is the same layer with one known mistake, and the model must fail on it.
//! `build.rs` makes the tests from `models/` and `twins/`; `Check` runs one, counts its executions, and treats a run
//! that loom cut short as a failure.
#![cfg(loom)]

mod place;
mod share;
mod threads;
mod weaken;

use std::env;
use std::io::Write as _;
use std::panic::{self, AssertUnwindSafe};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

pub use place::Place;
pub use share::{Notes, spawn};
pub use weaken::{is_weakened, weakened};

/// Preemptions that loom explores in one execution. At 2, some twins survive.
const BOUND: usize = 3;

/// More executions than any model here may need: a run that reaches it was cut short.
const EXECUTIONS: usize = 20_000_000;

/// Operations in one execution. loom panics at the limit, so a livelock is a failure too.
const BRANCHES: usize = 10_000;

/// Set for the process in which a twin fails.
const CHILD: &str = "REVEILLE_TWIN";

/// Names a file that collects one JSON object per run.
const REPORT: &str = "REVEILLE_MODEL_REPORT";

/// The verdict on a model until it has another one: a failure that aborts the process leaves it.
const UNFINISHED: &str = "NOT FINISHED";

/// Before each failure that a twin's process prints, with the number of executions it took.
const MARK: &str = "twin failed after ";

/// One run of one model, on a layer or on a twin of it.
#[derive(Debug)]
pub struct Check {
    name: &'static str,
    model: &'static str,
    must_fail: Option<&'static str>,
    bound: usize,
}

impl Check {
    /// A check of the claim that `name` makes.
    pub fn model(name: &'static str) -> Self {
        Check { name, model: name, must_fail: None, bound: BOUND }
    }

    /// A check that `model` fails on the twin `name`, with a message that contains `fails`.
    pub fn twin(name: &'static str, model: &'static str, fails: &'static str) -> Self {
        Check { name, model, must_fail: Some(fails), bound: BOUND }
    }

    /// Explores up to `bound` preemptions instead of three. A model says why.
    #[must_use]
    pub fn bound(self, bound: usize) -> Self {
        Check { bound, ..self }
    }

    /// Runs the model: `f` once for every interleaving.
    ///
    /// # Panics
    ///
    /// If the model fails, if loom cut it short, or, for a twin, if it does not fail for the stated reason.
    pub fn run(self, f: impl Fn() + Sync + Send + 'static) {
        match self.must_fail {
            Some(reason) if env::var_os(CHILD).is_none() => self.run_twin(reason),
            _ => self.explore(f),
        }
    }

    fn explore(&self, f: impl Fn() + Sync + Send + 'static) {
        let f = Arc::new(f);
        let executions = Arc::new(AtomicUsize::new(0));
        let counter = executions.clone();
        let mut builder = loom::model::Builder::new();
        builder.preemption_bound = Some(self.bound);
        builder.max_branches = BRANCHES;
        builder.max_duration = None;
        builder.max_permutations = Some(EXECUTIONS);
        builder.checkpoint_file = None;
        if self.must_fail.is_some() {
            let counter = executions.clone();
            panic::set_hook(Box::new(move |info| {
                eprintln!("{MARK}{}: {info}", counter.load(Ordering::Relaxed));
            }));
        }
        let start = Instant::now();
        self.report(None, 0, start, UNFINISHED); // in case that the process ends here
        let mut threads = None;
        let result = panic::catch_unwind(AssertUnwindSafe(|| {
            if self.must_fail.is_none() {
                let f = f.clone();
                threads = Some(threads::of_one_execution(&builder, move || {
                    reveille_futex::model::init();
                    f();
                }));
            }
            builder.check(move || {
                counter.fetch_add(1, Ordering::Relaxed);
                reveille_futex::model::init();
                f();
            });
        }));
        let executions = executions.load(Ordering::Relaxed);
        if let Err(payload) = result {
            self.report(threads, executions, start, "FAILS");
            panic::resume_unwind(payload);
        }
        let truncated = executions >= EXECUTIONS;
        self.report(threads, executions, start, if truncated { "TRUNCATED" } else { "holds" });
        assert!(!truncated, "{}: cut short after {executions} executions", self.name);
    }

    /// Runs the twin in a process of its own, because loom's failures do not always unwind: a deadlock found while a
    /// destructor waits ends in an abort.
    fn run_twin(&self, reason: &str) {
        let start = Instant::now();
        let test = thread::current().name().expect("the test harness names its threads").to_owned();
        let child = Command::new(env::current_exe().expect("a test has a path"))
            .args([&test, "--exact", "--nocapture", "--include-ignored"])
            .env(CHILD, "1")
            .env("RUST_BACKTRACE", "0")
            .env_remove(REPORT)
            .output()
            .expect("the test can run itself");
        let output = String::from_utf8_lossy(&child.stderr);
        let failures: Vec<_> = output.lines().filter_map(|line| line.strip_prefix(MARK)?.split_once(": ")).collect();
        let executions = failures.first().and_then(|(count, _)| count.parse().ok()).unwrap_or(0);
        if child.status.success() {
            self.report(None, executions, start, "SURVIVED");
            panic!("{} survived: {} found nothing", self.name, self.model);
        }
        if !output.contains(reason) {
            self.report(None, executions, start, "FAILS FOR ANOTHER REASON");
            panic!("{} failed, but not by {reason:?}:\n{output}", self.name);
        }
        self.report(None, executions, start, "fails, as it must");
    }

    /// One line for a person, and one JSON object a line for the file that [`REPORT`] names. The last line about a check counts.
    fn report(&self, threads: Option<usize>, executions: usize, start: Instant, verdict: &str) {
        let seconds = start.elapsed().as_secs_f64();
        let Check { name, model, bound, .. } = self;
        if verdict != UNFINISHED {
            println!("{name}: {verdict}; bound {bound}, {executions} executions, {seconds:.2} s");
        }
        let Some(path) = env::var_os(REPORT) else { return };
        let threads = threads.map_or("null".to_owned(), |threads| threads.to_string());
        let line = format!(
            "{{\"name\":\"{name}\",\"model\":\"{model}\",\"twin\":{},\"threads\":{threads},\"bound\":{bound},\
             \"executions\":{executions},\"seconds\":{seconds:.3},\"verdict\":\"{verdict}\"}}\n",
            self.must_fail.is_some()
        );
        let file = std::fs::OpenOptions::new().create(true).append(true).open(&path);
        file.and_then(|mut file| file.write_all(line.as_bytes()))
            .unwrap_or_else(|e| panic!("{}: {e}", Path::new(&path).display()));
    }
}
