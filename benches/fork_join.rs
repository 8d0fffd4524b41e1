//! What a fork costs, and what it brings. `cargo bench --bench fork_join`
//!
//! | row | what is timed |
//! |---|---|
//! | made fork | one fork above the same recursion without forks, with one worker and nothing cut off |
//! | wake check | what a fork pays to see that nobody must be woken |
//! | two workers | the same recursions, per fork, against the one without forks |
//! | region | a tree of 1,023 nodes, from workers that have just done the same or have slept for 1 ms |
//! | hidden work | forks whose second half is long, or awaited: it must not wait until the first half is done |
//! | flat | joins of two empty closures, one after the other |
//! | against depth | the cost of a fork in trees of depth 10 to 24 |
//! | against grain | time, tasks stolen and sleepers woken, as the work at a leaf grows |
//!
//! Sequential code is what the compiler makes of the same function with plain calls instead of forks.

mod common;
#[macro_use]
#[path = "common/forks.rs"]
mod forks;

use std::hint::{black_box, spin_loop};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use common::peers::{CHILI_MIRRORED, FORTE_MIRRORED};
use common::target::{at_least_as_fast, at_most};
use common::{Bench, time, time_after};
use forks::{CHILI, CHILI_EVERY, FORTE, OURS, OURS_FREE, Pools, RAYON, SEQUENTIAL};

/// Turns of a loop that take some 10 us.
const LEAF: u64 = 6_000;
const SPINE: usize = 4_000;
const FIB: u32 = 30;
const FIB_FORKS: f64 = 1_346_268.0;

/// A balanced tree whose nodes lie in memory in the order of a walk, so that the walk does not wait for the cache.
struct Node {
    value: u64,
    children: Option<[Box<Node>; 2]>,
}

impl Node {
    fn tree(levels: u32) -> Box<Node> {
        let mut node = Box::new(Node { value: 1, children: None });
        if levels > 1 {
            let left = Node::tree(levels - 1);
            node.children = Some([left, Node::tree(levels - 1)]);
        }
        node
    }
}

/// Work that only depends on the speed of the processor.
fn work(turns: u64) -> u64 {
    let mut state = black_box(turns);
    for i in 0..turns {
        state = state.wrapping_mul(6_364_136_223_846_793_005).rotate_left(17) ^ i;
    }
    state
}

macro_rules! functions {
    ($join:ident, $context:ty) => {
        /// Forks at every node, also at those without children.
        pub(super) fn tree(w: $context, node: &Node) -> u64 {
            let (a, b) =
                $join!(w, |w: $context| node.children.as_ref().map_or(0, |[left, _]| tree(w, left)), |w: $context| {
                    node.children.as_ref().map_or(0, |[_, right]| tree(w, right))
                });
            node.value + a + b
        }

        pub(super) fn depth(w: $context, levels: u32) -> u64 {
            if levels == 0 {
                return black_box(1);
            }
            let (a, b) = $join!(w, |w: $context| depth(w, levels - 1), |w: $context| depth(w, levels - 1));
            a + b
        }

        pub(super) fn fib(w: $context, n: u32) -> u64 {
            if n < 2 {
                return n.into();
            }
            let (a, b) = $join!(w, |w: $context| fib(w, n - 1), |w: $context| fib(w, n - 2));
            a + b
        }

        /// A leaf hangs off every node of a list.
        pub(super) fn spine(w: $context, length: usize) -> u64 {
            if length == 0 {
                return 0;
            }
            let (a, b) = $join!(w, |w: $context| spine(w, length - 1), |_: $context| work(LEAF));
            a ^ b
        }

        /// The same for a library that runs its second closure first.
        #[allow(dead_code, reason = "chili's and forte's")]
        pub(super) fn spine_mirrored(w: $context, length: usize) -> u64 {
            if length == 0 {
                return 0;
            }
            let (a, b) = $join!(w, |_: $context| work(LEAF), |w: $context| spine_mirrored(w, length - 1));
            a ^ b
        }

        pub(super) fn flat(w: $context, joins: u64) {
            for i in 0..joins {
                let _ = $join!(w, |_: $context| black_box(i), |_: $context| black_box(i));
            }
        }

        /// Two naps under so many forks of nothing.
        pub(super) fn naps(w: $context, under: u32, nap: Duration) {
            if under == 0 {
                let _ = $join!(w, |_: $context| thread::sleep(nap), |_: $context| thread::sleep(nap));
            } else {
                let _ = $join!(w, |w: $context| naps(w, under - 1, nap), |_: $context| ());
            }
        }

        /// A tree with work at its leaves.
        pub(super) fn grain(w: $context, levels: u32, turns: u64) -> u64 {
            if levels == 0 {
                return work(turns);
            }
            let (a, b) =
                $join!(w, |w: $context| grain(w, levels - 1, turns), |w: $context| grain(w, levels - 1, turns));
            a ^ b
        }
    };
}
contestants!(functions);

