//! The page that a person reads.

use std::fmt::Write as _;

use super::charts::Chart;
use super::claims;
use super::results::{Results, Row};

/// Explanations of rows that were lost, by the beginning of their title.
const CAUSES: &str = include_str!("causes.toml");

/// Differences below this are not told apart from noise.
const NOISE: f64 = 1.05;

#[derive(serde::Deserialize)]
struct Causes {
    cause: Vec<Cause>,
}

#[derive(serde::Deserialize)]
struct Cause {
    row: String,
    text: String,
}

pub(super) fn write(results: &Results, charts: &[Chart]) -> String {
    let mut page = String::new();
    write_into(&mut page, results, charts).expect("a string takes everything");
    page
}

fn write_into(page: &mut String, results: &Results, charts: &[Chart]) -> std::fmt::Result {
    let mode = if results.quick { " --quick`, which is a look and not a claim" } else { "`" };
    writeln!(page, "# Benchmarks\n\nWritten by `cargo xtask bench-report{mode}. On: {}.\n", results.machine)?;
    writeln!(
        page,
        "All contestants of a row take turns in one process. *Best* and *median* are over rounds; *ours / theirs* is the \
         median of the ratios taken in the same round. Times are nanoseconds unless the row says otherwise; less is \
         better everywhere. Rows *above* a contestant show what is left after taking its time off.\n"
    )?;
    writeln!(page, "**{}.**\n", results.summary())?;
    for chart in charts.iter().filter(|chart| chart.overview) {
        writeln!(page, "![{}]({})\n", chart.title, chart.file)?;
    }
    losses(page, results)?;
    claims::write(page, results)?;
    writeln!(page, "## As the work grows\n")?;
    for chart in charts.iter().filter(|chart| !chart.overview) {
        writeln!(page, "![{}]({})\n", chart.title, chart.file)?;
    }
    if !results.histograms.is_empty() {
        writeln!(page, "| ns until a sleeper runs | | 10 % | 50 % | 90 % | 99 % |\n|---|---|--:|--:|--:|--:|")?;
        for h in &results.histograms {
            let quantiles = [h.p10, h.p50, h.p90, h.p99].map(number).join(" | ");
            writeln!(page, "| {} | {} | {quantiles} |", h.title, h.name)?;
        }
        writeln!(page)?;
    }
    let mut bench = "";
    for row in &results.rows {
        if row.bench != bench {
            bench = &row.bench;
            let name = bench.split(',').next().unwrap_or(bench);
            writeln!(page, "## {name}\n\n`cargo bench --bench {name}`\n")?;
        }
        table(page, row)?;
    }
    Ok(())
}

fn losses(page: &mut String, results: &Results) -> std::fmt::Result {
    let causes: Causes = toml::from_str(CAUSES).expect("causes.toml is ours");
    writeln!(page, "## Where we lose\n")?;
    let mut none = true;
    for row in &results.rows {
        let behind = row.against_best().filter(|ratio| *ratio > NOISE).filter(|_| row.samples[0].series.is_none());
        let misses: Vec<_> = row.misses().collect();
        if behind.is_none() && misses.is_empty() {
            continue;
        }
        none = false;
        write!(page, "* **{}**:", row.title)?;
        if let (Some(ratio), Some(peer)) = (behind, row.best_peer()) {
            write!(page, " {ratio:.2} x {}.", peer.name)?;
        }
        for target in misses {
            write!(page, " Target {}: {}, missed.", target.text, target.value.map_or("?".into(), number))?;
        }
        // The longest beginning is the most specific.
        let fitting = causes.cause.iter().filter(|cause| row.title.starts_with(&cause.row));
        match fitting.max_by_key(|cause| cause.row.len()) {
            Some(cause) => writeln!(page, " {}", cause.text.trim().replace('\n', " "))?,
            None => writeln!(page, " Not explained yet.")?,
        }
    }
    writeln!(page, "{}", if none { "Nowhere in this run.\n" } else { "" })
}

fn table(page: &mut String, row: &Row) -> std::fmt::Result {
    let above = row.samples.first().and_then(|sample| sample.above.as_deref());
    let title = above.map_or(row.title.clone(), |above| format!("{}, above {above}", row.title));
    let rounds = row.samples.first().map_or(0, |sample| sample.rounds);
    writeln!(page, "### {title}\n\n| of {rounds} | best | median | 99 % | ours / theirs | best / best |")?;
    writeln!(page, "|---|--:|--:|--:|--:|--:|")?;
    for (index, sample) in row.samples.iter().enumerate() {
        let ratio = |ratio: Option<f64>| match ratio {
            Some(ratio) if index > 0 && above != Some(&*sample.name) => format!("{ratio:.2}"),
            _ => String::new(),
        };
        let [best, median, p99] = [sample.best, sample.median, sample.p99].map(number);
        let (same, bests) = (ratio(sample.ratio), ratio(sample.best_ratio));
        writeln!(page, "| {} | {best} | {median} | {p99} | {same} | {bests} |", sample.name)?;
    }
    writeln!(page)?;
    for target in &row.targets {
        let verdict = match (target.met, target.stretch) {
            (true, _) => "met",
            (false, true) => "not reached",
            (false, false) => "**missed**",
        };
        writeln!(page, "Target {}: {}, {verdict}.  ", target.text, target.value.map_or("?".into(), number))?;
    }
    writeln!(page)
}

/// Three digits that mean something.
pub(super) fn number(x: f64) -> String {
    match x.abs() {
        size if size >= 1e9 => format!("{:.2} G", x / 1e9),
        size if size >= 1e6 => format!("{:.2} M", x / 1e6),
        size if size >= 1e4 => format!("{:.1} k", x / 1e3),
        size if size >= 100.0 => format!("{x:.0}"),
        size if size >= 10.0 => format!("{x:.1}"),
        _ => format!("{x:.2}"),
    }
}
