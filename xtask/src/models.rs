//! `cargo xtask models`: the model-checking suite as a table of claims.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{CellAlignment, Table};
use serde::Deserialize;
use xshell::{Shell, cmd};

use crate::metadata;
use crate::test::LOOM;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Also run what is too slow for every change
    #[arg(long)]
    full: bool,
    /// Only these layers: futex, deque, latch, ...
    layers: Vec<String>,
}

/// One line of the report that the suite's runner appends to `REVEILLE_MODEL_REPORT`.
#[derive(Deserialize)]
struct Line {
    name: String,
    model: String,
    twin: bool,
    /// Of the first execution; unknown for a twin, which may fail before it is over.
    threads: Option<usize>,
    bound: usize,
    executions: usize,
    seconds: f64,
    verdict: String,
}

impl Line {
    fn is_good(&self) -> bool {
        self.verdict == if self.twin { "fails, as it must" } else { "holds" }
    }
}

pub(crate) fn run(sh: &Shell, arguments: &Arguments) -> Result<()> {
    let layers = choose(sh, &arguments.layers)?;
    let target = metadata::root().join("target/loom");
    let start = Instant::now();
    let mut rows = Vec::new();
    let mut faults = Vec::new();
    for layer in &layers {
        let report = target.join(format!("report-{layer}.jsonl"));
        let tests_passed = run_layer(sh, layer, arguments.full, &report)?;
        let lines = read(&report).with_context(|| format!("the report of {layer}"))?;
        faults
            .extend(lines.iter().filter(|line| !line.is_good()).map(|line| format!("{}: {}", line.name, line.verdict)));
        if !tests_passed && lines.iter().all(Line::is_good) {
            faults.push(format!("{layer}: a test failed without a verdict"));
        }
        rows.extend(lines.into_iter().map(|line| (layer.clone(), line)));
    }
    println!("{}", table(&rows));
    let models = rows.iter().filter(|(_, line)| !line.twin).count();
    println!(
        "{models} models, {} twins, {} executions in {:.0} s ({} tier)",
        rows.len() - models,
        rows.iter().map(|(_, line)| line.executions).sum::<usize>(),
        start.elapsed().as_secs_f64(),
        if arguments.full { "full" } else { "fast" },
    );
    ensure!(!rows.is_empty(), "no model ran");
    ensure!(faults.is_empty(), "{} of {} failed:\n  {}", faults.len(), rows.len(), faults.join("\n  "));
    Ok(())
}

/// The layers asked for, or all.
pub(crate) fn choose(sh: &Shell, wanted: &[String]) -> Result<Vec<String>> {
    let layers = metadata::modelled_layers(sh)?;
    if let Some(unknown) = wanted.iter().find(|layer| !layers.contains(layer)) {
        anyhow::bail!("there is no layer {unknown}; there are {}", layers.join(", "));
    }
    Ok(if wanted.is_empty() { layers } else { wanted.to_vec() })
}

/// Builds and runs one layer's models; whether all tests passed.
fn run_layer(sh: &Shell, layer: &str, full: bool, report: &Path) -> Result<bool> {
    let _ = fs::remove_file(report);
    let test = || {
        cmd!(sh, "cargo test --quiet --release --target-dir target/loom --package reveille-loom-tests --test {layer}")
            .env("RUSTFLAGS", LOOM)
            .env("REVEILLE_MODEL_REPORT", report)
    };
    test().arg("--no-run").run()?;
    let tier = full.then_some("--include-ignored");
    Ok(test().arg("--").args(tier).run().is_ok())
}

/// What the runner has said last about each check.
fn read(report: &Path) -> Result<Vec<Line>> {
    let Ok(text) = fs::read_to_string(report) else { return Ok(Vec::new()) };
    let mut last = BTreeMap::new();
    for line in text.lines() {
        let line: Line = serde_json::from_str(line)?;
        last.insert(line.name.clone(), line);
    }
    let mut lines: Vec<_> = last.into_values().collect();
    lines.sort_by(|a, b| (a.twin, &a.model, &a.name).cmp(&(b.twin, &b.model, &b.name)));
    Ok(lines)
}

/// A twin runs as many threads as its model.
fn threads(rows: &[(String, Line)], line: &Line) -> Option<usize> {
    line.threads.or_else(|| rows.iter().find(|(_, model)| !model.twin && model.name == line.model)?.1.threads)
}

fn table(rows: &[(String, Line)]) -> Table {
    let mut table = Table::new();
    table.load_preset(UTF8_FULL_CONDENSED);
    table.set_header([
        "layer",
        "claim or mistake",
        "checked by",
        "threads",
        "bound",
        "executions",
        "seconds",
        "verdict",
    ]);
    for (layer, line) in rows {
        table.add_row([
            layer.clone(),
            line.name.replace('_', " "),
            if line.twin { line.model.clone() } else { String::new() },
            threads(rows, line).map_or_else(String::new, |threads| threads.to_string()),
            line.bound.to_string(),
            line.executions.to_string(),
            format!("{:.2}", line.seconds),
            line.verdict.clone(),
        ]);
    }
    for column in table.column_iter_mut().skip(3).take(4) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}
