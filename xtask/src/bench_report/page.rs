//! The page that a person reads.

use std::fmt::Write as _;

use super::charts::{Chart, Subject};
use super::losses::{self, NOISE};
use super::results::{Load, Program, Results, Row, Summary};
use super::{STEADY, claims};

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
         better everywhere. Rows *above* a contestant show what is left after taking its time off. The same numbers: \
         [benchmarks.json](benchmarks.json).\n"
    )?;
    writeln!(page, "**{}.**\n", results.summary())?;
    show(page, charts, |subject| *subject == Subject::Overview)?;
    glance(page, results)?;
    losses::write(page, results)?;
    claims::write(page, results)?;
    writeln!(page, "## As the work grows\n")?;
    show(page, charts, |subject| *subject == Subject::Curve)?;
    if !results.histograms.is_empty() {
        writeln!(page, "## How wakes are spread\n")?;
        show(page, charts, |subject| *subject == Subject::Histogram)?;
        writeln!(page, "| ns until a sleeper runs | | 10 % | 50 % | 90 % | 99 % |\n|---|---|--:|--:|--:|--:|")?;
        for h in &results.histograms {
            let quantiles = [h.p10, h.p50, h.p90, h.p99].map(number).join(" | ");
            writeln!(page, "| {} | {} | {quantiles} |", h.title, h.name)?;
        }
        writeln!(page)?;
    }
    event_loops(page, results)?;
    for bench in &results.benches {
        let name = bench.name();
        writeln!(page, "## {name}\n\n`cargo bench --bench {name}`\n")?;
        show(page, charts, |subject| *subject == Subject::Bench(bench.title.clone()))?;
        if results.rows_of(bench).next().is_none() {
            writeln!(page, "It measured nothing on this machine, and says why when it is run.\n")?;
        }
        for row in results.rows_of(bench) {
            table(page, row)?;
        }
    }
    Ok(())
}

fn show(page: &mut String, charts: &[Chart], which: impl Fn(&Subject) -> bool) -> std::fmt::Result {
    for chart in charts.iter().filter(|chart| which(&chart.subject)) {
        writeln!(page, "![{}]({})\n", chart.title, chart.file)?;
    }
    Ok(())
}

/// One line per benchmark.
fn glance(page: &mut String, results: &Results) -> std::fmt::Result {
    writeln!(page, "| | targets met | rows with peers | ahead | level | behind | s | other programs | stolen |")?;
    writeln!(page, "|---|--:|--:|--:|--:|--:|--:|--:|--:|")?;
    for bench in &results.benches {
        let Summary { targets, met, .. } = Summary::of(results.rows_of(bench));
        let ratios: Vec<f64> = results.rows_of(bench).filter_map(Row::against_best).collect();
        let count = |which: fn(f64) -> bool| ratios.iter().filter(|ratio| which(**ratio)).count();
        let (ahead, behind) = (count(|ratio| ratio < 1.0 / NOISE), count(|ratio| ratio > NOISE));
        let level = ratios.len() - ahead - behind;
        let load = match bench.load {
            Some(Load { seconds, others, stolen, .. }) => format!("{seconds:.0} | {others:.0} % | {stolen:.0} %"),
            None => "broken off | | ".to_owned(),
        };
        writeln!(
            page,
            "| {} | {met} of {targets} | {} | {ahead} | {level} | {behind} | {load} |",
            bench.name(),
            ratios.len()
        )?;
    }
    writeln!(
        page,
        "\n*Level*: within {:.0} %. *Other programs*: their share of all processors while the benchmark ran; *stolen*: the \
         hypervisor's.\n",
        100.0 * (NOISE - 1.0)
    )
}

/// What the examples print, as they print it.
fn event_loops(page: &mut String, results: &Results) -> std::fmt::Result {
    if results.programs.is_empty() {
        return Ok(());
    }
    writeln!(
        page,
        "## An event loop beside saturated workers\n\nRound trips of pings to a server of one thread, while its pool of two \
         hashes a file for other clients, in phases without and with that load. The workers of the first run give way \
         (`SCHED_IDLE`, see `bridge/README.md`), those of the second do not.\n"
    )?;
    for Program { name, output } in &results.programs {
        writeln!(page, "`cargo run --release --example {name}`\n\n```text\n{}\n```\n", output.join("\n"))?;
    }
    Ok(())
}

fn table(page: &mut String, row: &Row) -> std::fmt::Result {
    let above = row.samples.first().and_then(|sample| sample.above.as_deref());
    let title = above.map_or(row.title.clone(), |above| format!("{}, above {above}", row.title));
    let rounds = row.samples.first().map_or(0, |sample| sample.rounds);
    let rounds = if rounds == 1 { "1 round".to_owned() } else { format!("{rounds} rounds") };
    writeln!(page, "### {title}\n\n| {rounds} | best | median | 99 % | ours / theirs | best / best |")?;
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
    if row.drift > STEADY {
        writeln!(page, "The machine's speed changed by a factor of {:.2} meanwhile: trust the ratios.  ", row.drift)?;
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
        size if size > 0.0 && size < 0.01 => format!("{x:.4}"),
        _ => format!("{x:.2}"),
    }
}
