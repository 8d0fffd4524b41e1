//! A pool in static memory: one thread asks, the others serve.

use core::sync::atomic::{AtomicU32, Ordering};

use reveille_futex::{wait, wake_all};
use reveille_pool::{Pool, Worker};

use crate::THREADS;

static POOL: Pool<{ THREADS as usize }, 64> = Pool::new();

/// The first thread gives work, the others do it until the pool is shut down. Returns zero, or the number of the demand
/// that was not met.
#[unsafe(no_mangle)]
pub extern "C" fn pool(thread: u32) -> u32 {
    if thread > 0 {
        return u32::from(POOL.run_worker(thread as usize - 1).is_err());
    }
    let failed = POOL.enter(ask).unwrap_or(100);
    POOL.shutdown();
    failed
}

fn ask(worker: &Worker) -> u32 {
    let holds = [
        sum(worker, 0, 100_000) == 4_999_950_000,
        (0..500).all(|_| the_other_side_runs_elsewhere(worker)),
        visits_each_once(worker),
        worker.map_reduce(0..10_000, 16, |range| range.map(|i| i as u64).sum(), |a: u64, b| a + b) == 49_995_000,
        // Each of those five hundred found a sleeper or a searcher; some must have been asleep.
        POOL.stats().iter().map(|seat| seat.steals).sum::<u64>() >= 500,
        POOL.stats().iter().map(|seat| seat.parks).sum::<u64>() > 0,
    ];
    holds.iter().position(|holds| !holds).map_or(0, |index| index as u32 + 1)
}

fn sum(worker: &Worker, from: u64, to: u64) -> u64 {
    if to - from <= 10 {
        return (from..to).sum();
    }
    let middle = from.midpoint(to);
    let (a, b) = worker.join(|worker| sum(worker, from, middle), |worker| sum(worker, middle, to));
    a + b
}

/// One side of a join waits for the other, so that another thread must be woken for it.
fn the_other_side_runs_elsewhere(worker: &Worker) -> bool {
    let (here, word) = (worker.index(), AtomicU32::new(0));
    let wait_for_it = |_: &Worker| {
        while word.load(Ordering::Acquire) == 0 {
            wait(&word, 0);
        }
    };
    let elsewhere = |worker: &Worker| {
        word.store(1, Ordering::Release); // pairs with the load above
        wake_all(&word);
        worker.index() != here
    };
    worker.join(wait_for_it, elsewhere).1
}

fn visits_each_once(worker: &Worker) -> bool {
    static VISITS: [AtomicU32; 10_000] = [const { AtomicU32::new(0) }; 10_000];
    worker.for_each(0..VISITS.len(), 16, |i| {
        VISITS[i].fetch_add(1, Ordering::Relaxed); // the join orders it before the look below
    });
    VISITS.iter().all(|visits| visits.load(Ordering::Relaxed) == 1)
}
