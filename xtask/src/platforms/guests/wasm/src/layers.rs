//! Latches and a barrier: who passes has seen what the others did before.

use core::sync::atomic::{AtomicU32, Ordering};

use reveille_barrier::Barrier;
use reveille_latch::{CountdownLatch, Latch};

use crate::THREADS;

const ROUNDS: usize = 200;

/// What each thread has done so far; by that thread alone.
type Done = [AtomicU32; THREADS as usize];

const fn nothing() -> Done {
    [const { AtomicU32::new(0) }; THREADS as usize]
}

/// How many threads have not done `round` yet. The latch or the barrier orders it, so the loads need not.
fn behind(done: &Done, round: u32) -> u32 {
    done.iter().filter(|done| done.load(Ordering::Relaxed) < round).count() as u32
}

/// In each round every thread counts down and waits; then one opens a latch for the others. Returns how often somebody
/// passed too early.
#[unsafe(no_mangle)]
pub extern "C" fn latch(thread: u32) -> u32 {
    static DONE: Done = nothing();
    static ALL_CAME: [CountdownLatch; ROUNDS] = [const { CountdownLatch::new(THREADS) }; ROUNDS];
    static OPEN: [Latch; ROUNDS] = [const { Latch::new() }; ROUNDS];
    static OPENED: AtomicU32 = AtomicU32::new(0);
    let mut early = 0;
    for ((round, all_came), open) in (1..).zip(&ALL_CAME).zip(&OPEN) {
        DONE[thread as usize].store(round, Ordering::Relaxed);
        let last = all_came.count_down().is_ok_and(|last| last);
        if last {
            OPENED.store(round, Ordering::Relaxed);
            open.set();
        }
        early += all_came.wait().map_or(THREADS, |()| behind(&DONE, round));
        open.wait();
        early += u32::from(OPENED.load(Ordering::Relaxed) < round);
    }
    early
}

/// Returns how often somebody passed too early, or there was not one leader among the threads.
#[unsafe(no_mangle)]
pub extern "C" fn barrier(thread: u32) -> u32 {
    static DONE: Done = nothing();
    static LEADERS: AtomicU32 = AtomicU32::new(0);
    static BARRIER: Barrier = Barrier::new(THREADS as usize);
    let mut wrong = 0;
    for phase in 1..=2_000 {
        DONE[thread as usize].store(phase, Ordering::Relaxed);
        if BARRIER.wait().is_leader() {
            LEADERS.fetch_add(1, Ordering::Relaxed);
        }
        wrong += behind(&DONE, phase);
        BARRIER.wait(); // nobody is in the next phase before everybody has looked
        wrong += u32::from(LEADERS.load(Ordering::Relaxed) != phase);
    }
    wrong
}
