//! Turns `models/LAYER.rs` and `twins/LAYER.toml` into one test file per layer.
//!
//! A *model* is a public function of `models/LAYER.rs`; it uses the layer as `super::subject`. It becomes a test that
//! checks the layer itself.
//!
//! A model whose `pub fn` line follows a line `// full tier` is left out of the fast tier.
//!
//! A *twin* is the layer's own source with one substitution, compiled as a module of the test. The named model must fail
//! on it. Because the text to be replaced must occur exactly once in the named file, a twin cannot drift away from the
//! code that it mutates: it stops compiling, and says which row to mend.

use std::collections::BTreeMap;
use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Twins {
    #[serde(default)]
    twin: Vec<Twin>,
}

/// One row of REGRESSIONS.md, as a change of the layer's source.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Twin {
    /// `twin_<row>_<mistake>`
    name: String,
    /// Which file below the layer's `src/` has the mistake.
    file: String,
    /// Text that occurs there exactly once.
    find: String,
    /// What the mistaken author wrote instead.
    replace: String,
    /// The model that must fail.
    model: String,
    /// Text that the failure's message contains.
    fails: String,
    /// Whether it takes too long for the fast tier.
    #[serde(default)]
    full: bool,
}

/// The weakenings of a layer, which `cargo xtask ordering-sweep` lists in a file.
#[derive(Deserialize)]
struct Weakenings {
    weakening: Vec<Weakening>,
}

/// One ordering that can be made weaker, and what it can be made: `()` instead of a fence, a word instead of a word.
#[derive(Deserialize)]
struct Weakening {
    number: usize,
    file: String,
    start: usize,
    end: usize,
    replace: String,
}

fn main() {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    println!("cargo::rerun-if-changed=models");
    println!("cargo::rerun-if-changed=twins");
    println!("cargo::rerun-if-env-changed=REVEILLE_SWEEP");
    let sweep = env::var_os("REVEILLE_SWEEP").map(PathBuf::from);
    if let Some(folder) = &sweep {
        println!("cargo::rerun-if-changed={}", folder.display());
    }
    for layer in ["futex", "deque", "latch", "barrier", "pool", "bridge"] {
        let source = root.join("..").join(layer).join("src");
        println!("cargo::rerun-if-changed={}", source.display());
        let mut suite = String::new();
        let models = root.join("models").join(layer).with_extension("rs");
        if let Some(folder) = &sweep {
            let list = folder.join(layer).with_extension("toml");
            if models.exists() && list.exists() {
                suite.push_str(&weakenable(layer, &list, &source, &models, &out));
            }
        } else if models.exists() {
            suite.push_str(&real(layer, &models));
            let twins = root.join("twins").join(layer).with_extension("toml");
            if twins.exists() {
                let text = fs::read_to_string(&twins).expect("twins are readable");
                let twins: Twins = toml::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", twins.display()));
                for twin in &twins.twin {
                    suite.push_str(&twin_module(layer, twin, &source, &models, &out));
                }
            }
        }
        fs::write(out.join(layer).with_extension("rs"), suite).expect("OUT_DIR is writable");
    }
}

fn real(layer: &str, models: &Path) -> String {
    let mut suite = format!(
        "mod real {{\n    pub use reveille_{layer} as subject;\n    #[path = {models:?}]\n    pub mod models;\n}}\n"
    );
    for (name, full) in model_names(models) {
        let tier = tier(full);
        let _ = writeln!(suite, "#[test]{tier}\nfn {name}() {{\n    real::models::{name}(Check::model({name:?}));\n}}");
    }
    suite
}

/// The models of a layer, and whether each is of the full tier.
fn model_names(models: &Path) -> Vec<(String, bool)> {
    let text = fs::read_to_string(models).expect("models are readable");
    let mut names = Vec::new();
    let mut before = "";
    for line in text.lines() {
        if let Some((name, _)) = line.strip_prefix("pub fn ").and_then(|rest| rest.split_once('(')) {
            names.push((name.to_owned(), before == "// full tier"));
        }
        before = line;
    }
    names
}

/// Checks of the full tier run only when asked for: `cargo xtask models --full`.
fn tier(full: bool) -> &'static str {
    if full { "\n#[ignore = \"full tier\"]" } else { "" }
}

