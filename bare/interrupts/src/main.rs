//! Interrupts that use what the main program is using, at any instruction of it.
//!
//! Each part is a pair: what the main program does again and again, and what every interrupt of a storm does to the same
//! objects. Everything that the documentation allows in an interrupt is called from one:
//!
//! | part | from the interrupt |
//! |---|---|
//! | [`latches`] | `Latch`, `CoreLatch`, `CountdownLatch` and `WaitGroup`: set, count, leave |
//! | [`barrier`] | `Barrier`: arrive, break |
//! | [`deques`] | as a thief, and as an owner that others steal from |
//! | [`mailbox`] | `Bridge`: publish, close |
//! | [`tasks`] | a latch for tasks of a pool; what the pool tells |
//! | [`rest`] | whatever else is allowed, once each |
//! | here | `wake_one`, `wake_all`, `Deadline::now`, `asym::light` |
//!
//! An interrupt that had to wait for the main program would wait for ever: QEMU's time would run out. A main program that
//! does not see what an interrupt did is found by the next one, which comes after a long time.
#![no_std]
#![no_main]

mod barrier;
mod deques;
mod latches;
mod mailbox;
mod only;
mod place;
mod rest;
mod tasks;

use core::sync::atomic::Ordering;
use core::time::Duration;

use kit::machine::storm;
use kit::single::Single;
use reveille::futex::{AtomicU32, Deadline, asym, wake_all, wake_one};

reveille::futex::platform!(Single);
kit::entry!(main);
kit::interrupt!(interrupt);

/// A part: what the main program runs, and what each interrupt does meanwhile.
struct Part {
    name: &'static str,
    main: fn(),
    interrupt: fn(u32),
}

const PARTS: [Part; 6] = [
    Part { name: "latches", main: latches::run, interrupt: latches::interrupt },
    Part { name: "barrier", main: barrier::run, interrupt: barrier::interrupt },
    Part { name: "deques", main: deques::run, interrupt: deques::interrupt },
    Part { name: "mailbox", main: mailbox::run, interrupt: mailbox::interrupt },
    Part { name: "tasks", main: tasks::run, interrupt: tasks::interrupt },
    Part { name: "rest", main: rest::run, interrupt: rest::interrupt },
];

/// Which part runs. Stored between storms.
static PART: AtomicU32 = AtomicU32::new(0);

/// What no wait takes: a thousand interrupts.
const PATIENCE: Duration = Duration::from_millis(1);

fn main(_core: usize) {
    #[cfg(feature = "wide-atomics")]
    {
        static WIDE: portable_atomic::AtomicU64 = portable_atomic::AtomicU64::new(0);
        WIDE.fetch_add(1, Ordering::Relaxed);
    }
    for (number, part) in (0..).zip(&PARTS) {
        PART.store(number, Ordering::Relaxed);
        let before = storm::number();
        let storm = storm::begin();
        (part.main)();
        drop(storm);
        kit::say!("{}: {} interrupts", part.name, storm::number() - before);
        assert!(storm::number() - before > 300);
    }
}

fn interrupt(number: u32) {
    static NOBODY_WAITS: AtomicU32 = AtomicU32::new(0);
    static LAST: AtomicU32 = AtomicU32::new(0);
    asym::light();
    wake_one(&NOBODY_WAITS);
    wake_all(&NOBODY_WAITS);
    let now = Deadline::now().as_nanos() as u32;
    assert!(LAST.swap(now, Ordering::Relaxed) < now, "the clock stands still");
    (PARTS[PART.load(Ordering::Relaxed) as usize].interrupt)(number);
}
