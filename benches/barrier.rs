//! Barriers against each other. `cargo bench --bench barrier`
//!
//! | row | what is counted |
//! |---|---|
//! | 1, 2, 4, 8, 16 threads | nanoseconds per phase, all threads doing nothing but waiting for each other |
//! | CPUs busy | processor time by time, meanwhile |
//! | skewed by 1 ms | nanoseconds of processor time per phase, while one of two threads is late by a millisecond |
//! | CPU of 16 threads | nanoseconds of processor time per phase, 16 threads |
//! | sleeps | voluntary context switches per phase, 2 threads |
//! | calls | futex calls of 1,000 phases that nobody has to wait for |
//!
//! Slow contestants do fewer phases per round; the numbers are per phase. `REVEILLE_MILLION=1` adds one run of a million
//! phases with eight threads per processor.

mod common;

use std::ptr;
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use common::peers::{HURDLES, PARKING_LOT, SPIN, TOKIO};
use common::target::at_most;
use common::{Bench, per};
use reveille::barrier::{Barrier, Group, TreeBarrier};
use reveille::futex::testing::Counting;

/// A barrier as the rows use it: one value per thread, made by `meet`.
trait Meeting: Sync + Sized {
    type Seat<'a>: Seat + Send
    where
        Self: 'a;
    fn meet<const N: usize, R>(run: impl FnOnce([Self::Seat<'_>; N]) -> R) -> R;
    /// Phases of a slow contestant for each one that a fast one does: 1 in this many.
    fn slowness(threads: usize) -> u64;
}

trait Seat {
    fn pass(&mut self);
}

/// Contestants that threads share by reference.
macro_rules! shared {
    ($name:ident, $inner:ty, $new:expr, $pass:expr, $slowness:expr) => {
        struct $name($inner);
        impl Seat for &$name {
            fn pass(&mut self) {
                #[allow(clippy::redundant_closure_call, reason = "the macro's argument is a closure")]
                ($pass)(&self.0);
            }
        }
        impl Meeting for $name {
            type Seat<'a> = &'a $name;
            fn meet<const N: usize, R>(run: impl FnOnce([&$name; N]) -> R) -> R {
                let barrier = $name(($new)(N));
                run([&barrier; N])
            }
            fn slowness(threads: usize) -> u64 {
                ($slowness)(threads)
            }
        }
    };
}

const fn fast(_threads: usize) -> u64 {
    1
}
const fn sleepy(_threads: usize) -> u64 {
    20
}
/// Spins without yielding: milliseconds once there are more threads than processors.
fn stubborn(threads: usize) -> u64 {
    if threads > processors() { 2_000 } else { 1 }
}

fn processors() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

shared!(Ours, Barrier, Barrier::new, |b: &Barrier| _ = b.wait(), fast);
shared!(Std, std::sync::Barrier, std::sync::Barrier::new, |b: &std::sync::Barrier| _ = b.wait(), sleepy);
shared!(Spin, spin::Barrier, spin::Barrier::new, |b: &spin::Barrier| _ = b.wait(), stubborn);
shared!(ParkingLot, Condvars, Condvars::new, Condvars::wait, sleepy);
shared!(Pthread, Posix, Posix::new, Posix::wait, sleepy);

/// Mutex and condition variable of parking_lot, as one writes a barrier by hand.
struct Condvars {
    parties: usize,
    state: parking_lot::Mutex<(usize, u64)>,
    changed: parking_lot::Condvar,
}

impl Condvars {
    fn new(parties: usize) -> Self {
        Condvars { parties, state: parking_lot::Mutex::new((0, 0)), changed: parking_lot::Condvar::new() }
    }

    fn wait(&self) {
        let mut state = self.state.lock();
        state.0 += 1;
        if state.0 == self.parties {
            *state = (0, state.1 + 1);
            drop(state);
            self.changed.notify_all();
            return;
        }
        let phase = state.1;
        while state.1 == phase {
            self.changed.wait(&mut state);
        }
    }
}

struct Posix(Box<std::cell::UnsafeCell<libc::pthread_barrier_t>>);

// SAFETY: made for sharing.
unsafe impl Sync for Posix {}

impl Posix {
    fn new(parties: usize) -> Self {
        let barrier = Box::new(std::cell::UnsafeCell::new(
            // SAFETY: plain bytes, initialised below.
            unsafe { std::mem::zeroed() },
        ));
        // SAFETY: the place is writable and stays where it is.
        unsafe { libc::pthread_barrier_init(barrier.get(), ptr::null(), parties as u32) };
        Posix(barrier)
    }

    fn wait(&self) {
        // SAFETY: initialised, and alive as long as this reference.
        unsafe { libc::pthread_barrier_wait(self.0.get()) };
    }
}

impl Drop for Posix {
    fn drop(&mut self) {
        // SAFETY: initialised; nobody has a reference.
        unsafe { libc::pthread_barrier_destroy(self.0.get()) };
    }
}

/// Contestants that give each thread a value of its own.
impl Seat for Box<dyn FnMut() + Send + '_> {
    fn pass(&mut self) {
        self();
    }
}

struct OurGroup;
struct OurTree;
struct Hurdles;

impl Meeting for OurGroup {
    type Seat<'a> = Box<dyn FnMut() + Send + 'a>;
    fn meet<const N: usize, R>(run: impl FnOnce([Self::Seat<'_>; N]) -> R) -> R {
        let mut group = Group::<N>::new();
        run(group.members().map(|mut member| Box::new(move || _ = member.wait()) as _))
    }
    fn slowness(_: usize) -> u64 {
        1
    }
}

impl Meeting for OurTree {
    type Seat<'a> = Box<dyn FnMut() + Send + 'a>;
    fn meet<const N: usize, R>(run: impl FnOnce([Self::Seat<'_>; N]) -> R) -> R {
        let mut tree = TreeBarrier::<N>::new();
        run(tree.members().map(|mut member| Box::new(move || _ = member.wait()) as _))
    }
    fn slowness(_: usize) -> u64 {
        1
    }
}

impl Meeting for Hurdles {
    type Seat<'a> = Box<dyn FnMut() + Send + 'a>;
    fn meet<const N: usize, R>(run: impl FnOnce([Self::Seat<'_>; N]) -> R) -> R {
        let barrier = hurdles::Barrier::new(N);
        run(std::array::from_fn(|_| {
            let mut barrier = barrier.clone();
            Box::new(move || _ = barrier.wait()) as _
        }))
    }
    fn slowness(_: usize) -> u64 {
        1
    }
}

/// What the phases of a barrier took.
#[derive(Clone, Copy)]
struct Spent {
    wall: f64,
    /// Processor time of the process.
    processor: f64,
    /// Voluntary context switches.
    sleeps: f64,
}

impl Spent {
    fn now() -> Self {
        let clock = |id| {
            let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
            // SAFETY: `now` is writable.
            unsafe { libc::clock_gettime(id, &raw mut now) };
            now.tv_sec as f64 * 1e9 + now.tv_nsec as f64
        };
        // SAFETY: plain numbers.
        let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
        // SAFETY: `usage` is writable.
        unsafe { libc::getrusage(libc::RUSAGE_SELF, &raw mut usage) };
        Spent {
            wall: clock(libc::CLOCK_MONOTONIC),
            processor: clock(libc::CLOCK_PROCESS_CPUTIME_ID),
            sleeps: usage.ru_nvcsw as f64,
        }
    }

    /// From `before` until this, per phase.
    fn since(self, before: Spent, phases: u64) -> Self {
        let per = |after: f64, before: f64| (after - before) / phases as f64;
        Spent {
            wall: per(self.wall, before.wall),
            processor: per(self.processor, before.processor),
            sleeps: per(self.sleeps, before.sleeps),
        }
    }
}

/// Runs `phases` phases with `N` threads, of which one is late each time; what one phase took.
fn march<M: Meeting, const N: usize>(phases: u64, late: Duration) -> Spent {
    let (before, after) = (Mutex::new(None), Mutex::new(None));
    M::meet::<N, _>(|seats| {
        thread::scope(|s| {
            for (me, mut seat) in seats.into_iter().enumerate() {
                let (before, after) = (&before, &after);
                s.spawn(move || {
                    seat.pass(); // everybody is there
                    if me == 0 {
                        *before.lock().unwrap() = Some(Spent::now());
                    }
                    for _ in 0..phases {
                        if me == 0 && !late.is_zero() {
                            thread::sleep(late);
                        }
                        seat.pass();
                    }
                    if me == 0 {
                        *after.lock().unwrap() = Some(Spent::now());
                    }
                    seat.pass(); // nobody leaves while the cost is read
                });
            }
        });
    });
    let [before, after] = [before, after].map(|spent| spent.into_inner().unwrap().expect("thread 0 has been here"));
    after.since(before, phases)
}

fn spent<M: Meeting, const N: usize>(work: u64) -> Spent {
    march::<M, N>((work / M::slowness(N)).max(1), Duration::ZERO)
}

fn phases<M: Meeting, const N: usize>(work: u64) -> f64 {
    spent::<M, N>(work).wall
}

fn busy<M: Meeting, const N: usize>(work: u64) -> f64 {
    let Spent { wall, processor, .. } = spent::<M, N>(work);
    processor / wall
}

fn skewed<M: Meeting>(work: u64) -> f64 {
    march::<M, 2>(work, Duration::from_millis(1)).processor
}

fn burned<M: Meeting, const N: usize>(work: u64) -> f64 {
    spent::<M, N>(work).processor
}

fn sleeps<M: Meeting>(work: u64) -> f64 {
    spent::<M, 2>(work).sleeps
}

/// Futex calls of 1,000 phases of a barrier whose last party is there before the first one waits.
fn calls() -> f64 {
    type Platform = Counting<9>;
    let barrier = Barrier::<Platform>::new_on(2);
    Platform::reset();
    for _ in 0..1_000 {
        let first = barrier.arrive().expect("nobody breaks it");
        barrier.wait();
        first.wait().expect("nobody breaks it");
    }
    Platform::counts().blocking_calls().into()
}

/// Tasks of a runtime with two workers: they do not block a thread, so they are a row's guests.
fn tokio_phases(tasks: usize, work: u64) -> f64 {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    let barrier = std::sync::Arc::new(tokio::sync::Barrier::new(tasks));
    let work = (work / 5).max(1);
    let march = |barrier: std::sync::Arc<tokio::sync::Barrier>| async move {
        barrier.wait().await;
        let start = Instant::now();
        for _ in 0..work {
            barrier.wait().await;
        }
        start.elapsed()
    };
    let handles: Vec<_> = (0..tasks).map(|_| runtime.spawn(march(barrier.clone()))).collect();
    let times = handles.into_iter().map(|handle| runtime.block_on(handle).unwrap());
    per(times.max().unwrap_or_default(), work)
}

fn row<const N: usize>(bench: &Bench, title: &str, work: u64) {
    let mut row = bench
        .row(title)
        .contestant(GROUP, phases::<OurGroup, N>)
        .contestant(BARRIER, phases::<Ours, N>)
        .contestant("reveille TreeBarrier", phases::<OurTree, N>)
        .contestant(HURDLES, phases::<Hurdles, N>)
        .contestant(STD, phases::<Std, N>)
        .contestant("pthread", phases::<Pthread, N>)
        .contestant(PARKING_LOT, phases::<ParkingLot, N>)
        .contestant(TOKIO, |work| tokio_phases(N, work))
        .point("ns per phase against threads", N as f64);
    if N <= 4 {
        row = row.contestant(SPIN, phases::<Spin, N>);
    }
    row = match N {
        2 => row.target(at_most(75.0)),
        4 => row.target(at_most(2_200.0)),
        8 | 16 => row.target(at_most(1.0).times(STD)).target(at_most(1.0).times(STD).by(BARRIER)),
        _ => row,
    };
    row.run(work);
}

fn busy_row<const N: usize>(bench: &Bench, title: &str, work: u64) {
    bench
        .row(title)
        .beside(GROUP, busy::<OurGroup, N>)
        .beside(BARRIER, busy::<Ours, N>)
        .beside(HURDLES, busy::<Hurdles, N>)
        .beside(STD, busy::<Std, N>)
        .beside("pthread", busy::<Pthread, N>)
        .beside(PARKING_LOT, busy::<ParkingLot, N>)
        .beside(SPIN, busy::<Spin, N>)
        .rounds(11)
        .run(work);
}

const GROUP: &str = "reveille Group";
const BARRIER: &str = "reveille Barrier";
const STD: &str = "std";

fn main() {
    let bench = Bench::new("barrier, per phase");
    row::<1>(&bench, "1 thread, ns", 20_000);
    row::<2>(&bench, "2 threads, ns", 20_000);
    row::<4>(&bench, "4 threads, ns", 5_000);
    row::<8>(&bench, "8 threads, ns", 2_000);
    row::<16>(&bench, "16 threads, ns", 1_000);
    busy_row::<2>(&bench, "2 threads, CPUs busy", 20_000);
    busy_row::<4>(&bench, "4 threads, CPUs busy", 5_000);
    bench
        .row("skewed by 1 ms, ns of CPU")
        .contestant(BARRIER, skewed::<Ours>)
        .contestant(GROUP, skewed::<OurGroup>)
        .contestant(STD, skewed::<Std>)
        .contestant("pthread", skewed::<Pthread>)
        .contestant(PARKING_LOT, skewed::<ParkingLot>)
        .contestant(HURDLES, skewed::<Hurdles>)
        .target(at_most(1.2).times(STD))
        .target(at_most(1.2).times(STD).by(GROUP))
        .run(50);
    bench
        .row("CPU of 16 threads, ns of CPU")
        .contestant(BARRIER, burned::<Ours, 16>)
        .contestant(GROUP, burned::<OurGroup, 16>)
        .contestant(STD, burned::<Std, 16>)
        .contestant("pthread", burned::<Pthread, 16>)
        .contestant(HURDLES, burned::<Hurdles, 16>)
        .run(1_000);
    bench
        .row("sleeps, voluntary context switches of 2 threads")
        .contestant(BARRIER, sleeps::<Ours>)
        .contestant(GROUP, sleeps::<OurGroup>)
        .contestant(STD, sleeps::<Std>)
        .contestant("pthread", sleeps::<Pthread>)
        .contestant(HURDLES, sleeps::<Hurdles>)
        .run(20_000);
    bench
        .row("calls of 1000 phases that nobody waits for")
        .contestant(BARRIER, |_| calls())
        .target(at_most(0.0))
        .rounds(1)
        .run(1);
    if std::env::var_os("REVEILLE_MILLION").is_some() {
        million();
    }
    bench.finish();
}

/// A million phases of eight threads per processor (16 here): time and processor time, ours and std's.
fn million() {
    fn run<M: Meeting>(name: &str) {
        const PHASES: u64 = 1_000_000;
        let Spent { wall, processor, .. } = march::<M, 16>(PHASES, Duration::ZERO);
        let seconds = |per_phase: f64| per_phase * PHASES as f64 / 1e9;
        println!("a million phases of 16 threads, {name}: {:.1} s, {:.1} s of CPU", seconds(wall), seconds(processor));
    }
    run::<Ours>(BARRIER);
    run::<Std>(STD);
}
