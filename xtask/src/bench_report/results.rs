//! What the benchmarks leave, as rows.

use std::fmt;

use anyhow::{Context as _, Result};
use serde::Deserialize;

/// One line of the benchmarks' JSON; the harness writes which one it is by its fields.
#[derive(Deserialize)]
#[serde(untagged)]
enum Line {
    Sample {
        bench: String,
        row: String,
        #[serde(flatten)]
        sample: Sample,
    },
    Target {
        bench: String,
        row: String,
        #[serde(flatten)]
        target: Target,
    },
    Drift {
        bench: String,
        row: String,
        drift: f64,
    },
    Histogram(Histogram),
    Load {
        bench: String,
        #[serde(flatten)]
        load: Load,
    },
    Program(Program),
    Machine {
        bench: String,
        machine: String,
    },
    Mode {
        quick: bool,
    },
}

/// What one contestant measured in one row.
#[derive(Deserialize)]
pub(super) struct Sample {
    pub(super) name: String,
    pub(super) best: f64,
    pub(super) median: f64,
    pub(super) p99: f64,
    /// Somebody to beat.
    pub(super) peer: bool,
    /// Ours by theirs in the same round, and best by best.
    pub(super) ratio: Option<f64>,
    pub(super) best_ratio: Option<f64>,
    pub(super) rounds: usize,
    /// The contestant whose share was taken off.
    pub(super) above: Option<String>,
    pub(super) series: Option<String>,
    pub(super) x: Option<f64>,
}

/// A bound on what ours measured.
#[derive(Deserialize)]
pub(super) struct Target {
    #[serde(rename = "target")]
    pub(super) text: String,
    pub(super) value: Option<f64>,
    pub(super) met: bool,
    pub(super) stretch: bool,
}

/// How one contestant's samples are spread.
#[derive(Deserialize)]
pub(super) struct Histogram {
    #[serde(rename = "histogram")]
    pub(super) title: String,
    pub(super) name: String,
    pub(super) p10: f64,
    pub(super) p50: f64,
    pub(super) p90: f64,
    pub(super) p99: f64,
    /// From how many nanoseconds on, and how often.
    pub(super) buckets: Vec<(f64, u32)>,
}

/// How long a benchmark took, and who had the processors meanwhile, in per cent.
#[derive(Clone, Copy, Deserialize)]
pub(super) struct Load {
    pub(super) seconds: f64,
    pub(super) others: f64,
    pub(super) stolen: f64,
}

/// What an example printed.
#[derive(Deserialize)]
pub(super) struct Program {
    #[serde(rename = "program")]
    pub(super) name: String,
    pub(super) output: Vec<String>,
}

#[derive(Default)]
pub(super) struct Row {
    pub(super) bench: String,
    pub(super) title: String,
    /// Ours first.
    pub(super) samples: Vec<Sample>,
    pub(super) targets: Vec<Target>,
    /// The slowest control loop by the fastest.
    pub(super) drift: f64,
}

impl Row {
    /// The peer that is best, if somebody competes with us.
    pub(super) fn best_peer(&self) -> Option<&Sample> {
        let ours = self.ours()?.name.starts_with("reveille");
        let peers = self.samples.iter().filter(|sample| ours && sample.peer);
        peers.min_by(|a, b| a.best.total_cmp(&b.best))
    }

    pub(super) fn ours(&self) -> Option<&Sample> {
        self.samples.first()
    }

    /// The contestant of this name, with whatever version.
    pub(super) fn by(&self, name: &str) -> Option<&Sample> {
        self.samples.iter().find(|sample| {
            let rest = sample.name.strip_prefix(name);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
        })
    }

    /// How many times the best peer's cost ours is.
    pub(super) fn against_best(&self) -> Option<f64> {
        let (ours, theirs) = (self.ours()?.best, self.best_peer()?.best);
        match ours == theirs {
            true => Some(1.0), // also nothing against nothing
            false => Some(ours / theirs).filter(|ratio| ratio.is_finite() && *ratio > 0.0),
        }
    }

    pub(super) fn misses(&self) -> impl Iterator<Item = &Target> {
        self.targets.iter().filter(|target| !target.met && !target.stretch)
    }
}

/// One benchmark program.
pub(super) struct Bench {
    /// As its rows say it: name and unit.
    pub(super) title: String,
    /// None if it was broken off.
    pub(super) load: Option<Load>,
}

impl Bench {
    pub(super) fn name(&self) -> &str {
        self.title.split(',').next().unwrap_or(&self.title)
    }
}

