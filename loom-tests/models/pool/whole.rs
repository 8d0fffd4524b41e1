//! A whole pool, and what its tasks wait for.

use reveille_futex as futex;
use reveille_futex::sync::atomic::{AtomicU32, Ordering};
use reveille_loom_tests::{Check, Place};

use super::subject::Pool;

/// Runs a model on a pool that its threads share by address, as they would a static. The model joins them all.
pub(super) fn on_pool<const N: usize, const CAP: usize>(
    check: Check,
    model: impl Fn(&'static Pool<N, CAP>) + Send + Sync + 'static,
) {
    check.run(move || {
        // SAFETY: no thread of the model uses the pool after it, and it keeps nothing.
        unsafe { Place::lend(Pool::new_on(), |pool| model(pool)) };
    });
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
