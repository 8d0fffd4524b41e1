//! `cargo xtask test`: everything that must hold before a change is merged, without any tool but the Rust toolchain and
//! a C compiler; what needs another one is left out if it is not there, and says so.

use anyhow::Result;
use xshell::{Cmd, Shell, cmd};

use crate::metadata::{self, Package};
use crate::steps::Steps;
use crate::{compat, debian, features, interrupts, platforms, rows};

/// The flags of a build for the model checker. Keep them constant: another flag is another build of everything.
pub(crate) const LOOM: &str = "--cfg loom";

/// The same for shuttle, whose suite also wants the layers' own assertions.
const SHUTTLE: &str = "--cfg shuttle -C debug-assertions";

/// The suite, and the outside crate that shows how to use it.
const MODELS: [&str; 4] = ["--package", "reveille-loom-tests", "--package", "mini-executor-example"];

pub(crate) fn run(sh: &Shell) -> Result<()> {
    let packages = metadata::packages(sh)?;
    let published: Vec<_> = packages.iter().filter(|package| package.is_published()).collect();
    let mut steps = Steps::new();

    let format = || cmd!(sh, "cargo fmt --all --check");
    steps.commands("format", [format(), format().args(["--manifest-path", "bare/Cargo.toml"])]);
    steps.commands("format, models", [format_models(sh)?]);
    steps.check("rows of REGRESSIONS.md", || rows::check(&metadata::root()).map(|summary| eprintln!("{summary}")));
    steps.check("tables of interrupts", || interrupts::check(&metadata::root()).map(|summary| eprintln!("{summary}")));
    steps.commands(
        "clippy, everything",
        [cmd!(sh, "cargo clippy --quiet --workspace --all-targets --all-features -- -D warnings")],
    );
    for package in &published {
        steps
            .commands(&format!("clippy, {}, every combination of features", package.name), features::lint(sh, package));
    }
    steps.commands("clippy, --cfg loom", lint_loom(sh, &published)?);
    steps.commands("clippy, --cfg shuttle", lint_shuttle(sh));
    // Without it the tests of `reveille-cluster` fail; they do not skip.
    steps.check("a Redis server", || debian::provide(sh, "redis-server", "redis-server"));
    steps.cargo_test("tests, all features", cmd!(sh, "cargo test --workspace --all-features --no-fail-fast"));
    steps.cargo_test("tests, default features", default_features(sh, &published));
    steps.commands("rayon on reveille, format and lints", compat::lints(sh));
    for command in compat::tests(sh) {
        steps.cargo_test("rayon on reveille, tests", command);
    }
    steps.commands("rayon on reveille, programs", [compat::check(sh)]);
    steps.commands(
        "example, wordcount --check",
        [cmd!(sh, "cargo run --quiet --all-features --example wordcount -- --threads 2 --check").ignore_stdout()],
    );
    // They assert what they answer; how fast is for a look at a quiet machine.
    let line_server =
        |name: &str| cmd!(sh, "cargo run --quiet --all-features --example {name} -- README.md 0.5").ignore_stdout();
    steps.commands("example, line servers", ["line_server_tokio", "line_server_mio"].map(line_server));
    node_addon(sh, &mut steps);
    steps.commands(
        "example, cluster_wordcount --kill-one --check",
        [cmd!(sh, "cargo run --quiet --package reveille-cluster --all-features --example cluster_wordcount --")
            .args(["--workers", "3", "--kill-one", "--check", "futex", "pool"])
            .ignore_stdout()],
    );
    // The private pages first: they check the links between private items, and the public ones replace them.
    let document =
        || cmd!(sh, "cargo doc --quiet --workspace --no-deps --all-features").env("RUSTDOCFLAGS", "-D warnings");
    steps.commands("documentation", [document().arg("--document-private-items"), document()]);
    steps.cargo_test(
        "models, fast tier",
        cmd!(sh, "cargo test --release --target-dir target/loom --no-fail-fast --lib --tests")
            .args(MODELS)
            .env("RUSTFLAGS", LOOM),
    );
    steps.cargo_test(
        "whole pools under shuttle",
        cmd!(sh, "cargo test --release --target-dir target/shuttle --no-fail-fast --package reveille-shuttle-tests")
            .env("RUSTFLAGS", SHUTTLE),
    );
    platforms::quick(sh, &mut steps);
    steps.finish()
}

/// The Node.js addon under the JavaScript event loop; what is asserted is in the host. Node.js is no tool that one must have.
fn node_addon(sh: &Shell, steps: &mut Steps) {
    if !cfg!(target_os = "linux") || cmd!(sh, "node --version").quiet().ignore_stdout().ignore_stderr().run().is_err() {
        return steps.leave_out("example, node addon", "there is no node; Debian's package is nodejs");
    }
    let addon = "target/debug/examples/libnode_addon.so";
    steps.commands(
        "example, node addon",
        [
            cmd!(sh, "cargo build --quiet --all-features --example node_addon"),
            cmd!(sh, "node examples/node/host.js {addon} Cargo.lock").ignore_stdout(),
        ],
    );
}

/// The models, which cargo does not find: the suite's build script makes modules of them.
fn format_models(sh: &Shell) -> Result<Cmd<'_>> {
    let mut files = Vec::new();
    for entry in sh.read_dir("loom-tests/models")? {
        files.extend(if entry.is_dir() { sh.read_dir(entry)? } else { vec![entry] });
    }
    Ok(cmd!(sh, "rustfmt --check --edition 2024 {files...}"))
}

/// The layers and the suite as the model checker sees them.
fn lint_loom<'a>(sh: &'a Shell, published: &[&Package]) -> Result<[Cmd<'a>; 2]> {
    let layers = metadata::modelled_layers(sh)?;
    let modelled = published.iter().filter(|package| {
        package.folder().is_ok_and(|folder| layers.iter().any(|layer| folder.as_os_str() == layer.as_str()))
    });
    let packages = modelled.flat_map(|package| ["--package".to_owned(), package.name.clone()]);
    let clippy =
        || cmd!(sh, "cargo clippy --quiet --release --target-dir target/loom --all-features").env("RUSTFLAGS", LOOM);
    Ok([
        clippy().arg("--lib").args(packages).args(["--", "-D", "warnings"]),
        clippy().arg("--all-targets").args(MODELS).args(["--", "-D", "warnings"]),
    ])
}

/// The pool, the layers below it, and the suite, as shuttle sees them.
fn lint_shuttle(sh: &Shell) -> [Cmd<'_>; 2] {
    let layers = ["futex", "deque", "latch", "pool"].map(|layer| format!("--package=reveille-{layer}"));
    let clippy = || cmd!(sh, "cargo clippy --quiet --release --target-dir target/shuttle").env("RUSTFLAGS", SHUTTLE);
    [
        clippy().arg("--lib").args(layers).args(["--features", "reveille-pool/alloc", "--", "-D", "warnings"]),
        clippy().args(["--all-targets", "--package", "reveille-shuttle-tests", "--", "-D", "warnings"]),
    ]
}

/// What a user gets who asks for nothing. The layers default to no `std`, the facade to `std`.
fn default_features<'a>(sh: &'a Shell, published: &[&Package]) -> Cmd<'a> {
    let packages = published.iter().flat_map(|package| ["--package".to_owned(), package.name.clone()]);
    cmd!(sh, "cargo test --no-fail-fast --lib --tests").args(packages)
}
