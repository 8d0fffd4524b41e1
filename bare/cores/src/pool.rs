//! One pool in static memory, with a seat for each core.
//!
//! The first core enters it with a piece of work, again and again, after the others have fallen asleep. One part of the work
//! is a meeting: tasks, and then the indices of a loop, of which each waits for the others, so that it ends only if each core
//! was woken and took one.

use core::sync::atomic::Ordering;
use core::time::Duration;

use kit::kernel;
use kit::machine::CORES;
use reveille::barrier::Barrier;
use reveille::futex::{AtomicU32, Deadline, wait_timeout};
use reveille::latch::CountdownLatch;
use reveille::pool::TaskSlot;
use reveille::{Pool, Worker};

const ROUNDS: usize = 20;
const NODES: u32 = (1 << 12) - 1;
const MARKS: usize = 1_000;
/// More than a seat's own queue has room for.
const TASKS: usize = 40;

static POOL: Pool<CORES, 64> = Pool::new();
static LEFT: CountdownLatch = CountdownLatch::new(CORES as u32 - 1);

pub(crate) fn run(core: usize) {
    // `enter` looks for a free seat from the last one on, so that one is for the first core.
    if core != 0 {
        POOL.run_worker(core - 1).expect("one core for each seat");
        LEFT.count_down().expect("counted once");
        return;
    }
    for _ in 0..ROUNDS {
        let_others_sleep();
        POOL.enter(work).expect("the last seat is free");
    }
    POOL.shutdown();
    LEFT.wait().expect("nobody fails");
    let (mut jobs, mut steals, mut wakes) = (0, 0, 0);
    for (seat, stats) in POOL.stats().iter().enumerate() {
        kit::say!("seat {seat}: {stats:?}");
        jobs += stats.jobs as usize;
        steals += stats.steals as usize;
        wakes += stats.wakes as usize;
    }
    assert_eq!(jobs, ROUNDS * (CORES + TASKS));
    assert!(steals >= ROUNDS * (CORES - 1), "each meeting takes as many");
    assert!(wakes >= ROUNDS, "all others slept before each round");
}

fn let_others_sleep() {
    static NOBODY_WAKES: AtomicU32 = AtomicU32::new(0);
    let patience = Deadline::after(Duration::from_secs(20));
    while kernel::waiting() < CORES - 1 {
        assert!(Deadline::now() < patience, "the other cores have no work and do not sleep");
        wait_timeout(&NOBODY_WAKES, 0, Duration::from_micros(50));
    }
}

fn work(worker: &Worker) {
    let meeting = Barrier::new(CORES);
    let mut slots = [const { TaskSlot::new() }; CORES];
    worker.scope(|s| {
        for slot in &mut slots {
            s.spawn_in(worker, slot, |_, _| _ = meeting.wait());
        }
    });
    let sum_of_tasks = AtomicU32::new(0);
    let mut slots = [const { TaskSlot::new() }; TASKS];
    worker.scope(|s| {
        for (slot, i) in slots.iter_mut().zip(1..) {
            let sum_of_tasks = &sum_of_tasks;
            s.spawn_in(worker, slot, move |_, _| _ = sum_of_tasks.fetch_add(i, Ordering::Relaxed)); // published by the end
        }
    });
    assert_eq!(sum_of_tasks.load(Ordering::Relaxed) as usize, TASKS * (TASKS + 1) / 2);

    assert_eq!(sum(worker, 1), NODES * (NODES + 1) / 2);

    let marks = [const { AtomicU32::new(0) }; MARKS];
    worker.for_each(0..MARKS, 16, |i| {
        marks[i].fetch_add(1, Ordering::Relaxed); // published by the end of the loop
    });
    assert!(marks.iter().all(|mark| mark.load(Ordering::Relaxed) == 1));

    let meeting = Barrier::new(CORES);
    worker.for_each(0..CORES, 1, |_| {
        meeting.wait();
    });
}

/// The sum of the numbers of a binary tree, in which node `n` has the children `2 n` and `2 n + 1`.
fn sum(worker: &Worker, node: u32) -> u32 {
    if node > NODES {
        return 0;
    }
    let (left, right) = worker.join(|w| sum(w, 2 * node), |w| sum(w, 2 * node + 1));
    node + left + right
}
