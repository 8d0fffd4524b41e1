//! Programs without a standard library that need no machine of their own: below a system's kernel, and in Node.
//!
//! They are packages outside of the workspace, because each needs its own flags.

use anyhow::{Result, ensure};
use xshell::cmd;

use super::machine::{Machine, variable};
use crate::metadata;
use crate::steps::Steps;

/// What the futex crate takes from libc when it may.
const LIBC: [&str; 3] = ["syscall", "clock_gettime", "__errno_location"];

/// A static program without libc: the linker finds every symbol, none is left for a loader, and none is libc's. The same
/// program with the feature `libc` must have them, or the check would say nothing.
pub(super) fn no_libc(machine: &Machine<'_>, steps: &mut Steps, name: &str) -> Result<()> {
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

/// Shared memory between worker threads of Node; each has a stack and a block of thread-local data of its own.
pub(super) fn wasm(machine: &Machine<'_>, steps: &mut Steps, name: &str) -> Result<()> {
    const TARGET: &str = "wasm32-unknown-unknown";
    machine.install(&["nodejs"])?;
    let sh = machine.sh;
    let guest = machine.guest("wasm");
    let manifest = guest.join("Cargo.toml");
    let flags = "-Ctarget-feature=+atomics,+bulk-memory,+mutable-globals";
    let build = machine
        .cargo("build", TARGET, flags, "core")?
        .args(["--release", "--manifest-path"])
        .arg(manifest)
        .env(variable(TARGET, "LINKER"), "wasm-ld-22");
    let module = machine.scratch.join(TARGET).join(TARGET).join("release/wasm_guest.wasm");
    let host = guest.join("host.mjs");
    let run = cmd!(sh, "timeout 120 node {host} {module}");
    steps.commands(name, [build, run]);
    Ok(())
}
