//! `cargo xtask interrupts`: every public function of the layers says whether an interrupt may call it.
//!
//! Each layer has a table, INTERRUPTS.md, which is part of its documentation: a row per type, and each function in one of
//! the columns. A function that is in no column fails the check, and so does a name that the layer does not have.
//!
//! The functions are read from the sources, which are formatted: an `impl` or a trait ends at a brace as far to the right as
//! its beginning.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};

const LAYERS: [&str; 6] = ["futex", "deque", "latch", "barrier", "bridge", "pool"];

/// The row of functions that belong to no type.
const FREE: &str = "functions";

/// A type or [`FREE`], and a function.
type Function = (String, String);

/// Compares the sources and the tables below `root`.
pub(crate) fn check(root: &Path) -> Result<String> {
    let mut faults = Vec::new();
    let mut count = 0;
    for layer in LAYERS {
        let folder = root.join(layer);
        let functions = public_functions(&folder.join("src"))?;
        let table =
            fs::read_to_string(folder.join("INTERRUPTS.md")).with_context(|| format!("{layer}/INTERRUPTS.md"))?;
        count += functions.len();
        faults.extend(compare(&functions, &table).into_iter().map(|fault| format!("{layer}: {fault}")));
    }
    ensure!(faults.is_empty(), "{}", faults.join("\n"));
    Ok(format!("{count} public functions say whether an interrupt may call them"))
}

fn compare(functions: &BTreeSet<Function>, table: &str) -> Vec<String> {
    let mut listed: BTreeMap<Function, usize> = BTreeMap::new();
    for function in table.lines().flat_map(row) {
        *listed.entry(function).or_default() += 1;
    }
    let missing = functions.iter().filter(|function| !listed.contains_key(*function));
    let missing = missing.map(|(owner, name)| format!("{owner}, {name}: may an interrupt call it?"));
    let unknown = listed.keys().filter(|function| !functions.contains(*function));
    let unknown = unknown.map(|(owner, name)| format!("{owner}, {name}: there is no such public function"));
    let twice = listed.iter().filter(|(_, times)| **times > 1);
    let twice = twice.map(|((owner, name), _)| format!("{owner}, {name}: in two columns"));
    missing.chain(unknown).chain(twice).collect()
}

/// ``| `Latch` | `probe` | `set` | waits: `wait` |``: the names in one line of a table.
fn row(line: &str) -> Vec<Function> {
    let Some((owner, cells)) = line.strip_prefix("| ").and_then(|rest| rest.split_once(" |")) else {
        return Vec::new();
    };
    let owner = owner.trim_matches('`');
    let words = cells.split('`').skip(1).step_by(2);
    let names = words.filter(|word| word.starts_with(|c: char| c.is_ascii_lowercase())); // a type is a remark
    names.map(|name| (owner.to_owned(), name.to_owned())).collect()
}

/// What the crate in `source` offers.
fn public_functions(source: &Path) -> Result<BTreeSet<Function>> {
    let lib = fs::read_to_string(source.join("lib.rs"))?;
    let exports = exports(&lib);
    let mut files = Vec::new();
    rust_files(source, &mut files)?;
    let mut all = BTreeSet::new();
    for file in files {
        let module = file.strip_prefix(source)?.with_extension("");
        let module = module.iter().next().and_then(|first| first.to_str()).context("a module has a name")?;
        let is_public = lib.contains(&format!("\npub mod {module};"));
        if hidden(&lib, module) {
            continue;
        }
        for (owner, name) in functions(&fs::read_to_string(&file)?) {
            let exported = if owner == FREE { &name } else { &owner };
            if exports.contains(exported) || module == "lib" {
                all.insert((owner, name));
            } else if is_public {
                let name = if owner == FREE { format!("{module}::{name}") } else { name };
                all.insert((owner, name));
            }
        }
    }
    Ok(all)
}

/// Whether the module is for this workspace, or for the model checkers, alone.
fn hidden(lib: &str, module: &str) -> bool {
    ["#[doc(hidden)]", "#[cfg(loom)]", "#[cfg(shuttle)]"].iter().any(|attribute| {
        ["pub mod", "mod"].iter().any(|word| lib.contains(&format!("\n{attribute}\n{word} {module};")))
    })
}

/// The names that the crate's root re-exports.
fn exports(lib: &str) -> BTreeSet<String> {
    let uses = lib.split("\npub use ").skip(1).filter_map(|rest| rest.split_once(';'));
    let names = uses.flat_map(|(names, _)| names.split(|c: char| !c.is_alphanumeric() && c != '_'));
    names.map(str::to_owned).collect()
}

fn rust_files(folder: &Path, files: &mut Vec<std::path::PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            rust_files(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") && !path.ends_with("tests.rs") {
            files.push(path);
        }
    }
    Ok(())
}

