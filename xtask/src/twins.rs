//! `cargo xtask twins`: known mistakes that one thread can show. Each is made in a copy of the workspace, where a property test
//! must fail; on the copy as it is the test must pass.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;
use xshell::{Shell, cmd};

use crate::metadata;

const LIST: &str = "loom-tests/twins/by_test.toml";

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Only twins whose name contains this
    filter: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Twins {
    twin: Vec<Twin>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Twin {
    /// `twin_<row>_<mistake>`
    name: String,
    package: String,
    /// Relative to the workspace.
    file: PathBuf,
    /// Text that occurs there exactly once.
    find: String,
    /// What the mistaken author wrote instead.
    replace: String,
    /// The test that must fail.
    test: String,
    /// Texts of which its failure contains one. A deque that hands an item out twice may also end by a signal.
    fails: Vec<String>,
}

pub(crate) fn run(sh: &Shell, arguments: &Arguments) -> Result<()> {
    let text = fs::read_to_string(metadata::root().join(LIST)).context(LIST)?;
    let Twins { twin: mut twins } = toml::from_str(&text).context(LIST)?;
    if let Some(filter) = &arguments.filter {
        twins.retain(|twin| twin.name.contains(filter.as_str()));
    }
    ensure!(!twins.is_empty(), "no such twin");
    let copy = metadata::root().join("target/twins/workspace");
    copy_workspace(sh, &copy)?;
    for (package, test) in twins.iter().map(|twin| (&twin.package, &twin.test)).collect::<BTreeSet<_>>() {
        let (passed, output) = test_in(&copy, package, test)?;
        ensure!(passed, "{test} fails on {package} as it is:\n{output}");
    }
    let mut faults = Vec::new();
    for twin in &twins {
        let start = Instant::now();
        let verdict = try_out(twin, &copy)?;
        println!("{}: {verdict}; {:.1} s", twin.name, start.elapsed().as_secs_f64());
        if verdict != GOOD {
            faults.push(format!("{}: {verdict}", twin.name));
        }
    }
    ensure!(faults.is_empty(), "{}", faults.join("\n"));
    Ok(())
}

const GOOD: &str = "fails, as it must";

fn try_out(twin: &Twin, copy: &Path) -> Result<&'static str> {
    let Twin { name, package, file, find, replace, test, fails } = twin;
    let path = copy.join(file);
    let source = fs::read_to_string(&path).with_context(|| format!("{name}: {}", path.display()))?;
    let count = source.matches(find.as_str()).count();
    ensure!(count == 1, "{name}: the text to replace occurs {count} times in {}:\n{find}", file.display());
    fs::write(&path, source.replacen(find.as_str(), replace, 1))?;
    let result = test_in(copy, package, test);
    fs::write(&path, source)?;
    let (passed, output) = result?;
    ensure!(passed || !output.contains("could not compile"), "{name} does not compile:\n{output}");
    Ok(match (passed, fails.iter().any(|text| output.contains(text.as_str()))) {
        (true, _) => "SURVIVED",
        (false, true) => GOOD,
        (false, false) => "FAILS FOR ANOTHER REASON",
    })
}

/// Whether the test passes in the copy, and what was printed.
fn test_in(copy: &Path, package: &str, test: &str) -> Result<(bool, String)> {
    let output = Command::new("cargo")
        .args(["test", "--quiet", "--all-features", "--lib", "--tests", "--package", package, "--", test])
        .current_dir(copy)
        .env("CARGO_TARGET_DIR", metadata::root().join("target/twins/build"))
        .env("RUST_BACKTRACE", "0")
        .env("PROPTEST_DISABLE_FAILURE_PERSISTENCE", "1")
        .output()?;
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    ensure!(!output.status.success() || text.contains("1 passed"), "{package} has no test {test}:\n{text}");
    Ok((output.status.success(), text))
}

/// Copies what git knows of; leaves files alone that are the same, so that cargo need not build them again.
fn copy_workspace(sh: &Shell, to: &Path) -> Result<()> {
    for file in cmd!(sh, "git ls-files --cached --others --exclude-standard").quiet().read()?.lines() {
        let Ok(bytes) = fs::read(metadata::root().join(file)) else { continue }; // deleted, and not committed yet
        let target = to.join(file);
        if fs::read(&target).ok().as_ref() != Some(&bytes) {
            sh.create_dir(target.parent().context("a file lies in a folder")?)?;
            fs::write(&target, bytes)?;
        }
    }
    Ok(())
}
