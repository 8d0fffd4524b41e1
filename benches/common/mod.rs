//! The harness of this folder's benchmarks: contestants take turns, in one process.
//!
//! A benchmark is a list of *rows*; a row measures the same task done by several *contestants*, ours first. One *round*
//! lets each contestant run once; the order shifts by one from round to round, so that nobody always runs after the same
//! neighbour. A machine that changes its speed between rounds changes it for all, so what counts is the ratio of two
//! contestants in the same round. Printed are best, median and 99th percentile, and our median ratio to each peer.
//!
//! ```text
//! let bench = Bench::new("deque, ns");
//! let mut queue = VecDeque::new();
//! bench.row("push+pop")
//!     .contestant("reveille", |n| time(n, |i| ...))     // runs n times, says how long one took
//!     .contestant("crossbeam", |n| time(n, |i| ...))
//!     .run(1_000_000);
//! bench.finish();
//! ```
//!
//! | argument | |
//! |---|---|
//! | `--quick` | a tenth of the rounds, a tenth of the work: for a look, not for a claim |
//! | any other word | only rows whose title contains it |
//!
//! Who is no peer stands *beside* the others: sequential code, a floor, a limit. A row ends early when it has taken long
//! enough; it says how many rounds it had.
//!
//! A row can have *targets*; each is printed with what came out and whether that meets it. A row can be measured *above*
//! one of its contestants, for what a fork costs beyond the work, say: then best and median are those of the others less
//! those of that one, taken in the same round. The rows of a *series* are points of one curve.
//!
//! `REVEILLE_BENCH_JSON=file` appends what is printed as JSON, an object per line. Run by `cargo test`, which does not pass
//! `--bench`, a benchmark only shows that it works.
#![allow(dead_code, reason = "each benchmark uses a part of it")]

pub(crate) mod clock;
pub(crate) mod machine;
pub(crate) mod peers;
mod row;
pub(crate) mod target;

use std::collections::BTreeMap;
use std::env;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

#[allow(unused_imports, reason = "as above")]
pub(crate) use clock::{per, quantile, time, time_after, time_of, time_with};
use machine::Jiffies;
pub(crate) use row::Row;

/// One benchmark program.
pub(crate) struct Bench {
    name: &'static str,
    mode: Mode,
    only: Vec<String>,
    json: Option<String>,
    start: Instant,
    busy: Option<Jiffies>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Full,
    Quick,
    /// Under `cargo test`.
    Smoke,
}

/// How long a row goes on.
struct Rounds {
    /// Run first and thrown away.
    warm_up: usize,
    most: usize,
    /// So many even if they take longer than the patience.
    least: usize,
    patience: Duration,
}

impl Bench {
    /// Reads the arguments and prints which machine this is. `name` says what is measured, and in which unit.
    pub(crate) fn new(name: &'static str) -> Self {
        let mut mode = Mode::Smoke;
        let mut only = Vec::new();
        let mut quick = false;
        for argument in env::args().skip(1) {
            match argument.as_str() {
                "--bench" => mode = Mode::Full,
                "--quick" => quick = true,
                word if word.starts_with('-') => {}
                word => only.push(word.to_owned()),
            }
        }
        if quick {
            mode = Mode::Quick;
        }
        let machine = machine::describe();
        println!("# {name}\n\n{machine}\n");
        let json = env::var("REVEILLE_BENCH_JSON").ok();
        let bench = Bench { name, mode, only, json, start: Instant::now(), busy: Jiffies::now() };
        bench.leave(&json!({ "bench": name, "machine": machine }));
        bench
    }

    /// Begins a row.
    pub(crate) fn row<'a>(&'a self, title: &'a str) -> Row<'a> {
        Row::new(self, title)
    }

    /// Whether a row or histogram is asked for.
    fn wants(&self, title: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|word| title.contains(word.as_str()))
    }

    /// Prints how samples of one contestant are spread, and leaves a histogram of them: buckets of a quarter of an octave.
    pub(crate) fn histogram(&self, title: &str, name: &str, samples: impl FnOnce() -> Vec<u64>) {
        if !self.wants(title) {
            return;
        }
        let all: Vec<f64> = samples().into_iter().map(|nanos| nanos as f64).collect();
        let [p10, p50, p90, p99] = [0.1, 0.5, 0.9, 0.99].map(|share| quantile(&all, share));
        println!("{title}: {name}: 10 % {p10:.0}, 50 % {p50:.0}, 90 % {p90:.0}, 99 % {p99:.0}, of {}", all.len());
        let mut buckets = BTreeMap::new();
        for nanos in all {
            *buckets.entry((nanos.max(1.0).log2() * 4.0).floor() as u32).or_insert(0_u32) += 1;
        }
        let from = |bucket: u32| (f64::from(bucket) / 4.0).exp2().round();
        let buckets: Vec<(f64, u32)> = buckets.into_iter().map(|(bucket, count)| (from(bucket), count)).collect();
        self.leave(&json!({
            "bench": self.name, "histogram": title, "name": name,
            "p10": p10, "p50": p50, "p90": p90, "p99": p99, "buckets": buckets,
        }));
    }

    /// Appends an object to the file that was asked for.
    fn leave(&self, object: &Value) {
        if let Some(path) = &self.json {
            let file = OpenOptions::new().create(true).append(true).open(path);
            file.and_then(|mut file| writeln!(file, "{object}")).unwrap_or_else(|e| panic!("{path}: {e}"));
        }
    }

    /// Whether this is `cargo test`, which only wants to know that it works.
    pub(crate) fn is_smoke(&self) -> bool {
        self.mode == Mode::Smoke
    }

    /// Whether the numbers are for a claim.
    pub(crate) fn is_full(&self) -> bool {
        self.mode == Mode::Full
    }

    /// What to use in a full run, in a quick one, and under `cargo test`.
    pub(crate) fn size<T>(&self, full: T, quick: T, smoke: T) -> T {
        match self.mode {
            Mode::Full => full,
            Mode::Quick => quick,
            Mode::Smoke => smoke,
        }
    }

    /// Prints how much of the machine other processes took.
    pub(crate) fn finish(self) {
        let seconds = self.start.elapsed().as_secs_f64();
        match self.busy.as_ref().and_then(Jiffies::since) {
            Some(machine::Shares { own, others, stolen }) => {
                println!(
                    "{seconds:.0} s; of all CPUs: {own:.0} % here, {others:.0} % other processes, {stolen:.0} % stolen"
                );
                self.leave(&json!({
                    "bench": self.name, "seconds": seconds, "own": own, "others": others, "stolen": stolen,
                }));
            }
            None => println!("{seconds:.0} s"),
        }
    }

    fn rounds(&self) -> Rounds {
        let (full, quick) = (Duration::from_secs(15), Duration::from_millis(800));
        self.size(
            Rounds { warm_up: 3, most: 61, least: 7, patience: full },
            Rounds { warm_up: 1, most: 7, least: 3, patience: quick },
            Rounds { warm_up: 0, most: 1, least: 1, patience: Duration::ZERO },
        )
    }

    fn work(&self, full: u64) -> u64 {
        self.size(full, (full / 10).max(1), (full / 10_000).max(1))
    }
}
