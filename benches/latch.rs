//! Latches against what programs use instead. `cargo bench --bench latch`
//!
//! | row | what is timed |
//! |---|---|
//! | count_down | one count-down of a latch of many, by one thread; groups: one member comes and goes |
//! | open wait | a wait for what has happened already |
//! | set, nobody waits | making a latch and setting it |
//! | one-shot round trip | two threads that wait for each other in turn, each time on a fresh latch |
//! | eight workers | a producer that waits until eight threads have counted down, on two processors |

mod common;

use std::hint::{black_box, spin_loop};
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, mpsc};
use std::thread;
use std::time::Instant;

use common::peers::{CROSSBEAM_GROUP, EVENT_LISTENER, PARKING_LOT};
use common::target::at_most;
use common::{Bench, per, time};
use crossbeam_utils::sync::WaitGroup as CrossbeamGroup;
use event_listener::{Event, Listener};
use reveille::latch::{CoreLatch, CountdownLatch, Latch, WaitGroup};

const STD: &str = "std Mutex, Condvar";

/// Counts of one latch in the `count_down` row.
const COUNTS: u32 = 1_000_000;

fn count_down(bench: &Bench) {
    bench
        .row("count_down")
        .contestant("reveille CountdownLatch", |n| {
            let mut latch = CountdownLatch::new(COUNTS);
            time(n, |i| {
                if i % u64::from(COUNTS) == 0 {
                    latch.reset(COUNTS);
                }
                let _ = black_box(&latch).count_down();
            })
        })
        .contestant("reveille WaitGroup, enter and leave", |n| {
            let group = WaitGroup::new();
            time(n, |_| drop(black_box(&group).enter()))
        })
        .contestant(CROSSBEAM_GROUP, |n| {
            let group = CrossbeamGroup::new();
            time(n, |_| drop(black_box(&group).clone()))
        })
        .contestant(STD, |n| {
            let latch = (Mutex::new(u64::MAX), Condvar::new());
            time(n, |_| {
                let mut count = black_box(&latch).0.lock().unwrap();
                *count -= 1;
                if *count == 0 {
                    latch.1.notify_all();
                }
            })
        })
        .contestant(EVENT_LISTENER, |n| {
            let (count, event) = (AtomicUsize::new(usize::MAX), Event::new());
            time(n, |_| {
                if black_box(&count).fetch_sub(1, Ordering::AcqRel) == 1 {
                    event.notify(usize::MAX);
                }
            })
        })
        .contestant(PARKING_LOT, |n| {
            let latch = (parking_lot::Mutex::new(u64::MAX), parking_lot::Condvar::new());
            time(n, |_| {
                let mut count = black_box(&latch).0.lock();
                *count -= 1;
                if *count == 0 {
                    latch.1.notify_all();
                }
            })
        })
        .target(at_most(5.5))
        .run(1_000_000);
}

fn open_wait(bench: &Bench) {
    bench
        .row("open wait")
        .contestant("reveille CountdownLatch", |n| {
            let latch = CountdownLatch::new(0);
            time(n, |_| black_box(&latch).wait().unwrap())
        })
        .contestant("reveille Latch", |n| {
            let latch = Latch::new();
            latch.set();
            time(n, |_| black_box(&latch).wait())
        })
        .contestant(STD, |n| {
            let latch = (Mutex::new(true), Condvar::new());
            time(n, |_| {
                let mut set = black_box(&latch).0.lock().unwrap();
                while !*set {
                    set = latch.1.wait(set).unwrap();
                }
            })
        })
        .contestant(CROSSBEAM_GROUP, |n| time(n, |_| CrossbeamGroup::new().wait()))
        .target(at_most(0.5))
        .run(1_000_000);
}

fn set(bench: &Bench) {
    bench
        .row("set, nobody waits")
        .contestant("reveille Latch", |n| time(n, |_| _ = black_box(&Latch::new()).set()))
        .contestant("reveille CoreLatch", |n| time(n, |_| _ = black_box(&CoreLatch::new()).set()))
        .contestant(EVENT_LISTENER, |n| time(n, |_| _ = black_box(&Event::<()>::new()).notify(usize::MAX)))
        .contestant("std sync_channel(1)", |n| {
            time(n, |_| {
                let (sender, _receiver) = mpsc::sync_channel(1);
                sender.send(()).unwrap();
            })
        })
        .run(1_000_000);
}

