//! How long something takes.

use std::thread;
use std::time::{Duration, Instant};

/// Nanoseconds that one of `count` calls of `f` takes.
#[inline]
pub(crate) fn time(count: u64, mut f: impl FnMut(u64)) -> f64 {
    let start = Instant::now();
    for i in 0..count {
        f(i);
    }
    per(start.elapsed(), count)
}

/// Nanoseconds that one of `count` calls of `f` takes, each after a sleep.
pub(crate) fn time_after(sleep: Duration, count: u64, mut f: impl FnMut()) -> f64 {
    let mut spent = Duration::ZERO;
    for _ in 0..count {
        thread::sleep(sleep);
        let start = Instant::now();
        f();
        spent += start.elapsed();
    }
    per(spent, count)
}

/// Nanoseconds that one of `count` calls of `f` takes, each with something that `prepare` makes at its own expense.
pub(crate) fn time_with<T>(count: u64, prepare: impl Fn() -> T, mut f: impl FnMut(&mut T)) -> f64 {
    let mut spent = Duration::ZERO;
    for _ in 0..count {
        let mut prepared = prepare();
        let start = Instant::now();
        f(&mut prepared);
        spent += start.elapsed();
    }
    per(spent, count)
}

/// The median of `count` nanoseconds that `f` says.
pub(crate) fn time_of(count: u64, f: impl FnMut(u64) -> u64) -> f64 {
    let samples: Vec<f64> = (0..count).map(f).map(|nanos| nanos as f64).collect();
    quantile(&samples, 0.5)
}

/// Nanoseconds per piece of work.
pub(crate) fn per(elapsed: Duration, count: u64) -> f64 {
    elapsed.as_nanos() as f64 / count as f64
}

/// The sample below which `share` of them lie.
pub(crate) fn quantile(samples: &[f64], share: f64) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let last = sorted.len().checked_sub(1).expect("at least one round");
    sorted[(last as f64 * share).round() as usize]
}
