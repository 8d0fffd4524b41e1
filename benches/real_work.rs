//! Programs that do something, with two workers. `cargo bench --bench real_work`
//!
//! | row | what is timed |
//! |---|---|
//! | map-reduce | the sum of squares of 10 M numbers or of 100 k, in leaves of 4,096 down to 64 |
//! | quicksort, mergesort | 4 M numbers; leaves of 1,024 or 2,048 are left to the standard library |
//! | mandelbrot | 640 x 480 points, a row per leaf; some rows cost a hundred times what others do |
//!
//! The sequential contestant has the same leaves. `std::thread::scope` splits once, by hand, into two threads.

mod common;
#[macro_use]
#[path = "common/forks.rs"]
mod forks;

use std::hint::black_box;
use std::thread;

use common::peers::{RAYON_ITERATORS, STD_SCOPE};
use common::target::{at_least_as_fast, at_most};
use common::{Bench, time, time_with};
use forks::{OURS, OURS_FREE, Pools, SEQUENTIAL};
use rayon::prelude::*;

const LOOPS: &str = "reveille, map_reduce or for_each";

/// Two halves of a program that is split by hand.
fn two_threads<A: Send, B: Send>(a: impl FnOnce() -> A + Send, b: impl FnOnce() -> B + Send) -> (A, B) {
    thread::scope(|s| {
        let b = s.spawn(b);
        (a(), b.join().expect("no panic"))
    })
}

fn squares(numbers: &[f32]) -> f32 {
    numbers.iter().map(|x| x * x).sum()
}

/// Leaves the pivot at the returned place, nothing greater before it and nothing smaller behind.
fn partition(numbers: &mut [u32]) -> usize {
    let last = numbers.len() - 1;
    let middle = last / 2;
    if numbers[middle] < numbers[0] {
        numbers.swap(middle, 0);
    }
    if numbers[last] < numbers[0] {
        numbers.swap(last, 0);
    }
    if numbers[middle] < numbers[last] {
        numbers.swap(middle, last); // the median of three is the pivot
    }
    let pivot = numbers[last];
    let mut store = 0;
    for i in 0..last {
        let smaller = numbers[i] < pivot;
        numbers.swap(i, store);
        store += usize::from(smaller);
    }
    numbers.swap(store, last);
    store
}

fn merge(left: &[u32], right: &[u32], to: &mut [u32]) {
    let (mut l, mut r) = (0, 0);
    for place in to {
        let from_left = r == right.len() || (l < left.len() && left[l] <= right[r]);
        *place = if from_left { left[l] } else { right[r] };
        l += usize::from(from_left);
        r += usize::from(!from_left);
    }
}

const WIDTH: usize = 640;
const HEIGHT: usize = 480;

fn mandelbrot_row(y: usize, row: &mut [u32]) {
    let ci = (y as f32 / HEIGHT as f32 - 0.5) * 2.4;
    for (x, point) in row.iter_mut().enumerate() {
        let cr = x as f32 / WIDTH as f32 * 3.2 - 2.2;
        let (mut zr, mut zi, mut turns) = (0.0_f32, 0.0_f32, 0);
        while turns < 400 && zr * zr + zi * zi < 4.0 {
            (zr, zi, turns) = (zr * zr - zi * zi + cr, 2.0 * zr * zi + ci, turns + 1);
        }
        *point = turns;
    }
}

