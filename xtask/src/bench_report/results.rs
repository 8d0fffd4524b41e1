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
    Histogram(Histogram),
    Machine {
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

pub(super) struct Row {
    pub(super) bench: String,
    pub(super) title: String,
    /// Ours first.
    pub(super) samples: Vec<Sample>,
    pub(super) targets: Vec<Target>,
}

impl Row {
    /// The peer that is best, if somebody competes. Sequential code, limits and our own variants do not.
    pub(super) fn best_peer(&self) -> Option<&Sample> {
        if !self.ours()?.name.starts_with("reveille") {
            return None;
        }
        let above = self.samples[0].above.as_deref();
        let limits = ["sequential", "spinning", "one swap, the limit"];
        let peers = self
            .samples
            .iter()
            .filter(|s| !s.name.starts_with("reveille") && above != Some(&*s.name) && !limits.contains(&&*s.name));
        peers.min_by(|a, b| a.best.total_cmp(&b.best))
    }

    pub(super) fn ours(&self) -> Option<&Sample> {
        self.samples.first()
    }

    pub(super) fn by(&self, name: &str) -> Option<&Sample> {
        self.samples.iter().find(|sample| sample.name == name)
    }

    /// How many times the best peer's cost ours is.
    pub(super) fn against_best(&self) -> Option<f64> {
        let ratio = self.ours()?.best / self.best_peer()?.best;
        (ratio.is_finite() && ratio > 0.0).then_some(ratio)
    }

    pub(super) fn misses(&self) -> impl Iterator<Item = &Target> {
        self.targets.iter().filter(|target| !target.met && !target.stretch)
    }
}

/// Everything.
pub(super) struct Results {
    pub(super) quick: bool,
    pub(super) machine: String,
    pub(super) rows: Vec<Row>,
    pub(super) histograms: Vec<Histogram>,
}

impl Results {
    pub(super) fn read(json: &str) -> Result<Self> {
        let lines: Vec<Line> = serde_json::from_str(json).context("not what the benchmarks write")?;
        let mut all = Results { quick: false, machine: String::new(), rows: Vec::new(), histograms: Vec::new() };
        for line in lines {
            match line {
                Line::Sample { bench, row, sample } => all.row(bench, row).samples.push(sample),
                Line::Target { bench, row, target } => all.row(bench, row).targets.push(target),
                Line::Histogram(histogram) => all.histograms.push(histogram),
                Line::Machine { machine } => all.machine = machine,
                Line::Mode { quick } => all.quick = quick,
            }
        }
        Ok(all)
    }

    fn row(&mut self, bench: String, title: String) -> &mut Row {
        let known = self.rows.iter().position(|row| row.bench == bench && row.title == title);
        let index = known.unwrap_or_else(|| {
            self.rows.push(Row { bench, title, samples: Vec::new(), targets: Vec::new() });
            self.rows.len() - 1
        });
        &mut self.rows[index]
    }

    pub(super) fn find(&self, bench: &str, title: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row.bench.starts_with(bench) && row.title == title)
    }

    pub(super) fn summary(&self) -> Summary {
        let targets = || self.rows.iter().flat_map(|row| &row.targets);
        Summary {
            targets: targets().filter(|target| !target.stretch).count(),
            met: targets().filter(|target| !target.stretch && target.met).count(),
            stretch: targets().filter(|target| target.stretch).count(),
            stretch_met: targets().filter(|target| target.stretch && target.met).count(),
        }
    }
}

pub(super) struct Summary {
    targets: usize,
    met: usize,
    stretch: usize,
    stretch_met: usize,
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
        {"bench":"b, ns","row":"r","name":"reveille","best":2,"median":3,"p99":4,"ratio":1,"best_ratio":1,"rounds":7},
        {"bench":"b, ns","row":"r","name":"peer","best":1,"median":3,"p99":4,"ratio":null,"best_ratio":2,"rounds":7},
        {"bench":"b, ns","row":"r","target":"at most 1","value":2,"bound":1,"met":false,"stretch":false}
    ]"#;

    #[test]
    fn lines_become_rows_and_losses_are_seen() {
        let results = Results::read(LINES).unwrap();
        let row = results.find("b", "r").unwrap();
        assert!(results.quick);
        assert_eq!(row.against_best(), Some(2.0));
        assert_eq!(row.misses().count(), 1);
        assert_eq!(results.summary().to_string(), "0 of 1 targets met, and 0 of 0 that are only hoped for");
    }
}
