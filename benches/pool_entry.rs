//! Work that comes to a pool from outside. `cargo bench --bench pool_entry`
//!
//! | row | what is timed |
//! |---|---|
//! | blocking call | a caller hands in a closure that does nothing, and gets its result |
//! | spawn | until a spawned closure runs, and how long the call takes |
//! | fork | inside the pool: until the second half of a join runs on the other worker |
//! | random gaps | of jobs that come at random, those that have not run after 2 s |
//! | callers | one call, while 1 to 64 threads call at once |
//!
//! forte's `spawn` runs the job in the caller before it returns: it hands nothing over, and is shown without a rank.
//! `REVEILLE_BENCH_JOBS` is the number of jobs with random gaps.

mod common;
#[macro_use]
#[path = "common/forks.rs"]
#[allow(unused_macros, dead_code, reason = "only the pools are used")]
mod forks;

use std::hint::{black_box, spin_loop};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use common::peers::{STD_SCOPE, TOKIO};
use common::target::at_most;
use common::{Bench, Row, time, time_after, time_of};
use forks::{CHILI, FORTE, OURS, Pools, RAYON};

const CHANNEL: &str = "std channel to one thread";
/// A job that has not run after so long is stuck.
const STUCK: Duration = Duration::from_secs(2);

fn main() {
    let bench = Bench::new("pool_entry, ns");
    let pools = Pools::new(2);
    let tokio = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().expect("threads");
    let (channel, jobs) = mpsc::channel::<Box<dyn FnOnce() + Send>>();
    let server = thread::spawn(move || jobs.into_iter().for_each(|job| job()));

    blocking_calls(&bench, &pools);
    let spawners = Spawners { pools: &pools, tokio: &tokio, channel: &channel };
    spawns(&bench, &spawners);
    forks(&bench, &pools);
    random_gaps(&bench, &spawners);
    callers(&bench, &pools);

    drop(channel);
    server.join().expect("jobs do not panic");
    bench.finish();
}

fn blocking_calls(bench: &Bench, pools: &Pools) {
    bench
        .row("blocking call of nothing, back to back, pool of 2")
        .contestant(OURS, |n| time(n, |i| _ = black_box(pools.reveille.enter(|_| i))))
        .contestant(CHILI, |n| time(n, |_| _ = black_box(pools.chili.scope())))
        .contestant(RAYON, |n| time(n, |i| _ = black_box(pools.rayon.install(|| i))))
        .contestant(FORTE, |n| time(n, |i| _ = black_box(pools.forte.with_worker(|_| i))))
        .target(at_most(300.0))
        .run(1_000);
    const GAP: Duration = Duration::from_millis(1);
    bench
        .row("blocking call of nothing, pool of 2 parked 1 ms before")
        .contestant(OURS, |n| time_after(GAP, n, || _ = black_box(pools.reveille.enter(|_| 1))))
        .contestant(CHILI, |n| time_after(GAP, n, || _ = black_box(pools.chili.scope())))
        .contestant(RAYON, |n| time_after(GAP, n, || _ = black_box(pools.rayon.install(|| 1))))
        .contestant(FORTE, |n| time_after(GAP, n, || _ = black_box(pools.forte.with_worker(|_| 1))))
        .target(at_most(1_000.0))
        .run(30);
    bench
        .row("join of nothing from outside, back to back, pool of 2")
        .contestant(OURS, |n| time(n, |_| _ = black_box(pools.reveille.join(|| 1, || 2))))
        .contestant(CHILI, |n| time(n, |_| _ = black_box(pools.chili.scope().join(|_| 1, |_| 2))))
        .contestant(RAYON, |n| time(n, |_| _ = black_box(pools.rayon.join(|| 1, || 2))))
        .contestant(FORTE, |n| time(n, |_| _ = black_box(pools.forte.join(|_| 1, |_| 2))))
        .contestant(STD_SCOPE, |n| {
            let two_threads = || {
                thread::scope(|s| {
                    let second = s.spawn(|| 2);
                    (1, second.join().expect("no panic"))
                })
            };
            time(n.div_ceil(10), |_| _ = black_box(two_threads()))
        })
        .run(1_000);
}

/// Where jobs can be spawned.
struct Spawners<'a> {
    pools: &'a Pools,
    tokio: &'a tokio::runtime::Runtime,
    channel: &'a mpsc::Sender<Box<dyn FnOnce() + Send>>,
}

type Job = Box<dyn FnOnce() + Send>;
type Spawn<'a> = Box<dyn Fn(Job) + 'a>;

