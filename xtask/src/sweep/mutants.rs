//! The weakenings of a layer: listed, built into one test program, and run.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use serde::Serialize;
use xshell::{Shell, cmd};

use super::in_parallel;
use super::sites::sites;
use super::source::Source;
use crate::metadata;
use crate::test::LOOM;

/// Seconds of processor time, not of the clock, which says more about the machine. A model that needs more on a weakened
/// layer counts as a kill: on the layer itself it ends.
const PATIENCE: u32 = 900;

/// The module of the layer with a switch at each ordering.
const MODULE: &str = "weakenable";

/// One ordering, made weaker.
#[derive(Serialize)]
pub(super) struct Mutant {
    /// The choice that puts it in force.
    number: usize,
    /// Below the layer's `src`.
    pub(super) file: String,
    start: usize,
    end: usize,
    replace: String,
    #[serde(skip)]
    pub(super) function: String,
    #[serde(skip)]
    pub(super) call: String,
    #[serde(skip)]
    pub(super) ordering: &'static str,
    #[serde(skip)]
    pub(super) weakened: &'static str,
    #[serde(skip)]
    pub(super) unmodelled: bool,
}

impl fmt::Display for Mutant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Mutant { file, function, call, ordering, weakened, .. } = self;
        write!(f, "{file}, {function}: {call}: {ordering} -> {weakened}")
    }
}

/// What became of a weakening.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    KilledBy(String),
    Survived,
    /// The models do not compile this place.
    Unmodelled,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::KilledBy(model) => write!(f, "killed by {model}"),
            Self::Survived => f.write_str("survived"),
            Self::Unmodelled => f.write_str("not compiled in a model"),
        }
    }
}

/// All weakenings of the files below `root`.
pub(super) fn of_layer(root: &Path) -> Result<Vec<Mutant>> {
    let mut files = BTreeMap::new();
    read_tree(root, root, &mut files)?;
    let sources: BTreeMap<_, _> = files.iter().map(|(path, text)| (path.clone(), Source::new(text))).collect();
    let listed = |of: fn(&Source) -> &Vec<String>, path: &str| {
        let mut parts = path.trim_end_matches(".rs").split('/');
        parts.any(|part| sources.values().flat_map(of).any(|file| file == part))
    };
    let mut mutants = Vec::new();
    for (path, text) in &files {
        if listed(|source| &source.test_files, path) {
            continue;
        }
        let unmodelled = listed(|source| &source.unmodelled_files, path);
        for site in sites(text, &sources[path]) {
            for weakening in &site.weakenings {
                mutants.push(Mutant {
                    number: mutants.len() + 1,
                    file: path.clone(),
                    start: weakening.range.start,
                    end: weakening.range.end,
                    replace: weakening.replace.to_owned(),
                    function: site.function.clone(),
                    call: site.call.clone(),
                    ordering: site.ordering,
                    weakened: weakening.label,
                    unmodelled: unmodelled || site.unmodelled,
                });
            }
        }
    }
    Ok(mutants)
}

fn read_tree(root: &Path, folder: &Path, files: &mut BTreeMap<String, String>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("{}", folder.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            read_tree(root, &path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let name = path.strip_prefix(root)?.to_str().context("a file name is text")?.to_owned();
            files.insert(name, fs::read_to_string(&path)?);
        }
    }
    Ok(())
}

/// The built test file.
pub(super) struct Suite {
    program: PathBuf,
    fast: Vec<String>,
    slow: Vec<String>,
}

/// Seconds that each model takes on the layer itself.
pub(super) type Costs = BTreeMap<String, f64>;

impl Suite {
    pub(super) fn build(sh: &Shell, layer: &str, mutants: &[Mutant]) -> Result<Self> {
        #[derive(Serialize)]
        struct Mutants<'a> {
            weakening: Vec<&'a Mutant>,
        }
        let folder = metadata::root().join("target/sweep-mutants");
        sh.create_dir(&folder)?;
        // Other layers' lists stay: the build knows only the folder, and would mutate them for nothing.
        for list in sh.read_dir(&folder)? {
            sh.remove_path(list)?;
        }
        let modelled = mutants.iter().filter(|mutant| !mutant.unmodelled);
        let list = toml::to_string(&Mutants { weakening: modelled.collect() })?;
        sh.write_file(folder.join(layer).with_extension("toml"), list)?;

