//! The pool's wake path: post, search, announce, park.
#![no_std]
#![no_main]

use core::hint::black_box;

use reveille::latch::CoreLatch;
use reveille::pool::protocol::Sleep;

static SLEEP: Sleep = Sleep::new();
static PARK: [CoreLatch; 2] = [const { CoreLatch::new() }; 2];

sizes::program! {
    if SLEEP.post().is_some() {
        SLEEP.wake_any(PARK.iter());
    }
    SLEEP.start_search();
    let snapshot = SLEEP.announce();
    black_box(SLEEP.park(&PARK[0], snapshot, || true));
    black_box(SLEEP.end_search());
}
