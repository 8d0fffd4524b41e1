//! `cargo xtask bench-report`: runs the benchmarks and writes what they say as a page with charts.
//!
//! ```text
//! cargo bench --bench NAME,
//! examples/line_server_* ────> target/bench-report.jsonl ──> docs/benchmarks.json
//!                                                       ├──> docs/benchmarks.md      page.rs, losses.rs, claims.rs
//!                                                       └──> docs/benchmarks/*.svg   charts.rs, draw.rs
//! ```

mod charts;
mod claims;
mod draw;
mod losses;
mod page;
mod results;

use std::env;
use std::fs;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;
use xshell::{Shell, cmd};

use crate::metadata;
use results::Results;

/// A control loop that moves by more than this casts doubt on a row.
const STEADY: f64 = 1.10;

/// Examples that measure an event loop; they print their verdict.
const EVENT_LOOPS: [&str; 2] = ["line_server_tokio", "line_server_mio"];

/// Criterion's, which compares builds of ours and leaves nothing for the page.
const WITHOUT_ROWS: &str = "micro";

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// A look in less than three minutes, not for a claim
    #[arg(long)]
    quick: bool,
    /// Write the page again from docs/benchmarks.json, without a run
    #[arg(long)]
    page_only: bool,
    /// Only these benchmarks: `fork_join`, `deque`, ...; the page keeps what it has of the others
    benches: Vec<String>,
}

pub(crate) fn run(sh: &Shell, arguments: &Arguments) -> Result<()> {
    let docs = metadata::root().join("docs");
    let json = docs.join("benchmarks.json");
    let folder = docs.join("benchmarks");
    if !arguments.page_only {
        let all = benches(sh)?;
        for name in &arguments.benches {
            ensure!(all.contains(name), "no benchmark is called {name}; there are {}", all.join(", "));
        }
        let everything = arguments.benches.is_empty();
        let chosen = if everything { &all } else { &arguments.benches };
        let kept = if everything { Vec::new() } else { without(&json, chosen)? };
        let mut lines = measure(sh, chosen, arguments.quick)?;
        if everything {
            lines.extend(event_loops(sh, arguments.quick)?);
        }
        let lines: Vec<_> = kept.into_iter().chain(lines).collect();
        fs::create_dir_all(&docs).context("docs")?;
        fs::write(&json, format!("[\n{}\n]\n", lines.join(",\n"))).context("docs/benchmarks.json")?;
    }
    let results = Results::read(&fs::read_to_string(&json).context("docs/benchmarks.json")?)?;
    let _ = fs::remove_dir_all(&folder); // charts of rows that are no more
    fs::create_dir_all(&folder).context("docs/benchmarks")?;
    let charts = charts::draw(&results, &folder)?;
    fs::write(docs.join("benchmarks.md"), page::write(&results, &charts)).context("docs/benchmarks.md")?;
    let summary = results.summary();
    println!("docs/benchmarks.md: {summary}");
    Ok(())
}

/// Runs the benchmarks; the lines that they leave.
fn measure(sh: &Shell, chosen: &[String], quick: bool) -> Result<Vec<String>> {
    let file = metadata::root().join("target/bench-report.jsonl");
    let _ = fs::remove_file(&file);
    // Built before the clock runs.
    cmd!(sh, "cargo bench --no-run --benches -p reveille").quiet().run()?;
    let examples = EVENT_LOOPS.iter().flat_map(|name| ["--example", name]);
    cmd!(sh, "cargo build --release -p reveille").args(examples).quiet().run()?;
    let start = Instant::now();
    let mode = quick.then_some("--quick");
    for name in chosen {
        cmd!(sh, "cargo bench -q -p reveille --bench {name} -- {mode...}").env("REVEILLE_BENCH_JSON", &file).run()?;
    }
    println!("measured in {:.0} s", start.elapsed().as_secs_f64());
    let lines = fs::read_to_string(&file).context("the benchmarks leave results")?;
    Ok(std::iter::once(format!("{{\"quick\":{quick}}}")).chain(lines.lines().map(str::to_owned)).collect())
}

/// Runs the servers whose loop answers pings beside saturated workers, and keeps what they print.
fn event_loops(sh: &Shell, quick: bool) -> Result<Vec<String>> {
    let file = env::current_exe().context("a program has a path")?;
    let seconds = if quick { "1" } else { "10" };
    let mut lines = Vec::new();
    for program in EVENT_LOOPS {
        for schedule in ["idle", "normal"] {
            let run = cmd!(sh, "cargo run -q --release -p reveille --example {program} -- {file} {seconds} {schedule}");
            let output = run.read()?;
            println!("{output}\n");
            let output: Vec<_> = output.lines().collect();
            lines.push(serde_json::json!({ "program": program, "output": output }).to_string());
        }
    }
    Ok(lines)
}

/// The lines of an earlier report but for those of some benchmarks, which are measured again.
fn without(json: &Path, benches: &[String]) -> Result<Vec<String>> {
    let Ok(text) = fs::read_to_string(json) else { return Ok(Vec::new()) };
    let lines: Vec<serde_json::Value> = serde_json::from_str(&text).context("docs/benchmarks.json")?;
    let kept = lines.into_iter().filter(|line| {
        let bench = line["bench"].as_str().and_then(|bench| bench.split(',').next());
        !bench.is_some_and(|bench| benches.iter().any(|name| name == bench))
    });
    Ok(kept.map(|line| line.to_string()).collect())
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
    Ok(benches.map(|target| target.name).filter(|name| name != WITHOUT_ROWS).collect())
}
