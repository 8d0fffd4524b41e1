//! The command line.

use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::thread;

/// Counts the words of every text file below some folders, on the pool.
#[derive(clap::Parser)]
#[command(name = "wordcount")]
pub(crate) struct Arguments {
    /// Files and folders [default: this repository without what cargo and git keep in it]
    paths: Vec<PathBuf>,
    /// Workers [default: one per processor]
    #[arg(long)]
    threads: Option<NonZeroUsize>,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
    /// Fail if the parallel count differs from the sequential one
    #[arg(long)]
    pub(crate) check: bool,
}

impl Arguments {
    pub(crate) fn threads(&self) -> usize {
        let processors = || thread::available_parallelism().map_or(1, NonZeroUsize::get);
        self.threads.map_or_else(processors, NonZeroUsize::get)
    }

    pub(crate) fn paths(&self) -> Vec<PathBuf> {
        if !self.paths.is_empty() {
            return self.paths.clone();
        }
        let repository = Path::new(env!("CARGO_MANIFEST_DIR"));
        let Ok(entries) = fs::read_dir(repository) else { return vec![repository.to_owned()] };
        let entries = entries.filter_map(|entry| Some(entry.ok()?.path()));
        entries.filter(|path| !path.ends_with("target") && !path.ends_with(".git")).collect()
    }
}
