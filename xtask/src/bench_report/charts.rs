//! Which charts there are, and what is in each.
//!
//! | subject | picture |
//! |---|---|
//! | overview | a dot per row that has peers, one line per benchmark: left of the line is cheaper than the best peer |
//! | benchmark | the same as bars with names |
//! | curve | the rows of a series, a line per contestant |
//! | histogram | the share of the samples in each quarter of an octave |

use std::path::Path;

use anyhow::{Result, anyhow};

use super::draw::{self, Axes, Curves};
use super::results::{Results, Row};

/// A chart that was drawn.
pub(super) struct Chart {
    pub(super) title: String,
    /// Relative to the page.
    pub(super) file: String,
    pub(super) subject: Subject,
}

#[derive(Clone, PartialEq, Eq)]
pub(super) enum Subject {
    Overview,
    /// By its title.
    Bench(String),
    Curve,
    Histogram,
}

pub(super) fn draw(results: &Results, folder: &Path) -> Result<Vec<Chart>> {
    let mut charts = Vec::new();
    let mut add = |title: &str, subject: Subject, draw: &dyn Fn(&Path) -> Result<()>| -> Result<()> {
        let name = format!("{}.svg", slug(title));
        draw(&folder.join(&name)).map_err(|error| anyhow!("{name}: {error}"))?;
        charts.push(Chart { title: title.to_owned(), file: format!("benchmarks/{name}"), subject });
        Ok(())
    };
    let ratios = |rows: &mut dyn Iterator<Item = &Row>| -> Vec<(String, f64)> {
        rows.filter_map(|row| Some((row.title.clone(), row.against_best()?))).collect()
    };
    let benches = results.benches.iter().map(|bench| (bench, ratios(&mut results.rows_of(bench))));
    let benches: Vec<_> = benches.filter(|(_, ratios)| !ratios.is_empty()).collect();
    let strips = benches.iter().map(|(bench, ratios)| (bench.name(), ratios.iter().map(|(_, ratio)| *ratio).collect()));
    let strips: Vec<(&str, Vec<f64>)> = strips.collect();
    if !strips.is_empty() {
        add("our cost by the best peer's", Subject::Overview, &|path| draw::strips(path, &strips))?;
    }
    for (bench, ratios) in &benches {
        let title = format!("{}: our cost by the best peer's", bench.name());
        add(&title, Subject::Bench(bench.title.clone()), &|path| draw::bars(path, bench.name(), ratios))?;
    }
    for (series, curves) in curves(results) {
        let (y, x) = series.split_once(" against ").unwrap_or((&series, ""));
        let axes = Axes { caption: &series, x, y, share: false };
        add(&series, Subject::Curve, &|path| draw::lines(path, &axes, &curves))?;
    }
    for (title, curves) in histograms(results) {
        let axes = Axes { caption: &title, x: "ns", y: "% of the wakes", share: true };
        add(&title, Subject::Histogram, &|path| draw::lines(path, &axes, &curves))?;
    }
    Ok(charts)
}

/// The charts by title, in the order of the benchmarks.
#[derive(Default)]
struct Titled(Vec<(String, Curves)>);

impl Titled {
    /// The line of a name in the chart of a title.
    fn line(&mut self, title: &str, name: &str) -> &mut Vec<(f64, f64)> {
        let curves = entry(&mut self.0, title);
        entry(curves, name)
    }
}

/// What a name has, at the end if it is new.
fn entry<'a, T: Default>(all: &'a mut Vec<(String, T)>, name: &str) -> &'a mut T {
    let index = all.iter().position(|(known, _)| known == name).unwrap_or_else(|| {
        all.push((name.to_owned(), T::default()));
        all.len() - 1
    });
    &mut all[index].1
}

fn curves(results: &Results) -> Vec<(String, Curves)> {
    let mut all = Titled::default();
    for sample in results.rows.iter().flat_map(|row| &row.samples) {
        let (Some(series), Some(x)) = (&sample.series, sample.x) else { continue };
        if sample.above.as_ref() != Some(&sample.name) {
            all.line(series, &sample.name).push((x, sample.median));
        }
    }
    all.0
}

fn histograms(results: &Results) -> Vec<(String, Curves)> {
    let mut all = Titled::default();
    for histogram in &results.histograms {
        let count: u32 = histogram.buckets.iter().map(|(_, count)| count).sum();
        let line = all.line(&histogram.title, &histogram.name);
        for &(from, part) in &histogram.buckets {
            // Buckets are a quarter of an octave wide; those that are empty are not in the list.
            if let Some(&(last, _)) = line.last() {
                let empty = ((from / last).log2() * 4.0).round() as i32;
                line.extend((1..empty).map(|step| (last * (f64::from(step) / 4.0).exp2(), 0.0)));
            }
            line.push((from, 100.0 * f64::from(part) / f64::from(count.max(1))));
        }
    }
    all.0
}

fn slug(title: &str) -> String {
    let letters = title.chars().filter(|c| *c != '\'');
    let word: String = letters.map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { ' ' }).collect();
    word.split_whitespace().collect::<Vec<_>>().join("-")
}
