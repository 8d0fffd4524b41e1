//! All cores of a machine without a system: the conformance suite of their platform and of `Spin`, a deque and a barrier that
//! they share, and one static pool.
//!
//! A core that has nothing to do sleeps in `wfi`, in the kit's kernel, and another one's interrupt wakes it.
#![no_std]
#![no_main]

mod pool;
mod shared;

use core::time::Duration;

use kit::kernel::{self, Kernel};
use kit::machine::CORES;
use reveille::futex::conformance::{Options, Suite};
use reveille::futex::{Platform, Spin};

reveille::futex::platform!(Kernel);
kit::entry!(main);

/// A busy host lets a core oversleep.
const LATE: Duration = Duration::from_millis(500);

static SUITE: Suite = Suite::new(Options::quick().hand_offs(5_000).late(LATE));

/// The same for the platform that needs no kernel; on Arm it waits for events.
static SPIN: Suite<Spin> = Suite::new(Options::quick().untimed());

fn main(core: usize) {
    conform(&SUITE, core);
    conform(&SPIN, core);
    shared::run(core);
    pool::run(core);
    if core == 0 {
        for core in 0..CORES {
            kit::say!("core {core}: woken by an interrupt {} times", kernel::woken(core));
            assert!(kernel::woken(core) > 0);
        }
    }
}

fn conform<P: Platform>(suite: &Suite<P>, core: usize) {
    let outcome = if core == 0 { suite.lead(CORES as u32 - 1).map(drop) } else { suite.follow() };
    outcome.unwrap_or_else(|failure| panic!("{failure}"));
}
