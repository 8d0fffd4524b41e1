//! `cargo xtask mutants`: is safe logic tested? Each function and operator of the files that `.cargo/mutants.toml` names is
//! changed in turn, and the layer's own tests must notice, or `loom-tests/mutants.toml` says why they cannot. Built without
//! debug information: most of the time goes to linking.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use comfy_table::{Table, presets::ASCII_MARKDOWN};
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
    /// Only what no test has caught before, after a test was written
    #[arg(long, conflicts_with = "shard")]
    again: bool,
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
    log_path: String,
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
    /// Noticed by never ending alone, or by a machine that stood still: no test had failed when time was up.
    timeouts: Vec<String>,
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
    let mut table = Table::new();
    table.load_preset(ASCII_MARKDOWN).set_header([
        "layer",
        "mutants",
        "a test fails",
        "a test never ends",
        "survive, with a reason",
        "survive",
        "do not compile",
        "minutes",
    ]);
    for layer in choose(sh, &arguments.layers)? {
        let start = Instant::now();
        let Some(tally) = mutate(sh, &layer, arguments)? else { continue };
        let own = |name: &&String| name.starts_with(&format!("{layer}/"));
        let known: BTreeSet<_> = explained.iter().filter(own).cloned().collect();
        let Tally { caught, timeouts, unviable, missed } = &tally;
        let excused = missed.intersection(&known).count();
        let counts = [*caught, timeouts.len(), excused, missed.len() - excused, *unviable];
        let minutes = format!("{:.1}", start.elapsed().as_secs_f64() / 60.0);
        let all = counts.iter().sum::<usize>();
        table.add_row([layer, all.to_string()].into_iter().chain(counts.map(|n| n.to_string())).chain([minutes]));
        faults.extend(missed.difference(&known).map(|name| format!("no test notices: {name}")));
        if arguments.shard.is_some() {
            continue; // what is explained may be in another share
        }
        let noticed = known.difference(missed).filter(|name| !timeouts.contains(name));
        faults.extend(noticed.map(|name| format!("{LIST} explains what a test notices: {name}")));
    }
    println!("{table}");
    ensure!(faults.is_empty(), "{}", faults.join("\n"));
    Ok(())
}

/// Runs the tool on one layer with that crate's own tests; `None` if nothing is to be mutated.
fn mutate(sh: &Shell, layer: &str, arguments: &Arguments) -> Result<Option<Tally>> {
    let package = format!("reveille-{layer}");
    if cmd!(sh, "cargo mutants --list --package {package}").quiet().read()?.is_empty() {
        return Ok(None);
    }
    let folder = metadata::root().join("target/mutants");
    let output = folder.join(layer);
    sh.create_dir(&output)?;
    // The tool's status tells of survivors; the report is judged here.
    let share = arguments.shard.iter().flat_map(|share| ["--shard", share]);
    let again = arguments.again.then_some("--iterate");
    cmd!(sh, "cargo mutants --no-shuffle --all-features --package {package} --output {output}")
        .args(share)
        .args(again)
        .args(["--", "--lib", "--tests"])
        .env("CARGO_PROFILE_DEV_DEBUG", "0")
        .env("CARGO_TARGET_DIR", folder.join(format!("build-{layer}")))
        .ignore_status()
        .run()?;
    let output = output.join("mutants.out");
    let report = output.join("outcomes.json");
    let text = fs::read_to_string(&report).with_context(|| format!("no report at {}", report.display()))?;
    tally(&text, |log| a_test_failed(&output.join(log))).map(Some)
}

/// Whether a test of the run that `log` tells of had failed, though the run was cut short: another test did not end.
fn a_test_failed(log: &Path) -> bool {
    fs::read_to_string(log).is_ok_and(|text| text.lines().any(|line| line.ends_with("... FAILED")))
}

fn tally(report: &str, a_test_failed: impl Fn(&str) -> bool) -> Result<Tally> {
    let Outcomes { outcomes } = serde_json::from_str(report).context("cargo-mutants speaks another language")?;
    let mut tally = Tally::default();
    for Outcome { scenario, summary, log_path } in outcomes {
        match (scenario, summary.as_str()) {
            (Scenario::Baseline, summary) => ensure!(summary == "Success", "the tests fail without any change"),
            (Scenario::Mutant { .. }, "CaughtMutant") => tally.caught += 1,
            (Scenario::Mutant { .. }, "Timeout") if a_test_failed(&log_path) => tally.caught += 1,
            (Scenario::Mutant { name }, "Timeout") => tally.timeouts.push(without_position(&name)),
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
            {"scenario":"Baseline","summary":"Success","log_path":"0"},
            {"scenario":{"Mutant":{"name":"a/src/b.rs:1:2: replace f -> u32 with 0"}},"summary":"CaughtMutant","log_path":"1"},
            {"scenario":{"Mutant":{"name":"a/src/b.rs:2:2: replace == with !="}},"summary":"Timeout","log_path":"failed"},
            {"scenario":{"Mutant":{"name":"a/src/b.rs:2:5: delete !"}},"summary":"Timeout","log_path":"3"},
            {"scenario":{"Mutant":{"name":"a/src/b.rs:3:4: replace X::g with ()"}},"summary":"MissedMutant","log_path":"4"}]}"#;
        let failed = |log: &str| log == "failed";
        let missed = ["a/src/b.rs: replace X::g with ()".to_owned()].into();
        let timeouts = vec!["a/src/b.rs: delete !".to_owned()];
        assert_eq!(tally(report, failed).unwrap(), Tally { caught: 2, timeouts, unviable: 0, missed });
        let broken = report.replace("Success", "Failure");
        assert!(tally(&broken, failed).is_err(), "tests that fail by themselves prove nothing");
    }
}
