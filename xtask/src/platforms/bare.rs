//! The programs of `bare/`: no system, no standard library, in QEMU, whose exit status decides.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, bail, ensure};
use serde::Deserialize;
use xshell::{Cmd, cmd};

use super::machine::{Machine, variable};
use crate::metadata;
use crate::program;
use crate::steps::Steps;

/// A program for a target, and the package with its QEMU.
struct Guest {
    program: &'static str,
    target: &'static str,
    qemu: &'static str,
}

/// What none of them takes, even on a busy host.
const PATIENCE: Duration = Duration::from_secs(180);

/// Four harts: conformance of their platform, a deque, barriers, and one static pool.
pub(super) fn riscv64(machine: &Machine<'_>, steps: &mut Steps, name: &str) -> Result<()> {
    let guest = Guest { program: "cores", target: "riscv64gc-unknown-none-elf", qemu: "qemu-system-misc" };
    guest.check(machine, steps, name)
}

/// The same, with words of 32 bits.
pub(super) fn riscv32(machine: &Machine<'_>, steps: &mut Steps, name: &str) -> Result<()> {
    let guest = Guest { program: "cores", target: "riscv32imac-unknown-none-elf", qemu: "qemu-system-misc" };
    guest.check(machine, steps, name)
}

/// The same, on four cores of Arm.
pub(super) fn aarch64(machine: &Machine<'_>, steps: &mut Steps, name: &str) -> Result<()> {
    let guest = Guest { program: "cores", target: "aarch64-unknown-none", qemu: "qemu-system-arm" };
    guest.check(machine, steps, name)
}

/// The same, on two cores of a microcontroller.
pub(super) fn cortex_m33x2(machine: &Machine<'_>, steps: &mut Steps, name: &str) -> Result<()> {
    let guest = Guest { program: "cores", target: "thumbv8m.main-none-eabi", qemu: "qemu-system-arm" };
    guest.check(machine, steps, name)
}

/// Storms of interrupts. Also a program that must not pass as one without 64-bit atomics, or the check would say nothing.
pub(super) fn cortex_m3(machine: &Machine<'_>, steps: &mut Steps, name: &str) -> Result<()> {
    let guest = Guest { program: "interrupts", target: "thumbv7m-none-eabi", qemu: "qemu-system-arm" };
    let wide = guest.build(machine, &["--features", "wide-atomics"])?;
    steps.check(&format!("{name}: a 64-bit atomic is noticed"), || {
        wide.run()?;
        let found = program::wide_atomics(&guest.path(machine))?;
        ensure!(!found.is_empty(), "the program has one, and nothing is found");
        Ok(())
    });
    guest.check(machine, steps, name)
}

/// The same storms, on a processor without compare-and-swap.
pub(super) fn cortex_m0(machine: &Machine<'_>, steps: &mut Steps, name: &str) -> Result<()> {
    let guest = Guest { program: "interrupts", target: "thumbv6m-none-eabi", qemu: "qemu-system-arm" };
    guest.check(machine, steps, name)
}

impl Guest {
    fn check(&self, machine: &Machine<'_>, steps: &mut Steps, name: &str) -> Result<()> {
        machine.install(&[self.qemu])?;
        // What no other target compiles: its board, its startup, its link script's build script.
        steps.commands(&format!("{name}: clippy"), [self.lint(machine)?]);
        let build = self.build(machine, &[])?;
        let run = self.run(machine)?;
        steps.check(name, || {
            build.run()?;
            if !self.target.contains("64") {
                let found = program::wide_atomics(&self.path(machine))?;
                ensure!(found.is_empty(), "64-bit atomics on a 32-bit target: {found:?}");
            }
            Ok(run.run()?)
        });
        Ok(())
    }

    fn build<'a>(&self, machine: &Machine<'a>, more: &[&str]) -> Result<Cmd<'a>> {
        let build = machine.cargo("build", self.target, self.flags(), "core")?;
        let build = build.args(["--locked", "--release", "--manifest-path"]).arg(self.manifest()).args(more);
        Ok(build.env(variable(self.target, "LINKER"), "ld.lld-22"))
    }

    /// The program and the kit, as they are for this target.
    fn lint<'a>(&self, machine: &Machine<'a>) -> Result<Cmd<'a>> {
        let clippy = machine.clippy(self.target, self.flags(), "core")?;
        let clippy = clippy.args(["--quiet", "--locked", "--release", "--package=kit", "--package", self.program]);
        Ok(clippy.arg("--manifest-path").arg(self.manifest()).args(["--", "-D", "warnings"]))
    }

    fn manifest(&self) -> PathBuf {
        metadata::root().join("bare").join(self.program).join("Cargo.toml")
    }

    fn flags(&self) -> &'static str {
        match self.target.starts_with("riscv") {
            true => "-Clinker-flavor=ld.lld -Crelocation-model=static",
            false => "-Clinker-flavor=ld.lld",
        }
    }

    fn path(&self, machine: &Machine<'_>) -> PathBuf {
        machine.scratch.join(self.target).join(self.target).join("release").join(self.program)
    }

    /// QEMU, as people run it.
    fn run<'a>(&self, machine: &Machine<'a>) -> Result<Cmd<'a>> {
        let config = machine.sh.read_file(metadata::root().join("bare/.cargo/config.toml"))?;
        let mut config: Config = toml::from_str(&config)?;
        let Some(Target { runner }) = config.target.remove(self.target) else {
            bail!("bare/.cargo/config.toml has no runner for {}", self.target);
        };
        let seconds = PATIENCE.as_secs().to_string();
        let runner = runner.split_whitespace();
        Ok(cmd!(machine.sh, "timeout {seconds} {runner...}").arg(self.path(machine)))
    }
}

/// What matters here of cargo's configuration.
#[derive(Deserialize)]
struct Config {
    target: std::collections::BTreeMap<String, Target>,
}

#[derive(Deserialize)]
struct Target {
    runner: String,
}
