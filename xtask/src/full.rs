//! `cargo xtask full`: everything that shows that the library is right, the slow checks included. Before a release.

use std::env;
use std::process::Command;

use anyhow::{Result, ensure};

use crate::steps::Steps;

/// The commands of this program, in order: the cheapest first.
const COMMANDS: [&[&str]; 7] = [
    &["test"],
    &["sizes"],
    &["twins"],
    &["models", "--full"],
    &["sanitize"],
    &["ordering-sweep", "--check"],
    &["platforms"],
];

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Leave these out: sizes, twins, models, sanitize, ordering-sweep, platforms
    #[arg(long, value_delimiter = ',')]
    without: Vec<String>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let known = |name: &String| COMMANDS.iter().any(|command| command[0] == name);
    ensure!(arguments.without.iter().all(known), "there is no such step among {:?}", arguments.without);
    let program = env::current_exe()?;
    let mut steps = Steps::new();
    for command in COMMANDS.iter().filter(|command| !arguments.without.iter().any(|name| name == command[0])) {
        steps.check(&format!("xtask {}", command.join(" ")), || {
            let status = Command::new(&program).args(*command).status()?;
            ensure!(status.success(), "cargo xtask {} fails: see above", command.join(" "));
            Ok(())
        });
    }
    steps.finish()
}
