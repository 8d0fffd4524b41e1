//! What is often said about such code, held against the measurements.

use std::fmt::Write as _;

use super::page::number;
use super::results::Results;

struct Claim {
    said: &'static str,
    low: f64,
    high: f64,
    /// Benchmark, row, contestants.
    found: (&'static str, &'static str, &'static [&'static str]),
    why: &'static str,
}

const CLAIMS: &[Claim] = &[
    Claim {
        said: "a deque's push takes 3 ns",
        low: 0.0,
        high: 3.0,
        found: ("deque", "push x512", &["reveille, inline", "reveille, growable", "crossbeam-deque", "st3"]),
        why: "A push is two plain stores, behind a look at the capacity; a growable deque also looks at its buffer's pointer.",
    },
    Claim {
        said: "a deque's pop takes 3 ns",
        low: 0.0,
        high: 3.0,
        found: ("deque", "pop x512", &["reveille, inline", "reveille, growable", "crossbeam-deque", "st3"]),
        why: "A pop that a thief may contend for needs one full fence or locked instruction: most of it is that, and what that takes is up to the processor.",
    },
    Claim {
        said: "a steal takes 10 to 50 ns",
        low: 10.0,
        high: 50.0,
        found: ("deque", "steal, same thread", &["reveille, inline", "reveille, growable", "crossbeam-deque", "st3"]),
        why: "Without a cache miss a steal is one exchange and a fence; between processors it is what moving the lines costs.",
    },
    Claim {
        said: "a lock-free wake takes 5 to 10 ns",
        low: 5.0,
        high: 10.0,
        found: ("wake_latency", "nobody asleep: signal", &["reveille CoreLatch", "crossbeam Parker", "std park"]),
        why: "True of a signal that finds nobody asleep: one locked instruction. It says nothing about waking somebody.",
    },
    Claim {
        said: "a mutex and a condition variable take 100 to 300 ns",
        low: 100.0,
        high: 300.0,
        found: ("wake_latency", "nobody asleep: signal", &["std Mutex, Condvar", "parking_lot"]),
        why: "std's notify makes the system call even if nobody waits; parking_lot's does not.",
    },
    Claim {
        said: "a yield takes 1 to 5 us",
        low: 1_000.0,
        high: 5_000.0,
        found: ("wake_latency", "yield, nobody else wants the CPU", &["std yield_now"]),
        why: "A yield that finds nobody else to run is a system call and a look at a queue; to switch costs more.",
    },
    Claim {
        said: "to wake a sleeper takes 10 to 100 us",
        low: 10_000.0,
        high: 100_000.0,
        found: (
            "wake_latency",
            "asleep, other CPU: until it runs",
            &["reveille CoreLatch", "raw futex", "std Mutex, Condvar"],
        ),
        why: "Across processors it is an interrupt, through the hypervisor on a virtual machine; on the same one it is a context switch (`asleep, same CPU`).",
    },
];

pub(super) fn write(page: &mut String, results: &Results) -> std::fmt::Result {
    writeln!(page, "## What is often said\n\n| claim | measured here, median | verdict | why |\n|---|---|---|---|")?;
    for Claim { said, low, high, found: (bench, row, names), why } in CLAIMS {
        let Some(row) = results.find(bench, row) else {
            writeln!(page, "| {said} | not in this run | | |")?;
            continue;
        };
        let measured: Vec<_> = names.iter().filter_map(|name| row.by(name)).collect();
        let within = measured.iter().filter(|sample| (*low..=*high).contains(&sample.median)).count();
        let verdict = match within {
            0 => "no",
            all if all == measured.len() => "yes",
            _ => "in part",
        };
        let list: Vec<_> = measured.iter().map(|s| format!("{} {}", s.name, number(s.median))).collect();
        writeln!(page, "| {said} | {} | {verdict} | {why} |", list.join(", "))?;
    }
    // What rayon's time must at least be of ours.
    for (levels, said, bound) in [(10, "62 % faster", 1.62), (15, "44 % faster", 1.44), (20, "15 % slower", 0.85)] {
        let claim = format!("a fork-join of depth {levels} on a lock-free wake path is {said} than rayon's");
        let Some(row) = results.find("fork_join", &format!("2 workers, depth {levels}")) else {
            writeln!(page, "| {claim} | not in this run | | |")?;
            continue;
        };
        let (Some(ours), Some(rayon)) = (row.ours(), row.by("rayon")) else { continue };
        let speed = rayon.median / ours.median;
        let verdict = match (bound > 1.0, speed) {
            (true, speed) if speed >= bound => "yes, at least",
            (true, speed) if speed > 1.0 => "faster, by less",
            (false, speed) if speed < 1.0 => "yes",
            _ => "no",
        };
        writeln!(
            page,
            "| {claim} | per fork {} against {}: {speed:.2} x as fast | {verdict} | A fork that nobody steals decides it, not \
             the wake: rayon's has a fence and a latch, ours plain stores, at every depth alike. |",
            number(ours.median),
            number(rayon.median),
        )?;
    }
    writeln!(page)
}
