//! The layers on threads of a WebAssembly host, in one memory; `host.mjs` is such a host.
//!
//! Each export is one part of the check; all threads call it, or those that its arguments name. It returns zero, or says
//! what failed. Nothing here allocates.
#![no_std]

mod interop;
mod layers;
mod pool;

use core::time::Duration;

use reveille_futex::conformance::{Options, Suite};

/// How many threads the host has; `host.mjs` says the same.
pub(crate) const THREADS: u32 = 4;

static SUITE: Suite = Suite::new(
    Options::quick().hand_offs(20_000).late(Duration::from_secs(10)).patience(Duration::from_secs(60)), // others run too
);

#[link(wasm_import_module = "host")]
unsafe extern "C" {
    /// Milliseconds since a moment that is the same for all threads.
    safe fn milliseconds() -> f64;

    /// A check of this source line failed. Does not return to whoever panics.
    safe fn panicked(line: u32);
}

/// Every thread calls it first; they agree on the clock.
#[unsafe(no_mangle)]
pub extern "C" fn init() {
    reveille_futex::set_clock(|| (milliseconds() * 1e6) as u64);
}

/// Zero, or the number of the check that failed.
#[unsafe(no_mangle)]
pub extern "C" fn conformance(thread: u32) -> u32 {
    let outcome = if thread == 0 { SUITE.lead(THREADS - 1).map(|_| ()) } else { SUITE.follow() };
    outcome.map_or_else(|failure| failure.check as u32, |()| 0)
}

#[panic_handler]
fn panic(panic: &core::panic::PanicInfo<'_>) -> ! {
    panicked(panic.location().map_or(0, |location| location.line()));
    core::arch::wasm32::unreachable()
}
