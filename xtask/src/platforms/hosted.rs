//! Targets with a standard library: `cargo test`, with a linker and a runner.

use anyhow::Result;
use xshell::{Cmd, cmd};

use super::machine::{Extent, Machine, variable, word};
use super::{FEW_LAYERS, LAYERS};
use crate::steps::Steps;

/// What qemu-user cannot do: make threads in a forked child of a process that has some, and charge a thread for its own
/// work alone.
const NOT_EMULATED: &[&str] = &[
    "an_inherited_pool_says_so",
    "a_pool_that_spins_does_not_sleep",
    "an_idle_pool_sleeps_by_default_however_wide",
    "a_search_by_time_ends",
];

/// A Linux of another processor.
struct Cross {
    target: &'static str,
    packages: &'static [&'static str],
    linker: &'static str,
    runner: &'static str,
}

/// The tests, of as many layers as there is time for.
fn tests<'a>(machine: &Machine<'a>, command: Cmd<'a>) -> Cmd<'a> {
    let layers = match machine.extent {
        Extent::Quick => FEW_LAYERS,
        Extent::Whole => LAYERS,
    };
    // An emulated processor takes ten times as long, and what fails here hardly does so for rare inputs.
    command.args(["--no-fail-fast", "--lib", "--tests"]).args(layers).env("PROPTEST_CASES", "32")
}

/// The futex alone, which makes system calls by its own instruction if it may not use libc.
fn own_system_calls<'a>(command: Cmd<'a>) -> Cmd<'a> {
    command.args(["--no-fail-fast", "--lib", "--tests", "--package", "reveille-futex", "--no-default-features"])
}

pub(super) fn native(machine: &Machine<'_>, steps: &mut Steps, name: &str) -> Result<()> {
    let sh = machine.sh;
    steps.cargo_test(&format!("{name}: libc"), tests(machine, cmd!(sh, "cargo test")));
    let raw = own_system_calls(cmd!(sh, "cargo test")).args(["--features", "linux-raw"]);
    steps.cargo_test(&format!("{name}: own system calls"), raw);
    Ok(())
}

fn cross(machine: &Machine<'_>, steps: &mut Steps, name: &str, cross: &Cross) -> Result<()> {
    machine.install(cross.packages)?;
    let command = || -> Result<Cmd<'_>> {
        Ok(machine
            .cargo("test", cross.target, "", "std,panic_unwind")?
            .env(variable(cross.target, "LINKER"), cross.linker)
            .env(variable(cross.target, "RUNNER"), cross.runner))
    };
    let mut test = tests(machine, command()?);
    if cross.runner.starts_with("qemu") {
        test = test.arg("--").args(NOT_EMULATED.iter().flat_map(|name| ["--skip", name]));
    }
    steps.cargo_test(&format!("{name}: libc"), test);
    steps.cargo_test(&format!("{name}: own system calls"), own_system_calls(command()?));
    Ok(())
}

/// Not gcc-multilib: it conflicts with the other cross compilers.
pub(super) fn i686(machine: &Machine<'_>, steps: &mut Steps, name: &str) -> Result<()> {
    cross(
        machine,
        steps,
        name,
        &Cross {
            target: "i686-unknown-linux-gnu",
            packages: &["gcc-i686-linux-gnu", "libc6-dev-i386-cross"],
            linker: "i686-linux-gnu-gcc",
            runner: "/usr/i686-linux-gnu/lib/ld-linux.so.2 --library-path /usr/i686-linux-gnu/lib",
        },
    )
}

pub(super) fn aarch64(machine: &Machine<'_>, steps: &mut Steps, name: &str) -> Result<()> {
    cross(
        machine,
        steps,
        name,
        &Cross {
            target: "aarch64-unknown-linux-gnu",
            packages: &["gcc-aarch64-linux-gnu", "libc6-dev-arm64-cross", "qemu-user"],
            linker: "aarch64-linux-gnu-gcc",
            runner: "qemu-aarch64 -L /usr/aarch64-linux-gnu",
        },
    )
}

pub(super) fn armv7(machine: &Machine<'_>, steps: &mut Steps, name: &str) -> Result<()> {
    cross(
        machine,
        steps,
        name,
        &Cross {
            target: "armv7-unknown-linux-gnueabihf",
            packages: &["gcc-arm-linux-gnueabihf", "libc6-dev-armhf-cross", "qemu-user"],
            linker: "arm-linux-gnueabihf-gcc",
            runner: "qemu-arm -L /usr/arm-linux-gnueabihf",
        },
    )
}

pub(super) fn riscv64(machine: &Machine<'_>, steps: &mut Steps, name: &str) -> Result<()> {
    cross(
        machine,
        steps,
        name,
        &Cross {
            target: "riscv64gc-unknown-linux-gnu",
            packages: &["gcc-riscv64-linux-gnu", "libc6-dev-riscv64-cross", "qemu-user"],
            linker: "riscv64-linux-gnu-gcc",
            runner: "qemu-riscv64 -L /usr/riscv64-linux-gnu",
        },
    )
}

/// The standard library of Windows imports `ProcessPrng` from a library that wine 8 does not have; a program that asks
/// for random numbers does not care who makes them.
const PRNG: &str = "\
#include <stddef.h>
unsigned char __stdcall SystemFunction036(void *buffer, unsigned long size);
__declspec(dllexport) int __stdcall ProcessPrng(unsigned char *buffer, size_t size) { return SystemFunction036(buffer, size); }
";

/// Wine without a display, with a prefix of our own, ended before the step is.
pub(super) fn windows(machine: &Machine<'_>, steps: &mut Steps, name: &str) -> Result<()> {
    const TARGET: &str = "x86_64-pc-windows-gnu";
    const WINE: &str = "/usr/lib/wine/wine64";
    machine.install(&["gcc-mingw-w64-x86-64", "wine64", "wine"])?;
    let sh = machine.sh;
    let prefix = machine.scratch.join("wine");
    let library = prefix.join("drive_c/windows/system32/bcryptprimitives.dll");
    let environment = |command: Cmd<'_>| -> Result<()> {
        Ok(command.env("WINEPREFIX", &prefix).env("WINEDEBUG", "-all").env_remove("DISPLAY").quiet().run()?)
    };
    if !sh.path_exists(&library) {
        sh.create_dir(&machine.scratch)?;
        environment(cmd!(sh, "{WINE} wineboot -i").ignore_stdout().ignore_stderr())?;
        let source = machine.scratch.join("prng.c");
        sh.write_file(&source, PRNG)?;
        cmd!(sh, "x86_64-w64-mingw32-gcc -shared -o {library} {source} -ladvapi32").run()?;
    }
    let runner = machine
        .script("wine.sh", &format!("unset DISPLAY\nWINEPREFIX={} WINEDEBUG=-all exec {WINE} \"$@\"", word(&prefix)))?;
    let cargo = |what: &str| -> Result<Cmd<'_>> {
        Ok(machine
            .cargo(what, TARGET, "", "std,panic_unwind")?
            .env(variable(TARGET, "LINKER"), "x86_64-w64-mingw32-gcc")
            .env(variable(TARGET, "RUNNER"), &runner))
    };
    steps.cargo_test(name, tests(machine, cargo("test")?));
    if machine.extent == Extent::Whole {
        let count = ["--quiet", "--example", "wordcount", "--", "--threads", "2", "--check", "pool", "futex"];
        steps.commands(&format!("{name}: wordcount"), [cargo("run")?.args(count)]);
    }
    environment(cmd!(sh, "/usr/lib/wine/wineserver64 -k").ignore_status())
}
