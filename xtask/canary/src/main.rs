//! One mistake for each sanitizer. `cargo xtask sanitize` runs it before the tests and demands a report.

use std::cell::UnsafeCell;
use std::env;
use std::hint::black_box;
use std::mem;
use std::process::ExitCode;
use std::sync::Barrier;
use std::thread;

struct Shared(UnsafeCell<u32>);

// SAFETY: none; that is the point. Two threads write without an order.
unsafe impl Sync for Shared {}

static SHARED: Shared = Shared(UnsafeCell::new(0));

fn race() {
    // Both are there before either writes: the sanitizer forgets threads that have ended.
    let start = Barrier::new(2);
    let write = || {
        start.wait();
        for _ in 0..1_000 {
            // SAFETY: wrong on purpose: the other thread writes too.
            unsafe { *SHARED.0.get() += 1 };
        }
    };
    thread::scope(|scope| {
        scope.spawn(write);
        scope.spawn(write);
    });
}

fn use_after_free() {
    let pointer = black_box(&raw const *Box::new(7));
    // SAFETY: wrong on purpose: the box is gone.
    black_box(unsafe { *pointer });
}

fn leak() {
    mem::forget(black_box(Box::new([7; 100])));
}

fn main() -> ExitCode {
    match env::args().nth(1).as_deref() {
        Some("race") => race(),
        Some("use-after-free") => use_after_free(),
        Some("leak") => leak(),
        _ => return ExitCode::FAILURE,
    }
    ExitCode::SUCCESS
}