/// Everything.
#[derive(Default)]
pub(super) struct Results {
    pub(super) quick: bool,
    pub(super) machine: String,
    pub(super) benches: Vec<Bench>,
    pub(super) rows: Vec<Row>,
    pub(super) histograms: Vec<Histogram>,
    pub(super) programs: Vec<Program>,
}

impl Results {
    pub(super) fn read(json: &str) -> Result<Self> {
        let lines: Vec<Line> = serde_json::from_str(json).context("not what the benchmarks write")?;
        let mut all = Results::default();
        for line in lines {
            match line {
                Line::Sample { bench, row, sample } => all.row(bench, row).samples.push(sample),
                Line::Target { bench, row, target } => all.row(bench, row).targets.push(target),
                Line::Drift { bench, row, drift } => all.row(bench, row).drift = drift,
                Line::Histogram(histogram) => all.histograms.push(histogram),
                Line::Load { bench, load } => {
                    let known = all.benches.iter_mut().find(|known| known.title == bench);
                    known.context("a benchmark begins before it ends")?.load = Some(load);
                }
                Line::Program(program) => all.programs.push(program),
                Line::Machine { bench, machine } => {
                    all.machine = machine;
                    all.benches.push(Bench { title: bench, load: None });
                }
                Line::Mode { quick } => all.quick |= quick,
            }
        }
        // However the report came together.
        all.benches.sort_by(|a, b| a.title.cmp(&b.title));
        Ok(all)
    }

    fn row(&mut self, bench: String, title: String) -> &mut Row {
        let known = self.rows.iter().position(|row| row.bench == bench && row.title == title);
        let index = known.unwrap_or_else(|| {
            self.rows.push(Row { bench, title, ..Row::default() });
            self.rows.len() - 1
        });
        &mut self.rows[index]
    }

    pub(super) fn rows_of<'a>(&'a self, bench: &'a Bench) -> impl Iterator<Item = &'a Row> {
        self.rows.iter().filter(|row| row.bench == bench.title)
    }

    pub(super) fn find(&self, bench: &str, title: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row.bench.split(',').next() == Some(bench) && row.title == title)
    }

    pub(super) fn summary(&self) -> Summary {
        Summary::of(self.rows.iter())
    }
}

/// How many targets there are, and how many are met.
#[derive(Default)]
pub(super) struct Summary {
    pub(super) targets: usize,
    pub(super) met: usize,
    stretch: usize,
    stretch_met: usize,
}

impl Summary {
    pub(super) fn of<'a>(rows: impl Iterator<Item = &'a Row>) -> Self {
        let mut all = Summary::default();
        for target in rows.flat_map(|row| &row.targets) {
            let (count, met) = match target.stretch {
                false => (&mut all.targets, &mut all.met),
                true => (&mut all.stretch, &mut all.stretch_met),
            };
            *count += 1;
            *met += usize::from(target.met);
        }
        all
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Summary { targets, met, stretch, stretch_met } = self;
        write!(f, "{met} of {targets} targets met, and {stretch_met} of {stretch} that are only hoped for")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINES: &str = r#"[
        {"quick":true},
        {"bench":"b, ns","machine":"m"},
        {"bench":"b, ns","row":"r","name":"reveille","best":2,"median":3,"p99":4,"ratio":1,"best_ratio":1,"rounds":7,"peer":false},
        {"bench":"b, ns","row":"r","name":"floor","best":0.5,"median":3,"p99":4,"ratio":1,"best_ratio":4,"rounds":7,"peer":false},
        {"bench":"b, ns","row":"r","name":"peer 1.2","best":1,"median":3,"p99":4,"ratio":null,"best_ratio":2,"rounds":7,"peer":true},
        {"bench":"b, ns","row":"r","target":"at most 1","value":2,"met":false,"stretch":false},
        {"bench":"b, ns","row":"r","drift":1.25},
        {"bench":"b, ns","seconds":3,"own":50,"others":1,"stolen":0}
    ]"#;

    #[test]
    fn lines_become_rows_and_losses_are_seen() {
        let results = Results::read(LINES).unwrap();
        let row = results.find("b", "r").unwrap();
        assert!(results.quick);
        assert_eq!(row.against_best(), Some(2.0), "a floor is nobody to beat");
        assert_eq!(row.by("peer").map(|sample| sample.best), Some(1.0), "whatever its version");
        assert_eq!(row.misses().count(), 1);
        assert_eq!(row.drift, 1.25);
        assert_eq!(results.benches[0].load.map(|load| load.others), Some(1.0));
        assert_eq!(results.summary().to_string(), "0 of 1 targets met, and 0 of 0 that are only hoped for");
    }
}
