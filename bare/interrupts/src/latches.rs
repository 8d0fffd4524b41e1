//! Latches that an interrupt sets, counts down or adds to, while the main program waits or does the same.
//!
//! The interrupt that lets the main program go on is the last one until it has: a sleep that begins too late would not end.
//! The latches lie in the frame that waits, and are gone when it returns.

use core::sync::atomic::Ordering;

use kit::machine::storm;
use reveille::futex::AtomicU32;
use reveille::latch::{CoreLatch, CountdownLatch, Entered, Latch, WaitGroup};

use crate::only::Only;
use crate::place::Place;

const ROUNDS: u32 = 4_000;

/// Steps that the interrupt makes with a countdown.
const STEPS: u32 = 4;

static LATCH: Place<Latch> = Place::empty();
static OWNED: Place<CoreLatch> = Place::empty();
static COUNTDOWN: Place<CountdownLatch> = Place::empty();

static GROUP: WaitGroup = WaitGroup::new();

/// A member of the group that the interrupt lets go.
static MEMBER: Only<Option<Entered<'static>>> = Only::new(None);

/// Steps made with the present countdown, and countdowns so far. Changed by interrupts.
static MADE: AtomicU32 = AtomicU32::new(0);
static COUNTDOWNS: AtomicU32 = AtomicU32::new(0);

pub(crate) fn run() {
    let owned = CoreLatch::new();
    for round in 0..ROUNDS {
        let latch = Latch::new();
        LATCH.lend(&latch, || latch.wait());

        OWNED.lend(&owned, || owned.wait());
        assert!(owned.probe());
        owned.reset();

        let countdown = CountdownLatch::new(STEPS + 3);
        COUNTDOWN.lend(&countdown, || {
            countdown.try_add(1).expect("counts are left");
            countdown.count_down_by(2).expect("counts are left");
            countdown.count_down().expect("counts are left");
            drop(countdown.guard());
            assert_eq!(countdown.wait().is_err(), round % 2 == 1, "every other one is poisoned");
        });
        assert!(countdown.count_down().is_err(), "as many as there were");

        // SAFETY: no interrupt comes before `go_on`.
        unsafe { MEMBER.with(|member| *member = Some(GROUP.enter())) };
        storm::go_on();
        drop(GROUP.enter());
        assert!(GROUP.wait().is_ok() && GROUP.members() == 0);
    }
}

pub(crate) fn interrupt(number: u32) {
    if let Some(latch) = LATCH.get() {
        assert!(!latch.probe());
        LATCH.clear();
        // SAFETY: the main program keeps it until it is set.
        assert!(unsafe { Latch::set_raw(latch) });
        return storm::calm();
    }
    if let Some(latch) = OWNED.get() {
        OWNED.clear();
        set(latch, number);
        return storm::calm();
    }
    if let Some(latch) = COUNTDOWN.get() {
        return step(latch);
    }
    // SAFETY: an interrupt, and the closure calls nothing that comes here again.
    if let Some(member) = unsafe { MEMBER.with(Option::take) } {
        drop(GROUP.try_enter().expect("there is room"));
        GROUP.clear_poison();
        assert!(GROUP.members() > 0);
        drop(member);
        storm::calm();
    }
}

/// In one of the ways that there are.
fn set(latch: &CoreLatch, number: u32) {
    match number % 3 {
        0 => _ = latch.set(),
        // SAFETY: the main program keeps it until it is set.
        1 => _ = unsafe { CoreLatch::set_raw(latch) },
        _ if latch.claim() => latch.wake_owner(), // it sleeps
        _ if latch.mark() => latch.wake_owner(),
        _ => {}
    }
    assert!(latch.probe() && !latch.mark() && !latch.claim());
}

fn step(latch: &CountdownLatch) {
    assert!(!latch.is_released() && latch.count() > 0);
    let made = MADE.load(Ordering::Relaxed);
    MADE.store((made + 1) % STEPS, Ordering::Relaxed);
    let opened = match made {
        0 => {
            latch.try_add(1).expect("counts are left");
            latch.count_down_by(2)
        }
        1 => latch.count_down(),
        2 => {
            if COUNTDOWNS.fetch_add(1, Ordering::Relaxed) % 2 == 1 {
                latch.poison();
                assert!(latch.is_poisoned());
            }
            drop(latch.guard());
            Ok(false)
        }
        _ => {
            COUNTDOWN.clear();
            storm::calm();
            // SAFETY: the main program keeps it until it is open, and this is one of the counts.
            unsafe { CountdownLatch::count_down_raw(latch) }
        }
    };
    opened.expect("counts are left");
}
