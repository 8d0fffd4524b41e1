//! The coverage of REGRESSIONS.md: each row has a twin, or a written reason why it has none.
//!
//! A twin is found by its name, `twin_<row>_<mistake>`: an entry of `loom-tests/twins/*.toml`, or a test function of the
//! workspace. `loom-tests/rows.toml` names the layer of each row, and what stands in for a twin.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rows {
    row: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    id: String,
    layer: String,
    /// A test whose name does not begin with this row's id, because it serves several rows.
    #[serde(default)]
    covered_by: Vec<String>,
    /// Where the argument stands that replaces a twin, for what no checker can see.
    argument: Option<Argument>,
    /// Why there is nothing yet.
    pending: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Argument {
    /// A source file, relative to the workspace.
    file: String,
    /// Text of the argument, to prove that it is still there.
    text: String,
}

/// What the check found.
pub(crate) struct Summary {
    twins: usize,
    covered: usize,
    argued: usize,
    pending: Vec<String>,
    /// Rows that have a twin by now and still a reason why not. No fault, or every twin would be a change of the list.
    stale: Vec<String>,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Summary { twins, covered, argued, pending, stale } = self;
        write!(f, "{covered} rows covered by {twins} twins, {argued} by an argument, {} not yet", pending.len())?;
        pending.iter().try_for_each(|row| write!(f, "\n  {row}"))?;
        if !stale.is_empty() {
            write!(f, "\n  covered by now, so rows.toml need not say why not: {}", stale.join(", "))?;
        }
        Ok(())
    }
}

/// Compares the table, the list and the twins below `root`.
pub(crate) fn check(root: &Path) -> Result<Summary> {
    let table = fs::read_to_string(root.join("loom-tests/REGRESSIONS.md")).context("loom-tests/REGRESSIONS.md")?;
    let listed = fs::read_to_string(root.join("loom-tests/rows.toml")).context("loom-tests/rows.toml")?;
    let Rows { row: rows } = toml::from_str(&listed).context("loom-tests/rows.toml")?;
    let mut twins = BTreeSet::new();
    collect_twins(root, &mut twins)?;
    let read = |file: &str| fs::read_to_string(root.join(file)).ok();
    judge(&ids(&table), &rows, &twins, read)
}

/// The first cell of every line of a table that begins with an id: `| R1 SC | ...`.
fn ids(table: &str) -> BTreeSet<String> {
    let first_words = table.lines().filter_map(|line| line.strip_prefix("| ")?.split_whitespace().next());
    first_words.filter(|word| is_id(word)).map(str::to_owned).collect()
}

fn is_id(word: &str) -> bool {
    let digits = word.trim_start_matches(|c: char| c.is_ascii_uppercase());
    digits.len() + 1 == word.len() && !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
}

fn collect_twins(folder: &Path, twins: &mut BTreeSet<String>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if path.is_dir() {
            if !name.starts_with('.') && name != "target" {
                collect_twins(&path, twins)?;
            }
            continue;
        }
        let extension = path.extension().and_then(|extension| extension.to_str());
        if extension == Some("toml") && folder.ends_with("twins") {
            let text = fs::read_to_string(&path)?;
            twins.extend(text.lines().filter_map(|line| twin_name(line, "name = \"")).map(str::to_owned));
        } else if extension == Some("rs") {
            twins.extend(
                tests(&fs::read_to_string(&path)?).filter_map(|line| twin_name(line, "fn ")).map(str::to_owned),
            );
        }
    }
    Ok(())
}

/// The lines that name a test: those below `#[test]`, other attributes and comments left out.
fn tests(source: &str) -> impl Iterator<Item = &str> {
    let mut is_test = false;
    source.lines().map(str::trim).filter(move |line| {
        if line.starts_with("#[test]") {
            is_test = true;
            return false;
        }
        let is_name = is_test && !line.starts_with("#[") && !line.starts_with("//");
        is_test &= !is_name;
        is_name
    })
}

/// `name = "twin_x"` in a list of twins, `fn twin_x(` in a test.
fn twin_name<'a>(line: &'a str, before: &str) -> Option<&'a str> {
    let name = line.trim().strip_prefix(before)?;
    let name = name.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next()?;
    name.starts_with("twin_").then_some(name)
}

