//! Counts the words of every text file below some folders, on the pool.
//!
//! ```text
//! cargo run --release --example wordcount -- [PATH...] [--threads N] [--json] [--check]
//! ```
//!
//! Folders are walked by a scope, files are read and counted by a tree of joins, and large files are cut in halves
//! between words. The same is done sequentially, to compare the time, and with `--check` the result.

mod arguments;
mod count;
mod counts;
mod progress;
mod report;
mod walk;

use std::panic::resume_unwind;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use clap::Parser as _;
use reveille::{ThreadPool, ThreadPoolBuilder};

use arguments::Arguments;
use counts::Counts;
use progress::Progress;
use report::Report;

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => {
            eprintln!("error: the parallel and the sequential count differ");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Counts both ways; `false` if the counts were to be compared and differ.
fn run(arguments: &Arguments) -> Result<bool> {
    let paths = arguments.paths();
    let threads = arguments.threads();
    let pool = ThreadPoolBuilder::new().num_threads(threads).build().context("the pool cannot be built")?;

    // Both counts then find the files in the system's cache.
    let files = on_a_worker(&pool, paths.clone(), Progress::new("reading", 0), |paths, bar| {
        let found = walk::parallel(paths);
        bar.expect(found.files.len());
        count::read_all(&found.files, bar);
        found.files.len()
    });

    let bar = Progress::new("sequential", files);
    let (sequential, sequential_time) = timed(|| count::sequential(walk::sequential(&paths), &bar));
    drop(bar);

    let bar = Progress::new("parallel", files);
    let before = pool.stats();
    let (parallel, parallel_time) =
        timed(|| on_a_worker(&pool, paths, bar, |paths, bar| count::parallel(walk::parallel(paths), bar)));
    let after = pool.stats();

    let agree = arguments.check.then(|| parallel == sequential);
    let report = Report { counts: &parallel, threads, sequential_time, parallel_time, before, after, agree };
    if arguments.json {
        report.print_json()?
    } else {
        report.print()
    }
    Ok(agree != Some(false))
}

/// Runs `f` on a thread of the pool while this one waits. `pool.install(f)` would let this thread work as well, as a
/// guest, and then `--threads 1` would mean two.
fn on_a_worker<R: Send + 'static>(
    pool: &ThreadPool,
    paths: Vec<PathBuf>,
    bar: Progress,
    f: impl FnOnce(&[PathBuf], &Progress) -> R + Send + 'static,
) -> R {
    let result = pool.spawn(move || f(&paths, &bar)).join();
    result.unwrap_or_else(|panic| resume_unwind(panic))
}

fn timed(f: impl FnOnce() -> Counts) -> (Counts, Duration) {
    let start = Instant::now();
    let counts = f();
    (counts.sorted(), start.elapsed())
}
