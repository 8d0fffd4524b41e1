//! `cargo xtask compat`: programs on rayon, with reveille's rayon-core below it and with rayon's own.
//!
//! The same sources are built twice, from `compat/programs` and `compat/genuine`. They must give equal results; then they
//! run in turn, process by process, and their times are compared.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};
use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Table};
use xshell::{Cmd, Shell, cmd};

use crate::metadata;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Only compare results and run the tests of both, no times
    #[arg(long)]
    check: bool,
    /// A folder whose files are the programs' input [default: /usr/share/doc, or this repository's pool]
    #[arg(long, value_name = "FOLDER")]
    input: Option<PathBuf>,
    /// How often each program is run on each side
    #[arg(long, default_value_t = 7)]
    rounds: usize,
    /// Threads of the global pool [default: what the system offers]
    #[arg(long)]
    threads: Option<usize>,
    /// Only programs and costs whose names contain this
    #[arg(long, default_value = "")]
    only: String,
}

/// Where both are built: apart from the workspace, whose benches want rayon as it is.
const TARGET: [&str; 2] = ["--target-dir", "target/compat"];

/// The packages, from the bottom up. The last one has no patch.
const PATCHED: [&str; 2] = ["compat/rayon-core", "compat/programs"];
const GENUINE: &str = "compat/genuine";

fn manifest(folder: &str) -> String {
    format!("{folder}/Cargo.toml")
}

/// Formats and lints: the workspace's own commands do not see these packages.
pub(crate) fn lints(sh: &Shell) -> Vec<Cmd<'_>> {
    let format = [PATCHED[0], PATCHED[1]].map(manifest);
    let format = format.into_iter().map(|manifest| cmd!(sh, "cargo fmt --manifest-path {manifest} --check"));
    let clippy = PATCHED.map(manifest).into_iter().map(|manifest| {
        cmd!(sh, "cargo clippy --quiet --manifest-path {manifest} {TARGET...} --locked --all-targets -- -D warnings")
    });
    let rayon_core = manifest(PATCHED[0]);
    let document = cmd!(sh, "cargo doc --quiet --manifest-path {rayon_core} {TARGET...} --locked --no-deps");
    format.chain(clippy).chain([document.env("RUSTDOCFLAGS", "-D warnings")]).collect()
}

/// The tests of the patched side.
pub(crate) fn tests(sh: &Shell) -> [Cmd<'_>; 2] {
    PATCHED.map(|folder| test(sh, folder))
}

fn test<'a>(sh: &'a Shell, folder: &str) -> Cmd<'a> {
    let manifest = manifest(folder);
    cmd!(sh, "cargo test --manifest-path {manifest} {TARGET...} --locked --no-fail-fast")
}

/// The programs of the patched side, each compared with a sequential computation.
pub(crate) fn check(sh: &Shell) -> Cmd<'_> {
    let (manifest, input) = (manifest(PATCHED[1]), default_input());
    cmd!(sh, "cargo run --quiet --manifest-path {manifest} {TARGET...} --locked -- check {input}").ignore_stdout()
}

fn default_input() -> PathBuf {
    let doc = Path::new("/usr/share/doc");
    if doc.is_dir() { doc.to_owned() } else { metadata::root().join("pool") }
}

pub(crate) fn run(sh: &Shell, arguments: &Arguments) -> Result<()> {
    let input = arguments.input.clone().unwrap_or_else(default_input);
    let input = sh.current_dir().join(input);
    let sides = ["patched", "genuine"].map(|name| Side::build(sh, name, arguments.threads));
    let [patched, genuine] = [sides[0].as_ref(), sides[1].as_ref()];
    let (Ok(patched), Ok(genuine)) = (patched, genuine) else {
        return sides.into_iter().collect::<Result<Vec<_>>>().map(|_| ());
    };

    let results = [patched, genuine].map(|side| side.run(&["check", &input.to_string_lossy()]));
    let [ours, theirs] = results;
    let (ours, theirs) = (ours?, theirs?);
    ensure!(ours == theirs, "results differ:\n{ours}\nand\n{theirs}");
    println!("{} programs give the same results on both sides and in sequence\n", ours.lines().count());
    if arguments.check {
        for folder in [PATCHED[0], PATCHED[1], GENUINE] {
            test(sh, folder).run()?;
        }
        return Ok(());
    }

    let mut table =
        table(["program", "best, ms", "rayon-core's", "best / best", "of each round: median", "least", "most"]);
    let mut costs = self::table(["cost", "median", "rayon-core's", "of each round: median", "least", "most", "unit"]);
    let list = patched.run(&["list"])?;
    for line in list.lines().filter(|line| line.contains(&arguments.only)) {
        let words: Vec<_> = line.split_whitespace().collect();
        match words[..] {
            ["program", name] => {
                let time = |side: &Side| side.number(&["time", name, &input.to_string_lossy(), "3"]);
                let rounds = Rounds::take(arguments.rounds, patched, genuine, time)?;
                let [ours, theirs] = rounds.best();
                let shown = [milliseconds(ours), milliseconds(theirs), format!("{:.2}", ours / theirs)];
                table.add_row([name.to_owned()].into_iter().chain(shown).chain(rounds.ratios()));
            }
            ["cost", name, unit] => {
                let rounds = Rounds::take(arguments.rounds, patched, genuine, |side| side.number(&["cost", name]))?;
                let shown = rounds.median().map(|value| format!("{value:.1}"));
                let row = [name.to_owned()].into_iter().chain(shown).chain(rounds.ratios());
                costs.add_row(row.chain([unit.replace('-', " ")]));
            }
            _ => bail!("a line of the list that this command does not know: {line}"),
        }
        eprint!(".");
    }
    eprintln!();
    println!("{table}\n\n{costs}");
    Ok(())
}

