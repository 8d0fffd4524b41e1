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
//! `REVEILLE_BENCH_JSON=file` appends one JSON object per row and contestant. Run by `cargo test`, which does not pass
//! `--bench`, a benchmark only shows that it works.
#![allow(dead_code, reason = "each benchmark uses a part of it")]

use std::env;
use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::hint::black_box;
use std::io::Write as _;
use std::time::{Duration, Instant};

const ROUNDS: usize = 61;
const QUICK_ROUNDS: usize = 7;
/// Rounds that are run first and thrown away.
const WARM_UP: usize = 3;
/// A control loop that moves by more than this casts doubt on a row.
const STEADY: f64 = 1.10;

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
        println!("# {name}\n\n{}\n", machine());
        let json = env::var("REVEILLE_BENCH_JSON").ok();
        Bench { name, mode, only, json, start: Instant::now(), busy: Jiffies::now() }
    }

    /// Begins a row.
    pub(crate) fn row<'a>(&'a self, title: &'a str) -> Row<'a> {
        Row { bench: self, title, contestants: Vec::new() }
    }

    /// Prints how much of the machine other processes took.
    pub(crate) fn finish(self) {
        let seconds = self.start.elapsed().as_secs_f64();
        match (self.busy, Jiffies::now()) {
            (Some(before), Some(after)) if after.all > before.all => {
                let share = |part: u64| 100.0 * part as f64 / (after.all - before.all) as f64;
                let busy = after.busy - before.busy;
                let own = (after.own - before.own).min(busy);
                let (own, others, stolen) = (share(own), share(busy - own), share(after.stolen - before.stolen));
                println!(
                    "{seconds:.0} s; of all CPUs: {own:.0} % here, {others:.0} % other processes, {stolen:.0} % stolen"
                );
            }
            _ => println!("{seconds:.0} s"),
        }
    }

    fn rounds(&self) -> (usize, usize) {
        match self.mode {
            Mode::Full => (WARM_UP, ROUNDS),
            Mode::Quick => (1, QUICK_ROUNDS),
            Mode::Smoke => (0, 1),
        }
    }

    fn work(&self, full: u64) -> u64 {
        match self.mode {
            Mode::Full => full,
            Mode::Quick => (full / 10).max(1),
            Mode::Smoke => (full / 10_000).max(1),
        }
    }
}

type Contestant<'a> = Box<dyn FnMut(u64) -> f64 + 'a>;

/// One task, done by several contestants.
pub(crate) struct Row<'a> {
    bench: &'a Bench,
    title: &'a str,
    contestants: Vec<(&'a str, Contestant<'a>)>,
}

impl<'a> Row<'a> {
    /// Adds a contestant; the first is ours. Given how often to do the task, `round` says what one took; see [`time`].
    #[must_use]
    pub(crate) fn contestant(mut self, name: &'a str, round: impl FnMut(u64) -> f64 + 'a) -> Self {
        self.contestants.push((name, Box::new(round)));
        self
    }

    /// Runs the rounds, each contestant doing the task `work` times in each, and prints the row.
    pub(crate) fn run(mut self, work: u64) {
        let only = &self.bench.only;
        if !only.is_empty() && !only.iter().any(|word| self.title.contains(word.as_str())) {
            return;
        }
        let work = self.bench.work(work);
        let (warm_up, rounds) = self.bench.rounds();
        let count = self.contestants.len();
        let mut samples = vec![Vec::with_capacity(rounds); count];
        let mut control = Vec::with_capacity(rounds);
        for round in 0..warm_up + rounds {
            let steady = sequential();
            if round >= warm_up {
                control.push(steady);
            }
            for turn in 0..count {
                let who = (turn + round) % count;
                let sample = (self.contestants[who].1)(work);
                if round >= warm_up {
                    samples[who].push(sample);
                }
            }
        }
        self.print(&samples, &control);
    }

