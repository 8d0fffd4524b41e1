//! `Barrier`: wait.
#![no_std]
#![no_main]

use core::hint::black_box;

use reveille::barrier::Barrier;

static BARRIER: Barrier = Barrier::new(3);

sizes::program! {
    _ = black_box(BARRIER.checked_wait());
}
