//! Owner paths and bare latches under Criterion, whose statistics compare this build with the last one.
//! `cargo bench --bench micro`
//!
//! One thread and no peers: to see whether a change of ours costs a tenth of a nanosecond. Against peers, where contestants
//! must take turns: the other benchmarks.

use std::hint::black_box;

use criterion::{BatchSize, Criterion};
use reveille::deque::{Deque, Inline, Worker};
use reveille::latch::{CoreLatch, CountdownLatch, Latch, WaitGroup};

/// Items of the bulk rows.
const BULK: usize = 512;

fn latches(c: &mut Criterion) {
    let mut group = c.benchmark_group("latch");
    group.bench_function("Latch, set", |b| b.iter_batched_ref(Latch::new, |latch| latch.set(), BatchSize::SmallInput));
    group.bench_function("Latch, open wait", |b| {
        let latch = Latch::new();
        latch.set();
        b.iter(|| black_box(&latch).wait());
    });
    group.bench_function("CoreLatch, set, wait, reset", |b| {
        let latch = CoreLatch::new();
        b.iter(|| {
            black_box(&latch).set();
            latch.wait();
            latch.reset();
        });
    });
    group.bench_function("CountdownLatch, count_down", |b| {
        let latches = || CountdownLatch::new(u32::from(u16::MAX));
        b.iter_batched_ref(latches, |latch| latch.count_down(), BatchSize::SmallInput);
    });
    group.bench_function("CountdownLatch, open wait", |b| {
        let latch = CountdownLatch::new(0);
        b.iter(|| black_box(&latch).wait());
    });
    group.bench_function("WaitGroup, enter and leave", |b| {
        let group = WaitGroup::new();
        b.iter(|| drop(black_box(&group).enter()));
    });
    group.finish();
}

fn deques(c: &mut Criterion) {
    let mut group = c.benchmark_group("deque, owner");
    let fixed: Deque<usize, Inline<1024>> = Deque::new();
    let inline = fixed.claim().expect("one owner");
    let growable = Worker::new_lifo();
    for below in [0, 8] {
        group.bench_function(format!("inline, push+pop, {below} below"), |b| {
            (0..below).for_each(|i| inline.try_push(i).expect("room"));
            b.iter(|| {
                let _ = inline.try_push(black_box(1));
                inline.pop()
            });
            while inline.pop().is_some() {}
        });
        group.bench_function(format!("growable, push+pop, {below} below"), |b| {
            (0..below).for_each(|i| growable.push(i));
            b.iter(|| {
                growable.push(black_box(1));
                growable.pop()
            });
            while growable.pop().is_some() {}
        });
    }
    group.bench_function(format!("growable, push x{BULK}, then pop"), |b| {
        b.iter(|| {
            (0..BULK).for_each(|i| growable.push(black_box(i)));
            while black_box(growable.pop()).is_some() {}
        });
    });
    group.bench_function(format!("growable, push x{BULK}, then steal"), |b| {
        let thief = growable.stealer();
        b.iter(|| {
            (0..BULK).for_each(|i| growable.push(black_box(i)));
            while black_box(thief.steal()).is_success() {}
        });
    });
    group.finish();
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    latches(&mut criterion);
    deques(&mut criterion);
    criterion.final_summary();
}
