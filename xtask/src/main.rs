//! The commands that people and CI run: `cargo xtask --help`.

mod bench_report;
mod compat;
mod debian;
mod features;
mod full;
mod interrupts;
mod metadata;
mod models;
mod mutants;
mod platforms;
mod program;
mod rows;
mod sanitize;
mod sizes;
mod steps;
mod sweep;
mod test;
mod twins;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};
use xshell::Shell;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Checks and reports of this workspace", disable_help_subcommand = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// What CI runs: format, lints, tests, documentation, the fast tier of the models
    Test,
    /// Everything, the slow checks included: before a release
    Full(full::Arguments),
    /// Run the model-checking suite and print a table of its claims
    Models(models::Arguments),
    /// Weaken each ordering above Relaxed and demand that a model notices, or an argument why none can
    OrderingSweep(sweep::Arguments),
    /// Run the tests under AddressSanitizer, LeakSanitizer and ThreadSanitizer
    Sanitize(sanitize::Arguments),
    /// Change safe logic, one place at a time; a test must notice, or a reason must stand why none can
    Mutants(mutants::Arguments),
    /// Build and run the layers on every target that this machine can run or link
    Platforms(platforms::Arguments),
    /// Build every combination of features, here and without a system, and the documentation as docs.rs does
    Features,
    /// Bytes of flash and of memory that each primitive takes on a Cortex-M4, and their budgets
    Sizes,
    /// Run the benchmarks and write docs/benchmarks.md: tables, charts, targets and where we lose
    BenchReport(bench_report::Arguments),
    /// Run programs on rayon with reveille below it, compare their results and times with rayon's own
    Compat(compat::Arguments),
    /// Make the known mistakes that one thread can show, in a copy; a property test must fail on each
    Twins(twins::Arguments),
    /// Check that each row of REGRESSIONS.md has a twin
    Rows,
    /// Check that each public function of the layers says whether an interrupt may call it
    Interrupts,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Without the backtrace that `{error:?}` has: it leads into this program, never to the fault.
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<()> {
    let sh = Shell::new()?;
    sh.change_dir(metadata::root());
    match &arguments.command {
        Command::Test => test::run(&sh),
        Command::Full(arguments) => full::run(arguments),
        Command::Models(arguments) => models::run(&sh, arguments),
        Command::OrderingSweep(arguments) => sweep::run(&sh, arguments),
        Command::Sanitize(arguments) => sanitize::run(&sh, arguments),
        Command::Mutants(arguments) => mutants::run(&sh, arguments),
        Command::Platforms(arguments) => platforms::run(&sh, arguments),
        Command::Features => features::run(&sh),
        Command::Sizes => sizes::run(&sh),
        Command::BenchReport(arguments) => bench_report::run(&sh, arguments),
        Command::Interrupts => interrupts::check(&metadata::root()).map(|summary| println!("{summary}")),
        Command::Compat(arguments) => compat::run(&sh, arguments),
        Command::Twins(arguments) => twins::run(&sh, arguments),
        Command::Rows => rows::check(&metadata::root()).map(|summary| println!("{summary}")),
    }
}
