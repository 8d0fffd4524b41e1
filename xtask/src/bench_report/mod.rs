//! `cargo xtask bench-report`: runs the benchmarks and writes what they say as a page with charts.
//!
//! ```text
//! cargo bench --bench NAME ──> target/bench-report.jsonl ──> docs/benchmarks.json
//!                                                       ├──> docs/benchmarks.md      page.rs, claims.rs
//!                                                       └──> docs/benchmarks/*.svg   charts.rs
//! ```

mod charts;
mod claims;
mod page;
mod results;

use std::fs;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;
use xshell::{Shell, cmd};

use crate::metadata;
use results::Results;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// A look in less than three minutes, not for a claim
    #[arg(long)]
    quick: bool,
    /// Write the page again from docs/benchmarks.json, without a run
    #[arg(long)]
    page_only: bool,
    /// Only these benchmarks: `fork_join`, `deque`, ...
    benches: Vec<String>,
}

pub(crate) fn run(sh: &Shell, arguments: &Arguments) -> Result<()> {
    let docs = metadata::root().join("docs");
    let json = docs.join("benchmarks.json");
    let folder = docs.join("benchmarks");
    fs::create_dir_all(&folder).context("docs/benchmarks")?;
    if !arguments.page_only {
        let lines = measure(sh, arguments)?;
        fs::write(&json, lines).context("docs/benchmarks.json")?;
    }
    let results = Results::read(&fs::read_to_string(&json).context("docs/benchmarks.json")?)?;
    let charts = charts::draw(&results, &folder)?;
    fs::write(docs.join("benchmarks.md"), page::write(&results, &charts)).context("docs/benchmarks.md")?;
    let summary = results.summary();
    println!("docs/benchmarks.md: {summary}");
    Ok(())
}

/// Runs the benchmarks; the lines that they leave, as one JSON array.
fn measure(sh: &Shell, arguments: &Arguments) -> Result<String> {
    let file = metadata::root().join("target/bench-report.jsonl");
    let _ = fs::remove_file(&file);
    let start = Instant::now();
    let all = benches(sh)?;
    for name in &arguments.benches {
        ensure!(all.contains(name), "no benchmark is called {name}; there are {}", all.join(", "));
    }
    let chosen: Vec<_> =
        all.iter().filter(|name| arguments.benches.is_empty() || arguments.benches.contains(name)).collect();
    // Built before the clock runs.
    cmd!(sh, "cargo bench --no-run --benches -p reveille").quiet().run()?;
    let quick = arguments.quick.then_some("--quick");
    for name in chosen {
        cmd!(sh, "cargo bench -q -p reveille --bench {name} -- {quick...}").env("REVEILLE_BENCH_JSON", &file).run()?;
    }
    println!("measured in {:.0} s", start.elapsed().as_secs_f64());
    let lines = fs::read_to_string(&file).context("the benchmarks leave results")?;
    let mode = format!("{{\"quick\":{}}}", arguments.quick);
    let lines: Vec<_> = std::iter::once(mode.as_str()).chain(lines.lines()).collect();
    Ok(format!("[\n{}\n]\n", lines.join(",\n")))
}

/// The benchmarks of the facade that leave results.
fn benches(sh: &Shell) -> Result<Vec<String>> {
    #[derive(Deserialize)]
    struct Metadata {
        packages: Vec<Package>,
    }
    #[derive(Deserialize)]
    struct Package {
        name: String,
        targets: Vec<Target>,
    }
    #[derive(Deserialize)]
    struct Target {
        name: String,
        kind: Vec<String>,
    }
    let json = cmd!(sh, "cargo metadata --no-deps --format-version 1").quiet().read()?;
    let Metadata { packages } = serde_json::from_str(&json).context("cargo metadata speaks another language")?;
    let facade = packages.into_iter().find(|package| package.name == "reveille").context("the facade is a package")?;
    let benches = facade.targets.into_iter().filter(|target| target.kind.iter().any(|kind| kind == "bench"));
    Ok(benches.map(|target| target.name).collect())
}
