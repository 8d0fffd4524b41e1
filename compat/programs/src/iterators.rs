//! Parallel iterators.

use std::collections::HashMap;
use std::panic::{self, AssertUnwindSafe};

use rayon::prelude::*;

use crate::Program;
use crate::input::{Input, digest};

pub(crate) const PROGRAMS: &[Program] = &[
    Program {
        name: "map_filter_reduce",
        run: map_filter_reduce,
        expected: |input| {
            input.numbers.iter().map(|n| n.rotate_left(7)).filter(|n| n % 3 == 0).fold(0, u64::wrapping_add)
        },
    },
    Program {
        name: "par_sort",
        run: par_sort,
        expected: |input| {
            let mut numbers = input.numbers.clone();
            numbers.sort();
            digest(numbers)
        },
    },
    Program {
        name: "par_sort_unstable",
        run: par_sort_unstable,
        expected: |input| {
            let mut numbers = input.numbers.clone();
            numbers.sort_unstable();
            digest(numbers)
        },
    },
    Program {
        name: "par_chunks",
        run: par_chunks,
        expected: |input| {
            digest(input.bytes.iter().fold([0; 256], |mut counts, byte| {
                counts[usize::from(*byte)] += 1;
                counts
            }))
        },
    },
    Program {
        name: "par_bridge",
        run: par_bridge,
        expected: |input| input.text.lines().map(|line| line.split_whitespace().count() as u64).sum(),
    },
    Program {
        name: "collect",
        run: collect,
        expected: |input| {
            let lengths = input.text.lines().map(length);
            digest(lengths.chain(counted(input.text.lines().fold(HashMap::new(), count))))
        },
    },
    Program { name: "panics", run: panics, expected: |_| PANICS },
    Program {
        name: "small_loops",
        run: small_loops,
        expected: |input| input.numbers[..SMALL_LOOPS * 256].iter().fold(0, |sum: u64, n| sum.wrapping_add(n >> 32)),
    },
];

fn map_filter_reduce(input: &Input) -> u64 {
    let numbers = input.numbers.par_iter();
    numbers.map(|n| n.rotate_left(7)).filter(|n| n % 3 == 0).reduce(|| 0, u64::wrapping_add)
}

fn par_sort(input: &Input) -> u64 {
    let mut numbers = input.numbers.clone();
    numbers.par_sort();
    digest(numbers)
}

fn par_sort_unstable(input: &Input) -> u64 {
    let mut numbers = input.numbers.clone();
    numbers.par_sort_unstable();
    digest(numbers)
}

fn par_chunks(input: &Input) -> u64 {
    let counted = input.bytes.par_chunks(4_096).map(|chunk| {
        let mut counts = [0_u64; 256];
        chunk.iter().for_each(|byte| counts[usize::from(*byte)] += 1);
        counts
    });
    digest(counted.reduce(
        || [0; 256],
        |mut a, b| {
            a.iter_mut().zip(b).for_each(|(a, b)| *a += b);
            a
        },
    ))
}

fn par_bridge(input: &Input) -> u64 {
    input.text.lines().par_bridge().map(|line| line.split_whitespace().count() as u64).sum()
}

type Counts<'a> = HashMap<&'a str, u64>;

fn length(line: &str) -> u64 {
    line.chars().count() as u64
}

fn count<'a>(mut counts: Counts<'a>, line: &'a str) -> Counts<'a> {
    line.split_whitespace().for_each(|word| *counts.entry(word).or_default() += 1);
    counts
}

fn counted(counts: Counts<'_>) -> Vec<u64> {
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_unstable();
    counts.into_iter().flat_map(|(word, count)| [word.len() as u64, count]).collect()
}

/// Lengths in their order, and a map that is merged from parts.
fn collect(input: &Input) -> u64 {
    let lengths: Vec<_> = input.text.par_lines().map(length).collect();
    let counts = input.text.par_lines().fold(HashMap::new, count).reduce(HashMap::new, |mut a, b| {
        b.into_iter().for_each(|(word, count)| *a.entry(word).or_default() += count);
        a
    });
    digest(lengths.into_iter().chain(counted(counts)))
}

const PANICS: u64 = 32;

/// One item of each iterator panics. The caller gets its payload, and the pool goes on.
fn panics(input: &Input) -> u64 {
    let caught = (0..PANICS).map(|round| {
        let numbers = &input.numbers[..10_000];
        let bad = numbers[round as usize * 311];
        let result = panic::catch_unwind(AssertUnwindSafe(|| {
            numbers.par_iter().for_each(|n| {
                if *n == bad {
                    panic::resume_unwind(Box::new(bad)); // without a message on the screen
                }
            });
        }));
        u64::from(result.unwrap_err().downcast_ref() == Some(&bad))
    });
    caught.sum()
}

const SMALL_LOOPS: usize = 5_000;

/// Many loops over little, on a thread of the pool.
fn small_loops(input: &Input) -> u64 {
    let (send, receive) = std::sync::mpsc::sync_channel(1);
    rayon::scope(|_| {
        let chunks = input.numbers.chunks(256).take(SMALL_LOOPS);
        let sums = chunks.map(|chunk| chunk.par_iter().map(|n| n >> 32).reduce(|| 0, u64::wrapping_add));
        send.send(sums.fold(0, u64::wrapping_add)).unwrap();
    });
    receive.recv().unwrap()
}
