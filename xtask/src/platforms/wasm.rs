//! WebAssembly with threads: a guest module, and Node as its host.

use anyhow::Result;
use xshell::cmd;

use super::machine::{Machine, variable};
use crate::steps::Steps;

/// Shared memory between worker threads of Node; each has a stack and a block of thread-local data of its own.
pub(super) fn node(machine: &Machine<'_>, steps: &mut Steps, name: &str) -> Result<()> {
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
    let run = cmd!(sh, "timeout 300 node {host} {module}");
    steps.commands(name, [build, run]);
    Ok(())
}
