//! Debian packages: what a step needs and a machine that nobody prepared does not have.

use anyhow::{Context as _, Result};
use xshell::{Shell, cmd};

/// Installs those packages that are missing, as root or by `sudo`.
pub(crate) fn install(sh: &Shell, packages: &[&str]) -> Result<()> {
    let missing: Vec<_> = packages.iter().filter(|package| !has(sh, package)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let root = cmd!(sh, "id -u").quiet().read()? == "0";
    let prefix: &[&str] = if root { &[] } else { &["sudo"] };
    let apt = |arguments: &[&str]| {
        let mut words = prefix.iter().copied().chain(["apt-get"]).chain(arguments.iter().copied());
        let program = words.next().expect("at least apt-get");
        cmd!(sh, "{program}").args(words).env("DEBIAN_FRONTEND", "noninteractive")
    };
    let install =
        || apt(&["install", "--yes", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=300"]).args(missing.clone());
    if install().quiet().run().is_err() {
        apt(&["update"]).quiet().run()?;
        install().run().with_context(|| format!("installing {missing:?}"))?;
    }
    Ok(())
}

/// Installs the package of a program that cannot be run, wherever it may come from.
pub(crate) fn provide(sh: &Shell, program: &str, package: &str) -> Result<()> {
    if cmd!(sh, "{program} --version").quiet().ignore_stdout().ignore_stderr().run().is_err() {
        install(sh, &[package]).with_context(|| format!("there is no {program}"))?;
    }
    Ok(())
}

fn has(sh: &Shell, package: &str) -> bool {
    let format = "--showformat=${Status}";
    let status = cmd!(sh, "dpkg-query --show {format} {package}");
    status.quiet().ignore_stderr().read().is_ok_and(|status| status.ends_with("ok installed"))
}
