//! Programs on rayon: built once as they are and once with reveille's rayon-core below, they must give the same results.
//!
//! ```text
//! PROGRAM check FOLDER             run each program once, and compare its result with a sequential computation
//! PROGRAM time NAME FOLDER ROUNDS  run one program, and print its best and median nanoseconds
//! PROGRAM cost NAME                print what an idle pool, small jobs or calls from outside cost
//! PROGRAM list                     print the names of programs and costs
//! ```
//!
//! `cargo xtask compat` builds both, runs them in turn, and prints the ratios.

mod costs;
mod crates;
mod forks;
mod input;
mod iterators;

use std::process::ExitCode;
use std::time::Instant;

use input::Input;

/// What a program computes: in parallel, and in sequence. Results are digests.
struct Program {
    name: &'static str,
    run: fn(&Input) -> u64,
    expected: fn(&Input) -> u64,
}

fn programs() -> impl Iterator<Item = &'static Program> {
    iterators::PROGRAMS.iter().chain(forks::PROGRAMS).chain(crates::PROGRAMS)
}

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let result = match arguments[..] {
        ["list"] => list(),
        ["check", folder] => check(&Input::read(folder)),
        ["time", name, folder, rounds] => time(name, &Input::read(folder), rounds),
        ["cost", name] => costs::print(name),
        _ => Err("usage: list | check FOLDER | time NAME FOLDER ROUNDS | cost NAME".to_owned()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}

fn list() -> Result<(), String> {
    programs().for_each(|program| println!("program {}", program.name));
    costs::COSTS.iter().for_each(|cost| println!("cost {} {}", cost.name, cost.unit));
    Ok(())
}

fn check(input: &Input) -> Result<(), String> {
    for Program { name, run, expected } in programs() {
        let (result, expected) = (run(input), expected(input));
        if result != expected {
            return Err(format!("{name} gives {result:016x}, and {expected:016x} in sequence"));
        }
        println!("{name} {result:016x}");
    }
    Ok(())
}

fn time(name: &str, input: &Input, rounds: &str) -> Result<(), String> {
    let program = programs().find(|program| program.name == name).ok_or(format!("there is no program {name}"))?;
    let rounds: usize = rounds.parse().map_err(|e| format!("{rounds} rounds: {e}"))?;
    (program.run)(input); // makes the pool
    let mut times: Vec<_> = (0..rounds.max(1))
        .map(|_| {
            let start = Instant::now();
            let result = (program.run)(input);
            let time = start.elapsed().as_nanos();
            std::hint::black_box(result);
            time
        })
        .collect();
    times.sort_unstable();
    println!("{} {}", times[0], times[times.len() / 2]);
    Ok(())
}