/// The public functions of one file, without those of its tests.
fn functions(source: &str) -> Vec<Function> {
    let mut all = Vec::new();
    // The type or trait that the present line is inside of, where that one begins, and whether it is a trait.
    let mut inside: Option<(String, usize, bool)> = None;
    let mut is_hidden = false;
    for line in source.lines().take_while(|line| !line.starts_with("mod tests {")) {
        let text = line.trim_start();
        let indent = line.len() - text.len();
        if inside.as_ref().is_some_and(|(_, start, _)| indent == *start && text.starts_with('}')) {
            inside = None;
        } else if let Some(owner) = implemented(text) {
            inside = Some((owner, indent, false));
        } else if let Some(rest) = text.strip_prefix("pub trait ").or(text.strip_prefix("pub unsafe trait ")) {
            inside = Some((identifier(rest).to_owned(), indent, true));
        } else if text.starts_with("impl") || text.starts_with("unsafe impl") {
            inside = Some((String::new(), indent, false)); // a trait's functions are where the trait is
        } else if let Some(name) = function(text, matches!(inside, Some((_, start, true)) if indent == start + 4)) {
            let owner = inside.as_ref().map_or(FREE, |(owner, ..)| owner);
            if !is_hidden && !owner.is_empty() {
                all.push((owner.to_owned(), name.to_owned()));
            }
        }
        if text.starts_with("#[") {
            is_hidden |= text.starts_with("#[doc(hidden)]");
        } else if !text.starts_with("//") {
            is_hidden = false;
        }
    }
    all
}

/// The type of an `impl` that is not of a trait.
fn implemented(line: &str) -> Option<String> {
    let mut rest = line.strip_prefix("impl")?;
    if rest.starts_with('<') {
        let mut depth = 0;
        let end = rest.char_indices().find(|&(at, c)| {
            let is_arrow = c == '>' && rest[..at].ends_with('-');
            depth += i32::from(c == '<') - i32::from(c == '>' && !is_arrow);
            depth == 0
        });
        rest = &rest[end?.0 + 1..];
    }
    let rest = rest.strip_prefix(' ')?;
    (!rest.contains(" for ")).then(|| identifier(rest).to_owned())
}

/// The name of a function that this line declares, if it is public.
fn function(line: &str, in_trait: bool) -> Option<&str> {
    let mut rest = match line.strip_prefix("pub ") {
        Some(rest) => rest,
        None if in_trait => line,
        None => return None,
    };
    while let Some(after) = ["const ", "unsafe ", "async "].iter().find_map(|word| rest.strip_prefix(word)) {
        rest = after;
    }
    rest.strip_prefix("fn ").map(identifier)
}

fn identifier(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "\
impl<const N: usize, F: Fn() -> u32> Latch<N, F> {
    const_unless_loom! {
        /// New.
        pub const fn new() -> Self {
        }
    }

    pub(crate) fn secret(&self) {}

    /// For tests.
    #[doc(hidden)]
    pub fn starting_at(n: u32) {}

    pub unsafe fn set_raw(this: *const Self) {}
}
impl Drop for Latch {
    fn drop(&mut self) {}
}
pub unsafe trait Platform {
    fn wait();
}
pub fn probe() {}
mod tests {
    pub fn helper() {}
}
";

    fn set(functions: &[(&str, &str)]) -> BTreeSet<Function> {
        functions.iter().map(|(owner, name)| ((*owner).to_owned(), (*name).to_owned())).collect()
    }

    #[test]
    fn public_functions_are_found_and_others_are_not() {
        let found: BTreeSet<_> = functions(SOURCE).into_iter().collect();
        let expected = [("Latch", "new"), ("Latch", "set_raw"), ("Platform", "wait"), (FREE, "probe")];
        assert_eq!(found, set(&expected));
    }

    #[test]
    fn every_function_is_in_one_column() {
        let functions = set(&[("Latch", "set"), ("Latch", "wait"), (FREE, "probe")]);
        let table = "| | yes | no |\n|---|---|---|\n| `Latch` | `set` | waits: `wait` |\n| functions | `probe` | |\n";
        assert!(compare(&functions, table).is_empty());
        assert_eq!(compare(&functions, &table.replace("`wait`", "")).len(), 1, "missing");
        assert_eq!(compare(&functions, &table.replace("`wait`", "`wait`, `set`")).len(), 1, "twice");
        assert_eq!(compare(&functions, &table.replace("`wait`", "`wait`, `park`")).len(), 1, "unknown");
    }

    #[test]
    fn exports_are_the_names_of_the_root_alone() {
        let lib = "mod a;\npub use a::{B, C};\npub mod protocol {\n    pub use crate::a::D;\n}\n";
        let names = exports(lib);
        assert!(names.contains("B") && names.contains("C") && !names.contains("D"));
    }
}
