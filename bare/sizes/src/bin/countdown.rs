//! `CountdownLatch`: count down, wait.
#![no_std]
#![no_main]

use core::hint::black_box;

use reveille::latch::CountdownLatch;

static LATCH: CountdownLatch = CountdownLatch::new(3);

sizes::program! {
    _ = black_box(LATCH.count_down());
    _ = black_box(LATCH.wait());
}
