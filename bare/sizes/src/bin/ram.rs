//! Statics whose symbols say how large they are.
#![no_std]
#![no_main]

use core::hint::black_box;

use reveille::barrier::Barrier;
use reveille::deque::{Deque, Inline};
use reveille::latch::{CoreLatch, CountdownLatch, Latch};

#[unsafe(no_mangle)]
static LATCH: Latch = Latch::new();
#[unsafe(no_mangle)]
static CORE_LATCH: CoreLatch = CoreLatch::new();
#[unsafe(no_mangle)]
static COUNTDOWN: CountdownLatch = CountdownLatch::new(3);
#[unsafe(no_mangle)]
static BARRIER: Barrier = Barrier::new(3);
#[unsafe(no_mangle)]
static DEQUE: Deque<u32, Inline<8>> = Deque::new();

sizes::program! {
    black_box((&LATCH, &CORE_LATCH, &COUNTDOWN, &BARRIER, &DEQUE));
}
