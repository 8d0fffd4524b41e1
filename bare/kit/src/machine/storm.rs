//! A timer that interrupts the program again and again, each time after another while, so that over time it does so between
//! any two instructions.

use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use super::{board, mask, unmask};

unsafe extern "Rust" {
    /// The program's, from [`interrupt!`](crate::interrupt!).
    safe fn bare_interrupt(number: u32);
}

/// Names the function `fn(number: u32)` that each interrupt of the storm runs.
#[macro_export]
macro_rules! interrupt {
    ($handler:path) => {
        #[unsafe(no_mangle)]
        extern "Rust" fn bare_interrupt(number: u32) {
            let handler: fn(u32) = $handler;
            handler(number)
        }
    };
}

/// The longest time without an interrupt, in steps of the timer, each of about an instruction.
const LONGEST: u32 = 2048;

/// Longer than the program needs for anything.
const A_LONG_TIME: u32 = 1 << 20;

/// What the clock of this machine says that passes from one interrupt to the next: it has no other.
const NANOS: u64 = 1_000;

/// Interrupts so far. Changed by them alone, and they do not interrupt each other.
static NUMBER: AtomicU32 = AtomicU32::new(0);

/// Whether the next interrupt waits for the program. Set by interrupts, cleared by the program.
static CALM: AtomicBool = AtomicBool::new(false);

/// From now on interrupts come, until the guard is dropped.
pub fn begin() -> Storm {
    go_on();
    unmask();
    Storm(())
}

/// For an interrupt: it is the last one until the program calls [`go_on`], or has not done so for a long time, which is an
/// error: what the interrupt did has not reached it.
pub fn calm() {
    CALM.store(true, Ordering::Relaxed);
}

/// For the program: interrupts come again.
pub fn go_on() {
    let were_masked = mask();
    board::stop_timer();
    CALM.store(false, Ordering::Relaxed);
    start_timer();
    if !were_masked {
        unmask();
    }
}

fn start_timer() {
    // A multiplicative hash makes the whiles differ; most are short.
    let hash = number().wrapping_mul(0x9E37_79B9);
    board::start_timer((((hash >> 12) % LONGEST) >> ((hash >> 28) % 6)) + 1);
}

/// See [`begin`].
pub struct Storm(());

impl Drop for Storm {
    fn drop(&mut self) {
        mask();
        board::stop_timer();
    }
}

/// Interrupts so far.
pub fn number() -> u32 {
    NUMBER.load(Ordering::Relaxed)
}

/// Nanoseconds since the start: interrupts are the clock.
pub fn now() -> u64 {
    u64::from(number()) * NANOS
}

/// Where all interrupts go.
pub(super) extern "C" fn interrupted() {
    board::stop_timer();
    assert!(!CALM.load(Ordering::Relaxed), "the program does not go on: it sleeps, and should not");
    let number = number().wrapping_add(1);
    NUMBER.store(number, Ordering::Relaxed);
    bare_interrupt(number);
    // After the interrupt, so that the program always gets on.
    if CALM.load(Ordering::Relaxed) {
        board::start_timer(A_LONG_TIME);
    } else {
        start_timer();
    }
}
