//! Programs without a standard library, which run the conformance suite on a platform of their own.
//!
//! They are packages below `guests/`, outside of the workspace, because each needs its own linker script and flags.

use anyhow::{Result, ensure};
use xshell::cmd;

use super::machine::{Machine, variable};
use crate::steps::Steps;

/// What the futex crate takes from libc when it may.
const LIBC: [&str; 3] = ["syscall", "clock_gettime", "__errno_location"];

/// A static program without libc: the linker finds every symbol, none is left for a loader, and none is libc's. The same
/// program with the feature `libc` must have them, or the check would say nothing.
pub(super) fn no_libc(machine: &Machine<'_>, steps: &mut Steps, name: &str) -> Result<()> {
    let sh = machine.sh;
    let manifest = machine.guest("no-libc").join("Cargo.toml");
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

/// Harts that wait in `wfi` and wake each other by interrupts, behind `platform!`.
pub(super) fn riscv64(machine: &Machine<'_>, steps: &mut Steps, name: &str) -> Result<()> {
    const TARGET: &str = "riscv64gc-unknown-none-elf";
    machine.install(&["qemu-system-misc"])?;
    let sh = machine.sh;
    let manifest = machine.guest("riscv64").join("Cargo.toml");
    let build = machine
        .cargo("build", TARGET, "-Clinker-flavor=ld.lld -Crelocation-model=static", "core")?
        .args(["--release", "--manifest-path"])
        .arg(manifest)
        .env(variable(TARGET, "LINKER"), "ld.lld-22");
    let program = machine.scratch.join(TARGET).join(TARGET).join("release/riscv64-guest");
    let run = cmd!(sh, "timeout 120 qemu-system-riscv64 -machine virt -bios none -smp 4 -nographic -kernel {program}");
    steps.commands(name, [build, run]);
    Ok(())
}
