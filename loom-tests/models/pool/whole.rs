//! A whole pool, and what its tasks wait for.

use reveille_futex as futex;
use reveille_futex::sync::atomic::{AtomicU32, Ordering};

use super::subject::Pool;

/// A pool of two seats, in memory that outlives the model, as a static would.
pub(super) fn pool() -> &'static Pool<2, 2> {
    Box::leak(Box::new(Pool::new_on()))
}

pub(super) fn block_on(word: &AtomicU32) {
    while word.load(Ordering::Acquire) == 0 {
        futex::wait(word, 0);
    }
}

pub(super) fn happen(word: &AtomicU32) {
    word.fetch_add(1, Ordering::Release);
    futex::wake_all(&raw const *word);
}
