//! `cargo xtask ordering-sweep`: is every ordering above Relaxed needed, and does a model know?
//!
//! Each ordering of a layer is weakened in turn, in a copy of the layer's source that is compiled as a module of the
//! model-checking suite with a switch at each ordering. A weakening that no model notices needs a written argument in
//! `loom-tests/sweep/LAYER.toml`. The outcome is `loom-tests/sweep/LAYER.md`.

mod arguments;
mod mutants;
mod report;
mod sites;
mod source;

use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use anyhow::{Result, bail, ensure};
use xshell::Shell;

use crate::metadata;
use crate::models::choose;
use mutants::{Mutant, Outcome, Suite};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Compare with the tables that are checked in instead of writing them
    #[arg(long)]
    check: bool,
    /// Take the table's word for what models are blind to, and try only the others: for every change, where a whole sweep is
    /// for a release
    #[arg(long, conflicts_with = "full")]
    quick: bool,
    /// Try the slow models too on what survives the fast ones
    #[arg(long)]
    full: bool,
    /// How many models run at once [default: one per processor]
    #[arg(long)]
    jobs: Option<usize>,
    /// Only print the orderings
    #[arg(long)]
    list: bool,
    /// Only these layers: futex, deque, latch, ...
    layers: Vec<String>,
}

pub(crate) fn run(sh: &Shell, arguments: &Arguments) -> Result<()> {
    let mut faults = Vec::new();
    for layer in choose(sh, &arguments.layers)? {
        let mutants = mutants::of_layer(&metadata::root().join(&layer).join("src"))?;
        if arguments.list {
            mutants.iter().for_each(|mutant| println!("{layer}: {mutant}"));
        } else if let Err(fault) = sweep(sh, arguments, &layer, &mutants) {
            faults.push(format!("{layer}: {fault:#}"));
        }
    }
    ensure!(faults.is_empty(), "{}", faults.join("\n"));
    Ok(())
}

fn sweep(sh: &Shell, arguments: &Arguments, layer: &str, mutants: &[Mutant]) -> Result<()> {
    let start = Instant::now();
    let page = file(layer, "md");
    let before = fs::read_to_string(&page).unwrap_or_default();
    let suite = Suite::build(sh, layer, mutants)?;
    if suite.is_empty() {
        eprintln!("{layer}: no models yet");
        return Ok(());
    }
    let jobs = arguments.jobs.unwrap_or_else(|| thread::available_parallelism().map_or(1, usize::from));
    let costs = suite.control(jobs)?;
    let outcomes = in_parallel(jobs, mutants, |mutant| {
        if mutant.unmodelled {
            return Ok(Outcome::Unmodelled);
        }
        if arguments.quick && report::is_blind(&before, mutant) {
            return Ok(Outcome::Survived);
        }
        let outcome = suite.run(mutant, report::killer(&before, mutant), &costs, arguments.full)?;
        eprintln!("{layer}: {mutant}: {outcome}");
        Ok(outcome)
    })?;

    let (verdicts, faults) = arguments::explain(&file(layer, "toml"), mutants, &outcomes)?;
    let after = report::page(layer, mutants, &verdicts);
    eprintln!("{layer}: {} weakenings in {:.0} s", mutants.len(), start.elapsed().as_secs_f64());
    if !arguments.check {
        fs::write(&page, after)?;
    } else if after != before {
        bail!("{} is not what the sweep finds; run it without --check", page.display());
    }
    ensure!(faults.is_empty(), "{}", faults.join("\n"));
    Ok(())
}

fn file(layer: &str, extension: &str) -> PathBuf {
    metadata::root().join("loom-tests/sweep").join(layer).with_extension(extension)
}

/// Maps `items` on `jobs` threads; the results are in the order of the items, and the first error wins.
fn in_parallel<T: Sync, R: Send>(jobs: usize, items: &[T], f: impl Fn(&T) -> Result<R> + Sync) -> Result<Vec<R>> {
    let next = AtomicUsize::new(0);
    let results = Mutex::new(HashMap::new());
    thread::scope(|scope| {
        for _ in 0..jobs.max(1) {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(item) = items.get(index) else { break };
                    let result = f(item);
                    results.lock().expect("no thread panics with the lock").insert(index, result);
                }
            });
        }
    });
    let mut results = results.into_inner().expect("no thread panicked with the lock");
    let take = |index| results.remove(&index);
    (0..items.len()).map(take).map(|result| result.unwrap_or_else(|| bail!("a worker stopped"))).collect()
}
