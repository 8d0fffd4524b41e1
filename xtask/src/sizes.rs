//! `cargo xtask sizes`: what each primitive costs on a Cortex-M4, in bytes of flash and of memory.
//!
//! Each program of `bare/sizes` uses one of them; the one that does nothing is subtracted. They are optimised for size
//! (`opt-level = "z"`), linked as one, without unwinding. The platform's own functions are in all of them and count nowhere.
//!
//! A budget is what the design set out for. A limit is what there is: more than that fails, as does a program in which
//! something of `core::panicking` is left.

use anyhow::{Context as _, Result, bail};
use comfy_table::{Table, presets::UTF8_FULL_CONDENSED};
use xshell::Shell;

use crate::metadata;
use crate::platforms::{self, variable};
use crate::program::{self, Size, Symbol};

const TARGET: &str = "thumbv7em-none-eabi";

/// Flash of a primitive: code, constants, and first values of variables.
struct Flash {
    program: &'static str,
    what: &'static str,
    /// Bytes of text that the design wants, if it names a number.
    budget: Option<u64>,
    /// Bytes of text that it takes.
    limit: u64,
}

const FLASH: &[Flash] = &[
    Flash { program: "latch", what: "Latch: set, wait", budget: Some(128), limit: 264 },
    Flash { program: "core_latch", what: "CoreLatch: set, wait, reset", budget: Some(256), limit: 216 },
    Flash { program: "countdown", what: "CountdownLatch: count down, wait", budget: None, limit: 680 },
    Flash { program: "barrier", what: "Barrier: wait", budget: Some(192), limit: 822 },
    Flash { program: "group", what: "Group: claim, wait", budget: None, limit: 496 },
    Flash { program: "deque", what: "deque: push, pop, steal", budget: Some(320), limit: 486 },
    Flash { program: "wake_path", what: "wake path: post, announce, park", budget: Some(512), limit: 594 },
    Flash { program: "bridge", what: "bridge: publish, drain", budget: None, limit: 1446 },
    Flash { program: "fork_join", what: "pool: serve, enter, join", budget: Some(2_048), limit: 6_892 },
];

/// Memory of a primitive: the symbol of a static of `bare/sizes/src/bin/ram.rs`, and the bytes that the design allows.
const RAM: &[(&str, &str, u64)] = &[
    ("LATCH", "Latch", 4),
    ("CORE_LATCH", "CoreLatch", 4),
    ("COUNTDOWN", "CountdownLatch", 8),
    ("BARRIER", "Barrier", 16),
    ("DEQUE", "deque of 8 words", 8 + 4 * 8),
];

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Another `opt-level`, for a look: limits are of "z"
    #[arg(long)]
    opt_level: Option<String>,
}

pub(crate) fn run(sh: &Shell, arguments: &Arguments) -> Result<()> {
    let programs = Programs::build(sh, arguments)?;
    let (empty, symbols) = programs.read("empty")?;
    let mut faults = panics("empty", &symbols);

    let mut flash = Table::new();
    flash.load_preset(UTF8_FULL_CONDENSED).set_header(["flash", "text", "data", "bss", "budget", "verdict"]);
    for Flash { program, what, budget, limit } in FLASH {
        let (size, symbols) = programs.read(program)?;
        let Size { text, data, bss } = over(size, empty);
        let panics = panics(program, &symbols);
        let verdict = match budget {
            _ if !panics.is_empty() => "FAILED: can panic".to_owned(),
            _ if text > *limit && arguments.opt_level.is_none() => format!("FAILED: limit {limit}"),
            Some(budget) if text > *budget => format!("over by {}", text - budget),
            Some(_) => "within".to_owned(),
            None => String::new(),
        };
        if verdict.starts_with("FAILED") && panics.is_empty() {
            faults.push(format!("{program} has grown to {text} bytes of text; the limit is {limit}"));
        }
        faults.extend(panics);
        let budget = budget.map(|budget| budget.to_string()).unwrap_or_default();
        flash.add_row([what, &*text.to_string(), &data.to_string(), &bss.to_string(), &budget, &verdict]);
    }
    println!("{flash}");

    let mut ram = Table::new();
    ram.load_preset(UTF8_FULL_CONDENSED).set_header(["memory", "bytes", "budget", "verdict"]);
    let (_, symbols) = programs.read("ram")?;
    for (symbol, what, budget) in RAM {
        let size =
            symbols.iter().find(|known| known.name == *symbol).with_context(|| format!("no symbol {symbol}"))?.size;
        let verdict = if size > *budget { format!("over by {}", size - budget) } else { "within".to_owned() };
        ram.add_row([what, &*size.to_string(), &budget.to_string(), &verdict]);
    }
    println!("{ram}");

    if !faults.is_empty() {
        bail!("{}", faults.join("\n"));
    }
    Ok(())
}

fn over(size: Size, empty: Size) -> Size {
    Size {
        text: size.text.saturating_sub(empty.text),
        data: size.data.saturating_sub(empty.data),
        bss: size.bss.saturating_sub(empty.bss),
    }
}

/// What of the machinery of panics a program has.
fn panics(program: &str, symbols: &[Symbol]) -> Vec<String> {
    const MACHINERY: [&str; 3] = ["panicking", "panic_fmt", "rust_begin_unwind"];
    let found = symbols.iter().filter(|symbol| MACHINERY.iter().any(|part| symbol.name.contains(part)));
    found.map(|symbol| format!("{program} can panic: {}", symbol.name)).collect()
}

/// The programs, built.
struct Programs {
    folder: std::path::PathBuf,
}

impl Programs {
    fn build(sh: &Shell, arguments: &Arguments) -> Result<Self> {
        let machine = platforms::machine(sh);
        let manifest = metadata::root().join("bare/sizes/Cargo.toml");
        let build = machine.cargo("build", TARGET, "-Clinker-flavor=ld.lld", "core")?;
        let build =
            build.args(["--quiet", "--locked", "--profile", "small", "--bins", "--manifest-path"]).arg(manifest);
        let mut build = build.env(variable(TARGET, "LINKER"), "ld.lld-22");
        if let Some(level) = &arguments.opt_level {
            build = build.env("CARGO_PROFILE_SMALL_OPT_LEVEL", level);
        }
        build.run()?;
        Ok(Programs { folder: machine.scratch.join(TARGET).join(TARGET).join("small") })
    }

    fn read(&self, program: &str) -> Result<(Size, Vec<Symbol>)> {
        program::read(&self.folder.join(program))
    }
}
