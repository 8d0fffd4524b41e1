//! `cargo xtask sizes`: what each primitive costs on a Cortex-M4, in bytes of flash and of memory.
//!
//! Each program of `bare/sizes` uses one of them; the one that does nothing is subtracted. They are optimised for size
//! (`opt-level = "z"`), linked as one, without unwinding. The platform's own functions are in all of them and count nowhere.
//!
//! What such a program does not do is not in it: nobody in `barrier` breaks one, nobody in `fork_join` queues a task or ends
//! the pool (`reveille_futex::need`).
//!
//! A budget is what the design set out for. A limit is what there is: more than that fails, as does a program in which
//! something of `core::panicking` is left. Where the limit is above the budget, the table says why.

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
    /// Why it takes more than the design wants.
    floor: &'static str,
}

const FLASH: &[Flash] = &[
    Flash { program: "latch", what: "Latch: set, wait", budget: Some(128), limit: 124, floor: "" },
    Flash { program: "core_latch", what: "CoreLatch: set, wait, reset", budget: Some(256), limit: 196, floor: "" },
    Flash { program: "countdown", what: "CountdownLatch: count down, wait", budget: None, limit: 284, floor: "" },
    Flash { program: "barrier", what: "Barrier: wait", budget: Some(192), limit: 184, floor: "" },
    Flash { program: "group", what: "Group: claim, wait", budget: None, limit: 304, floor: "" },
    Flash { program: "deque", what: "deque: push, pop, steal", budget: Some(320), limit: 320, floor: "" },
    Flash { program: "wake_path", what: "wake path: post, announce, park", budget: Some(512), limit: 484, floor: "" },
    Flash { program: "bridge", what: "bridge: publish, drain", budget: None, limit: 1254, floor: "" },
    Flash { program: "fork_join", what: "pool: serve, enter, join", budget: Some(2_048), limit: 2_016, floor: "" },
];

/// Memory of a primitive.
struct Ram {
    /// A static of `bare/sizes/src/bin/ram.rs`.
    symbol: &'static str,
    what: &'static str,
    /// Bytes that the design allows.
    budget: u64,
    /// Bytes that it takes.
    limit: u64,
    /// Why it takes more than the design allows.
    floor: &'static str,
}

const RAM: &[Ram] = &[
    Ram { symbol: "LATCH", what: "Latch", budget: 4, limit: 4, floor: "" },
    Ram { symbol: "CORE_LATCH", what: "CoreLatch", budget: 4, limit: 4, floor: "" },
    Ram { symbol: "COUNTDOWN", what: "CountdownLatch", budget: 8, limit: 8, floor: "" },
    Ram { symbol: "BARRIER", what: "Barrier", budget: 16, limit: 16, floor: "" },
    Ram {
        symbol: "DEQUE",
        what: "deque of 8 words",
        budget: 8 + 4 * 8,
        limit: 12 + 4 * 8,
        floor: "a word beside the two ends: whether somebody has claimed it, and which end the owner pops. The ends have no bit \
                to spare: one would have to be masked at each look, and the flash is at its budget",
    },
];

pub(crate) fn run(sh: &Shell) -> Result<()> {
    let programs = Programs::build(sh)?;
    let mut faults = Vec::new();
    println!("{}", programs.flash(&mut faults)?);
    println!("{}", programs.ram(&mut faults)?);
    let floors = FLASH.iter().map(|Flash { what, floor, .. }| (what, floor));
    for (what, floor) in floors.chain(RAM.iter().map(|Ram { what, floor, .. }| (what, floor))) {
        if !floor.is_empty() {
            println!("{what}: {floor}.");
        }
    }
    if !faults.is_empty() {
        bail!("{}", faults.join("\n"));
    }
    Ok(())
}

