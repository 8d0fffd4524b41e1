//! `cargo xtask features`: every combination of the features of every published package compiles, on this machine and for a
//! target without an operating system, and so does the documentation as docs.rs builds it.
//!
//! Combinations that mean the same are one: `std` brings `alloc`, so the two together are `std`. `cargo xtask test` checks
//! those of this machine, with clippy; the rest needs the second toolchain.

use anyhow::Result;
use xshell::{Cmd, Shell, cmd};

use crate::metadata::{self, Package};
use crate::platforms::{self, machine::Machine};
use crate::steps::Steps;

/// The machine that all of this runs on.
const HERE: &str = "x86_64-unknown-linux-gnu";

/// 32 bits, compare-and-swap, no 64-bit atomics.
const BARE: &str = "thumbv7em-none-eabi";

pub(crate) fn run(sh: &Shell) -> Result<()> {
    let machine = platforms::machine(sh);
    let packages = metadata::packages(sh)?;
    let published: Vec<_> = packages.iter().filter(|package| package.is_published()).collect();
    let mut steps = Steps::new();
    for package in &published {
        let name = &package.name;
        let combinations = package.combinations();
        steps.commands(&format!("{name}: {} combinations", combinations.len()), lint(sh, package));
        if package.runs_without_std() {
            let bare: Vec<_> = combinations.into_iter().filter(|names| !names.contains("std")).collect();
            let check = |names| Ok(machine.cargo("check", BARE, "", "core,alloc")?.args(package.flags(names)));
            let commands: Vec<Cmd<'_>> = bare.iter().map(check).collect::<Result<_>>()?;
            steps.commands(&format!("{name}: {} combinations, {BARE}", commands.len()), commands);
        }
        for target in package.docs_targets() {
            steps.commands(&format!("{name}: docs.rs, {target}"), [document(&machine, package, target)?]);
        }
    }
    steps.finish()
}

/// Clippy over every combination, on this machine.
pub(crate) fn lint<'a>(sh: &'a Shell, package: &Package) -> Vec<Cmd<'a>> {
    let flags = package.combinations().into_iter().map(|names| package.flags(&names));
    flags.map(|flags| cmd!(sh, "cargo clippy --quiet").args(flags).args(["--", "-D", "warnings"])).collect()
}

/// What docs.rs does for one target. It has the libraries of all of them; here those of other machines are built.
fn document<'a>(machine: &Machine<'a>, package: &Package, target: &str) -> Result<Cmd<'a>> {
    let command = if target == HERE {
        let folder = machine.scratch.join("docs");
        cmd!(machine.sh, "cargo doc --target-dir {folder}").env("RUSTC_BOOTSTRAP", "1")
    } else {
        let libraries = if target.contains("-none") { "core,alloc" } else { "std,panic_abort" };
        machine.cargo("doc", target, "", libraries)?
    };
    Ok(command
        .args(["--quiet", "--no-deps"])
        .args(package.docs_flags())
        .env("RUSTDOCFLAGS", "-D warnings --cfg docsrs"))
}
