//! What is taken from a deque, and by whom.
//!
//! Items are numbers from 1 on: an empty slot reads as 0, so that an item which nobody pushed gives itself away.

use loom::sync::Arc;
use loom::thread::JoinHandle;
use reveille_loom_tests::spawn;

use super::subject::{Deque, Storage};

/// What a thread has taken.
pub(super) type Taken = Vec<usize>;

/// `1..=count` have been taken, each once.
pub(super) fn assert_each_once(mut taken: Taken, count: usize) {
    taken.sort_unstable();
    assert_eq!(taken, Vec::from_iter(1..=count), "each item is taken once");
}

/// A thread that steals so many times; a retry is an answer too, because the model explores it.
pub(super) fn thief<S: Storage + 'static>(deque: &Arc<Deque<usize, S>>, steals: usize) -> JoinHandle<Taken> {
    spawn(deque, move |deque| (0..steals).filter_map(|_| deque.stealer().steal().success()).collect())
}
