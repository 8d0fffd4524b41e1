//! A deque: push, pop, steal.
#![no_std]
#![no_main]

use core::hint::black_box;

use reveille::deque::{Deque, Inline};

static DEQUE: Deque<u32, Inline<8>> = Deque::new();

sizes::program! {
    // SAFETY: the only owner.
    let owner = unsafe { DEQUE.owner() };
    _ = black_box(owner.try_push(black_box(1)));
    _ = black_box(owner.pop());
    _ = black_box(DEQUE.stealer().steal());
}
