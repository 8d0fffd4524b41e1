//! Forks, scopes and spawned tasks without an iterator above them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::Program;
use crate::input::{Input, digest};

pub(crate) const PROGRAMS: &[Program] = &[
    Program { name: "fib", run: |_| rayon::join(|| fib(N), || ()).0, expected: |_| fib_in_sequence(N) },
    Program {
        name: "quicksort",
        run: |input| {
            let mut numbers = input.numbers[..SORTED].to_vec();
            quicksort(&mut numbers);
            digest(numbers)
        },
        expected: |input| {
            let mut numbers = input.numbers[..SORTED].to_vec();
            numbers.sort_unstable();
            digest(numbers)
        },
    },
    Program { name: "scope_tree", run: scope_tree, expected: |_| (1 << (DEPTH + 1)) - 1 },
    Program { name: "scope_fifo", run: scope_fifo, expected: |_| TASKS * (TASKS - 1) / 2 },
    Program { name: "spawn", run: spawn, expected: |_| TASKS * (TASKS - 1) / 2 },
    Program { name: "broadcast", run: broadcast, expected: |_| 1_000 },
];

const N: u32 = 30;
const SORTED: usize = 1_000_000;
const DEPTH: u32 = 15;
const TASKS: u64 = 50_000;

/// A join for each call: the fork is most of the work.
fn fib(n: u32) -> u64 {
    if n < 2 {
        return n.into();
    }
    let (a, b) = rayon::join(|| fib(n - 1), || fib(n - 2));
    a + b
}

fn fib_in_sequence(n: u32) -> u64 {
    (0..n).fold((0, 1), |(a, b), _| (b, a + b)).0
}

fn quicksort(numbers: &mut [u64]) {
    if numbers.len() <= 16 {
        numbers.sort_unstable();
        return;
    }
    let middle = numbers.len() / 2;
    let (low, _, high) = numbers.select_nth_unstable(middle);
    rayon::join(|| quicksort(low), || quicksort(high));
}

/// Tasks that spawn two tasks each.
fn scope_tree(_: &Input) -> u64 {
    fn grow<'scope>(scope: &rayon::Scope<'scope>, depth: u32, nodes: &'scope AtomicU64) {
        nodes.fetch_add(1, Ordering::Relaxed);
        if depth > 0 {
            scope.spawn(move |scope| grow(scope, depth - 1, nodes));
            scope.spawn(move |scope| grow(scope, depth - 1, nodes));
        }
    }

    let nodes = AtomicU64::new(0);
    rayon::scope(|scope| grow(scope, DEPTH, &nodes));
    nodes.into_inner()
}

fn scope_fifo(_: &Input) -> u64 {
    let sum = AtomicU64::new(0);
    rayon::scope_fifo(|scope| {
        for i in 0..TASKS {
            let sum = &sum;
            scope.spawn_fifo(move |_| {
                sum.fetch_add(i, Ordering::Relaxed);
            });
        }
    });
    sum.into_inner()
}

/// Half of the tasks from outside, half from a thread of the pool.
fn spawn(_: &Input) -> u64 {
    let sums = Arc::new((AtomicU64::new(0), AtomicU64::new(0)));
    let task = |i| {
        let sums = sums.clone();
        move || {
            sums.0.fetch_add(i, Ordering::Relaxed);
            sums.1.fetch_add(1, Ordering::Release);
        }
    };
    (0..TASKS / 2).for_each(|i| rayon::spawn(task(i)));
    rayon::scope(|_| (TASKS / 2..TASKS).for_each(|i| rayon::spawn(task(i))));
    while sums.1.load(Ordering::Acquire) < TASKS {
        std::thread::yield_now();
    }
    sums.0.load(Ordering::Relaxed)
}

fn broadcast(_: &Input) -> u64 {
    (0..1_000)
        .map(|_| u64::from(rayon::broadcast(|context| context.index()).into_iter().eq(0..rayon::current_num_threads())))
        .sum()
}
