//! A pool with one seat, whose tasks wait for interrupts.

use core::sync::atomic::Ordering;

use reveille::futex::AtomicU32;
use reveille::latch::Latch;
use reveille::pool::State;
use reveille::{Pool, Worker};

use crate::PATIENCE;

const LEAVES: usize = 256;

static POOL: Pool<1, 16> = Pool::new();
static LATCHES: [Latch; LEAVES] = [const { Latch::new() }; LEAVES];

/// The leaf that waits. Changed by the main program.
static AT: AtomicU32 = AtomicU32::new(0);

pub(crate) fn run() {
    let sum = POOL.enter(|worker| sum(worker, 0, LEAVES)).expect("the only seat is free");
    assert_eq!(sum, LEAVES * (LEAVES - 1) / 2);
    let squares = POOL.enter(|worker| worker.map_reduce(0..1_000, 8, |r| r.map(|i| i * i).sum(), |a: usize, b| a + b));
    assert_eq!(squares.ok(), Some(332_833_500));
    POOL.shutdown();
    POOL.run_worker(0).expect("the only seat is free");
    assert_eq!(POOL.state(), State::Closed);
}

fn sum(worker: &Worker, from: usize, to: usize) -> usize {
    if to - from == 1 {
        AT.store(from as u32, Ordering::Relaxed);
        assert!(LATCHES[from].wait_timeout(PATIENCE), "no interrupt sets latch {from}");
        return from;
    }
    let middle = (from + to) / 2;
    let (left, right) = worker.join(|w| sum(w, from, middle), |w| sum(w, middle, to));
    left + right
}

pub(crate) fn interrupt(_number: u32) {
    assert_eq!(POOL.stats()[0].steals, 0);
    if POOL.state() == State::Running {
        LATCHES[AT.load(Ordering::Relaxed) as usize].set();
    }
}