        // A target folder of its own, so that the ordinary suite is not rebuilt after each sweep.
        let messages = cmd!(sh, "cargo test --release --target-dir target/sweep --package reveille-loom-tests")
            .args(["--test", layer, "--no-run", "--message-format=json-render-diagnostics"])
            .env("RUSTFLAGS", LOOM)
            .env("REVEILLE_SWEEP", &folder)
            .read()?;
        let program = messages.lines().filter_map(|line| executable(line, layer)).next_back();
        let program = program.context("cargo built no test program")?;
        let models = |tier: &str| -> Result<Vec<String>> {
            let list = cmd!(sh, "{program} --list {tier}").quiet().read()?;
            let prefix = format!("{MODULE}::");
            let name = |line: &str| Some(line.strip_prefix(&prefix)?.strip_suffix(": test")?.to_owned());
            Ok(list.lines().filter_map(name).collect())
        };
        let (all, slow) = (models("--include-ignored")?, models("--ignored")?);
        let fast = all.into_iter().filter(|model| !slow.contains(model)).collect();
        Ok(Self { program, fast, slow })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.fast.is_empty() && self.slow.is_empty()
    }

    /// Runs the fast models with nothing weakened: if one fails there, its verdict on the others means nothing.
    pub(super) fn control(&self, jobs: usize) -> Result<Costs> {
        let costs = in_parallel(jobs, &self.fast, |model| {
            let start = Instant::now();
            ensure!(self.holds(None, model)?, "{model} fails on the layer as it is");
            Ok((model.clone(), start.elapsed().as_secs_f64()))
        })?;
        Ok(costs.into_iter().collect())
    }

    /// Runs models until one fails: the one that failed last time, then the cheapest first, then those of the slow tier.
    pub(super) fn run(&self, mutant: &Mutant, killer: Option<&str>, costs: &Costs, full: bool) -> Result<Outcome> {
        let mut fast: Vec<&str> = self.fast.iter().map(String::as_str).collect();
        fast.sort_by(|a, b| costs[*a].total_cmp(&costs[*b]));
        let known = killer.filter(|model| self.fast.iter().chain(&self.slow).any(|known| known == model));
        let slow = self.slow.iter().map(String::as_str).filter(|_| full);
        let mut tried = Vec::new();
        for model in known.into_iter().chain(fast).chain(slow) {
            if tried.contains(&model) {
                continue;
            }
            if !self.holds(Some(mutant), model)? {
                return Ok(Outcome::KilledBy(model.to_owned()));
            }
            tried.push(model);
        }
        Ok(Outcome::Survived)
    }

    /// Runs one model in a process of its own, because loom's failures may abort.
    fn holds(&self, mutant: Option<&Mutant>, model: &str) -> Result<bool> {
        let output = Command::new("sh")
            .args(["-c", &format!("ulimit -t {PATIENCE}; exec \"$@\""), "sh"])
            .arg(&self.program)
            .args([&format!("{MODULE}::{model}"), "--exact", "--include-ignored"])
            .env_remove("REVEILLE_WEAKENED")
            .envs(mutant.map(|mutant| ("REVEILLE_WEAKENED", mutant.number.to_string())))
            .env("RUST_BACKTRACE", "0")
            .stderr(Stdio::null())
            .output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        ensure!(!output.status.success() || text.contains("1 passed"), "{model} did not run:\n{text}");
        Ok(output.status.success())
    }
}

/// The path in cargo's message about the test program of `layer`.
fn executable(message: &str, layer: &str) -> Option<PathBuf> {
    let message: serde_json::Value = serde_json::from_str(message).ok()?;
    let is_test = message["target"]["name"] == layer && message["target"]["kind"][0] == "test";
    is_test.then(|| message["executable"].as_str().map(PathBuf::from))?
}
