//! `CoreLatch`: set, wait, reset.
#![no_std]
#![no_main]

use reveille::latch::CoreLatch;

static LATCH: CoreLatch = CoreLatch::new();

sizes::program! {
    LATCH.set();
    LATCH.wait();
    LATCH.reset();
}
