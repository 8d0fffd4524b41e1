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
//! A row can have *targets*; each is printed with what came out and whether that meets it. A row can be measured *above*
//! one of its contestants, for what a fork costs beyond the work, say: then best and median are those of the others less
//! those of that one, taken in the same round. The rows of a *series* are points of one curve.
//!
//! `REVEILLE_BENCH_JSON=file` appends one JSON object per row and contestant, and one per target. Run by `cargo test`, which does not pass
//! `--bench`, a benchmark only shows that it works.
#![allow(dead_code, reason = "each benchmark uses a part of it")]

pub(crate) mod target;

use std::collections::BTreeMap;
use std::env;
use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::hint::black_box;
use std::io::Write as _;
use std::thread;
use std::time::{Duration, Instant};

use target::{Measured, Target};

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
        let (contestants, targets) = (Vec::new(), Vec::new());
        Row { bench: self, title, contestants, targets, above: None, rounds: usize::MAX, point: None }
    }

    /// Prints how samples of one contestant are spread, and leaves a histogram of them: buckets of a quarter of an octave.
    pub(crate) fn histogram(&self, title: &str, name: &str, samples: &[u64]) {
        if !self.only.is_empty() && !self.only.iter().any(|word| title.contains(word.as_str())) {
            return;
        }
        let all: Vec<f64> = samples.iter().map(|&nanos| nanos as f64).collect();
        let [p10, p50, p90, p99] = [0.1, 0.5, 0.9, 0.99].map(|share| quantile(&all, share));
        println!("{title}: {name}: 10 % {p10:.0}, 50 % {p50:.0}, 90 % {p90:.0}, 99 % {p99:.0}, of {}", all.len());
        let mut buckets = BTreeMap::new();
        for nanos in all {
            *buckets.entry((nanos.max(1.0).log2() * 4.0).floor() as u32).or_insert(0) += 1;
        }
        let buckets: Vec<(f64, u32)> =
            buckets.into_iter().map(|(b, count)| ((f64::from(b) / 4.0).exp2(), count)).collect();
        let buckets = buckets.iter().map(|(from, count)| format!("[{from:.0},{count}]")).collect::<Vec<_>>().join(",");
        self.json(&format!(
            "{{\"bench\":{:?},\"histogram\":{title:?},\"name\":{name:?},\"p10\":{p10},\"p50\":{p50},\"p90\":{p90},\
             \"p99\":{p99},\"buckets\":[{buckets}]}}\n",
            self.name
        ));
    }

    fn json(&self, lines: &str) {
        if let Some(path) = &self.json {
            let file = OpenOptions::new().create(true).append(true).open(path);
            file.and_then(|mut file| file.write_all(lines.as_bytes())).unwrap_or_else(|e| panic!("{path}: {e}"));
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
    targets: Vec<Target<'a>>,
    above: Option<&'a str>,
    rounds: usize,
    point: Option<(&'a str, f64)>,
}

impl<'a> Row<'a> {
    /// Adds a contestant; the first is ours. Given how often to do the task, `round` says what one took; see [`time`].
    #[must_use]
    pub(crate) fn contestant(mut self, name: &'a str, round: impl FnMut(u64) -> f64 + 'a) -> Self {
        self.contestants.push((name, Box::new(round)));
        self
    }

    /// Adds a bound on what the first contestant measures.
    #[must_use]
    pub(crate) fn target(mut self, target: Target<'a>) -> Self {
        self.targets.push(target);
        self
    }

    /// Takes what this contestant measures off what the others do. It must not be the first.
    #[must_use]
    pub(crate) fn above(mut self, name: &'a str) -> Self {
        self.above = Some(name);
        self
    }

    /// At most this many rounds: for what takes long or does not vary.
    #[must_use]
    pub(crate) fn rounds(mut self, rounds: usize) -> Self {
        self.rounds = rounds;
        self
    }

    /// The row is the point at `x` of a curve.
    #[must_use]
    pub(crate) fn point(mut self, series: &'a str, x: f64) -> Self {
        self.point = Some((series, x));
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
        let (warm_up, rounds) = (warm_up.min(self.rounds / 3), rounds.min(self.rounds));
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
        let ground = self.above.map(|name| {
            let index = self.contestants.iter().position(|(n, _)| *n == name);
            &samples[index.unwrap_or_else(|| panic!("no contestant is called {name:?}"))]
        });
        let results: Vec<_> = (self.contestants.iter().zip(samples))
            .map(|((name, _), samples)| Summary::of(name, samples, ground.filter(|g| !std::ptr::eq(*g, samples))))
            .collect();
        let width = results.iter().map(|r| r.name.len()).max().unwrap_or(0);
        println!("## {}", self.title);
        println!(
            "{:width$}  {:>9} {:>9} {:>9}   ours / theirs: median of rounds (best / best)",
            "", "best", "median", "p99"
        );
        let mut json = String::new();
        let heading = format!("\"bench\":{:?},\"row\":{:?}", self.bench.name, self.title);
        let point = self.point.map_or(String::new(), |(series, x)| format!(",\"series\":{series:?},\"x\":{x}"));
        let ours = &results[0];
        for theirs in &results {
            let Summary { name, best, median, p99, samples } = theirs;
            let rounds = samples.len();
            let ratios: Vec<f64> = ours.samples.iter().zip(samples).map(|(ours, theirs)| ours / theirs).collect();
            // Differences can be zero: then the ratio of one round says nothing.
            let ratio = if ground.is_some() { ours.median / median } else { quantile(&ratios, 0.5) };
            let best_ratio = ours.best / best;
            print!("{name:width$}  {best:>9.2} {median:>9.2} {p99:>9.2}");
            match (std::ptr::eq(ours, theirs), self.above == Some(name)) {
                (true, _) => println!(),
                (_, true) => println!("   (taken off the others)"),
                _ => println!("   {ratio:.2} ({best_ratio:.2})"),
            }
            let above = self.above.map_or(String::new(), |above| format!(",\"above\":{above:?}"));
            let _ = writeln!(
                json,
                "{{{heading},\"name\":{name:?},\"best\":{best},\"median\":{median},\"p99\":{p99},\
                 \"ratio\":{},\"best_ratio\":{},\"rounds\":{rounds}{above}{point}}}",
                number(ratio),
                number(best_ratio),
            );
        }
        let measured: Vec<_> = results.iter().map(Summary::measured).collect();
        for target in &self.targets {
            let verdict = target.judge(&measured);
            let outcome = match (verdict.met, verdict.stretch) {
                (true, _) => "met",
                (false, true) => "not reached",
                (false, false) => "MISSED",
            };
            println!("target {}: {:.2}, {outcome}", verdict.text, verdict.value);
            let _ = writeln!(
                json,
                "{{{heading},\"target\":{:?},\"value\":{},\"bound\":{},\"met\":{},\"stretch\":{}}}",
                verdict.text,
                number(verdict.value),
                verdict.bound,
                verdict.met,
                verdict.stretch
            );
        }
        let drift = quantile(control, 1.0) / quantile(control, 0.0);
        let doubt = if drift > STEADY { "; the machine was not steady, trust the ratios only" } else { "" };
        println!("(control loop: slowest {drift:.2} x fastest{doubt})\n");
        self.bench.json(&json);
    }
}

/// What one contestant measured, above the ground if the row has one.
struct Summary<'a> {
    name: &'a str,
    best: f64,
    median: f64,
    p99: f64,
    samples: Vec<f64>,
}

impl<'a> Summary<'a> {
    fn of(name: &'a str, samples: &[f64], ground: Option<&Vec<f64>>) -> Self {
        let samples = match ground {
            None => samples.to_vec(),
            Some(ground) => samples.iter().zip(ground).map(|(all, ground)| all - ground).collect(),
        };
        let [best, median, p99] = [0.0, 0.5, 0.99].map(|share| quantile(&samples, share));
        // A round whose ground was disturbed looks too good: the best is the difference of the bests.
        let best = ground.map_or(best, |ground| {
            let all: Vec<_> = samples.iter().zip(ground).map(|(above, ground)| above + ground).collect();
            quantile(&all, 0.0) - quantile(ground, 0.0)
        });
        Summary { name, best, median, p99, samples }
    }

    fn measured(&self) -> Measured<'a> {
        Measured { name: self.name, best: self.best, median: self.median }
    }
}

/// JSON knows no infinity.
fn number(x: f64) -> String {
    if x.is_finite() { x.to_string() } else { "null".to_owned() }
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

/// Nanoseconds that one of `count` calls of `f` takes, each after a sleep.
pub(crate) fn time_after(sleep: Duration, count: u64, mut f: impl FnMut()) -> f64 {
    let mut spent = Duration::ZERO;
    for _ in 0..count {
        thread::sleep(sleep);
        let start = Instant::now();
        f();
        spent += start.elapsed();
    }
    per(spent, count)
}

/// The median of `count` nanoseconds that `f` says.
pub(crate) fn time_of(count: u64, f: impl FnMut(u64) -> u64) -> f64 {
    let samples: Vec<f64> = (0..count).map(f).map(|nanos| nanos as f64).collect();
    quantile(&samples, 0.5)
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
