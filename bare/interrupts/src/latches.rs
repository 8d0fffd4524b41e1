//! Latches that an interrupt sets, counts down or adds to, while the main program waits or does the same.

use core::sync::atomic::Ordering;

use kit::machine::storm;
use reveille::futex::{AtomicU32, Deadline};
use reveille::latch::{CoreLatch, CountdownLatch, Latch};

use crate::PATIENCE;

const ROUNDS: usize = 250;

/// Counts that each of the two takes from a countdown, besides those that it adds, in as many steps.
const SHARE: u32 = 3;

static LATCHES: [Latch; ROUNDS] = [const { Latch::new() }; ROUNDS];
static OWNED: CoreLatch = CoreLatch::new();
static COUNTDOWNS: [CountdownLatch; ROUNDS] = [const { CountdownLatch::new(2 * SHARE) }; ROUNDS];

/// What the main program waits for: the latches, then the owned one, then the countdowns. It alone changes it.
static AT: AtomicU32 = AtomicU32::new(0);

/// Steps that interrupts have made with countdowns, `SHARE` with each; changed by them alone.
static STEPS: AtomicU32 = AtomicU32::new(0);

enum Stage {
    Latch(usize),
    Owned,
    Countdown(usize),
    Over,
}

fn stage() -> Stage {
    match AT.load(Ordering::Relaxed) as usize {
        at if at < ROUNDS => Stage::Latch(at),
        at if at < 2 * ROUNDS => Stage::Owned,
        at if at < 3 * ROUNDS => Stage::Countdown(at - 2 * ROUNDS),
        _ => Stage::Over,
    }
}

pub(crate) fn run() {
    loop {
        let deadline = Deadline::after(PATIENCE);
        let stage = stage();
        match stage {
            Stage::Latch(i) => assert!(LATCHES[i].wait_until(deadline), "nobody has set latch {i}"),
            Stage::Owned => {
                assert!(OWNED.wait_until(deadline), "nobody has set the owned latch");
                OWNED.reset();
            }
            Stage::Countdown(i) => count(&COUNTDOWNS[i], deadline, i),
            Stage::Over => return,
        }
        AT.fetch_add(1, Ordering::Relaxed);
        if matches!(stage, Stage::Latch(_)) {
            storm::go_on();
        }
    }
}

fn count(latch: &CountdownLatch, deadline: Deadline, i: usize) {
    latch.try_add(1).expect("the main program's own counts are left");
    latch.count_down_by(2).expect("counts are left");
    for _ in 1..SHARE {
        latch.count_down().expect("counts are left");
    }
    let waited = latch.wait_until(deadline);
    assert_eq!(waited.is_err(), i % 2 == 1, "every other one is poisoned, none is late");
    assert!(latch.is_released() && latch.count() == 0);
}

pub(crate) fn interrupt(number: u32) {
    match stage() {
        Stage::Latch(i) => {
            assert!(!LATCHES[i].probe());
            assert!(LATCHES[i].set());
            storm::calm(); // nothing else ends a sleep that began too late
        }
        Stage::Owned => {
            match number % 3 {
                0 => _ = OWNED.set(),
                1 if OWNED.mark() => OWNED.wake_owner(),
                2 if OWNED.claim() => OWNED.wake_owner(),
                _ => {}
            }
            assert!(OWNED.probe() || number % 3 == 2);
        }
        Stage::Countdown(i) => take(&COUNTDOWNS[i], i),
        Stage::Over => {}
    }
}

fn take(latch: &CountdownLatch, i: usize) {
    let steps = STEPS.load(Ordering::Relaxed);
    match steps - i as u32 * SHARE {
        0 => {
            latch.try_add(1).expect("the interrupt's own counts are left");
            latch.count_down_by(2).expect("counts are left");
        }
        1 => {
            if i % 2 == 1 {
                latch.poison();
                assert!(latch.is_poisoned());
            }
            drop(latch.guard());
        }
        2 => _ = latch.count_down().expect("counts are left"),
        _ => return assert!(latch.is_released() || latch.count() > 0, "the rest is the main program's"),
    }
    STEPS.store(steps + 1, Ordering::Relaxed);
}
