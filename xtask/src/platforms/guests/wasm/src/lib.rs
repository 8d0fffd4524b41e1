//! The conformance suite for threads of a WebAssembly host; `host.mjs` is one.
#![no_std]

use core::time::Duration;

use reveille_futex::conformance::{Options, Suite};

static SUITE: Suite = Suite::new(Options::quick().hand_offs(20_000).late(Duration::from_millis(100)));

#[link(wasm_import_module = "host")]
unsafe extern "C" {
    /// Milliseconds since a moment that is the same for all threads.
    safe fn milliseconds() -> f64;
}

/// Every thread calls it first; they agree on the clock.
#[unsafe(no_mangle)]
pub extern "C" fn init() {
    reveille_futex::set_clock(|| (milliseconds() * 1e6) as u64);
}

/// Zero, or the number of the check that failed.
#[unsafe(no_mangle)]
pub extern "C" fn lead(followers: u32) -> u32 {
    SUITE.lead(followers).map_or_else(|failure| failure.check as u32, |_| 0)
}

/// Zero, or the number of the check that failed.
#[unsafe(no_mangle)]
pub extern "C" fn follow() -> u32 {
    SUITE.follow().map_or_else(|failure| failure.check as u32, |()| 0)
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}
