//! A barrier of two: the main program waits at it, an interrupt arrives and goes on.

use core::sync::atomic::Ordering;

use reveille::barrier::{ArrivalToken, Barrier};
use reveille::futex::AtomicU32;

use crate::PATIENCE;
use crate::only::Only;

const PHASES: u32 = 4_000;

static BARRIER: Barrier = Barrier::new(2);

/// The interrupt's arrival in the present phase.
static ARRIVAL: Only<Option<ArrivalToken<'static>>> = Only::new(None);

/// How often the interrupt was the last to arrive. Changed by interrupts.
static LED: AtomicU32 = AtomicU32::new(0);

pub(crate) fn run() {
    let mut led = 0;
    for phase in 0..PHASES {
        let Ok(result) = BARRIER.wait_timeout(PATIENCE) else { panic!("no interrupt arrives in phase {phase}") };
        assert_eq!(result.generation(), phase);
        led += u32::from(result.is_leader());
    }
    let others = LED.load(Ordering::Relaxed);
    kit::say!("phases ended by the main program: {led}, by an interrupt: {others}");
    assert!(led > 0 && others > 0 && led + others >= PHASES);
}

pub(crate) fn interrupt(_number: u32) {
    assert!(BARRIER.broken().is_none() && BARRIER.arrived() <= 2);
    // SAFETY: an interrupt, and the closure calls nothing that comes here again.
    unsafe {
        ARRIVAL.with(|arrival| {
            if let Some(token) = arrival {
                if !token.is_passed() {
                    return; // the main program is missing
                }
                assert!(token.arrival().generation() < PHASES + 1);
            }
            if BARRIER.generation() == PHASES {
                return *arrival = None; // dropped: the arrivals before stand
            }
            let token = BARRIER.arrive().expect("only the main program arrives besides");
            LED.fetch_add(u32::from(token.arrival().is_leader()), Ordering::Relaxed);
            *arrival = Some(token);
        });
    }
}
