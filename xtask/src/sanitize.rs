//! `cargo xtask sanitize`: unit and integration tests under AddressSanitizer, LeakSanitizer and ThreadSanitizer.
//!
//! The first two need the toolchain that is there. ThreadSanitizer needs a standard library built with it, or `Arc` gives
//! false reports; Debian's `rustc-web` brings the sources and builds them. ThreadSanitizer does not know fences: under
//! `--cfg tsan`, `fence(SeqCst)` is a read-modify-write on a static (see `reveille_futex::sync`).

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use xshell::{Cmd, Shell, cmd};

use crate::platforms::machine::TOOLCHAIN;
use crate::steps::Steps;
use crate::{debian, metadata};

const TARGET: &str = "x86_64-unknown-linux-gnu";

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Sanitizer {
    Asan,
    Lsan,
    Tsan,
}

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Which ones [default: all]
    sanitizers: Vec<Sanitizer>,
}

pub(crate) fn run(sh: &Shell, arguments: &Arguments) -> Result<()> {
    let all = [Sanitizer::Asan, Sanitizer::Lsan, Sanitizer::Tsan];
    let sanitizers = if arguments.sanitizers.is_empty() { &all[..] } else { &arguments.sanitizers };
    let mut steps = Steps::new();
    for &sanitizer in sanitizers {
        sanitizer.check(sh, &mut steps)?;
    }
    steps.finish()
}

impl Sanitizer {
    fn check(self, sh: &Shell, steps: &mut Steps) -> Result<()> {
        if self == Self::Tsan {
            debian::install(sh, TOOLCHAIN)?;
            debian::install(sh, &["libclang-rt-22-dev"])?;
            write_linker(sh)?;
        }
        let name = format!("{self:?}").to_lowercase();
        steps.check(&format!("{name}, canary"), || self.canary(sh));
        let packages = metadata::packages(sh)?;
        let published = packages.iter().filter(|package| package.is_published());
        let packages = published.flat_map(|package| ["--package".to_owned(), package.name.clone()]);
        let flags = ["--all-features", "--lib", "--tests", "--no-fail-fast"];
        steps.cargo_test(&format!("{name}, tests"), self.cargo(sh, "test").args(flags).args(packages));
        Ok(())
    }

    /// The sanitizer must report the mistake that it is there for.
    fn canary(self, sh: &Shell) -> Result<()> {
        let (mistake, report) = match self {
            Self::Asan => ("use-after-free", "heap-use-after-free"),
            Self::Lsan => ("leak", "detected memory leaks"),
            Self::Tsan => ("race", "data race"),
        };
        let command = self.cargo(sh, "run").args(["--package", "sanitizer-canary-example", "--", mistake]);
        let output = Command::from(command).output()?;
        let text = String::from_utf8_lossy(&output.stderr);
        ensure!(!output.status.success() && text.contains(report), "no report of a {mistake}:\n{text}");
        Ok(())
    }

    fn cargo<'a>(self, sh: &'a Shell, what: &str) -> Cmd<'a> {
        let flags = match self {
            Self::Asan => "-Zsanitizer=address".to_owned(),
            Self::Lsan => "-Zsanitizer=leak".to_owned(),
            Self::Tsan => {
                format!("-Zsanitizer=thread -Zexternal-clangrt --cfg tsan -Clinker={}", linker().display())
            }
        };
        let folder = format!("target/{self:?}").to_lowercase();
        let command = match self {
            Self::Tsan => cmd!(sh, "/usr/bin/cargo {what} -Zbuild-std=std,panic_unwind")
                .env("RUSTC", "/usr/bin/rustc")
                .env("RUSTDOC", "/usr/bin/rustdoc"),
            _ => cmd!(sh, "cargo {what}"),
        };
        command
            .args(["--target", TARGET, "--target-dir", &folder])
            .env("RUSTC_BOOTSTRAP", "1")
            .env("RUSTFLAGS", flags)
            .env("RUST_BACKTRACE", "0")
            .env("TSAN_OPTIONS", "die_after_fork=0") // tests of the futex fork, and make threads in the child
    }
}

/// The name must not contain "ld": rustc would take it for a linker and not for a compiler driver.
fn linker() -> std::path::PathBuf {
    metadata::root().join("target/tsan/cc-tsan")
}

/// A compiler driver that links the sanitizer's runtime whole.
fn write_linker(sh: &Shell) -> Result<()> {
    let runtime = "/usr/lib/llvm-22/lib/clang/22/lib/linux/libclang_rt.tsan-x86_64.a";
    ensure!(sh.path_exists(runtime), "{runtime} is not where libclang-rt-22-dev puts it");
    // First, so that its interceptors are there before the C library is.
    let script = format!(
        "#!/bin/sh\nexec cc -Wl,--whole-archive {runtime} -Wl,--no-whole-archive \"$@\" -lpthread -ldl -lrt -lm -lc\n"
    );
    sh.write_file(linker(), script)?;
    fs::set_permissions(linker(), fs::Permissions::from_mode(0o755)).context("the linker script")
}