impl<'a> Spawners<'a> {
    /// Every contestant takes boxed jobs, so that all allocate alike.
    fn each(&self) -> [(&'static str, Spawn<'a>); 5] {
        let Spawners { pools, tokio, channel } = *self;
        [
            (OURS, Box::new(|job| pools.reveille.spawn(job).detach())),
            (CHANNEL, Box::new(|job| channel.send(job).expect("the server runs"))),
            (RAYON, Box::new(|job| pools.rayon.spawn(job))),
            (FORTE, Box::new(|job| pools.forte.spawn(move |_: &forte::Worker| job()))),
            (TOKIO, Box::new(|job| drop(tokio.spawn(async { job() })))),
        ]
    }
}

/// When something happened, as nanoseconds since a common start; 0 is not yet.
#[derive(Default)]
struct Stamp(AtomicU64);

impl Stamp {
    fn set(&self, start: Instant) {
        // Release: nothing is published but the number; it keeps the timing in place.
        self.0.store(start.elapsed().as_nanos().max(1) as u64, Ordering::Release);
    }

    fn get(&self) -> Option<u64> {
        Some(self.0.load(Ordering::Acquire)).filter(|&stamp| stamp > 0)
    }

    fn take(&self) -> Option<u64> {
        Some(self.0.swap(0, Ordering::AcqRel)).filter(|&stamp| stamp > 0)
    }

    /// Spins; the processors of spawner and pool are different ones. `None` if it takes too long.
    fn wait(&self) -> Option<u64> {
        let start = Instant::now();
        loop {
            if let Some(stamp) = self.get() {
                return Some(stamp);
            }
            let waited = start.elapsed();
            if waited > STUCK {
                return None;
            }
            match waited > Duration::from_micros(200) {
                true => thread::yield_now(), // perhaps the pool wants this processor
                false => spin_loop(),
            }
        }
    }
}

fn spin(gap: Duration) {
    let start = Instant::now();
    while start.elapsed() < gap {
        spin_loop();
    }
}

fn spawns(bench: &Bench, spawners: &Spawners<'_>) {
    type Rest = fn();
    let rests: [(&str, Rest); 2] = [
        ("20 us after the last", || spin(Duration::from_micros(20))),
        ("after 1 ms of rest", || thread::sleep(Duration::from_millis(1))),
    ];
    for (when, rest) in rests {
        let (until, call) =
            (format!("spawn from outside {when}, until it runs"), format!("spawn from outside {when}, the call"));
        for (title, wants_call) in [(&until, false), (&call, true)] {
            let mut row = bench.row(title);
            for (name, spawn) in spawners.each() {
                row = row.contestant(name, move |n| {
                    time_of(n, |_| {
                        rest();
                        let (ran, start) = (Arc::new(Stamp::default()), Instant::now());
                        let job = Box::new({
                            let ran = ran.clone();
                            move || ran.set(start)
                        });
                        spawn(job);
                        let called = start.elapsed().as_nanos() as u64;
                        let ran = ran.wait().unwrap_or(u64::MAX);
                        if wants_call { called } else { ran }
                    })
                });
            }
            let row = row.without_rank(FORTE);
            let row = match (wants_call, when) {
                (true, "20 us after the last") => row.target(at_most(300.0).median()),
                (false, "20 us after the last") => row.target(at_most(300.0).median()),
                (false, _) => row.target(at_most(1.05).times(CHANNEL).median()),
                _ => row,
            };
            row.run(100);
        }
    }
}

/// Until the second half of a join runs, while the first waits for it.
fn forks(bench: &Bench, pools: &Pools) {
    let fork = |rest: fn()| {
        let ours = move |n| {
            pools.reveille.enter(|w| {
                time_of(n, |_| {
                    rest();
                    let (ran, start) = (Stamp::default(), Instant::now());
                    w.join(|_| ran.wait(), |_| ran.set(start)).0.unwrap_or(u64::MAX)
                })
            })
        };
        let rayons = move |n| {
            pools.rayon.install(|| {
                time_of(n, |_| {
                    rest();
                    let (ran, start) = (Stamp::default(), Instant::now());
                    rayon::join(|| ran.wait(), || ran.set(start)).0.unwrap_or(u64::MAX)
                })
            })
        };
        // These two look for heartbeats at forks only, so they fork while they wait, and run the second closure first.
        let chilis = move |n| {
            let mut scope = pools.chili.scope();
            time_of(n, |_| {
                rest();
                let (ran, start) = (Stamp::default(), Instant::now());
                let forking = |s: &mut chili::Scope<'_>| {
                    loop {
                        match ran.get() {
                            Some(stamp) => return stamp,
                            None if start.elapsed() > STUCK => return u64::MAX,
                            None => _ = s.join_with_heartbeat_every::<1, _, _, _, _>(|_| (), |_| ()),
                        }
                    }
                };
                scope.join_with_heartbeat_every::<1, _, _, _, _>(|_| ran.set(start), forking).1
            })
        };
        let fortes = move |n| {
            pools.forte.with_worker(|w| {
                time_of(n, |_| {
                    rest();
                    let (ran, start) = (Stamp::default(), Instant::now());
                    let forking = |w: &forte::Worker| {
                        loop {
                            match ran.get() {
                                Some(stamp) => return stamp,
                                None if start.elapsed() > STUCK => return u64::MAX,
                                None => _ = w.join(|_| (), |_| ()),
                            }
                        }
                    };
                    w.join(|_| ran.set(start), forking).1
                })
            })
        };
        (ours, rayons, chilis, fortes)
    };
    let rests: [(&str, fn()); 2] = [
        ("20 us after the last", || spin(Duration::from_micros(20))),
        ("after 2 ms of rest", || thread::sleep(Duration::from_millis(2))),
    ];
    for (when, rest) in rests {
        let title = format!("fork {when}, until the other worker runs it");
        let (ours, rayons, chilis, fortes) = fork(rest);
        let row = bench
            .row(&title)
            .contestant(OURS, ours)
            .contestant(RAYON, rayons)
            .contestant(CHILI, chilis)
            .contestant(FORTE, fortes);
        let row = match when {
            "20 us after the last" => row.target(at_most(500.0)),
            _ => {
                // What a halted processor and the call to wake it cost, whoever makes it.
                const WAKE: &str = "std park, the wake alone";
                row.beside(WAKE, move |n| raw_wake(n, rest)).target(at_most(1.0).times(WAKE).plus(2_000.0))
            }
        };
        row.run(30);
    }
}

