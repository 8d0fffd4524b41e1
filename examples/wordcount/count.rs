//! Counting on the pool: a tree of joins over the files, and over the halves of a large file.

use std::fs;
use std::path::PathBuf;
use std::sync::Mutex;

use reveille::join;

use crate::counts::{Counts, Problem, is_between_words};
use crate::progress::Progress;
use crate::walk::Found;

/// A longer text is cut in two. Counting this much takes about a millisecond: enough to be worth a steal, and the last
/// worker to finish keeps the others waiting no longer.
const LARGE: usize = 128 * 1024;

/// Counts one file after the other.
pub(crate) fn sequential(found: Found, bar: &Progress) -> Counts {
    let mut counts = Counts::with_unreadable(found.unreadable);
    for path in &found.files {
        if let Some(text) = read(path, &mut counts) {
            counts.add_text(&text);
        }
        bar.advance();
    }
    counts
}

/// Counts the files on the pool that the caller is a worker of.
pub(crate) fn parallel(found: Found, bar: &Progress) -> Counts {
    let counts = Counts::with_unreadable(found.unreadable);
    count_files(&found.files, counts, bar)
}

/// Reads the files and forgets them.
pub(crate) fn read_all(files: &[PathBuf], bar: &Progress) {
    if let [file] = files {
        let _ = fs::read(file);
        bar.advance();
    } else if !files.is_empty() {
        let (left, right) = files.split_at(files.len() / 2);
        join(|| read_all(left, bar), || read_all(right, bar));
    }
}

fn count_files(files: &[PathBuf], mut counts: Counts, bar: &Progress) -> Counts {
    match files {
        [] => counts,
        [file] => {
            if let Some(text) = read(file, &mut counts) {
                counts = count_text(&text, counts);
            }
            bar.advance();
            counts
        }
        _ => {
            let (left, right) = files.split_at(files.len() / 2);
            both(counts, |counts| count_files(left, counts, bar), |counts| count_files(right, counts, bar))
        }
    }
}

fn count_text(text: &str, mut counts: Counts) -> Counts {
    match halves(text) {
        Some((left, right)) if text.len() > LARGE => {
            both(counts, |counts| count_text(left, counts), |counts| count_text(right, counts))
        }
        _ => {
            counts.add_text(text);
            counts
        }
    }
}

/// Joins two halves of the work, each of which adds to the counts that it is given.
///
/// The right half goes on with the counts of the left one if that is done, as it is when nobody stole the right half.
/// So there is one table per steal and not one per leaf, and as many merges as steals.
fn both(
    counts: Counts,
    left: impl FnOnce(Counts) -> Counts + Send,
    right: impl FnOnce(Counts) -> Counts + Send,
) -> Counts {
    let slot = Mutex::new(None);
    let take = || slot.lock().expect("nobody panics with the lock").take();
    let ((), after) = join(
        || {
            let counts = left(counts);
            *slot.lock().expect("nobody panics with the lock") = Some(counts);
        },
        || right(take().unwrap_or_default()),
    );
    match take() {
        Some(before) => before.merge(after),
        None => after,
    }
}

/// Cuts a text between two words near its middle, if there is such a place.
fn halves(text: &str) -> Option<(&str, &str)> {
    let middle = (text.len() / 2..text.len()).find(|&i| text.is_char_boundary(i))?;
    let (at, _) = text[middle..].char_indices().find(|&(_, c)| is_between_words(c))?;
    Some(text.split_at(middle + at))
}

/// The text of a file, if it is one.
fn read(path: &PathBuf, counts: &mut Counts) -> Option<String> {
    match fs::read(path) {
        Ok(bytes) => {
            counts.files += 1;
            counts.bytes += bytes.len() as u64;
            let text = String::from_utf8(bytes);
            if text.is_err() {
                counts.not_utf8.push(path.clone());
            }
            text.ok()
        }
        Err(error) => {
            counts.unreadable.push(Problem::new(path.clone(), &error));
            None
        }
    }
}
