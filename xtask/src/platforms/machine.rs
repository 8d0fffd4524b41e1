//! What the targets have in common: packages, the toolchain with library sources, a place for scratch files.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use xshell::{Cmd, Shell, cmd};

use crate::metadata;

/// Compiler, cargo and library sources of one version, beside whatever rustup has.
pub(crate) const TOOLCHAIN: &[&str] = &["rustc-web", "cargo-web", "rust-web-src", "lld-22"];

/// How much is tested where all could be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    /// The layers that everything stands on, and the pool.
    Quick,
    Whole,
}

/// The machine that everything runs on.
pub(crate) struct Machine<'a> {
    pub(crate) sh: &'a Shell,
    pub(crate) extent: Extent,
    /// Build results and tools; below `target/`, so that a clean build forgets them.
    pub(crate) scratch: PathBuf,
}

impl<'a> Machine<'a> {
    pub(crate) fn new(sh: &'a Shell, extent: Extent) -> Self {
        Machine { sh, extent, scratch: metadata::root().join("target").join("platforms") }
    }

    /// Whether what a target needs can be installed without asking anybody; if not, why.
    pub(crate) fn can_install(&self) -> Result<(), &'static str> {
        let sh = self.sh;
        let succeeds = |command: Cmd<'_>| command.quiet().ignore_stdout().ignore_stderr().run().is_ok();
        if !succeeds(cmd!(sh, "apt-get --version")) {
            return Err("no apt-get to install compilers and emulators with");
        }
        if !self.is_root() && !succeeds(cmd!(sh, "sudo --non-interactive true")) {
            return Err("not allowed to install compilers and emulators; `cargo xtask platforms` asks");
        }
        let compiler = TOOLCHAIN[0];
        let is_known = || succeeds(cmd!(sh, "apt-cache show {compiler}"));
        if is_known() || (self.apt(&["update"]).quiet().run().is_ok() && is_known()) {
            Ok(())
        } else {
            Err("this system has no package of a compiler with library sources")
        }
    }

    fn apt(&self, arguments: &[&str]) -> Cmd<'a> {
        let sh = self.sh;
        if self.is_root() { cmd!(sh, "apt-get {arguments...}") } else { cmd!(sh, "sudo apt-get {arguments...}") }
    }

    fn is_root(&self) -> bool {
        cmd!(self.sh, "id -u").quiet().read().is_ok_and(|user| user == "0")
    }

    /// Installs those Debian packages that are missing.
    pub(crate) fn install(&self, packages: &[&str]) -> Result<()> {
        let missing: Vec<_> = packages.iter().filter(|package| !self.has(package)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let install = || {
            self.apt(&["install", "--yes", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=300"])
                .args(missing.clone())
                .env("DEBIAN_FRONTEND", "noninteractive")
        };
        if install().quiet().run().is_err() {
            self.apt(&["update"]).quiet().run()?;
            install().run().with_context(|| format!("installing {missing:?}"))?;
        }
        Ok(())
    }

    fn has(&self, package: &str) -> bool {
        let format = "--showformat=${Status}";
        let status = cmd!(self.sh, "dpkg-query --show {format} {package}");
        status.quiet().ignore_stderr().read().is_ok_and(|status| status.ends_with("ok installed"))
    }

    /// A cargo that can build the standard library for another target, with the packages it needs.
    ///
    /// Flags of a target go into `flags`, not into a configuration: other flags are another build of the library, so they
    /// stay the same for each target.
    pub(crate) fn cargo(&self, command: &str, target: &str, flags: &str, libraries: &str) -> Result<Cmd<'a>> {
        self.install(TOOLCHAIN)?;
        let folder = self.scratch.join(target);
        // Nobody reads a backtrace here, and what prints one is a third of the library.
        let features = libraries.contains("panic_unwind").then_some("-Zbuild-std-features=panic-unwind");
        Ok(cmd!(self.sh, "/usr/bin/cargo {command} -Zbuild-std={libraries} --target {target} --target-dir {folder}")
            .args(features)
            .env("RUSTC_BOOTSTRAP", "1")
            .env("RUSTC", "/usr/bin/rustc")
            .env("RUSTDOC", "/usr/bin/rustdoc") // or documentation tests meet another compiler's libraries
            .env("CARGO_PROFILE_DEV_DEBUG", "0") // half the time of a build
            .env_remove("CARGO_ENCODED_RUSTFLAGS")
            .env("RUSTFLAGS", flags))
    }

    /// Writes an executable file into the scratch folder.
    pub(crate) fn script(&self, name: &str, text: &str) -> Result<PathBuf> {
        let path = self.scratch.join(name);
        let sh = self.sh;
        sh.write_file(&path, format!("#!/bin/sh\n{text}\n"))?;
        cmd!(sh, "chmod +x {path}").quiet().run()?;
        Ok(path)
    }

    /// A guest program's folder.
    pub(crate) fn guest(&self, name: &str) -> PathBuf {
        metadata::root().join("xtask/src/platforms/guests").join(name)
    }
}

/// The variable by which cargo learns of a target's linker or runner.
pub(crate) fn variable(target: &str, what: &str) -> String {
    format!("CARGO_TARGET_{}_{what}", target.replace('-', "_").to_uppercase())
}

/// A path as a command's word.
pub(crate) fn word(path: &Path) -> String {
    path.display().to_string()
}