/// Two threads: ping, pong, ... Each waits on its own fresh object of a prepared list.
fn ping_pong<T: Sync + Send>(n: u64, new: impl Fn() -> T, signal: fn(&T), wait: fn(&T)) -> f64 {
    let objects: Vec<(T, T)> = (0..n).map(|_| (new(), new())).collect();
    let ready = AtomicU32::new(0);
    thread::scope(|s| {
        s.spawn(|| {
            ready.fetch_add(1, Ordering::Release);
            for (ping, pong) in &objects {
                wait(ping);
                signal(pong);
            }
        });
        while ready.load(Ordering::Acquire) == 0 {
            spin_loop();
        }
        let start = Instant::now();
        for (ping, pong) in &objects {
            signal(ping);
            wait(pong);
        }
        per(start.elapsed(), n)
    })
}

fn round_trip(bench: &Bench) {
    bench
        .row("one-shot round trip")
        .contestant("reveille Latch", |n| ping_pong(n, Latch::new, |l| _ = l.set(), Latch::wait))
        .contestant("reveille CountdownLatch", |n| {
            ping_pong(n, || CountdownLatch::new(1), |l| _ = l.count_down(), |l| _ = l.wait())
        })
        .contestant(STD, |n| {
            ping_pong(
                n,
                || (Mutex::new(false), Condvar::new()),
                |l| {
                    *l.0.lock().unwrap() = true;
                    l.1.notify_one();
                },
                |l| {
                    let mut set = l.0.lock().unwrap();
                    while !*set {
                        set = l.1.wait(set).unwrap();
                    }
                },
            )
        })
        .contestant(EVENT_LISTENER, |n| {
            ping_pong(
                n,
                || (AtomicU32::new(0), Event::<()>::new()),
                |l| {
                    l.0.store(1, Ordering::Release);
                    l.1.notify(1);
                },
                |l| {
                    while l.0.load(Ordering::Acquire) == 0 {
                        let listener = l.1.listen();
                        if l.0.load(Ordering::Acquire) == 0 {
                            listener.wait();
                        }
                    }
                },
            )
        })
        .contestant(CROSSBEAM_GROUP, |n| {
            ping_pong(
                n,
                || {
                    let group = CrossbeamGroup::new();
                    (Mutex::new(Some(group.clone())), Mutex::new(Some(group)))
                },
                |l| drop(l.0.lock().unwrap().take()),
                |l| {
                    let group = l.1.lock().unwrap().take().unwrap();
                    group.wait();
                },
            )
        })
        .target(at_most(1.0).times(STD))
        .run(2_000);
}

fn workers(bench: &Bench) {
    const WORKERS: usize = 8;
    bench
        .row("eight workers, thread start included")
        .contestant("reveille CountdownLatch", |n| {
            time(n, |_| {
                let latch = CountdownLatch::new(WORKERS as u32);
                thread::scope(|s| {
                    for _ in 0..WORKERS {
                        s.spawn(|| latch.count_down());
                    }
                    latch.wait().unwrap();
                });
            })
        })
        .contestant(CROSSBEAM_GROUP, |n| {
            time(n, |_| {
                let group = CrossbeamGroup::new();
                thread::scope(|s| {
                    for _ in 0..WORKERS {
                        let group = group.clone();
                        s.spawn(move || drop(group));
                    }
                    group.wait();
                });
            })
        })
        .contestant(STD, |n| {
            time(n, |_| {
                let latch = Arc::new((Mutex::new(WORKERS), Condvar::new()));
                thread::scope(|s| {
                    for _ in 0..WORKERS {
                        let latch = latch.clone();
                        s.spawn(move || {
                            let mut count = latch.0.lock().unwrap();
                            *count -= 1;
                            if *count == 0 {
                                latch.1.notify_all();
                            }
                        });
                    }
                    let mut count = latch.0.lock().unwrap();
                    while *count > 0 {
                        count = latch.1.wait(count).unwrap();
                    }
                });
            })
        })
        .run(20);
}

fn main() {
    let bench = Bench::new("latch, ns");
    count_down(&bench);
    open_wait(&bench);
    set(&bench);
    round_trip(&bench);
    workers(&bench);
    bench.finish();
}
