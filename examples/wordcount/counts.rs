//! The result: how often each word occurs, the totals, and what could not be counted.

use std::collections::HashMap;
use std::io;
use std::mem;
use std::path::PathBuf;

/// A file or folder that could not be read.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Problem {
    pub(crate) path: PathBuf,
    pub(crate) reason: String,
}

impl Problem {
    pub(crate) fn new(path: PathBuf, error: &io::Error) -> Self {
        Self { path, reason: error.to_string() }
    }
}

/// What was counted so far.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    table: HashMap<Box<str>, u64>,
    pub(crate) words: u64,
    pub(crate) files: u64,
    pub(crate) bytes: u64,
    pub(crate) unreadable: Vec<Problem>,
    pub(crate) not_utf8: Vec<PathBuf>,
}

impl Counts {
    /// Nothing but what the walk could not read.
    pub(crate) fn with_unreadable(unreadable: Vec<Problem>) -> Self {
        Self { unreadable, ..Self::default() }
    }

    /// Counts the words of a text: runs of letters and digits, without regard to case.
    pub(crate) fn add_text(&mut self, text: &str) {
        let mut folded = String::new();
        for word in text.split(is_between_words).filter(|word| !word.is_empty()) {
            self.words += 1;
            if word.chars().any(char::is_uppercase) {
                folded.clear();
                folded.extend(word.chars().flat_map(char::to_lowercase));
                self.add_word(&folded, 1);
            } else {
                self.add_word(word, 1);
            }
        }
    }

    /// Counts occurrences of one word. The total is the caller's to add to.
    pub(crate) fn add_word(&mut self, word: &str, occurrences: u64) {
        match self.table.get_mut(word) {
            Some(count) => *count += occurrences,
            None => _ = self.table.insert(word.into(), occurrences),
        }
    }

    /// Adds the smaller result to the larger one.
    pub(crate) fn merge(mut self, mut other: Self) -> Self {
        if self.table.len() < other.table.len() {
            mem::swap(&mut self, &mut other);
        }
        for (word, count) in other.table {
            *self.table.entry(word).or_default() += count;
        }
        self.words += other.words;
        self.files += other.files;
        self.bytes += other.bytes;
        self.unreadable.append(&mut other.unreadable);
        self.not_utf8.append(&mut other.not_utf8);
        self
    }

    /// The lists in an order that does not depend on who came first.
    pub(crate) fn sorted(mut self) -> Self {
        self.unreadable.sort();
        self.not_utf8.sort();
        self
    }

    pub(crate) fn distinct(&self) -> usize {
        self.table.len()
    }

    /// The most frequent words; of equally frequent ones, the first in the alphabet.
    pub(crate) fn most_frequent(&self, count: usize) -> Vec<(&str, u64)> {
        let mut words: Vec<_> = self.table.iter().map(|(word, count)| (&**word, *count)).collect();
        words.sort_by_key(|&(word, count)| (std::cmp::Reverse(count), word));
        words.truncate(count);
        words
    }
}

/// Whether a text can be cut before this character.
pub(crate) fn is_between_words(c: char) -> bool {
    !c.is_alphanumeric()
}