/// How a size stands to what was wanted and to what there was.
fn verdict(bytes: u64, budget: Option<u64>, limit: u64) -> String {
    match budget {
        _ if bytes > limit => format!("FAILED: limit {limit}"),
        Some(budget) if bytes > budget => format!("over by {}", bytes - budget),
        Some(_) => "within".to_owned(),
        None => String::new(),
    }
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
    fn build(sh: &Shell) -> Result<Self> {
        let machine = platforms::machine(sh);
        let manifest = metadata::root().join("bare/sizes/Cargo.toml");
        let build = machine.cargo("build", TARGET, "-Clinker-flavor=ld.lld", "core")?;
        let build =
            build.args(["--quiet", "--locked", "--profile", "small", "--bins", "--manifest-path"]).arg(manifest);
        build.env(variable(TARGET, "LINKER"), "ld.lld-22").run()?;
        Ok(Programs { folder: machine.scratch.join(TARGET).join(TARGET).join("small") })
    }

    fn flash(&self, faults: &mut Vec<String>) -> Result<Table> {
        let mut table = Table::new();
        table.load_preset(UTF8_FULL_CONDENSED).set_header(["flash", "text", "data", "bss", "budget", "verdict"]);
        let (empty, symbols) = self.read("empty")?;
        faults.extend(panics("empty", &symbols));
        for Flash { program, what, budget, limit, .. } in FLASH {
            let (size, symbols) = self.read(program)?;
            let Size { text, data, bss } = over(size, empty);
            let panics = panics(program, &symbols);
            let verdict =
                if panics.is_empty() { verdict(text, *budget, *limit) } else { "FAILED: can panic".to_owned() };
            if text > *limit {
                faults.push(format!("{program} takes {text} bytes of text; the limit is {limit}"));
            }
            faults.extend(panics);
            let budget = budget.map(|budget| budget.to_string()).unwrap_or_default();
            table.add_row([what, &*text.to_string(), &data.to_string(), &bss.to_string(), &budget, &verdict]);
        }
        Ok(table)
    }

    fn ram(&self, faults: &mut Vec<String>) -> Result<Table> {
        let mut table = Table::new();
        table.load_preset(UTF8_FULL_CONDENSED).set_header(["memory", "bytes", "budget", "verdict"]);
        let (_, symbols) = self.read("ram")?;
        for Ram { symbol, what, budget, limit, .. } in RAM {
            let known = symbols.iter().find(|known| known.name == *symbol);
            let bytes = known.with_context(|| format!("no symbol {symbol}"))?.size;
            if bytes > *limit {
                faults.push(format!("{what} takes {bytes} bytes of memory; the limit is {limit}"));
            }
            table.add_row([what, &*bytes.to_string(), &budget.to_string(), &verdict(bytes, Some(*budget), *limit)]);
        }
        Ok(table)
    }

    fn read(&self, program: &str) -> Result<(Size, Vec<Symbol>)> {
        program::read(&self.folder.join(program))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_harder_than_a_budget() {
        assert_eq!(verdict(10, Some(10), 10), "within");
        assert_eq!(verdict(12, Some(10), 12), "over by 2");
        assert_eq!(verdict(12, Some(20), 11), "FAILED: limit 11");
        assert_eq!(verdict(12, None, 12), "");
    }

    #[test]
    fn whatever_is_over_its_budget_says_why() {
        let flash = FLASH.iter().map(|flash| (flash.budget.unwrap_or(u64::MAX), flash.limit, flash.floor));
        let ram = RAM.iter().map(|ram| (ram.budget, ram.limit, ram.floor));
        for (budget, limit, floor) in flash.chain(ram) {
            assert_eq!(limit > budget, !floor.is_empty(), "{budget}, {limit}, {floor}");
        }
    }

    #[test]
    fn what_panics_is_known_by_its_symbols() {
        let symbol = |name: &str| Symbol { name: name.to_owned(), size: 2 };
        assert!(panics("a", &[symbol("_start"), symbol("_RNvCs_5latch5LATCH")]).is_empty());
        assert_eq!(panics("a", &[symbol("_RNvNtCs_4core9panicking18panic_bounds_check")]).len(), 1);
    }
}
