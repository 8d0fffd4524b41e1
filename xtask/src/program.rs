//! What is in a linked program: its sections, its symbols, the names of what was inlined.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use object::{Object as _, ObjectSection as _, ObjectSymbol as _, SectionFlags, SectionKind, elf};

/// Bytes of a program, as linkers count them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Size {
    /// Code and constants.
    pub(crate) text: u64,
    /// Variables with a first value, which take flash too.
    pub(crate) data: u64,
    /// Variables that start as zero.
    pub(crate) bss: u64,
}

/// A symbol and how many bytes it names.
pub(crate) struct Symbol {
    pub(crate) name: String,
    pub(crate) size: u64,
}

/// Sizes and symbols of a program.
pub(crate) fn read(path: &Path) -> Result<(Size, Vec<Symbol>)> {
    let bytes = std::fs::read(path).with_context(|| format!("reading {}", path.display()))?;
    let file = object::File::parse(&*bytes)?;
    let mut size = Size::default();
    for section in file.sections() {
        let SectionFlags::Elf { sh_flags } = section.flags() else { continue };
        if sh_flags & u64::from(elf::SHF_ALLOC) == 0 {
            continue;
        }
        match section.kind() {
            SectionKind::UninitializedData => size.bss += section.size(),
            _ if sh_flags & u64::from(elf::SHF_WRITE) != 0 => size.data += section.size(),
            _ => size.text += section.size(),
        }
    }
    let symbol =
        |symbol: object::Symbol<'_, '_>| Some(Symbol { name: symbol.name().ok()?.to_owned(), size: symbol.size() });
    let symbols: Vec<_> = file.symbols().filter_map(symbol).collect();
    ensure!(!symbols.is_empty(), "{} has no symbols", path.display());
    Ok((size, symbols))
}

/// Names of 64-bit atomics that a 32-bit program is made of, those included that were inlined: compilers' calls, and the
/// types. The program has all debug information.
pub(crate) fn wide_atomics(path: &Path) -> Result<Vec<String>> {
    const TYPES: [&str; 4] = ["AtomicU64", "AtomicI64", "Atomic<u64>", "Atomic<i64>"];
    const CALLS: [&str; 2] = ["__atomic_", "__sync_"];
    let bytes = std::fs::read(path).with_context(|| format!("reading {}", path.display()))?;
    let names: Vec<_> = bytes.split(|byte| *byte == 0).filter_map(|name| std::str::from_utf8(name).ok()).collect();
    ensure!(
        names.iter().any(|name| name.contains("AtomicU32") || name.contains("Atomic<u32>")),
        "{} has no debug information",
        path.display()
    );
    let is_call = |name: &str| CALLS.iter().any(|call| name.starts_with(call)) && name.ends_with("_8");
    let is_wide = |name: &&str| TYPES.iter().any(|wide| name.contains(wide)) || is_call(name);
    Ok(names.into_iter().filter(is_wide).map(str::to_owned).collect())
}
