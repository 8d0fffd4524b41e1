//! The smallest program that forks and joins: a worker that serves, and a caller.
#![no_std]
#![no_main]

use core::hint::black_box;

use reveille::Pool;

static POOL: Pool<2, 16> = Pool::new();

sizes::program! {
    if black_box(false) {
        _ = black_box(POOL.run_worker(0));
        return;
    }
    _ = black_box(POOL.enter(|worker| worker.join(|_| black_box(1), |_| black_box(2))));
}