/// One of the two programs.
struct Side {
    program: PathBuf,
    threads: Option<usize>,
}

impl Side {
    fn build(sh: &Shell, name: &str, threads: Option<usize>) -> Result<Self> {
        let manifest = manifest(if name == "patched" { PATCHED[1] } else { GENUINE });
        cmd!(sh, "cargo build --quiet --release --manifest-path {manifest} {TARGET...} --locked").run()?;
        Ok(Side { program: sh.current_dir().join("target/compat/release").join(name), threads })
    }

    fn run(&self, arguments: &[&str]) -> Result<String> {
        let mut command = Command::new(&self.program);
        command.args(arguments);
        if let Some(threads) = self.threads {
            command.env("RAYON_NUM_THREADS", threads.to_string());
        }
        let output = command.output().with_context(|| format!("{} cannot be started", self.program.display()))?;
        let message = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{} {arguments:?}: {}\n{message}", self.program.display(), output.status);
        Ok(String::from_utf8(output.stdout)?)
    }

    /// The first number of the answer.
    fn number(&self, arguments: &[&str]) -> Result<f64> {
        let answer = self.run(arguments)?;
        let number = answer.split_whitespace().next().context("an empty answer")?;
        number.parse().with_context(|| format!("{number} is no number"))
    }
}

/// Both sides' values, round by round.
struct Rounds(Vec<[f64; 2]>);

impl Rounds {
    /// Takes turns, so that both sides see the same machine; whoever is first changes from round to round.
    fn take(rounds: usize, ours: &Side, theirs: &Side, value: impl Fn(&Side) -> Result<f64>) -> Result<Self> {
        let pairs = (0..rounds.max(1)).map(|round| {
            if round % 2 == 0 {
                Ok([value(ours)?, value(theirs)?])
            } else {
                let theirs = value(theirs)?;
                Ok([value(ours)?, theirs])
            }
        });
        pairs.collect::<Result<_>>().map(Rounds)
    }

    fn best(&self) -> [f64; 2] {
        [0, 1].map(|side| self.0.iter().map(|pair| pair[side]).fold(f64::INFINITY, f64::min))
    }

    fn median(&self) -> [f64; 2] {
        [0, 1].map(|side| quantiles(self.0.iter().map(|pair| pair[side]))[0])
    }

    /// Ours to theirs: median, least, most.
    fn ratios(&self) -> [String; 3] {
        quantiles(self.0.iter().map(|[ours, theirs]| ours / theirs)).map(|ratio| format!("{ratio:.2}"))
    }
}

/// Median, least and most.
fn quantiles(values: impl Iterator<Item = f64>) -> [f64; 3] {
    let mut values: Vec<_> = values.collect();
    values.sort_by(f64::total_cmp);
    [values[values.len() / 2], values[0], values[values.len() - 1]]
}

fn milliseconds(nanoseconds: f64) -> String {
    format!("{:.2}", nanoseconds / 1e6)
}

fn table<const N: usize>(header: [&str; N]) -> Table {
    let mut table = Table::new();
    table.load_preset(NOTHING).set_header(header);
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_is_taken_in_one_round() {
        let rounds = Rounds(vec![[1.0, 2.0], [30.0, 10.0], [4.0, 4.0]]);
        assert_eq!(rounds.ratios(), ["1.00", "0.50", "3.00"]);
        assert_eq!((rounds.best(), rounds.median()), ([1.0, 2.0], [4.0, 4.0]));
    }
}
