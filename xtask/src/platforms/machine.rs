//! What the targets have in common: packages, the toolchain with library sources, a place for scratch files.

use std::path::{Path, PathBuf};

use anyhow::Result;
use xshell::{Cmd, Shell, cmd};

use crate::{debian, metadata};

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

    /// Installs those Debian packages that are missing.
    pub(crate) fn install(&self, packages: &[&str]) -> Result<()> {
        debian::install(self.sh, packages)
    }

    /// A cargo that can build the standard library for another target, with the packages it needs.
    ///
    /// Flags of a target go into `flags`, not into a configuration: other flags are another build of the library, so they
    /// stay the same for each target.
    pub(crate) fn cargo(&self, command: &str, target: &str, flags: &str, libraries: &str) -> Result<Cmd<'a>> {
        self.prepare(cmd!(self.sh, "/usr/bin/cargo {command}"), target, flags, libraries)
    }

    /// The same toolchain's linter. By its path, because cargo would find rustup's.
    pub(crate) fn clippy(&self, target: &str, flags: &str, libraries: &str) -> Result<Cmd<'a>> {
        self.install(&["rust-web-clippy"])?;
        let clippy = self.prepare(cmd!(self.sh, "/usr/bin/cargo-clippy clippy"), target, flags, libraries)?;
        Ok(clippy.env("CARGO", "/usr/bin/cargo"))
    }

    fn prepare(&self, command: Cmd<'a>, target: &str, flags: &str, libraries: &str) -> Result<Cmd<'a>> {
        self.install(TOOLCHAIN)?;
        let folder = self.scratch.join(target);
        // Nobody reads a backtrace here, and what prints one is a third of the library.
        let features = libraries.contains("panic_unwind").then_some("-Zbuild-std-features=panic-unwind");
        Ok(command
            .arg(format!("-Zbuild-std={libraries}"))
            .args(["--target", target, "--target-dir"])
            .arg(folder)
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
    format!("CARGO_TARGET_{}_{what}", target.replace(['-', '.'], "_").to_uppercase())
}

/// A path as a command's word.
pub(crate) fn word(path: &Path) -> String {
    path.display().to_string()
}
