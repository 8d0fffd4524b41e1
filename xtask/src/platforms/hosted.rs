//! Targets with a standard library: `cargo test`, with a linker and a runner.

use anyhow::Result;
use xshell::{Cmd, cmd};

use super::LAYERS;
use super::machine::{Extent, Machine, variable, word};
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

/// How a command for a target is made: `build`, `test`, `run`.
type Cargo<'a> = dyn Fn(&str) -> Result<Cmd<'a>> + 'a;

/// The tests that there is time for: all, or those of the futex and a few that need nothing but the facade. `skipped` are
/// names of tests.
fn tests(machine: &Machine<'_>, steps: &mut Steps, name: &str, cargo: &Cargo<'_>, skipped: &[&str]) -> Result<()> {
    let skipped = || skipped.iter().flat_map(|name| ["--skip", name]);
    // An emulated processor takes ten times as long, and what fails here hardly does so for rare inputs.
    let test = || {
        Ok::<_, anyhow::Error>(cargo("test")?.args(["--no-fail-fast", "--lib", "--tests"]).env("PROPTEST_CASES", "32"))
    };
    match machine.extent {
        Extent::Whole => steps.cargo_test(name, test()?.args(LAYERS).arg("--").args(skipped())),
        Extent::Quick => {
            steps.cargo_test(&format!("{name}: futex"), test()?.args(["--package", "reveille-futex"]));
            let few = machine.guest("few").join("Cargo.toml");
            let few = test()?.arg("--manifest-path").arg(few).arg("--").args(skipped());
            steps.cargo_test(&format!("{name}: facade"), few);
        }
    }
    Ok(())
}

/// The futex alone, which makes system calls by its own instruction if it may not use libc.
fn own_system_calls<'a>(command: Cmd<'a>) -> Cmd<'a> {
    command.args(["--no-fail-fast", "--lib", "--tests", "--package", "reveille-futex", "--no-default-features"])
}

pub(super) fn native(machine: &Machine<'_>, steps: &mut Steps, name: &str) -> Result<()> {
    let sh = machine.sh;
    tests(machine, steps, name, &|what| Ok(cmd!(sh, "cargo {what}")), &[])?;
    let raw = own_system_calls(cmd!(sh, "cargo test")).args(["--features", "linux-raw"]);
    steps.cargo_test(&format!("{name}: own system calls"), raw);
    Ok(())
}

fn cross(machine: &Machine<'_>, steps: &mut Steps, name: &str, cross: &Cross) -> Result<()> {
    machine.install(cross.packages)?;
    let cargo = |what: &str| {
        let command = machine.cargo(what, cross.target, "", "std,panic_unwind")?;
        let command = command.env(variable(cross.target, "LINKER"), cross.linker);
        Ok(command.env(variable(cross.target, "RUNNER"), cross.runner))
    };
    let skipped = if cross.runner.starts_with("qemu") { NOT_EMULATED } else { &[] };
    tests(machine, steps, name, &cargo, skipped)?;
    steps.cargo_test(&format!("{name}: own system calls"), own_system_calls(cargo("test")?));
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
    let cargo = |what: &str| {
        let command = machine.cargo(what, TARGET, "", "std,panic_unwind")?;
        let command = command.env(variable(TARGET, "LINKER"), "x86_64-w64-mingw32-gcc");
        Ok(command.env(variable(TARGET, "RUNNER"), &runner))
    };
    tests(machine, steps, name, &cargo, &[])?;
    if machine.extent == Extent::Whole {
        let count = ["--quiet", "--example", "wordcount", "--", "--threads", "2", "--check", "pool", "futex"];
        steps.commands(&format!("{name}: wordcount"), [cargo("run")?.args(count)]);
    }
    environment(cmd!(sh, "/usr/lib/wine/wineserver64 -k").ignore_status())
}
