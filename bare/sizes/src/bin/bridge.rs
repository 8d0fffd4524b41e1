//! A bridge: publish, drain.
#![no_std]
#![no_main]

use core::cell::UnsafeCell;
use core::hint::black_box;

use reveille::bridge::{Bridge, Budget, Node, Parker};

static BRIDGE: Bridge<&'static mut Node<u32>, Parker> = Bridge::new(Parker::new());

struct Shared(UnsafeCell<Node<u32>>);
// SAFETY: used once.
unsafe impl Sync for Shared {}
static NODE: Shared = Shared(UnsafeCell::new(Node::new(0)));

sizes::program! {
    // SAFETY: used once.
    let node = unsafe { &mut *NODE.0.get() };
    if BRIDGE.try_publish(0, node).is_err() {
        return;
    }
    if let Ok(mut receiver) = BRIDGE.attach() {
        let drained = receiver.drain(Budget::items(8), |node| _ = black_box(node));
        _ = black_box(drained);
        core::mem::forget(receiver);
    }
}