macro_rules! functions {
    ($join:ident, $context:ty) => {
        pub(super) fn map_reduce(w: $context, numbers: &[f32], leaf: usize) -> f32 {
            if numbers.len() <= leaf {
                return squares(numbers);
            }
            let (left, right) = numbers.split_at(numbers.len() / 2);
            let (a, b) = $join!(w, |w: $context| map_reduce(w, left, leaf), |w: $context| map_reduce(w, right, leaf));
            a + b
        }

        pub(super) fn quicksort(w: $context, numbers: &mut [u32]) {
            if numbers.len() <= 1_024 {
                return numbers.sort_unstable();
            }
            let pivot = partition(numbers);
            let (left, right) = numbers.split_at_mut(pivot);
            let _ = $join!(w, |w: $context| quicksort(w, left), |w: $context| quicksort(w, &mut right[1..]));
        }

        pub(super) fn mergesort(w: $context, numbers: &mut [u32], spare: &mut [u32]) {
            if numbers.len() <= 2_048 {
                return numbers.sort_unstable();
            }
            let middle = numbers.len() / 2;
            {
                let (left, right) = numbers.split_at_mut(middle);
                let (spare_left, spare_right) = spare.split_at_mut(middle);
                let _ = $join!(w, |w: $context| mergesort(w, left, spare_left), |w: $context| mergesort(
                    w,
                    right,
                    spare_right
                ));
                merge(left, right, spare);
            }
            numbers.copy_from_slice(spare);
        }

        pub(super) fn mandelbrot(w: $context, first: usize, points: &mut [u32]) {
            let rows = points.len() / WIDTH;
            if rows <= 1 {
                return mandelbrot_row(first, points);
            }
            let (upper, lower) = points.split_at_mut(rows / 2 * WIDTH);
            let _ = $join!(w, |w: $context| mandelbrot(w, first, upper), |w: $context| mandelbrot(
                w,
                first + rows / 2,
                lower
            ));
        }

        pub(super) fn quicksort_of(w: $context, data: &mut Data) {
            quicksort(w, &mut data.numbers);
        }

        pub(super) fn mergesort_of(w: $context, data: &mut Data) {
            mergesort(w, &mut data.numbers, &mut data.spare);
        }

        pub(super) fn mandelbrot_of(w: $context, data: &mut Data) {
            mandelbrot(w, 0, &mut data.numbers);
        }
    };
}
contestants!(functions);

/// What a program works on; every run gets a fresh copy, which is not timed.
#[derive(Clone)]
struct Data {
    numbers: Vec<u32>,
    spare: Vec<u32>,
}

/// `race!` for a function of changing data.
macro_rules! race_on {
    ($row:expr, $pools:expr, $data:expr, $function:ident) => {{
        let (pools, data): (&Pools, &Data) = ($pools, $data);
        let copy = || data.clone();
        $row.contestant(OURS, move |n| {
            time_with(n, copy, |data| pools.reveille.enter(|w| by_reveille::$function(w, data)))
        })
        .contestant(OURS_FREE, move |n| {
            time_with(n, copy, |data| pools.reveille.install(|| by_reveille_free::$function((), data)))
        })
        .contestant(forks::CHILI_EVERY, move |n| {
            time_with(n, copy, |data| by_chili_every::$function(&mut pools.chili.scope(), data))
        })
        .contestant(forks::CHILI, move |n| {
            time_with(n, copy, |data| by_chili::$function(&mut pools.chili.scope(), data))
        })
        .contestant(forks::RAYON, move |n| {
            time_with(n, copy, |data| pools.rayon.install(|| by_rayon::$function((), data)))
        })
        .contestant(forks::FORTE, move |n| {
            time_with(n, copy, |data| pools.forte.with_worker(|w| by_forte::$function(w, data)))
        })
        .beside(SEQUENTIAL, move |n| time_with(n, copy, |data| in_sequence::$function((), data)))
        .target(at_most(1.0).times_best_peer())
        .target(at_least_as_fast(1.0, SEQUENTIAL))
        .rounds(21)
    }};
}

