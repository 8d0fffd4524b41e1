//! A deque whose items all cores take, and barriers between the rounds.

use core::sync::atomic::Ordering;
use core::time::Duration;

use kit::machine::CORES;
use reveille::barrier::Barrier;
use reveille::deque::{Deque, Inline, Steal};
use reveille::futex::AtomicU32;
use reveille::latch::CountdownLatch;

const ROUNDS: u32 = 100;
const ITEMS: u32 = 200;
const A_MOMENT: Duration = Duration::from_micros(50);

static TASKS: Deque<u32, Inline<64>> = Deque::new();
static BARRIER: Barrier = Barrier::new(CORES);

/// Read-modify-writes by the cores that took the items.
static SUM: AtomicU32 = AtomicU32::new(0);

/// One for each round: its items that nobody has taken.
static LEFT: [CountdownLatch; ROUNDS as usize] = [const { CountdownLatch::new(ITEMS) }; ROUNDS as usize];

pub(crate) fn run(core: usize) {
    for (round, left) in LEFT.iter().enumerate() {
        if core == 0 {
            deal(left);
        } else {
            steal(left);
        }
        BARRIER.wait();
        // Nobody adds before the next one.
        assert_eq!(SUM.load(Ordering::Relaxed), (round as u32 + 1) * ITEMS * (ITEMS - 1) / 2);
        BARRIER.wait();
    }
}

fn take(item: u32, left: &CountdownLatch) {
    SUM.fetch_add(item, Ordering::Relaxed); // published by the barrier
    left.count_down().expect("an item was taken twice");
}

/// The first core owns the deque; what does not fit, and what the others leave, it takes itself.
fn deal(left: &CountdownLatch) {
    let owner = TASKS.claim().expect("the only owner");
    for item in 0..ITEMS {
        if let Err(full) = owner.try_push(item) {
            take(full.0, left);
        }
    }
    while let Some(item) = owner.pop() {
        take(item, left);
    }
    left.wait().expect("nobody fails"); // for those that were stolen and not counted yet
}

fn steal(left: &CountdownLatch) {
    while !left.is_released() {
        match TASKS.stealer().steal() {
            Steal::Success(item) => take(item, left),
            Steal::Retry => {}
            Steal::Empty => _ = left.wait_timeout(A_MOMENT), // then there may be more
        }
    }
}
