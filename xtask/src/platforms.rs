//! `cargo xtask platforms [NAME...]`: builds and runs the layers on every target that this machine can run or link.
//!
//! What a target needs is installed by package name when it is missing (Debian's, and one from PyPI), so that the command
//! works on a machine that nobody prepared. What decides is an exit status:
//!
//! | kind | what decides |
//! |---|---|
//! | hosted | `cargo test` of [`LAYERS`] through the target's runner |
//! | bare metal, wasm | a guest program checks itself; QEMU's or Node's exit status |
//! | linked | every symbol of the test programs is found |
//!
//! The outcome is a table, printed and kept in docs/platforms.md. To have a layer tested everywhere, add it to [`LAYERS`].

mod bare;
mod hosted;
mod linked;
pub(crate) mod machine;
mod no_libc;
mod page;
mod wasm;

use anyhow::{Result, bail};
use xshell::{Shell, cmd};

pub(crate) use self::machine::variable;

use self::machine::{Extent, Machine};
use self::page::Row;
use crate::steps::Steps;
use crate::{debian, metadata};

/// The packages whose tests run on each hosted target. The facade brings the tests of the workspace, and makes the
/// features of a system those of all.
const LAYERS: &[&str] = &[
    "--package=reveille",
    "--package=reveille-futex",
    "--package=reveille-deque",
    "--package=reveille-latch",
    "--package=reveille-barrier",
    "--package=reveille-bridge",
    "--package=reveille-pool",
    "--features=reveille/stream",
];

/// The targets that `cargo xtask test` has the time for: another width, another order of memory, another system, none.
const QUICK: &[&str] = &["i686", "aarch64", "windows", "riscv64-bare", "cortex-m3"];

/// What a target shows.
#[derive(Clone, Copy, Debug)]
enum Evidence {
    Run,
    Emulated,
    Linked,
}

/// How a target is checked.
type Check = fn(&Machine<'_>, &mut Steps, &str) -> Result<()>;

/// One row of the table.
struct Platform {
    name: &'static str,
    evidence: Evidence,
    about: &'static str,
    check: Check,
}

const PLATFORMS: &[Platform] = &[
    Platform {
        name: "linux",
        evidence: Evidence::Run,
        about: "x86-64: all tests, through libc; futex again by own system calls",
        check: hosted::native,
    },
    Platform {
        name: "linux-no-libc",
        evidence: Evidence::Run,
        about: "x86-64: the whole futex API in a static program without any libc symbol",
        check: no_libc::check,
    },
    Platform {
        name: "i686",
        evidence: Evidence::Run,
        about: "Linux, 32-bit words and times: all tests, through libc; futex again by own system calls",
        check: hosted::i686,
    },
    Platform {
        name: "aarch64",
        evidence: Evidence::Emulated,
        about: "Linux, qemu-user: all tests, through libc; futex again by own system calls",
        check: hosted::aarch64,
    },
    Platform {
        name: "armv7",
        evidence: Evidence::Emulated,
        about: "Linux, qemu-user, 32-bit words and times: all tests, through libc; futex again by own system calls",
        check: hosted::armv7,
    },
    Platform {
        name: "riscv64",
        evidence: Evidence::Emulated,
        about: "Linux, qemu-user: all tests, through libc; futex again by own system calls",
        check: hosted::riscv64,
    },
    Platform {
        name: "riscv64-bare",
        evidence: Evidence::Emulated,
        about: "platform! on four harts without a system, QEMU virt: futex conformance, deque, barrier, static pool",
        check: bare::riscv64,
    },
    Platform {
        name: "riscv32-bare",
        evidence: Evidence::Emulated,
        about: "the same on words of 32 bits, none of 64 bits atomic",
        check: bare::riscv32,
    },
    Platform {
        name: "aarch64-bare",
        evidence: Evidence::Emulated,
        about: "the same on four cores of Arm, QEMU virt",
        check: bare::aarch64,
    },
    Platform {
        name: "cortex-m33x2",
        evidence: Evidence::Emulated,
        about: "the same on two Cortex-M33, QEMU mps2-an521",
        check: bare::cortex_m33x2,
    },
    Platform {
        name: "cortex-m3",
        evidence: Evidence::Emulated,
        about: "storms of interrupts on latch, barrier, deque, bridge, pool, QEMU mps2-an385",
        check: bare::cortex_m3,
    },
    Platform {
        name: "cortex-m0",
        evidence: Evidence::Emulated,
        about: "the same without compare-and-swap: portable-atomic, critical-section, QEMU microbit",
        check: bare::cortex_m0,
    },
    Platform {
        name: "windows",
        evidence: Evidence::Emulated,
        about: "x86-64, wine: all tests, wordcount compares its counts",
        check: hosted::windows,
    },
    Platform {
        name: "wasm",
        evidence: Evidence::Run,
        about: "wasm32 with atomics, threads of Node: futex conformance, latch, barrier, static pool; \
                Atomics.wait and Atomics.notify of JavaScript on the same words",
        check: wasm::node,
    },
    Platform {
        name: "apple",
        evidence: Evidence::Linked,
        about: "macOS on x86-64 and Arm, zig: the tests of all layers",
        check: linked::apple,
    },
    Platform {
        name: "freebsd",
        evidence: Evidence::Linked,
        about: "x86-64, zig: the tests of all layers",
        check: linked::freebsd,
    },
];

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Which platforms; all of them without a name
    names: Vec<String>,
    /// Print the platforms and what each can show
    #[arg(long)]
    list: bool,
    /// Only what `cargo xtask test` does: a few targets, fewer tests, no page
    #[arg(long, conflicts_with = "names")]
    quick: bool,
}

