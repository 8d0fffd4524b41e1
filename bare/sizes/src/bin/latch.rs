//! `Latch`: set, wait.
#![no_std]
#![no_main]

use reveille::latch::Latch;

static LATCH: Latch = Latch::new();

sizes::program! {
    LATCH.set();
    LATCH.wait();
}
