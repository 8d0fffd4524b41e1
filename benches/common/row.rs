//! One task, done by several contestants.

use std::time::Instant;

use serde_json::{Value, json};

use super::target::{Measured, Target};
use super::{Bench, Rounds, machine, quantile};

/// A control loop that moves by more than this casts doubt on a row.
const STEADY: f64 = 1.10;

struct Contestant<'a> {
    name: &'a str,
    /// Given how often to do the task, says what one took.
    round: Box<dyn FnMut(u64) -> f64 + 'a>,
    /// Somebody to beat.
    is_peer: bool,
}

/// A row to be run.
pub(crate) struct Row<'a> {
    bench: &'a Bench,
    title: &'a str,
    contestants: Vec<Contestant<'a>>,
    targets: Vec<Target<'a>>,
    above: Option<&'a str>,
    rounds: usize,
    point: Option<(&'a str, f64)>,
}

impl<'a> Row<'a> {
    pub(super) fn new(bench: &'a Bench, title: &'a str) -> Self {
        let (contestants, targets) = (Vec::new(), Vec::new());
        Row { bench, title, contestants, targets, above: None, rounds: usize::MAX, point: None }
    }

    /// Adds a contestant; the first is ours. Given how often to do the task, `round` says what one took; see
    /// [`time`](super::time).
    #[must_use]
    pub(crate) fn contestant(mut self, name: &'a str, round: impl FnMut(u64) -> f64 + 'a) -> Self {
        let is_peer = !name.starts_with("reveille");
        self.contestants.push(Contestant { name, round: Box::new(round), is_peer });
        self
    }

    /// Adds what is measured beside the contestants and is nobody to beat: a floor, a limit, a figure of another kind.
    #[must_use]
    pub(crate) fn beside(mut self, name: &'a str, round: impl FnMut(u64) -> f64 + 'a) -> Self {
        self.contestants.push(Contestant { name, round: Box::new(round), is_peer: false });
        self
    }

    /// A contestant who does less work than the others: shown, but nobody to beat.
    #[must_use]
    pub(crate) fn without_rank(mut self, name: &str) -> Self {
        self.contestants.iter_mut().filter(|who| who.name == name).for_each(|who| who.is_peer = false);
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
        if !self.bench.wants(self.title) {
            return;
        }
        let work = self.bench.work(work);
        let Rounds { warm_up, most, least, patience } = self.bench.rounds();
        let (warm_up, most) = (warm_up.min(self.rounds / 3), most.min(self.rounds));
        let count = self.contestants.len();
        let mut samples = vec![Vec::with_capacity(most); count];
        let mut control = Vec::with_capacity(most);
        let start = Instant::now();
        for round in 0..warm_up + most {
            let steady = machine::control();
            if round >= warm_up {
                control.push(steady);
            }
            for turn in 0..count {
                let who = (turn + round) % count;
                let sample = (self.contestants[who].round)(work);
                if round >= warm_up {
                    samples[who].push(sample);
                }
            }
            if control.len() >= least && start.elapsed() > patience {
                break;
            }
        }
        self.print(&samples, &control);
    }

    fn print(&self, samples: &[Vec<f64>], control: &[f64]) {
        let ground = self.above.map(|name| {
            let index = self.contestants.iter().position(|contestant| contestant.name == name);
            &samples[index.unwrap_or_else(|| panic!("no contestant is called {name:?}"))]
        });
        let results: Vec<_> = (self.contestants.iter().zip(samples))
            .map(|(who, samples)| Summary::of(who, samples, ground.filter(|g| !std::ptr::eq(*g, samples))))
            .collect();
        let width = results.iter().map(|r| r.name.len()).max().unwrap_or(0);
        println!("## {}", self.title);
        println!(
            "{:width$}  {:>9} {:>9} {:>9}   ours / theirs: median of rounds (best / best)",
            "", "best", "median", "p99"
        );
        let ours = &results[0];
        for theirs in &results {
            let Summary { name, best, median, p99, is_peer, samples } = theirs;
            let ratios: Vec<f64> = ours.samples.iter().zip(samples).map(|(ours, theirs)| by(*ours, *theirs)).collect();
            // Differences can be zero: then the ratio of one round says nothing.
            let ratio = if ground.is_some() { by(ours.median, *median) } else { quantile(&ratios, 0.5) };
            let best_ratio = by(ours.best, *best);
            print!("{name:width$}  {best:>9.2} {median:>9.2} {p99:>9.2}");
            match (std::ptr::eq(ours, theirs), self.above == Some(name)) {
                (true, _) => println!(),
                (_, true) => println!("   (taken off the others)"),
                _ => println!("   {ratio:.2} ({best_ratio:.2})"),
            }
            let is_peer = *is_peer && self.above != Some(name);
            let mut line = self.line(json!({
                "name": name, "best": best, "median": median, "p99": p99, "peer": is_peer,
                // JSON knows no infinity: it becomes null.
                "ratio": ratio, "best_ratio": best_ratio, "rounds": samples.len(),
            }));
            if let Some(above) = self.above {
                line["above"] = above.into();
            }
            if let Some((series, x)) = self.point {
                line["series"] = series.into();
                line["x"] = x.into();
            }
            self.bench.leave(&line);
        }
        let measured: Vec<_> = results.iter().map(|summary| summary.measured(self.above)).collect();
        for target in &self.targets {
            let verdict = target.judge(&measured);
            println!("target {}: {:.2}, {}", verdict.text, verdict.value, verdict.outcome());
            self.bench.leave(&self.line(json!({
                "target": verdict.text, "value": verdict.value, "met": verdict.met, "stretch": verdict.stretch,
            })));
        }
        let drift = quantile(control, 1.0) / quantile(control, 0.0);
        let doubt = if drift > STEADY { "; the machine was not steady, trust the ratios only" } else { "" };
        println!("({} rounds; control loop: slowest {drift:.2} x fastest{doubt})\n", control.len());
        self.bench.leave(&self.line(json!({ "drift": drift })));
    }

    /// With the names of benchmark and row.
    fn line(&self, mut line: Value) -> Value {
        line["bench"] = self.bench.name.into();
        line["row"] = self.title.into();
        line
    }
}

/// A ratio; nothing by nothing is the same.
fn by(ours: f64, theirs: f64) -> f64 {
    if ours == theirs { 1.0 } else { ours / theirs }
}

/// What one contestant measured, above the ground if the row has one.
struct Summary<'a> {
    name: &'a str,
    best: f64,
    median: f64,
    p99: f64,
    is_peer: bool,
    samples: Vec<f64>,
}

impl<'a> Summary<'a> {
    fn of(who: &Contestant<'a>, samples: &[f64], ground: Option<&Vec<f64>>) -> Self {
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
        Summary { name: who.name, best, median, p99, is_peer: who.is_peer, samples }
    }

    fn measured(&self, above: Option<&str>) -> Measured<'a> {
        let is_peer = self.is_peer && above != Some(self.name);
        Measured { name: self.name, best: self.best, median: self.median, is_peer }
    }
}
