//! A barrier of two: the main program waits at it, an interrupt arrives and goes on. Then one that the interrupt breaks.

use core::sync::atomic::Ordering;

use kit::machine::storm;
use reveille::barrier::{ArrivalToken, Barrier};
use reveille::futex::AtomicU32;

use crate::only::Only;
use crate::place::Place;

const PHASES: u32 = 4_000;
const BREAKS: u32 = 500;

/// Why it broke.
const CODE: u32 = 7;

static BARRIER: Barrier = Barrier::new(2);
static FRAGILE: Place<Barrier> = Place::empty();

/// The interrupt's arrival in the present phase.
static ARRIVAL: Only<Option<ArrivalToken<'static>>> = Only::new(None);

/// How often the interrupt was the last to arrive. Changed by interrupts.
static LED: AtomicU32 = AtomicU32::new(0);

pub(crate) fn run() {
    let mut led = 0;
    for phase in 0..PHASES {
        storm::go_on();
        let result = BARRIER.wait();
        assert_eq!(result.generation(), phase);
        led += u32::from(result.is_leader());
    }
    let others = LED.load(Ordering::Relaxed);
    kit::say!("phases ended by the main program: {led}, by an interrupt: {others}");
    assert!(led > 0 && others > 0 && led + others == PHASES);
    for _ in 0..BREAKS {
        let fragile = Barrier::new(2);
        FRAGILE.lend(&fragile, || {
            assert_eq!(fragile.checked_wait().expect_err("nobody else arrives").code(), CODE);
        });
    }
}

pub(crate) fn interrupt(number: u32) {
    if BARRIER.generation() == PHASES {
        if let Some(fragile) = FRAGILE.get() {
            shatter(fragile, number);
        }
        return;
    }
    // SAFETY: an interrupt, and the closure calls nothing that comes here again.
    unsafe { ARRIVAL.with(arrive) };
}

fn arrive(arrival: &mut Option<ArrivalToken<'static>>) {
    assert!(BARRIER.broken().is_none() && BARRIER.arrived() <= 2 && BARRIER.parties() == 2);
    if let Some(token) = arrival {
        assert_eq!(token.is_passed(), BARRIER.generation() != token.arrival().generation());
        if !token.is_passed() {
            return; // the main program is missing
        }
    }
    let token = BARRIER.arrive().expect("only the main program arrives besides");
    LED.fetch_add(u32::from(token.arrival().is_leader()), Ordering::Relaxed);
    *arrival = Some(token);
    storm::calm();
}

fn shatter(fragile: &Barrier, number: u32) {
    drop(fragile.guard()); // it breaks by a panic alone
    FRAGILE.clear();
    if number.is_multiple_of(2) || fragile.arrived() == 1 {
        assert!(fragile.break_with(CODE));
    } else {
        let token = fragile.arrive().expect("the first of two");
        assert!(token.break_with(CODE));
    }
    storm::calm();
}