fn main() {
    let bench = Bench::new("fork_join, ns");
    made_forks(&bench);
    let two = Pools::new(2);
    wake_check(&bench, &two);
    two_workers(&bench, &two);
    region(&bench, &two);
    hidden_work(&bench, &two);
    flat(&bench, &two);
    against_depth(&bench);
    against_grain(&bench, &two);
    bench.finish();
}

fn made_forks(bench: &Bench) {
    let one = Pools::new(1);
    macro_rules! made {
        ($title:expr, $parts:expr, $count:expr, $call:ident($argument:expr)) => {
            race!(bench.row($title), &one, $parts, $call($argument))
                .above(SEQUENTIAL)
                .without_rank(CHILI) // it makes a job of one fork in 64
                .target(at_most(1.0).times(CHILI_EVERY))
                .target(at_most(0.15).times(RAYON))
                .target(at_most(0.15).times(RAYON).by(OURS_FREE)) // whose context is as hidden as rayon's
                .target(at_most(1.2).stretch())
                .run($count);
        };
    }
    for (levels, count) in [(10, 500), (16, 10), (20, 1)] {
        let (tree, nodes) = (&*Node::tree(levels), (1_u64 << levels) - 1);
        let title = format!("made fork, 1 worker, tree of {nodes} nodes");
        made!(&title, nodes as f64, count, tree(tree));
    }
    for (levels, count) in [(10, 500), (15, 20), (20, 1)] {
        let title = format!("made fork, 1 worker, depth {levels}");
        made!(&title, ((1_u64 << levels) - 1) as f64, count, depth(levels));
    }
    made!("made fork, 1 worker, fib(30)", FIB_FORKS, 1, fib(FIB));
}

/// A fork of a pool whose other worker works, less one of a pool that has no other: nobody sleeps, nobody is woken, and
/// what differs is that somebody could be.
fn wake_check(bench: &Bench, two: &Pools) {
    const LEVELS: u32 = 10;
    const FORKS: f64 = 1_023.0;
    let one = Pools::new(1);
    let rayon_below =
        |pool: &rayon::ThreadPool, n| pool.install(|| time(n, |_| _ = black_box(by_rayon::depth((), LEVELS))));
    let ours_below =
        |pool: &reveille::ThreadPool, n| pool.enter(|w| time(n, |_| _ = black_box(by_reveille::depth(w, LEVELS))));
    bench
        .row("wake check inside a fork, the other worker busy")
        .contestant(OURS, |n| {
            let busy = || ours_below(&two.reveille, n);
            (while_busy(|job| two.reveille.spawn(job).detach(), busy) - ours_below(&one.reveille, n)) / FORKS
        })
        .beside(RAYON, |n| {
            let busy = || rayon_below(&two.rayon, n);
            (while_busy(|job| two.rayon.spawn(job), busy) - rayon_below(&one.rayon, n)) / FORKS
        })
        .target(at_most(0.5).median())
        .run(100);
}

/// Measures while a spawned job keeps a worker from everything else.
fn while_busy(spawn: impl FnOnce(Box<dyn FnOnce() + Send>), measure: impl FnOnce() -> f64) -> f64 {
    let state = Arc::new([false, false].map(AtomicBool::new)); // begun, to end
    spawn(Box::new({
        let state = state.clone();
        move || {
            state[0].store(true, Ordering::Release);
            while !state[1].load(Ordering::Acquire) {
                spin_loop();
            }
        }
    }));
    while !state[0].load(Ordering::Acquire) {
        thread::yield_now();
    }
    let measured = measure();
    state[1].store(true, Ordering::Release);
    measured
}

