//! k-means over a file of points, bulk-synchronous: `W` workers, one barrier, as many phases as it takes.
//!
//! ```text
//! cargo run --release --example phases -- [FILE] [--workers W] [--clusters K]
//! ```
//!
//! Each line of FILE is a point: numbers separated by commas or blanks. Without a file, the points are the letter pairs of
//! this program's own source, so there is always real input. Each phase is: every worker assigns its share of the points
//! and adds them up; the barrier; the last to arrive moves the centres, before anybody goes on. Sums are of integers, so
//! the result is equal to the sequential one, bit for bit, and that is checked.

use std::cell::UnsafeCell;
use std::process::ExitCode;
use std::time::Instant;
use std::{env, fs, thread};

use reveille::barrier::Barrier;

type Point = Vec<i64>;

/// What the workers have added up for one cluster.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Cluster {
    sum: Point,
    count: i64,
}

/// One worker's sums: written by it during a phase, read by the completion step between two phases.
struct Share(UnsafeCell<Vec<Cluster>>);

// SAFETY: the barrier separates the two uses.
unsafe impl Sync for Share {}

/// Fixed point with three decimals: sums do not depend on their order.
fn parse(line: &str) -> Option<Point> {
    let numbers = line.split([',', ' ', '\t', ';']).filter(|field| !field.is_empty());
    let point: Option<Point> = numbers.map(|n| n.parse::<f64>().ok().map(|n| (n * 1000.0) as i64)).collect();
    point.filter(|point| !point.is_empty())
}

fn nearest(centres: &[Point], point: &Point) -> usize {
    let distance = |centre: &Point| -> i128 { centre.iter().zip(point).map(|(a, b)| i128::from(a - b).pow(2)).sum() };
    (0..centres.len()).min_by_key(|&i| distance(&centres[i])).unwrap_or(0)
}

fn assign(centres: &[Point], points: &[Point], clusters: &mut [Cluster]) {
    for cluster in &mut *clusters {
        cluster.sum.fill(0);
        cluster.count = 0;
    }
    for point in points {
        let cluster = &mut clusters[nearest(centres, point)];
        cluster.count += 1;
        for (sum, x) in cluster.sum.iter_mut().zip(point) {
            *sum += x;
        }
    }
}

/// Moves the centres; returns whether any has moved.
fn update<'a>(centres: &mut [Point], shares: impl Iterator<Item = &'a Vec<Cluster>> + Clone) -> bool {
    let mut moved = false;
    for (i, centre) in centres.iter_mut().enumerate() {
        let count: i64 = shares.clone().map(|share| share[i].count).sum();
        if count == 0 {
            continue;
        }
        for (d, x) in centre.iter_mut().enumerate() {
            let mean = shares.clone().map(|share| share[i].sum[d]).sum::<i64>() / count;
            moved |= *x != mean;
            *x = mean;
        }
    }
    moved
}

fn empty(clusters: usize, dimensions: usize) -> Vec<Cluster> {
    vec![Cluster { sum: vec![0; dimensions], count: 0 }; clusters]
}

fn sequential(points: &[Point], mut centres: Vec<Point>, limit: u32) -> (Vec<Point>, u32) {
    let mut clusters = empty(centres.len(), centres[0].len());
    for phase in 1..=limit {
        assign(&centres, points, &mut clusters);
        if !update(&mut centres, std::iter::once(&clusters)) {
            return (centres, phase);
        }
    }
    (centres, limit)
}

/// What all workers read during a phase and the completion step writes between two.
struct Shared(UnsafeCell<(Vec<Point>, u32, bool)>);

// SAFETY: as for `Share`.
unsafe impl Sync for Shared {}

fn parallel(points: &[Point], centres: Vec<Point>, limit: u32, workers: usize) -> (Vec<Point>, u32) {
    let shares: Vec<Share> =
        (0..workers).map(|_| Share(UnsafeCell::new(empty(centres.len(), centres[0].len())))).collect();
    let shared = Shared(UnsafeCell::new((centres, 0, true)));
    let (all, state) = (&shares, &shared);
    let barrier = Barrier::with_completion(workers, move || {
        // SAFETY: every worker has arrived and none has been let go: nobody else touches the state or the shares.
        let (centres, phase, more) = unsafe { &mut *state.0.get() };
        // SAFETY: as above.
        *more = update(centres, all.iter().map(|share| unsafe { &*share.0.get() }));
        *phase += 1;
        *more &= *phase < limit;
    });
    let size = points.len().div_ceil(workers).max(1);
    thread::scope(|s| {
        for (me, share) in shares.iter().enumerate() {
            let (barrier, state) = (&barrier, &shared);
            let points = points.chunks(size).nth(me).unwrap_or(&[]);
            s.spawn(move || {
                let _guard = barrier.guard(); // should this worker panic, the others do not hang
                loop {
                    // SAFETY: nobody writes the state before this worker arrives; the share is this worker's.
                    let (centres, _, more) = unsafe { &*state.0.get() };
                    if !more {
                        return;
                    }
                    // SAFETY: as above.
                    assign(centres, points, unsafe { &mut *share.0.get() });
                    barrier.wait();
                }
            });
        }
    });
    let (centres, phases, _) = shared.0.into_inner();
    (centres, phases)
}

fn main() -> ExitCode {
    let (mut file, mut workers, mut clusters) = (None, 4, 5);
    let mut arguments = env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut number = || arguments.next().and_then(|n| n.parse().ok()).filter(|&n| n > 0);
        match argument.as_str() {
            "--workers" => workers = number().unwrap_or(workers),
            "--clusters" => clusters = number().unwrap_or(clusters),
            _ => file = Some(argument),
        }
    }
    let points: Vec<Point> = match &file {
        Some(path) => match fs::read_to_string(path) {
            Ok(text) => text.lines().filter_map(parse).collect(),
            Err(error) => {
                eprintln!("{path}: {error}");
                return ExitCode::FAILURE;
            }
        },
        None => {
            let text = include_bytes!("phases.rs");
            text.windows(2).map(|pair| pair.iter().map(|&b| i64::from(b) * 1000).collect()).collect()
        }
    };
    let dimensions = points.first().map_or(0, Vec::len);
    if points.len() < clusters || points.iter().any(|point| point.len() != dimensions) {
        eprintln!("need at least {clusters} points of the same number of dimensions");
        return ExitCode::FAILURE;
    }
    let centres: Vec<Point> = (0..clusters).map(|i| points[i * points.len() / clusters].clone()).collect();

    let start = Instant::now();
    let expected = sequential(&points, centres.clone(), 1_000);
    let alone = start.elapsed();
    let start = Instant::now();
    let result = parallel(&points, centres, 1_000, workers);
    let together = start.elapsed();

    println!("{} points, {dimensions} dimensions, {clusters} clusters", points.len());
    println!("{} phases; sequential {alone:.2?}, {workers} workers {together:.2?}", result.1);
    for centre in &result.0 {
        println!("  {:?}", centre.iter().map(|&x| x as f64 / 1000.0).collect::<Vec<_>>());
    }
    if result != expected {
        eprintln!("the result differs from the sequential one: {expected:?}");
        return ExitCode::FAILURE;
    }
    println!("equal to the sequential result");
    ExitCode::SUCCESS
}
