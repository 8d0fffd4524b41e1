//! Turns the models and the twins of a layer into one test file.
//!
//! A *model* is a public function of `models/LAYER.rs`, or of a file of `models/LAYER/`; it uses the layer as
//! `super::subject`. It becomes a test that checks the layer itself. A file of the folder without models is what the others
//! share, as `super::file`.
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
        let models = Models::of(layer, &root.join("models"));
        if let Some(folder) = &sweep {
            let list = folder.join(layer).with_extension("toml");
            if list.exists() {
                suite.push_str(&weakenable(layer, &list, &source, &models, &out));
            }
        } else {
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

/// The files of a layer's models.
struct Models {
    files: Vec<File>,
}

/// A file of models, or of what they share, and its name as a module.
struct File {
    name: String,
    path: PathBuf,
    models: Vec<Model>,
}

struct Model {
    name: String,
    full: bool,
}

impl Models {
    fn of(layer: &str, folder: &Path) -> Self {
        let mut paths = vec![folder.join(layer).with_extension("rs")];
        if !paths[0].exists() {
            let entries = fs::read_dir(folder.join(layer)).unwrap_or_else(|e| panic!("no models of {layer}: {e}"));
            paths = entries.map(|entry| entry.expect("models are readable").path()).collect();
            paths.sort();
        }
        Models { files: paths.into_iter().map(File::read).collect() }
    }

    /// Declares the modules of all files, or of those that a model needs: its own, and what the files share.
    fn modules(&self, only_for: Option<&str>) -> String {
        let needed = |file: &&File| only_for.is_none_or(|model| file.models.is_empty() || file.has(model));
        self.files
            .iter()
            .filter(needed)
            .map(|file| format!("#[path = {:?}]\npub mod {};\n", file.path, file.name))
            .collect()
    }

    /// Every model, with the path to its function.
    fn all(&self) -> impl Iterator<Item = (&Model, String)> {
        self.files.iter().flat_map(|file| file.models.iter().map(|model| (model, file.function(model))))
    }

    fn function_of(&self, name: &str) -> Option<String> {
        self.all().find_map(|(model, function)| (model.name == name).then_some(function))
    }
}

impl File {
    fn read(path: PathBuf) -> Self {
        let text = fs::read_to_string(&path).expect("models are readable");
        let mut models = Vec::new();
        let mut before = "";
        for line in text.lines() {
            if let Some((name, _)) = line.strip_prefix("pub fn ").and_then(|rest| rest.split_once('(')) {
                models.push(Model { name: name.to_owned(), full: before == "// full tier" });
            }
            before = line;
        }
        let name = path.file_stem().and_then(|name| name.to_str()).expect("a file of models has a name").to_owned();
        File { name, path, models }
    }

    fn has(&self, model: &str) -> bool {
        self.models.iter().any(|known| known.name == model)
    }

    fn function(&self, model: &Model) -> String {
        format!("{}::{}", self.name, model.name)
    }
}

fn real(layer: &str, models: &Models) -> String {
    let mut suite = format!("mod real {{\npub use reveille_{layer} as subject;\n{}}}\n", models.modules(None));
    for (model, function) in models.all() {
        let Model { name, full } = model;
        let tier = tier(*full);
        let _ = writeln!(suite, "#[test]{tier}\nfn {name}() {{\n    real::{function}(Check::model({name:?}));\n}}");
    }
    suite
}

/// Checks of the full tier run only when asked for: `cargo xtask models --full`.
fn tier(full: bool) -> &'static str {
    if full { "\n#[ignore = \"full tier\"]" } else { "" }
}

fn twin_module(layer: &str, twin: &Twin, source: &Path, models: &Models, out: &Path) -> String {
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
    let modules = models.modules(Some(model));
    let function = models.function_of(model).unwrap_or_else(|| panic!("{name}: {layer} has no model {model}"));
    format!(
        "#[allow(warnings)]\nmod {name} {{\n#[path = {root:?}]\npub mod subject;\n{modules}#[test]{tier}\nfn fails() {{\n    \
         {function}(super::Check::twin({name:?}, {model:?}, {fails:?}));\n}}\n}}\n"
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
fn weakenable(layer: &str, list: &Path, source: &Path, models: &Models, out: &Path) -> String {
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
        "#[allow(warnings)]\nmod weakenable {{\nuse super::Check;\n#[path = {root:?}]\npub mod subject;\n{}",
        models.modules(None)
    );
    for (Model { name, full }, function) in models.all() {
        let tier = tier(*full);
        let _ = writeln!(suite, "#[test]{tier}\nfn {name}() {{\n    {function}(Check::model({name:?}));\n}}");
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
