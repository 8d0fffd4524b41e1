//! What the workspace consists of, as cargo sees it: nobody has to register a new layer here.

use std::collections::BTreeMap;
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
}

impl Package {
    /// The flags of every feature combination that is checked: none, each alone, all.
    pub(crate) fn combinations(&self) -> Vec<Vec<String>> {
        let names: Vec<_> = self.features.keys().filter(|name| *name != "default").collect();
        let mut all = vec![vec!["--no-default-features".to_owned()]];
        all.extend(
            names.iter().map(|name| vec!["--no-default-features".into(), "--features".into(), name.to_string()]),
        );
        if names.len() > 1 {
            all.push(vec!["--all-features".into()]);
        }
        all
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
    struct Metadata {
        packages: Vec<Package>,
    }
    let json = cmd!(sh, "cargo metadata --no-deps --format-version 1").quiet().read()?;
    let Metadata { packages } = serde_json::from_str(&json).context("cargo metadata speaks another language")?;
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
