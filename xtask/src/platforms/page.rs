//! The table of targets: as text for who runs the command, and as the page docs/platforms.md.
//!
//! The page has neither times nor dates, so that the same outcome is the same page. A run of some targets renews their rows
//! and keeps the others.

use std::collections::BTreeMap;

use comfy_table::{ContentArrangement, Table, presets::UTF8_FULL_CONDENSED};

use crate::metadata;
use crate::steps::Outcome;

/// What comes before the table.
const ABOVE: &str = "\
# Where it runs

Written by `cargo xtask platforms`, which installs what a target needs, builds, runs and checks; an exit status decides. With
names, it renews the rows of those targets: `cargo xtask platforms wasm armv7`. `cargo xtask test` runs a few of them with
fewer tests.

";

/// What comes after it.
const BELOW: &str = "\n\
* *run*: on this machine's processor, which is x86-64 with Linux, or in Node. *emulated*: by QEMU or wine. *linked*: a missing
  symbol would have failed the link, so names are proved, and not what the functions do.
* *all tests*: unit and integration tests of futex, deque, latch, barrier, bridge and pool, and `tests/*.rs` through the
  facade. Tests of Linux alone (epoll, seccomp, processes) are empty elsewhere. QEMU leaves four out: one makes threads in a
  forked child, which it cannot do, and three measure processor time.
* QEMU on x86 shows code generation and the platform's own code. It does not show a missing acquire or release, which loom
  is for: `loom-tests/README.md`.
* Not here: a run on macOS, iOS or FreeBSD, Miri, wasm32-wasip1-threads.
";

/// Columns of a terminal.
const WIDTH: u16 = 120;

const HEAD: [&str; 4] = ["target", "how", "what ran", "verdict"];

/// A target and what came of it.
pub(super) struct Row {
    name: &'static str,
    cells: [String; 4],
}

impl Row {
    pub(super) fn new(name: &'static str, evidence: String, about: &str, outcome: &Outcome) -> Self {
        let verdict = match outcome {
            Outcome { error: Some(error), .. } => {
                // Neither where this machine keeps the workspace, nor what a table would read as its own.
                let folder = format!("{}/", metadata::root().display());
                let line =
                    error.lines().next().unwrap_or_default().replace(&folder, "").replace('|', "/").replace('`', "'");
                format!("FAILED: {}", line.chars().take(100).collect::<String>())
            }
            Outcome { tests: 0, .. } => "ok".to_owned(),
            Outcome { tests, .. } => format!("ok, {tests} tests"),
        };
        Row { name, cells: [format!("`{name}`"), evidence, about.to_owned(), verdict] }
    }

    fn line(&self) -> String {
        format!("| {} |", self.cells.join(" | "))
    }
}

/// The table as text.
pub(super) fn table(rows: &[Row]) -> Table {
    let mut table = Table::new();
    table.load_preset(UTF8_FULL_CONDENSED).set_content_arrangement(ContentArrangement::Dynamic).set_width(WIDTH);
    table.set_header(HEAD);
    table.add_rows(rows.iter().map(|Row { name, cells: [_, how, what, verdict] }| [name, &**how, what, verdict]));
    table
}

/// The page `known` with the rows of this run; targets in the order of `names`.
pub(super) fn renew(known: &str, rows: &[Row], names: impl Iterator<Item = &'static str>) -> String {
    let mut lines: BTreeMap<&str, String> =
        known.lines().filter_map(|line| Some((named(line)?, line.to_owned()))).collect();
    lines.extend(rows.iter().map(|row| (row.name, row.line())));
    let head = format!("| {} |\n|---|---|---|---|\n", HEAD.join(" | "));
    let body: String = names
        .map(|name| lines.remove(name).unwrap_or_else(|| format!("| `{name}` | | | not run yet |")) + "\n")
        .collect();
    [ABOVE, &head, &body, BELOW].concat()
}

/// The target that a line of the page is about.
fn named(line: &str) -> Option<&str> {
    line.strip_prefix("| `")?.split_once('`').map(|(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &'static str, tests: usize, error: Option<&str>) -> Row {
        Row::new(name, "run".to_owned(), "everything", &Outcome { tests, error: error.map(str::to_owned) })
    }

    #[test]
    fn a_run_of_some_targets_keeps_the_rows_of_the_others() {
        let names = || ["a", "b", "c"].into_iter();
        let first = renew("", &[row("a", 3, None), row("b", 0, None)], names());
        assert!(
            first.contains("| `a` | run | everything | ok, 3 tests |\n| `b` | run | everything | ok |\n"),
            "{first}"
        );
        assert!(first.contains("| `c` | | | not run yet |"));
        let second = renew(
            &first,
            &[row("b", 0, Some(&format!("no | such `{}/x`\nfile", metadata::root().display())))],
            names(),
        );
        assert!(second.contains("ok, 3 tests |\n| `b` | run | everything | FAILED: no / such 'x' |\n"), "{second}");
        assert_eq!(renew(&second, &[row("b", 0, None)], names()), first, "the same outcome is the same page");
    }

    #[test]
    fn a_target_that_is_gone_leaves_the_page() {
        let known = renew("", &[row("a", 1, None), row("b", 1, None)], ["a", "b"].into_iter());
        assert!(!renew(&known, &[], ["b"].into_iter()).contains("`a`"));
    }
}
