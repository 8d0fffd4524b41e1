//! `cargo xtask platforms [NAME...]`: builds and runs the layers on every target that this machine can run or link.
//!
//! What a target needs is installed by package name when it is missing (Debian's, and one from PyPI), so that the command
//! works on a machine that nobody prepared. Each target is one step, with an outcome decided by an exit status:
//!
//! | kind | what decides |
//! |---|---|
//! | run, emulated | `cargo test` of [`PACKAGES`] through the target's runner |
//! | bare metal, wasm | a guest program runs the conformance suite; QEMU's or Node's exit status |
//! | linked | every symbol of the test programs is found |
//!
//! To have a layer tested everywhere, add it to [`PACKAGES`].

mod bare;
mod guest;
mod hosted;
mod linked;
mod machine;

use anyhow::{Result, bail};
use xshell::Shell;

pub(crate) use self::machine::variable;

use self::machine::Machine;
use crate::steps::Steps;

/// The packages whose tests run on each hosted target. They bring their own unit and integration tests.
const PACKAGES: &[&str] = &["reveille-futex"];

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
        about: "this machine, through libc and by own system calls",
        check: hosted::native,
    },
    Platform {
        name: "linux-no-libc",
        evidence: Evidence::Run,
        about: "a static program without any libc symbol",
        check: guest::no_libc,
    },
    Platform {
        name: "i686-linux",
        evidence: Evidence::Run,
        about: "32-bit times, natively on x86-64",
        check: hosted::i686,
    },
    Platform { name: "aarch64-linux", evidence: Evidence::Emulated, about: "qemu-user", check: hosted::aarch64 },
    Platform {
        name: "armv7-linux",
        evidence: Evidence::Emulated,
        about: "qemu-user, 32-bit times",
        check: hosted::armv7,
    },
    Platform { name: "riscv64-linux", evidence: Evidence::Emulated, about: "qemu-user", check: hosted::riscv64 },
    Platform { name: "windows", evidence: Evidence::Emulated, about: "wine", check: hosted::windows },
    Platform {
        name: "wasm",
        evidence: Evidence::Run,
        about: "wasm32 with atomics, Node's worker threads",
        check: guest::wasm,
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
    Platform { name: "macos", evidence: Evidence::Linked, about: "x86-64 and Arm, zig", check: linked::macos },
    Platform { name: "freebsd", evidence: Evidence::Linked, about: "x86-64, zig", check: linked::freebsd },
];

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Which platforms; all of them without a name
    names: Vec<String>,
    /// Print the platforms and what each can show
    #[arg(long)]
    list: bool,
}

/// The machine that everything runs on, for commands that build for other targets too.
pub(crate) fn machine(sh: &Shell) -> Machine<'_> {
    Machine::new(sh)
}

pub(crate) fn run(sh: &Shell, arguments: &Arguments) -> Result<()> {
    if arguments.list {
        for Platform { name, evidence, about, .. } in PLATFORMS {
            println!("{name:<16}{:<10}{about}", format!("{evidence:?}").to_lowercase());
        }
        return Ok(());
    }
    if let Some(unknown) = arguments.names.iter().find(|name| PLATFORMS.iter().all(|known| known.name != **name)) {
        bail!("no platform is called {unknown}; see --list");
    }
    let machine = Machine::new(sh);
    let mut steps = Steps::new();
    for platform in PLATFORMS {
        if arguments.names.is_empty() || arguments.names.iter().any(|name| name == platform.name) {
            if let Err(error) = (platform.check)(&machine, &mut steps, platform.name) {
                steps.check(platform.name, || Err(error));
            }
        }
    }
    steps.finish()
}