/// Until a thread that has slept runs, without a pool.
fn raw_wake(n: u64, rest: fn()) -> f64 {
    let (sent, ran, start) = (Stamp::default(), Stamp::default(), Instant::now());
    let over = AtomicBool::new(false);
    thread::scope(|s| {
        let sleeper = s.spawn(|| {
            while !over.load(Ordering::Acquire) {
                if sent.take().is_some() {
                    ran.set(start);
                }
                thread::park();
            }
        });
        let nanos = time_of(n, |_| {
            rest();
            let before = start.elapsed().as_nanos() as u64;
            sent.set(start);
            sleeper.thread().unpark();
            let woken = ran.wait().unwrap_or(u64::MAX);
            let _ = ran.take();
            woken.saturating_sub(before)
        });
        over.store(true, Ordering::Release);
        sleeper.thread().unpark();
        nanos
    })
}

/// A number that is hard to foresee, below `bound`.
fn random(state: &mut u64, bound: u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state % bound
}

fn random_gaps(bench: &Bench, spawners: &Spawners<'_>) {
    let full = bench.size(1_000_000, 5_000, 100);
    let jobs = std::env::var("REVEILLE_BENCH_JOBS").ok().and_then(|n| n.parse().ok()).unwrap_or(full);
    // The peers' verdict is known, and each million takes minutes.
    let title = format!("{jobs} jobs with random gaps of 0 to 200 us (peers: at most 80000): stuck for 2 s");
    let mut row: Row<'_> = bench.row(&title);
    for (name, spawn) in spawners.each() {
        let jobs = if name == OURS { jobs } else { jobs.min(80_000) };
        row = row.contestant(name, move |_| {
            let mut state = 0x9e37_79b9_7f4a_7c15;
            let stuck = (0..jobs).filter(|_| {
                spin(Duration::from_nanos(random(&mut state, 200_000)));
                let (ran, start) = (Arc::new(Stamp::default()), Instant::now());
                let job = ran.clone();
                spawn(Box::new(move || job.set(start)));
                ran.wait().is_none()
            });
            stuck.count() as f64
        });
    }
    row.target(at_most(0.0)).rounds(1).run(1);
}

fn callers(bench: &Bench, pools: &Pools) {
    for callers in [1, 2, 4, 8, 16, 32, 64] {
        fn all(callers: u64, n: u64, call: impl Fn() + Sync) -> f64 {
            let each = (n / callers).max(1);
            let start = Instant::now();
            thread::scope(|s| {
                for _ in 0..callers {
                    s.spawn(|| (0..each).for_each(|_| call()));
                }
            });
            common::per(start.elapsed(), each * callers)
        }
        let title = format!("callers: blocking call of nothing by {callers} threads at once, ns per call");
        bench
            .row(&title)
            .contestant(OURS, |n| all(callers, n, || _ = black_box(pools.reveille.enter(|_| 1))))
            .contestant(CHILI, |n| all(callers, n, || _ = black_box(pools.chili.scope())))
            .contestant(RAYON, |n| all(callers, n, || _ = black_box(pools.rayon.install(|| 1))))
            .contestant(FORTE, |n| all(callers, n, || _ = black_box(pools.forte.with_worker(|_| 1))))
            .point("ns per blocking call against callers", callers as f64)
            .rounds(11)
            .run(20_000);
    }
}