fn judge(
    ids: &BTreeSet<String>,
    rows: &[Row],
    twins: &BTreeSet<String>,
    read: impl Fn(&str) -> Option<String>,
) -> Result<Summary> {
    let mut faults = Vec::new();
    let mut by_row: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for twin in twins {
        let row = twin.split('_').nth(1).unwrap_or_default().to_uppercase();
        by_row.entry(row).or_default().push(twin);
    }
    let mut summary = Summary { twins: twins.len(), covered: 0, argued: 0, pending: Vec::new(), stale: Vec::new() };
    let mut seen = BTreeSet::new();
    for row in rows {
        let id = &row.id;
        if !seen.insert(id.clone()) || !ids.contains(id) {
            faults.push(format!("{id} is listed twice, or not in REGRESSIONS.md"));
        }
        for name in row.covered_by.iter().filter(|name| !twins.contains(*name)) {
            faults.push(format!("{id} is said to be covered by {name}, which does not exist"));
        }
        let covered = by_row.contains_key(id) || !row.covered_by.is_empty();
        match (&row.argument, &row.pending) {
            (None, Some(_)) if covered => {
                summary.covered += 1;
                summary.stale.push(id.clone());
            }
            (Some(Argument { file, text }), None) => {
                if read(file).is_none_or(|source| !source.contains(text.as_str())) {
                    faults.push(format!("{id}: its argument is not in {file}"));
                }
                summary.argued += 1;
            }
            (None, None) if covered => summary.covered += 1,
            (None, Some(reason)) if !reason.is_empty() => {
                summary.pending.push(format!("{id} ({}): {reason}", row.layer));
            }
            _ => faults.push(format!("{id} ({}) has no twin, and no reason why", row.layer)),
        }
    }
    faults.extend(ids.difference(&seen).map(|id| format!("{id} of REGRESSIONS.md is not in rows.toml")));
    if faults.is_empty() { Ok(summary) } else { bail!(faults.join("\n")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "| id | wrong |\n|---|---|\n| R1 SC | x |\n| D12 HW | y |\n";

    fn verdict(rows: &str, twins: &[&str]) -> Result<Summary> {
        let Rows { row } = toml::from_str(rows).unwrap();
        let twins = twins.iter().map(|&name| name.to_owned()).collect();
        judge(&ids(TABLE), &row, &twins, |file| (file == "steal.rs").then(|| "loads are not buffered".to_owned()))
    }

    const R1: &str = "[[row]]\nid = 'R1'\nlayer = 'barrier'\n";
    const D12: &str = "[[row]]\nid = 'D12'\nlayer = 'deque'\nargument = { file = 'steal.rs', text = 'not buffered' }\n";

    #[test]
    fn a_twin_or_an_argument_covers_a_row() {
        let summary = verdict(&format!("{R1}{D12}"), &["twin_r1_sleeps_on_the_count"]).unwrap();
        assert_eq!((summary.covered, summary.argued, summary.pending.len()), (1, 1, 0));
    }

    #[test]
    fn a_row_without_twin_and_reason_fails() {
        assert!(verdict(&format!("{R1}{D12}"), &[]).is_err());
        assert!(verdict(&format!("{R1}pending = 'not built'\n{D12}"), &[]).is_ok());
    }

    #[test]
    fn only_tests_count_as_twins() {
        let source = "#[test]\n#[ignore]\nfn twin_r1_x() {}\nfn twin_r2_y() {}\n";
        let names: Vec<_> = tests(source).filter_map(|line| twin_name(line, "fn ")).collect();
        assert_eq!(names, ["twin_r1_x"]);
    }

    #[test]
    fn a_row_that_nobody_listed_fails() {
        assert!(verdict(D12, &["twin_r1_sleeps_on_the_count"]).is_err());
    }

    #[test]
    fn a_stale_list_is_noticed() {
        let summary = verdict(&format!("{R1}pending = 'soon'\n{D12}"), &["twin_r1_x"]).unwrap();
        assert_eq!((summary.stale, summary.pending.len()), (vec!["R1".to_owned()], 0), "reason after the twin");
        assert!(verdict(&format!("{R1}{D12}"), &["twin_r1_x", "twin_s9_x"]).is_ok(), "a twin of a layer's own proof");
        assert!(verdict(&format!("{R1}{}", D12.replace("not buffered", "gone")), &["twin_r1_x"]).is_err(), "argument");
    }
}