fn twin_module(layer: &str, twin: &Twin, source: &Path, models: &Path, out: &Path) -> String {
    let Twin { name, file, find, replace, model, fails, full } = twin;
    assert!(name.starts_with("twin_"), "{layer}: {name} should be called twin_<row>_<mistake>");
    let mut files = BTreeMap::new();
    read_tree(source, Path::new(""), &mut files);
    let mutated = files.get_mut(Path::new(file)).unwrap_or_else(|| panic!("{name}: no file {file} in {layer}/src"));
    let count = mutated.matches(find.as_str()).count();
    assert!(count == 1, "{name}: the text to replace occurs {count} times in {layer}/src/{file}:\n{find}");
    *mutated = mutated.replacen(find.as_str(), replace, 1);

    let root = write_copy(layer, name, &files, out);
    let tier = tier(*full);
    format!(
        "#[allow(warnings)]\nmod {name} {{\n    #[path = {root:?}]\n    pub mod subject;\n    #[path = {models:?}]\n    \
         pub mod models;\n    #[test]{tier}\n    fn fails() {{\n        models::{model}(super::Check::twin({name:?}, {model:?}, \
         {fails:?}));\n    }}\n}}\n"
    )
}

/// Writes a changed copy of a layer's sources, as a module `name::subject` of the test; returns its root.
fn write_copy(layer: &str, name: &str, files: &BTreeMap<PathBuf, String>, out: &Path) -> PathBuf {
    let folder = out.join(layer).join(name);
    let _ = fs::remove_dir_all(&folder); // a file that the layer no longer has would still be found; absent at first
    for (path, text) in files {
        let path = if path == Path::new("lib.rs") { Path::new("mod.rs") } else { path };
        let text: String = text
            .lines()
            .filter(|line| !line.starts_with("#![") && line.trim() != "#[macro_export]")
            .map(|line| line.replace("crate::", &format!("crate::{name}::subject::")).replace("$crate::", "$crate ::"))
            // The layer's unit tests are run where they belong.
            .map(|line| line.replace("#[cfg(test)]", "#[cfg(any())]"))
            .fold(String::new(), |all, line| all + &line + "\n");
        let path = folder.join(path);
        fs::create_dir_all(path.parent().expect("below OUT_DIR")).expect("OUT_DIR is writable");
        fs::write(path, text).expect("OUT_DIR is writable");
    }
    folder.join("mod.rs")
}

/// The layer with a switch at each ordering, and every model as a test of it. Which of the weakenings is in force is
/// chosen when the test runs: one build serves them all.
fn weakenable(layer: &str, list: &Path, source: &Path, models: &Path, out: &Path) -> String {
    let text = fs::read_to_string(list).expect("the list is readable");
    let Weakenings { weakening: weakenings } =
        toml::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", list.display()));
    let mut sites: BTreeMap<_, Vec<&Weakening>> = BTreeMap::new();
    for weakening in &weakenings {
        sites.entry((&weakening.file, weakening.start, weakening.end)).or_default().push(weakening);
    }
    let mut files = BTreeMap::new();
    read_tree(source, Path::new(""), &mut files);
    // From the end of each file, so that the places before stay where they are.
    for ((file, start, end), weakenings) in sites.into_iter().rev() {
        let text = files.get_mut(Path::new(file)).expect("the list names a file of the layer");
        let (start, switch) = switch(text, start, end, &weakenings);
        text.replace_range(start..end, &switch);
    }
    let root = write_copy(layer, "weakenable", &files, out);
    let mut suite = format!(
        "#[allow(warnings)]\nmod weakenable {{\n    use super::Check;\n    #[path = {root:?}]\n    pub mod subject;\n    \
         #[path = {models:?}]\n    pub mod models;\n"
    );
    for (model, full) in model_names(models) {
        let tier = tier(full);
        let _ = write!(suite, "    #[test]{tier}\n    fn {model}() {{ models::{model}(Check::model({model:?})); }}\n");
    }
    suite.push_str("}\n");
    suite
}

/// What replaces an ordering, or a call of a fence, and from where on.
fn switch(text: &str, start: usize, end: usize, weakenings: &[&Weakening]) -> (usize, String) {
    if let [Weakening { number, replace, .. }] = weakenings
        && replace == "()"
    {
        let fence = &text[start..end];
        return (start, format!("{{ if !::reveille_loom_tests::is_weakened({number}) {{ {fence}; }} }}"));
    }
    let is_path = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    let start = text[..start].trim_end_matches(is_path).len();
    let choice = |w: &&Weakening| format!("({}, ::core::sync::atomic::Ordering::{})", w.number, w.replace);
    let choices: Vec<_> = weakenings.iter().map(choice).collect();
    (start, format!("::reveille_loom_tests::weakened({}, &[{}])", &text[start..end], choices.join(", ")))
}

fn read_tree(root: &Path, below: &Path, files: &mut BTreeMap<PathBuf, String>) {
    for entry in fs::read_dir(root.join(below)).expect("the layer has sources") {
        let entry = entry.expect("the layer's sources are readable");
        let path = below.join(entry.file_name());
        if entry.path().is_dir() {
            read_tree(root, &path, files);
        } else if path.extension().is_some_and(|e| e == "rs") {
            files.insert(path, fs::read_to_string(entry.path()).expect("sources are text"));
        }
    }
}
