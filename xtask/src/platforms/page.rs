//! The table of targets: as text for who runs the command, and as the page docs/platforms.md.
//!
//! A row is written as soon as its target is done, with the day. The others stay, each with the day of its own run.

use std::collections::BTreeMap;

use comfy_table::{ContentArrangement, Table, presets::UTF8_FULL_CONDENSED};

use crate::metadata;
use crate::steps::Outcome;

/// What comes before the table.
const ABOVE: &str = "\
# Where it runs

Written by `cargo xtask platforms`, which installs what a target needs, builds, runs and checks; an exit status decides. With
names, it renews the rows of those targets: `cargo xtask platforms wasm armv7`; the last column is the day of a row's run.
`cargo xtask test` runs a few of them with fewer tests.

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

/// The column that only the page has.
const DAY: &str = "on";

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

    fn line(&self, day: &str) -> String {
        format!("| {} | {day} |", self.cells.join(" | "))
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

/// The page `known` with a row of `today`; targets in the order of `names`.
pub(super) fn renew(known: &str, row: &Row, today: &str, names: impl Iterator<Item = &'static str>) -> String {
    let mut lines: BTreeMap<&str, String> =
        known.lines().filter_map(|line| Some((named(line)?, line.to_owned()))).collect();
    lines.insert(row.name, row.line(today));
    let head = format!("| {} | {DAY} |\n|---|---|---|---|---|\n", HEAD.join(" | "));
    let body: String = names
        .map(|name| lines.remove(name).unwrap_or_else(|| format!("| `{name}` | | | not run yet | |")) + "\n")
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

    const FIRST: &str = "2026-01-01";
    const SECOND: &str = "2026-02-02";

    #[test]
    fn a_row_is_renewed_and_the_others_keep_their_day() {
        let renew = |known: &str, row: &Row, today| renew(known, row, today, ["a", "b", "c"].into_iter());
        let a = renew("", &row("a", 3, None), FIRST);
        assert!(
            a.contains("| `a` | run | everything | ok, 3 tests | 2026-01-01 |\n| `b` | | | not run yet | |\n"),
            "{a}"
        );
        let both = renew(&a, &row("b", 0, None), FIRST);
        let error = format!("no | such `{}/x`\nfile", metadata::root().display());
        let failed = renew(&both, &row("b", 0, Some(&error)), SECOND);
        assert!(
            failed.contains(
                "ok, 3 tests | 2026-01-01 |\n| `b` | run | everything | FAILED: no / such 'x' | 2026-02-02 |\n\
                 | `c` | | | not run yet | |\n"
            ),
            "{failed}"
        );
        assert_eq!(renew(&failed, &row("b", 0, None), FIRST), both, "the same outcome of a day is the same page");
    }

    #[test]
    fn a_target_that_is_gone_leaves_the_page() {
        let known = renew("", &row("a", 1, None), FIRST, ["a", "b"].into_iter());
        assert!(!renew(&known, &row("b", 1, None), FIRST, ["b"].into_iter()).contains("`a`"));
    }
}