fn two_workers(bench: &Bench, two: &Pools) {
    macro_rules! row {
        ($title:expr, $parts:expr, $call:ident($argument:expr)) => {
            race!(bench.row($title), two, $parts, $call($argument))
                .target(at_least_as_fast(1.0, SEQUENTIAL))
                .target(at_least_as_fast(1.3, SEQUENTIAL).stretch())
                .run(1);
        };
    }
    let tree = &*Node::tree(20);
    row!("2 workers, tree of 1048575 nodes", 1_048_575.0, tree(tree));
    race!(bench.row("2 workers, depth 10"), two, 1_023.0, depth(10)).run(100);
    race!(bench.row("2 workers, depth 15"), two, 32_767.0, depth(15)).run(4);
    row!("2 workers, depth 20", 1_048_575.0, depth(20));
    row!("2 workers, fib(30)", FIB_FORKS, fib(FIB));
}

fn region(bench: &Bench, two: &Pools) {
    let tree = &*Node::tree(10);
    race!(bench.row("region of 1023 nodes, warm pool of 2, ns per region"), two, 1.0, tree(tree))
        .target(at_most(1.6).times(SEQUENTIAL))
        .run(200);

    const GAP: Duration = Duration::from_millis(1);
    bench
        .row("region of 1023 nodes, pool of 2 parked 1 ms before, ns per region")
        .contestant(OURS, |n| time_after(GAP, n, || _ = black_box(two.reveille.enter(|w| by_reveille::tree(w, tree)))))
        .contestant(CHILI_EVERY, |n| {
            time_after(GAP, n, || _ = black_box(by_chili_every::tree(&mut two.chili.scope(), tree)))
        })
        .contestant(CHILI, |n| time_after(GAP, n, || _ = black_box(by_chili::tree(&mut two.chili.scope(), tree))))
        .contestant(RAYON, |n| time_after(GAP, n, || _ = black_box(two.rayon.install(|| by_rayon::tree((), tree)))))
        .contestant(FORTE, |n| time_after(GAP, n, || _ = black_box(two.forte.with_worker(|w| by_forte::tree(w, tree)))))
        .beside(SEQUENTIAL, |n| time_after(GAP, n, || _ = black_box(in_sequence::tree((), tree))))
        .target(at_most(1.0).times(CHILI))
        .run(20);
}

/// None of this may be had by keeping forks from the others.
fn hidden_work(bench: &Bench, two: &Pools) {
    let row = bench.row("spine of 4000 joins with 10 us of work each, pool of 2, ns per join");
    race!(row, two, SPINE as f64, spine(SPINE))
        .contestant(CHILI_MIRRORED, |n| {
            time(n, |_| _ = black_box(by_chili::spine_mirrored(&mut two.chili.scope(), SPINE))) / SPINE as f64
        })
        .contestant(FORTE_MIRRORED, |n| {
            time(n, |_| _ = black_box(two.forte.with_worker(|w| by_forte::spine_mirrored(w, SPINE)))) / SPINE as f64
        })
        .target(at_least_as_fast(1.9, SEQUENTIAL))
        .rounds(21)
        .run(1);

    let nap = if bench.is_smoke() { Duration::from_millis(20) } else { Duration::from_secs(1) };
    let milliseconds = 1e6;
    for (under, title) in
        [(0, "join(1 s, 1 s), pool of 2, ms"), (20, "join(1 s, 1 s) under 20 forks of nothing, pool of 2, ms")]
    {
        race!(bench.row(title), two, milliseconds, naps(under, nap)).target(at_most(1_050.0)).rounds(1).run(1);
    }

    // Not chili and not forte: they would wait for ever.
    const DEPTH: u32 = 200;
    bench
        .row("a waits for b, forked 200 deep, pool of 2, ns")
        .contestant(OURS, |n| {
            time(n, |_| {
                let seen = AtomicBool::new(false);
                two.reveille.enter(|w| {
                    w.join(
                        |w| {
                            under_forks(w, DEPTH, &|| {
                                while !seen.load(Ordering::Acquire) {
                                    spin_loop();
                                }
                            });
                        },
                        |_| seen.store(true, Ordering::Release),
                    )
                });
            })
        })
        .contestant(RAYON, |n| {
            time(n, |_| {
                let seen = AtomicBool::new(false);
                two.rayon.install(|| {
                    rayon::join(
                        || {
                            under_rayon_forks(DEPTH, &|| {
                                while !seen.load(Ordering::Acquire) {
                                    spin_loop();
                                }
                            });
                        },
                        || seen.store(true, Ordering::Release),
                    )
                });
            })
        })
        .target(at_most(1e9))
        .run(20);
}