    fn print(&self, samples: &[Vec<f64>], control: &[f64]) {
        let ours = &samples[0];
        let width = self.contestants.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        println!("## {}", self.title);
        println!(
            "{:width$}  {:>9} {:>9} {:>9}   ours / theirs: median of rounds (best / best)",
            "", "best", "median", "p99"
        );
        let mut json = String::new();
        for ((name, _), theirs) in self.contestants.iter().zip(samples) {
            let [best, median, p99] = [0.0, 0.5, 0.99].map(|share| quantile(theirs, share));
            let ratios: Vec<f64> = ours.iter().zip(theirs).map(|(ours, theirs)| ours / theirs).collect();
            let (ratio, best_ratio) = (quantile(&ratios, 0.5), quantile(ours, 0.0) / best);
            print!("{name:width$}  {best:>9.2} {median:>9.2} {p99:>9.2}");
            println!(
                "{}",
                if std::ptr::eq(ours, theirs) { String::new() } else { format!("   {ratio:.2} ({best_ratio:.2})") }
            );
            let _ = writeln!(
                json,
                "{{\"bench\":{:?},\"row\":{:?},\"name\":{name:?},\"best\":{best},\"median\":{median},\"p99\":{p99},\
                 \"ratio\":{ratio},\"best_ratio\":{best_ratio},\"rounds\":{}}}",
                self.bench.name,
                self.title,
                theirs.len()
            );
        }
        let drift = quantile(control, 1.0) / quantile(control, 0.0);
        let doubt = if drift > STEADY { "; the machine was not steady, trust the ratios only" } else { "" };
        println!("(control loop: slowest {drift:.2} x fastest{doubt})\n");
        if let Some(path) = &self.bench.json {
            let file = OpenOptions::new().create(true).append(true).open(path);
            file.and_then(|mut file| file.write_all(json.as_bytes())).unwrap_or_else(|e| panic!("{path}: {e}"));
        }
    }
}

/// Nanoseconds that one of `count` calls of `f` takes.
#[inline]
pub(crate) fn time(count: u64, mut f: impl FnMut(u64)) -> f64 {
    let start = Instant::now();
    for i in 0..count {
        f(i);
    }
    per(start.elapsed(), count)
}

/// Nanoseconds per piece of work.
pub(crate) fn per(elapsed: Duration, count: u64) -> f64 {
    elapsed.as_nanos() as f64 / count as f64
}

/// The sample below which `share` of them lie.
fn quantile(samples: &[f64], share: f64) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let last = sorted.len().checked_sub(1).expect("at least one round");
    sorted[(last as f64 * share).round() as usize]
}

/// The control: work that depends on nothing but the speed of the processor.
fn sequential() -> f64 {
    let mut state = black_box(1_u64);
    time(20_000, |i| state = state.wrapping_mul(6_364_136_223_846_793_005).rotate_left(17) ^ i)
        + black_box(state) as f64 * 0.0
}

/// Processor, its number, kernel.
fn machine() -> String {
    let field = |text: &str, name: &str| {
        let line = text.lines().find(|line| line.starts_with(name))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    let cpu = fs::read_to_string("/proc/cpuinfo").ok().and_then(|text| field(&text, "model name"));
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let cpus = std::thread::available_parallelism().map_or(0, usize::from);
    let cpu = cpu.unwrap_or_else(|| "unknown processor".to_owned());
    format!("{cpu}, {cpus} CPUs, {} {} {}", env::consts::OS, kernel.trim(), env::consts::ARCH)
}

/// Time that the CPUs spent, as the kernel counts it.
struct Jiffies {
    all: u64,
    busy: u64,
    stolen: u64,
    own: u64,
}

impl Jiffies {
    /// None where there is no `/proc`.
    fn now() -> Option<Self> {
        let stat = fs::read_to_string("/proc/stat").ok()?;
        let cpu: Vec<u64> = stat.lines().next()?.split_whitespace().skip(1).filter_map(|n| n.parse().ok()).collect();
        let own = fs::read_to_string("/proc/self/stat").ok()?;
        let own: Vec<&str> = own.rsplit_once(')')?.1.split_whitespace().collect();
        let own = own.get(11)?.parse::<u64>().ok()? + own.get(12)?.parse::<u64>().ok()?;
        // user, nice, system, idle, iowait, irq, softirq, steal
        let all = cpu.iter().take(8).sum();
        let idle = cpu.get(3)? + cpu.get(4)?;
        let stolen = cpu.get(7).copied().unwrap_or(0);
        Some(Jiffies { all, busy: all - idle - stolen, stolen, own })
    }
}
