//! Debian packages: what a step needs and a machine that nobody prepared does not have.

use anyhow::{Context as _, Result};
use xshell::{Cmd, Shell, cmd};

/// Installs those packages that are missing, as root or by `sudo`.
pub(crate) fn install(sh: &Shell, packages: &[&str]) -> Result<()> {
    let missing: Vec<_> = packages.iter().filter(|package| !has(sh, package)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let install = || {
        apt(sh, &["install", "--yes", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=300"])
            .args(missing.clone())
            .env("DEBIAN_FRONTEND", "noninteractive")
    };
    if install().quiet().run().is_err() {
        apt(sh, &["update"]).quiet().run()?;
        install().run().with_context(|| format!("installing {missing:?}"))?;
    }
    Ok(())
}

/// Installs the package of a program that cannot be run, wherever it may come from.
pub(crate) fn provide(sh: &Shell, program: &str, package: &str) -> Result<()> {
    if !succeeds(cmd!(sh, "{program} --version")) {
        install(sh, &[package]).with_context(|| format!("there is no {program}"))?;
    }
    Ok(())
}

/// Whether a package can be installed without asking anybody; if not, why.
pub(crate) fn can_install(sh: &Shell, package: &str) -> Result<(), &'static str> {
    if !succeeds(cmd!(sh, "apt-get --version")) {
        return Err("no apt-get to install compilers and emulators with");
    }
    if !is_root(sh) && !succeeds(cmd!(sh, "sudo --non-interactive true")) {
        return Err("not allowed to install compilers and emulators; `cargo xtask platforms` asks");
    }
    let is_known = || succeeds(cmd!(sh, "apt-cache show {package}"));
    if is_known() || (apt(sh, &["update"]).quiet().run().is_ok() && is_known()) {
        Ok(())
    } else {
        Err("this system has no package of a compiler with library sources")
    }
}

fn has(sh: &Shell, package: &str) -> bool {
    let format = "--showformat=${Status}";
    let status = cmd!(sh, "dpkg-query --show {format} {package}");
    status.quiet().ignore_stderr().read().is_ok_and(|status| status.ends_with("ok installed"))
}

fn apt<'a>(sh: &'a Shell, arguments: &[&str]) -> Cmd<'a> {
    if is_root(sh) { cmd!(sh, "apt-get {arguments...}") } else { cmd!(sh, "sudo apt-get {arguments...}") }
}

fn is_root(sh: &Shell) -> bool {
    cmd!(sh, "id -u").quiet().read().is_ok_and(|user| user == "0")
}

fn succeeds(command: Cmd<'_>) -> bool {
    command.quiet().ignore_stdout().ignore_stderr().run().is_ok()
}
