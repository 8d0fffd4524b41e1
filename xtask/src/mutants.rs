//! `cargo xtask mutants`: is safe logic tested? Each function and operator of the files that `.cargo/mutants.toml` names is
//! changed in turn, and the layer's tests must notice, or `loom-tests/mutants.toml` says why no test could.

use std::collections::BTreeSet;
use std::fs;

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;
use xshell::{Shell, cmd};

use crate::metadata;
use crate::models::choose;

const LIST: &str = "loom-tests/mutants.toml";

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Only a share of the mutants: the first of four is 0/4
    #[arg(long)]
    shard: Option<String>,
    /// Only these layers: latch, barrier, ...
    layers: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Equivalents {
    #[serde(default)]
    equivalent: Vec<Equivalent>,
}

/// A change, or several, that no test can notice.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Equivalent {
    /// Each as the tool names it, without line and column.
    mutants: Vec<String>,
    because: String,
}

/// `outcomes.json` of the tool, as far as we need it.
#[derive(Deserialize)]
struct Outcomes {
    outcomes: Vec<Outcome>,
}

#[derive(Deserialize)]
struct Outcome {
    scenario: Scenario,
    summary: String,
}

#[derive(Deserialize)]
enum Scenario {
    Baseline,
    Mutant { name: String },
}

/// What became of one layer's mutants.
#[derive(Debug, Default, PartialEq, Eq)]
struct Tally {
    caught: usize,
    timeouts: usize,
    unviable: usize,
    missed: BTreeSet<String>,
}

pub(crate) fn run(sh: &Shell, arguments: &Arguments) -> Result<()> {
    if cmd!(sh, "cargo mutants --version").quiet().ignore_stdout().ignore_stderr().run().is_err() {
        cmd!(sh, "cargo install cargo-mutants --locked").run()?;
    }
    let text = fs::read_to_string(metadata::root().join(LIST)).context(LIST)?;
    let Equivalents { equivalent } = toml::from_str(&text).context(LIST)?;
    ensure!(equivalent.iter().all(|e| !e.because.trim().is_empty()), "{LIST}: an entry without a reason");
    let explained: BTreeSet<String> = equivalent.into_iter().flat_map(|e| e.mutants).collect();

    let mut faults = Vec::new();
    for layer in choose(sh, &arguments.layers)? {
        let Some(tally) = mutate(sh, &layer, arguments.shard.as_deref())? else { continue };
        let own = |name: &&String| name.starts_with(&format!("{layer}/"));
        let known: BTreeSet<_> = explained.iter().filter(own).cloned().collect();
        let Tally { caught, timeouts, unviable, missed } = &tally;
        println!(
            "{layer}: {caught} caught by a test, {timeouts} by never ending, {} survive, of which {} are explained; \
             {unviable} do not compile",
            missed.len(),
            missed.intersection(&known).count(),
        );
        faults.extend(missed.difference(&known).map(|name| format!("no test notices: {name}")));
        if arguments.shard.is_some() {
            continue; // what is explained may be in another share
        }
        faults.extend(known.difference(missed).map(|name| format!("{LIST} explains what a test notices: {name}")));
    }
    ensure!(faults.is_empty(), "{}", faults.join("\n"));
    Ok(())
}

/// Runs the tool on one layer with that crate's own tests; `None` if nothing is to be mutated.
fn mutate(sh: &Shell, layer: &str, shard: Option<&str>) -> Result<Option<Tally>> {
    let package = format!("reveille-{layer}");
    if cmd!(sh, "cargo mutants --list --package {package}").quiet().read()?.is_empty() {
        return Ok(None);
    }
    let folder = metadata::root().join("target/mutants");
    let output = folder.join(layer);
    sh.create_dir(&output)?;
    // The tool's status tells of survivors; the report is judged here.
    let shard: Vec<_> = shard.into_iter().flat_map(|share| ["--shard", share]).collect();
    cmd!(sh, "cargo mutants --no-shuffle --all-features --package {package} --output {output}")
        .args(shard)
        .args(["--", "--lib", "--tests"])
        .env("CARGO_TARGET_DIR", folder.join(format!("build-{layer}")))
        .ignore_status()
        .run()?;
    let report = output.join("mutants.out/outcomes.json");
    let text = fs::read_to_string(&report).with_context(|| format!("no report at {}", report.display()))?;
    tally(&text).map(Some)
}

fn tally(report: &str) -> Result<Tally> {
    let Outcomes { outcomes } = serde_json::from_str(report).context("cargo-mutants speaks another language")?;
    let mut tally = Tally::default();
    for Outcome { scenario, summary } in outcomes {
        match (scenario, summary.as_str()) {
            (Scenario::Baseline, summary) => ensure!(summary == "Success", "the tests fail without any change"),
            (Scenario::Mutant { .. }, "CaughtMutant") => tally.caught += 1,
            (Scenario::Mutant { .. }, "Timeout") => tally.timeouts += 1,
            (Scenario::Mutant { .. }, "Unviable") => tally.unviable += 1,
            (Scenario::Mutant { name }, _) => {
                tally.missed.insert(without_position(&name));
            }
        }
    }
    Ok(tally)
}

/// `a.rs:12:5: replace x with y` without the numbers, which move with every edit.
fn without_position(name: &str) -> String {
    let mut parts = name.splitn(4, ':');
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(file), Some(_), Some(_), Some(change)) => format!("{file}:{change}"),
        _ => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_counted() {
        let report = r#"{"outcomes":[
            {"scenario":"Baseline","summary":"Success"},
            {"scenario":{"Mutant":{"name":"a/src/b.rs:1:2: replace f -> u32 with 0"}},"summary":"CaughtMutant"},
            {"scenario":{"Mutant":{"name":"a/src/b.rs:3:4: replace X::g with ()"}},"summary":"MissedMutant"}]}"#;
        let missed = ["a/src/b.rs: replace X::g with ()".to_owned()].into();
        assert_eq!(tally(report).unwrap(), Tally { caught: 1, missed, ..Tally::default() });
        assert!(tally(&report.replace("Success", "Failure")).is_err(), "tests that fail by themselves prove nothing");
    }
}