/// The machine that everything runs on, for commands that build for other targets too.
pub(crate) fn machine(sh: &Shell) -> Machine<'_> {
    Machine::new(sh, Extent::Whole)
}

pub(crate) fn run(sh: &Shell, arguments: &Arguments) -> Result<()> {
    if arguments.list {
        for Platform { name, evidence, about, .. } in PLATFORMS {
            println!("{name:<16}{:<10}{about}", evidence.word());
        }
        return Ok(());
    }
    if let Some(unknown) = arguments.names.iter().find(|name| PLATFORMS.iter().all(|known| known.name != **name)) {
        bail!("no platform is called {unknown}; see --list");
    }
    let mut steps = Steps::new();
    if arguments.quick {
        quick(sh, &mut steps);
        return steps.finish();
    }
    let machine = machine(sh);
    let is_chosen = |name: &str| arguments.names.is_empty() || arguments.names.iter().any(|chosen| chosen == name);
    let rows = check(&machine, &mut steps, is_chosen, |row| keep(sh, row));
    println!("\n{}", page::table(&rows));
    steps.finish()
}

/// Puts a row into the page at once, so that a run that is stopped loses nothing.
fn keep(sh: &Shell, row: &Row) -> Result<()> {
    let file = metadata::root().join("docs/platforms.md");
    let known = sh.read_file(&file).unwrap_or_default(); // there is none before the first run
    let today = cmd!(sh, "date -u +%F").quiet().read()?;
    Ok(sh.write_file(&file, page::renew(&known, row, &today, PLATFORMS.iter().map(|platform| platform.name)))?)
}

/// The part of it that belongs to `cargo xtask test`, on a machine that has what it takes or may install it.
pub(crate) fn quick(sh: &Shell, steps: &mut Steps) {
    let machine = Machine::new(sh, Extent::Quick);
    match debian::can_install(sh, machine::TOOLCHAIN[0]) {
        Ok(()) => drop(check(&machine, steps, |name| QUICK.contains(&name), |_| Ok(()))),
        Err(why) => steps.leave_out("platforms", why),
    }
}

/// Checks the chosen ones; `keep` gets each row as soon as it is there.
fn check(
    machine: &Machine<'_>,
    steps: &mut Steps,
    is_chosen: impl Fn(&str) -> bool,
    keep: impl Fn(&Row) -> Result<()>,
) -> Vec<Row> {
    let mut rows = Vec::new();
    for Platform { name, evidence, about, check } in PLATFORMS.iter().filter(|platform| is_chosen(platform.name)) {
        let before = steps.mark();
        if let Err(error) = check(machine, steps, name) {
            steps.check(name, || Err(error));
        }
        let row = Row::new(name, evidence.word(), about, &steps.since(before));
        if let Err(error) = keep(&row) {
            steps.check("docs/platforms.md", || Err(error));
        }
        rows.push(row);
    }
    rows
}

impl Evidence {
    fn word(self) -> String {
        format!("{self:?}").to_lowercase()
    }
}
