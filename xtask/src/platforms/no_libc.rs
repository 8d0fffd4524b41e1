//! A program on Linux without a standard library and without libc: `bare/no-libc`.

use anyhow::{Result, ensure};
use xshell::cmd;

use super::machine::Machine;
use crate::metadata;
use crate::steps::Steps;

/// What the futex crate takes from libc when it may.
const LIBC: [&str; 3] = ["syscall", "clock_gettime", "__errno_location"];

/// A static program without libc: the linker finds every symbol, none is left for a loader, and none is libc's. The same
/// program with the feature `libc` must have them, or the check would say nothing.
pub(super) fn check(machine: &Machine<'_>, steps: &mut Steps, name: &str) -> Result<()> {
    let sh = machine.sh;
    let manifest = metadata::root().join("bare/no-libc/Cargo.toml");
    let folder = machine.scratch.join("no-libc");
    let build = || cmd!(sh, "cargo build --quiet --release --manifest-path {manifest} --target-dir {folder}");
    let program = folder.join("release/no-libc");
    let from_libc = || -> Result<Vec<&str>> {
        let symbols = cmd!(sh, "nm {program}").read()?;
        let symbols: Vec<_> = symbols.lines().filter_map(|line| line.split_whitespace().last()).collect();
        ensure!(symbols.contains(&"_start"), "not a program, or without symbols");
        Ok(LIBC.into_iter().filter(|name| symbols.contains(name)).collect())
    };
    let clippy =
        cmd!(sh, "cargo clippy --quiet --release --manifest-path {manifest} --target-dir {folder} -- -D warnings");
    steps.commands(&format!("{name}: clippy"), [clippy]);
    steps.check(name, || {
        build().args(["--features", "libc"]).run()?;
        ensure!(from_libc()?.len() == LIBC.len(), "with libc, its symbols are not seen");
        build().run()?;
        cmd!(sh, "{program}").run()?;
        let undefined = cmd!(sh, "nm --undefined-only {program}").read()?;
        ensure!(undefined.is_empty(), "symbols of another library: {undefined}");
        let found = from_libc()?;
        ensure!(found.is_empty(), "symbols of libc: {found:?}");
        Ok(())
    });
    Ok(())
}
