//! A list of checks that run one after another, each timed, with an outcome as `cargo test` words it.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use xshell::Cmd;

/// The checks so far.
pub(crate) struct Steps {
    start: Instant,
    done: Vec<Step>,
    left_out: Vec<String>,
}

struct Step {
    name: String,
    time: Duration,
    /// Tests that the step ran, as `cargo test` counted them.
    tests: Option<Counts>,
    error: Option<String>,
}

/// What came of several checks.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// Tests that passed.
    pub(crate) tests: usize,
    /// The first failure.
    pub(crate) error: Option<String>,
}

/// The numbers of all lines `test result: ...` of one command.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    passed: usize,
    failed: usize,
    ignored: usize,
}

impl Steps {
    pub(crate) fn new() -> Self {
        Self { start: Instant::now(), done: Vec::new(), left_out: Vec::new() }
    }

    /// Runs a check; a failure is remembered and the next check runs all the same.
    pub(crate) fn check(&mut self, name: &str, check: impl FnOnce() -> Result<()>) {
        self.step(name, || check().map(|()| None));
    }

    /// Runs commands that must succeed, in order.
    pub(crate) fn commands<'a>(&mut self, name: &str, commands: impl IntoIterator<Item = Cmd<'a>>) {
        let commands: Vec<_> = commands.into_iter().collect();
        self.check(name, || Ok(commands.iter().try_for_each(Cmd::run)?));
    }

    /// Runs a `cargo test` and adds its numbers to the outcome.
    pub(crate) fn cargo_test(&mut self, name: &str, command: Cmd<'_>) {
        self.step(name, || {
            let (success, counts) = run_and_count(command)?;
            ensure!(success && counts.failed == 0, "{} tests failed, or could not be built", counts.failed);
            ensure!(counts.passed > 0, "no test ran");
            Ok(Some(counts))
        });
    }

    fn step(&mut self, name: &str, check: impl FnOnce() -> Result<Option<Counts>>) {
        eprintln!("\n==> {name}");
        let start = Instant::now();
        let result = check();
        let time = start.elapsed();
        let (tests, error) = match result {
            Ok(tests) => (tests, None),
            Err(error) => (None, Some(format!("{error:#}"))),
        };
        eprintln!("<== {name}: {} in {:.1} s", if error.is_some() { "FAILED" } else { "ok" }, time.as_secs_f64());
        self.done.push(Step { name: name.to_owned(), time, tests, error });
    }

    /// A place in the list, for [`since`](Self::since).
    pub(crate) fn mark(&self) -> usize {
        self.done.len()
    }

    /// What came of the checks after `mark`.
    pub(crate) fn since(&self, mark: usize) -> Outcome {
        let done = &self.done[mark..];
        Outcome {
            tests: done.iter().filter_map(|step| Some(step.tests?.passed)).sum(),
            error: done.iter().find_map(|step| step.error.clone()),
        }
    }

    /// Notes that a check was not made, and why; no failure, and no success.
    pub(crate) fn leave_out(&mut self, name: &str, why: &str) {
        self.left_out.push(format!("check {name} ... left out: {why}"));
    }

    /// Prints one line per check and the outcome; an error if a check failed.
    pub(crate) fn finish(self) -> Result<()> {
        println!();
        let (mut passed, mut failed, mut ignored) = (0, 0, 0);
        for Step { name, time, tests, error } in &self.done {
            let outcome = if error.is_some() { "FAILED" } else { "ok" };
            let detail = match tests {
                Some(Counts { passed, .. }) => format!("  ({passed} tests)"),
                None => String::new(),
            };
            println!("check {name} ... {outcome} {:6.1} s{detail}", time.as_secs_f64());
            match (tests, error) {
                (Some(counts), _) => {
                    passed += counts.passed;
                    ignored += counts.ignored;
                }
                (None, None) => passed += 1,
                (None, Some(_)) => failed += 1,
            }
        }
        for line in &self.left_out {
            println!("{line}");
        }
        for Step { name, error, .. } in &self.done {
            if let Some(error) = error {
                println!("\n---- {name} ----\n{error}");
            }
        }
        let outcome = if failed == 0 { "ok" } else { "FAILED" };
        let seconds = self.start.elapsed().as_secs_f64();
        println!(
            "\ntest result: {outcome}. {passed} passed; {failed} failed; {ignored} ignored; finished in {seconds:.2}s"
        );
        if failed > 0 {
            bail!("{failed} of {} checks failed", self.done.len());
        }
        Ok(())
    }
}

/// Runs a command, passes its standard output on, and adds up its `test result:` lines.
fn run_and_count(command: Cmd<'_>) -> Result<(bool, Counts)> {
    eprintln!("$ {command}");
    let mut child = Command::from(command).stdout(Stdio::piped()).spawn().context("the command cannot be started")?;
    let output = child.stdout.take().context("the output is piped")?;
    let mut counts = Counts::default();
    for line in BufReader::new(output).lines() {
        let line = line?;
        if let Some(more) = parse(&line) {
            counts.passed += more.passed;
            counts.failed += more.failed;
            counts.ignored += more.ignored;
        }
        println!("{line}");
    }
    Ok((child.wait()?.success(), counts))
}

/// `test result: ok. 3 passed; 0 failed; 1 ignored; ...`
fn parse(line: &str) -> Option<Counts> {
    let (_, numbers) = line.strip_prefix("test result: ")?.split_once(". ")?;
    let number = |what: &str| {
        let part = numbers.split("; ").find_map(|part| part.strip_suffix(what));
        part.and_then(|count| count.trim().parse().ok()).unwrap_or(0)
    };
    Some(Counts { passed: number("passed"), failed: number("failed"), ignored: number("ignored") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn result_lines_are_read_and_others_are_not() {
        let line = "test result: FAILED. 3 passed; 1 failed; 12 ignored; 0 measured; 0 filtered out; finished in 0.00s";
        assert_eq!(parse(line), Some(Counts { passed: 3, failed: 1, ignored: 12 }));
        assert_eq!(parse("test models::a ... ok"), None);
    }

    #[test]
    fn a_failed_check_fails_the_whole_and_does_not_stop_it() {
        let mut steps = Steps::new();
        steps.check("fails", || bail!("on purpose"));
        let mut ran = false;
        steps.check("runs", || {
            ran = true;
            Ok(())
        });
        assert!(ran);
        assert!(steps.finish().is_err());
    }
}