fn main() {
    let bench = Bench::new("real_work, ns");
    let pools = Pools::new(2);
    let scale = if bench.is_smoke() { 100 } else { 1 };
    map_reduce(&bench, &pools, scale);

    let mut state = 1_u64;
    let mut random = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as u32
    };
    let numbers: Vec<u32> = (0..4_000_000 / scale).map(|_| random()).collect();
    let data = Data { spare: numbers.clone(), numbers };
    let mut sorted = data.clone();
    pools.reveille.enter(|w| by_reveille::mergesort_of(w, &mut sorted));
    let mut quick = data.clone();
    pools.reveille.enter(|w| by_reveille::quicksort_of(w, &mut quick));
    assert!(sorted.numbers.is_sorted() && sorted.numbers == quick.numbers, "both sort");
    race_on!(bench.row("quicksort of 4 M u32, leaf 1024"), &pools, &data, quicksort_of)
        .contestant(STD_SCOPE, |n| {
            time_with(
                n,
                || data.clone(),
                |data| {
                    let pivot = partition(&mut data.numbers);
                    let (left, right) = data.numbers.split_at_mut(pivot);
                    two_threads(|| in_sequence::quicksort((), left), || in_sequence::quicksort((), &mut right[1..]));
                },
            )
        })
        .run(1);
    race_on!(bench.row("mergesort of 4 M u32, leaf 2048"), &pools, &data, mergesort_of)
        .contestant(STD_SCOPE, |n| {
            time_with(
                n,
                || data.clone(),
                |Data { numbers, spare }| {
                    let middle = numbers.len() / 2;
                    let (left, right) = numbers.split_at_mut(middle);
                    let (spare_left, spare_right) = spare.split_at_mut(middle);
                    two_threads(
                        || in_sequence::mergesort((), left, spare_left),
                        || in_sequence::mergesort((), right, spare_right),
                    );
                    merge(left, right, spare);
                    numbers.copy_from_slice(spare);
                },
            )
        })
        .run(1);

    let rows = if bench.is_smoke() { 8 } else { HEIGHT };
    let points = Data { numbers: vec![0; WIDTH * rows], spare: Vec::new() };
    race_on!(bench.row("mandelbrot 640 x 480, a row per leaf"), &pools, &points, mandelbrot_of)
        .contestant(STD_SCOPE, |n| {
            time_with(
                n,
                || points.clone(),
                |data| {
                    let (upper, lower) = data.numbers.split_at_mut(rows / 2 * WIDTH);
                    two_threads(
                        || in_sequence::mandelbrot((), 0, upper),
                        || in_sequence::mandelbrot((), rows / 2, lower),
                    );
                },
            )
        })
        .contestant(RAYON_ITERATORS, |n| {
            time_with(
                n,
                || points.clone(),
                |data| {
                    pools.rayon.install(|| {
                        let rows = data.numbers.par_chunks_mut(WIDTH).enumerate();
                        rows.for_each(|(y, row)| mandelbrot_row(y, row));
                    });
                },
            )
        })
        .run(1);
    bench.finish();
}

fn map_reduce(bench: &Bench, pools: &Pools, scale: usize) {
    let numbers: Vec<f32> = (0..10_000_000 / scale).map(|i| (i % 1_000) as f32).collect();
    let rows = [
        ("map-reduce of 10 M f32, leaf 4096", &numbers[..], 4_096, 1),
        ("map-reduce of 10 M f32, leaf 64", &numbers[..], 64, 1),
        ("map-reduce of 100 k f32, leaf 256", &numbers[..100_000 / scale], 256, 100),
    ];
    for (title, numbers, leaf, count) in rows {
        let mut row = race!(bench.row(title), pools, 1.0, map_reduce(numbers, leaf))
            .contestant(LOOPS, move |n| {
                let map = |part: std::ops::Range<usize>| squares(&numbers[part]);
                pools
                    .reveille
                    .enter(|w| time(n, |_| _ = black_box(w.map_reduce(0..numbers.len(), leaf, map, |a, b| a + b))))
            })
            .contestant(STD_SCOPE, move |n| {
                let (left, right) = numbers.split_at(numbers.len() / 2);
                time(n, |_| {
                    let first = || in_sequence::map_reduce((), left, leaf);
                    let (a, b) = two_threads(first, || in_sequence::map_reduce((), right, leaf));
                    let _ = black_box(a + b);
                })
            })
            .contestant(RAYON_ITERATORS, move |n| {
                pools.rayon.install(|| time(n, |_| _ = black_box(numbers.par_chunks(leaf).map(squares).sum::<f32>())))
            })
            .target(at_most(1.0).times_best_peer())
            .target(at_least_as_fast(1.0, SEQUENTIAL));
        if count > 1 {
            row = row.target(at_least_as_fast(1.5, SEQUENTIAL));
        }
        row.run(count);
    }
    let all = &numbers[..];
    // A thread that has the last leaf may not have a processor.
    let crowded = Pools::new(4 * thread::available_parallelism().map_or(1, usize::from));
    race!(bench.row("map-reduce of 10 M f32, leaf 4096, four workers per CPU"), &crowded, 1.0, map_reduce(all, 4_096))
        .target(at_most(1.0).times_best_peer())
        .target(at_least_as_fast(1.0, SEQUENTIAL))
        .run(1);
}
