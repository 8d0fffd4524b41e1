//! What the workspace consists of, as cargo sees it: nobody has to register a new layer here.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde::Deserialize;
use xshell::{Shell, cmd};

/// A member of the workspace.
#[derive(Deserialize)]
pub(crate) struct Package {
    pub(crate) name: String,
    manifest_path: PathBuf,
    features: BTreeMap<String, Vec<String>>,
    categories: Vec<String>,
    /// The table `package.metadata`.
    #[serde(default)]
    metadata: Option<Metadata>,
}

#[derive(Default, Deserialize)]
struct Metadata {
    #[serde(default)]
    docs: Docs,
}

#[derive(Default, Deserialize)]
struct Docs {
    #[serde(default)]
    rs: DocsRs,
}

/// What docs.rs is told.
#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
struct DocsRs {
    all_features: bool,
    features: Vec<String>,
    targets: Vec<String>,
}

/// Features that are on.
pub(crate) type Features = BTreeSet<String>;

impl Package {
    /// Every set of features that differs from the others once the features are added that others bring.
    pub(crate) fn combinations(&self) -> BTreeSet<Features> {
        let names: Vec<_> = self.features.keys().filter(|name| *name != "default").collect();
        let subsets = (0..1_u32 << names.len()).map(|bits| {
            let chosen = names.iter().enumerate().filter(|(i, _)| bits >> i & 1 == 1);
            self.closure(chosen.map(|(_, name)| (*name).clone()).collect())
        });
        subsets.collect()
    }

    fn closure(&self, mut on: Features) -> Features {
        loop {
            let brought = on.iter().filter_map(|name| self.features.get(name)).flatten();
            let more: Features = brought.filter(|name| self.features.contains_key(*name)).cloned().collect();
            let before = on.len();
            on.extend(more);
            if on.len() == before {
                return on;
            }
        }
    }

    /// How cargo is asked for the package with these features.
    pub(crate) fn flags(&self, features: &Features) -> [String; 5] {
        let features = features.iter().map(String::as_str).collect::<Vec<_>>().join(",");
        ["--package".into(), self.name.clone(), "--no-default-features".into(), "--features".into(), features]
    }

    /// Whether it promises to work without `std`.
    pub(crate) fn runs_without_std(&self) -> bool {
        self.categories.iter().any(|category| category == "no-std")
    }

    /// For which targets docs.rs builds the documentation.
    pub(crate) fn docs_targets(&self) -> impl Iterator<Item = &str> {
        self.metadata.iter().flat_map(|metadata| &metadata.docs.rs.targets).map(String::as_str)
    }

    /// With which features.
    pub(crate) fn docs_flags(&self) -> Vec<String> {
        let mut flags = vec!["--package".to_owned(), self.name.clone()];
        match self.metadata.as_ref().map(|metadata| &metadata.docs.rs) {
            Some(DocsRs { all_features: true, .. }) => flags.push("--all-features".to_owned()),
            Some(DocsRs { features, .. }) => flags.extend(["--features".to_owned(), features.join(",")]),
            None => {}
        }
        flags
    }

    /// Whether the package is something that users depend on.
    pub(crate) fn is_published(&self) -> bool {
        !matches!(self.name.as_str(), "xtask" | "reveille-loom-tests" | "reveille-shuttle-tests")
            && !self.name.ends_with("-example")
    }

    /// The folder of the package, relative to the workspace.
    pub(crate) fn folder(&self) -> Result<PathBuf> {
        let folder = self.manifest_path.parent().context("a manifest lies in a folder")?;
        Ok(folder.strip_prefix(root()).unwrap_or(folder).to_owned())
    }
}

/// The folder of the workspace.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the workspace").to_owned()
}

/// All members of the workspace.
pub(crate) fn packages(sh: &Shell) -> Result<Vec<Package>> {
    #[derive(Deserialize)]
    struct Workspace {
        packages: Vec<Package>,
    }
    let json = cmd!(sh, "cargo metadata --no-deps --format-version 1").quiet().read()?;
    let Workspace { packages } = serde_json::from_str(&json).context("cargo metadata speaks another language")?;
    Ok(packages)
}

/// The layers that have a test file in the model-checking suite.
pub(crate) fn modelled_layers(sh: &Shell) -> Result<Vec<String>> {
    let mut layers: Vec<_> = sh
        .read_dir(root().join("loom-tests/tests"))?
        .iter()
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
        .collect();
    layers.sort_by_key(|layer| ["futex", "deque", "latch", "barrier", "pool"].iter().position(|known| known == layer));
    Ok(layers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn combinations_that_mean_the_same_are_one() {
        let json = r#"{ "name": "p", "manifest_path": "/p", "categories": [], "features":
            { "default": ["std"], "std": ["alloc", "dep:libc"], "alloc": [], "raw": ["other/raw"] } }"#;
        let package: Package = serde_json::from_str(json).unwrap();
        let combinations: Vec<_> =
            package.combinations().iter().map(|names| names.iter().cloned().collect::<Vec<_>>().join(" ")).collect();
        assert_eq!(combinations, ["", "alloc", "alloc raw", "alloc raw std", "alloc std", "raw"]);
    }
}
