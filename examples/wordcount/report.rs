//! The outcome, for a person or for a program.

use std::fmt;
use std::time::Duration;

use anyhow::Result;
use reveille::pool::WorkerStats;
use serde_json::json;

use crate::counts::Counts;

/// How many words are named.
const MOST_FREQUENT: usize = 20;

/// How many files are named that could not be counted.
const NAMED: usize = 5;

/// Everything there is to say.
pub(crate) struct Report<'a> {
    pub(crate) counts: &'a Counts,
    pub(crate) threads: usize,
    pub(crate) sequential_time: Duration,
    pub(crate) parallel_time: Duration,
    /// The pool's counters before and after the parallel count.
    pub(crate) before: WorkerStats,
    pub(crate) after: WorkerStats,
    /// Whether both counts are equal, if that was asked.
    pub(crate) agree: Option<bool>,
}

impl Report<'_> {
    pub(crate) fn print(&self) {
        let Counts { words, files, bytes, unreadable, not_utf8, .. } = self.counts;
        for (word, count) in self.counts.most_frequent(MOST_FREQUENT) {
            println!("{count:>10}  {word}");
        }
        println!();
        println!("{words} words, {} distinct, in {files} files of {bytes} bytes", self.counts.distinct());
        name("not UTF-8, not counted", not_utf8.iter().map(|path| path.display()));
        name("unreadable", unreadable.iter().map(|problem| format!("{}: {}", problem.path.display(), problem.reason)));
        println!();
        println!("sequential {:>9.3} s", self.sequential_time.as_secs_f64());
        println!(
            "parallel   {:>9.3} s   {:.2} times as fast, {} threads",
            self.parallel_time.as_secs_f64(),
            self.speed_up(),
            self.threads
        );
        let counters = self.counters().map(|(name, count)| format!("{name} {count}"));
        println!("pool       {}", counters.join(", "));
        match self.agree {
            Some(true) => println!("check      both counts are equal"),
            Some(false) => println!("check      the counts DIFFER"),
            None => {}
        }
    }

    pub(crate) fn print_json(&self) -> Result<()> {
        let Counts { words, files, bytes, unreadable, not_utf8, .. } = self.counts;
        let most_frequent = self.counts.most_frequent(MOST_FREQUENT).into_iter();
        let object = json!({
            "most_frequent": most_frequent.map(|(word, count)| json!({ "word": word, "count": count })).collect::<Vec<_>>(),
            "words": words,
            "distinct_words": self.counts.distinct(),
            "files": files,
            "bytes": bytes,
            "not_utf8": not_utf8.len(),
            "unreadable": unreadable.len(),
            "threads": self.threads,
            "sequential_seconds": self.sequential_time.as_secs_f64(),
            "parallel_seconds": self.parallel_time.as_secs_f64(),
            "speed_up": self.speed_up(),
            "pool": self.counters().into_iter().map(|(name, count)| (name.to_owned(), json!(count)))
                .collect::<serde_json::Map<_, _>>(),
            "check": self.agree,
        });
        println!("{}", serde_json::to_string_pretty(&object)?);
        Ok(())
    }

    fn speed_up(&self) -> f64 {
        self.sequential_time.as_secs_f64() / self.parallel_time.as_secs_f64()
    }

    /// What the pool did for the parallel count.
    fn counters(&self) -> [(&'static str, u64); 6] {
        let Self { before, after, .. } = self;
        [
            ("forks published", after.published - before.published),
            ("forced exposures", after.exposures - before.exposures),
            ("jobs", after.jobs - before.jobs),
            ("steals", after.steals - before.steals),
            ("wakes", after.wakes - before.wakes),
            ("parks", after.parks - before.parks),
        ]
    }
}

/// Prints how many there are and the first few.
fn name<T: fmt::Display>(what: &str, all: impl ExactSizeIterator<Item = T>) {
    let count = all.len();
    if count > 0 {
        println!("{count} {what}:");
        all.take(NAMED).for_each(|one| println!("    {one}"));
        if count > NAMED {
            println!("    and {} more", count - NAMED);
        }
    }
}
