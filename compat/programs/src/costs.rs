//! What a pool costs that does little: idle, trickled, entered from outside.

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rayon::prelude::*;

/// One cost and its unit; less is better.
pub(crate) struct Cost {
    pub(crate) name: &'static str,
    pub(crate) unit: &'static str,
    measure: fn() -> f64,
}

pub(crate) const COSTS: &[Cost] = &[
    Cost { name: "idle", unit: "us-of-CPU-per-s", measure: idle },
    Cost { name: "trickle_spawn", unit: "us-of-CPU-per-job", measure: || trickle(job_spawned) },
    Cost { name: "trickle_call", unit: "us-of-CPU-per-call", measure: || trickle(call) },
    Cost { name: "entry_warm", unit: "ns-median", measure: || entry(2_000, Duration::ZERO) },
    Cost { name: "entry_parked", unit: "ns-median", measure: || entry(300, Duration::from_millis(2)) },
    Cost { name: "region_warm", unit: "ns-median", measure: || region(2_000, Duration::ZERO) },
    Cost { name: "region_parked", unit: "ns-median", measure: || region(300, Duration::from_millis(2)) },
    Cost { name: "spawn_from_outside", unit: "ns-median", measure: spawn_from_outside },
    Cost { name: "new_pool", unit: "ns-median", measure: new_pool },
];

pub(crate) fn print(name: &str) -> Result<(), String> {
    let cost = COSTS.iter().find(|cost| cost.name == name).ok_or(format!("there is no cost {name}"))?;
    rayon::broadcast(|_| ()); // makes the pool
    println!("{}", (cost.measure)());
    Ok(())
}

/// Processor time of this process.
fn cpu() -> Duration {
    let time = |time: libc::timeval| Duration::new(time.tv_sec as u64, time.tv_usec as u32 * 1_000);
    // SAFETY: plain numbers, of which zero is one.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: the structure is live and of the right type.
    let failed = unsafe { libc::getrusage(libc::RUSAGE_SELF, &raw mut usage) };
    assert_eq!(failed, 0, "getrusage");
    time(usage.ru_utime) + time(usage.ru_stime)
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

fn idle() -> f64 {
    thread::sleep(Duration::from_millis(100));
    let before = cpu();
    thread::sleep(Duration::from_secs(2));
    micros(cpu() - before) / 2.0
}

const JOBS: u32 = 1_000;

/// One job per millisecond, above what the sleeping itself costs.
fn trickle(job: fn()) -> f64 {
    let run = |job: fn()| {
        let before = cpu();
        for _ in 0..JOBS {
            thread::sleep(Duration::from_millis(1));
            job();
        }
        cpu() - before
    };
    let (alone, with_jobs) = (run(|| ()), run(job));
    micros(with_jobs.saturating_sub(alone)) / f64::from(JOBS)
}

fn job_spawned() {
    rayon::spawn(|| {
        black_box(1);
    });
}

fn call() {
    rayon::scope(|_| black_box(1));
}

fn median(rounds: usize, gap: Duration, mut f: impl FnMut()) -> f64 {
    let mut times: Vec<_> = (0..rounds)
        .map(|_| {
            if !gap.is_zero() {
                thread::sleep(gap);
            }
            let start = Instant::now();
            f();
            start.elapsed()
        })
        .collect();
    times.sort_unstable();
    times[times.len() / 2].as_nanos() as f64
}

/// A call into the pool that does nothing there.
fn entry(rounds: usize, gap: Duration) -> f64 {
    median(rounds, gap, call)
}

/// A parallel loop over a thousand numbers, entered from outside.
fn region(rounds: usize, gap: Duration) -> f64 {
    let numbers: Vec<u64> = (0..1_000).collect();
    median(rounds, gap, || {
        black_box(numbers.par_iter().sum::<u64>());
    })
}

/// From the spawn until the task has run, 20 us apart.
fn spawn_from_outside() -> f64 {
    let done = Arc::new(AtomicU64::new(0));
    let mut wanted = 0;
    median(2_000, Duration::from_micros(20), || {
        wanted += 1;
        let done = done.clone();
        rayon::spawn(move || {
            done.fetch_add(1, Ordering::Release);
        });
    });
    while done.load(Ordering::Acquire) < wanted {
        thread::yield_now();
    }
    // The same again, this time until the task has run.
    median(2_000, Duration::from_micros(20), || {
        wanted += 1;
        let mine = done.clone();
        rayon::spawn(move || {
            mine.fetch_add(1, Ordering::Release);
        });
        while done.load(Ordering::Acquire) < wanted {
            thread::yield_now();
        }
    })
}

fn new_pool() -> f64 {
    median(100, Duration::ZERO, || {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
        pool.install(|| black_box(1));
    })
}
