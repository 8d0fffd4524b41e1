//! Targets that this machine can link for and not run: a missing symbol fails the link, so names are proved, not what the
//! functions do.

use anyhow::{Context as _, Result};
use xshell::cmd;

use super::LAYERS;
use super::machine::{Machine, variable, word};
use crate::steps::Steps;

pub(super) fn apple(machine: &Machine<'_>, steps: &mut Steps, name: &str) -> Result<()> {
    link(machine, steps, name, "x86_64-apple-darwin", "x86_64-macos")?;
    link(machine, steps, name, "aarch64-apple-darwin", "aarch64-macos")
}

pub(super) fn freebsd(machine: &Machine<'_>, steps: &mut Steps, name: &str) -> Result<()> {
    link(machine, steps, name, "x86_64-unknown-freebsd", "x86_64-freebsd")
}

/// Links the test programs with zig, which brings the symbols of each system's libraries.
fn link(machine: &Machine<'_>, steps: &mut Steps, name: &str, target: &str, zig_target: &str) -> Result<()> {
    let zig = zig(machine)?;
    // Zig has no copies of the libraries that FreeBSD's standard library and Apple's `libc` name, and these programs do not
    // use.
    let linker = machine.script(
        &format!("zig-{target}.sh"),
        &format!(
            "for argument do\n  shift\n  case $argument in\n    -lmemstat|-lkvm|-lprocstat|-ldevstat|-liconv) ;;\n    *) set -- \"$@\" \
             \"$argument\" ;;\n  esac\ndone\nexec {zig} cc -target {zig_target} \"$@\""
        ),
    )?;
    let empty = machine.scratch.join("no-sdk");
    machine.sh.create_dir(&empty)?;
    let build = machine
        .cargo("test", target, "", "std,panic_unwind")?
        .args(["--no-run", "--lib", "--tests"])
        .args(LAYERS)
        .env(variable(target, "LINKER"), linker)
        .env("CARGO_PROFILE_DEV_STRIP", "none") // or it looks for a tool that its package does not have
        .env("SDKROOT", empty); // or the compiler looks for Apple's tools
    steps.commands(&format!("{name}: {target}"), [build]);
    Ok(())
}

/// The command that runs zig, installed below the scratch folder.
fn zig(machine: &Machine<'_>) -> Result<String> {
    machine.install(&["python3-venv"])?;
    let sh = machine.sh;
    let folder = machine.scratch.join("zig");
    let python = folder.join("bin/python");
    if cmd!(sh, "{python} -m ziglang version").quiet().ignore_stdout().ignore_stderr().run().is_err() {
        cmd!(sh, "python3 -m venv {folder}").run()?;
        cmd!(sh, "{python} -m pip install --quiet ziglang").run().context("installing zig")?;
    }
    Ok(format!("{} -m ziglang", word(&python)))
}