fn under_forks(w: &reveille::Worker, depth: u32, f: &(dyn Fn() + Sync)) {
    match depth {
        0 => f(),
        _ => drop(w.join(|w| under_forks(w, depth - 1, f), |_| ())),
    }
}

fn under_rayon_forks(depth: u32, f: &(dyn Fn() + Sync)) {
    match depth {
        0 => f(),
        _ => drop(rayon::join(|| under_rayon_forks(depth - 1, f), || ())),
    }
}

fn flat(bench: &Bench, two: &Pools) {
    const JOINS: u64 = 1_000_000;
    let joins = if bench.is_smoke() { 100 } else { JOINS };
    race!(bench.row("flat, 10^6 joins of nothing, pool of 2 awake, ns per join"), two, joins as f64, flat(joins))
        .target(at_most(1.0).times(RAYON))
        .run(1);

    // Short bursts, so that the pool is asleep when each begins.
    const BURST: u64 = 100;
    const GAP: Duration = Duration::from_millis(1);
    bench
        .row("flat, 100 joins of nothing, pool of 2 asleep, ns per join")
        .contestant(OURS, |n| time_after(GAP, n, || two.reveille.enter(|w| by_reveille::flat(w, BURST))) / BURST as f64)
        .contestant(CHILI, |n| time_after(GAP, n, || by_chili::flat(&mut two.chili.scope(), BURST)) / BURST as f64)
        .contestant(RAYON, |n| time_after(GAP, n, || two.rayon.install(|| by_rayon::flat((), BURST))) / BURST as f64)
        .contestant(FORTE, |n| {
            time_after(GAP, n, || two.forte.with_worker(|w| by_forte::flat(w, BURST))) / BURST as f64
        })
        .target(at_most(1.0).times(RAYON))
        .run(20);
}

fn against_depth(bench: &Bench) {
    let one = Pools::new(1);
    for levels in (10..=bench.size(24, 20, 12)).step_by(2) {
        let title = format!("against depth, {levels}");
        race!(bench.row(&title), &one, ((1_u64 << levels) - 1) as f64, depth(levels))
            .above(SEQUENTIAL)
            .without_rank(CHILI)
            .point("ns per fork against depth", levels.into())
            .rounds(11)
            .run(1);
    }
}

/// Time, the peers' too, and what the pool counts, per region of 1,024 leaves.
fn against_grain(bench: &Bench, two: &Pools) {
    const LEVELS: u32 = 10;
    for turns in [1, 10, 100, 1_000, 10_000] {
        let title = format!("against grain, {turns} turns of work in each of 1024 leaves, ns per leaf");
        race!(bench.row(&title), two, f64::from(1 << LEVELS), grain(LEVELS, turns))
            .point("ns per leaf against turns of work in it", turns as f64)
            .rounds(11)
            .run(5);
        let region = |n, count: fn(&reveille::pool::WorkerStats) -> u64| {
            let before = count(&two.reveille.stats());
            two.reveille.enter(|w| time(n, |_| _ = black_box(by_reveille::grain(w, LEVELS, turns))));
            (count(&two.reveille.stats()) - before) as f64 / n as f64
        };
        let title = format!("against grain, {turns} turns of work in each of 1024 leaves, per region");
        bench
            .row(&title)
            .beside("published", move |n| region(n, |stats| stats.published))
            .beside("steals", move |n| region(n, |stats| stats.steals))
            .beside("wakes", move |n| region(n, |stats| stats.wakes))
            .beside("parks", move |n| region(n, |stats| stats.parks))
            .point("events per region against turns of work in a leaf", turns as f64)
            .rounds(11)
            .run(5);
    }
}
