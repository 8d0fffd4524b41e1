//! Why a weakening that no model notices is still wrong: `loom-tests/sweep/LAYER.toml`.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde::Deserialize;

use super::mutants::{Mutant, Outcome};

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    #[serde(default)]
    blind: Vec<Argument>,
}

/// An argument for one or several sites: every field that is given must match.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Argument {
    file: String,
    /// Part of the call, on one line.
    text: Option<String>,
    function: Option<String>,
    /// Only for this weakening, as the table names it.
    weakened: Option<String>,
    because: String,
}

impl Argument {
    fn is_about(&self, mutant: &Mutant) -> bool {
        self.file == mutant.file
            && self.text.as_ref().is_none_or(|text| mutant.call.contains(text.as_str()))
            && self.function.as_ref().is_none_or(|function| *function == mutant.function)
            && self.weakened.as_ref().is_none_or(|weakened| weakened == mutant.weakened)
    }
}

/// What the table says about a weakening.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    KilledBy(String),
    Blind(String),
    Unexplained,
}

/// Judges each outcome; the faults are survivors without an argument, and arguments without a survivor.
pub(super) fn explain(path: &Path, mutants: &[Mutant], outcomes: &[Outcome]) -> Result<(Vec<Verdict>, Vec<String>)> {
    let text = if path.exists() { fs::read_to_string(path)? } else { String::new() };
    let Arguments { blind } = toml::from_str(&text).with_context(|| format!("{}", path.display()))?;
    let mut used = vec![false; blind.len()];
    let mut faults = Vec::new();
    let mut verdicts = Vec::new();
    for (mutant, outcome) in mutants.iter().zip(outcomes) {
        let argument = blind.iter().position(|argument| argument.is_about(mutant));
        verdicts.push(match (outcome, argument) {
            (Outcome::KilledBy(model), _) => Verdict::KilledBy(model.clone()),
            (_, Some(index)) => {
                used[index] = true;
                Verdict::Blind(blind[index].because.split_whitespace().collect::<Vec<_>>().join(" "))
            }
            (_, None) => {
                faults.push(format!("survives without an argument: {mutant}"));
                Verdict::Unexplained
            }
        });
    }
    for (argument, _) in blind.iter().zip(used).filter(|(_, used)| !used) {
        let text = argument.text.as_deref().unwrap_or("any call");
        faults.push(format!("an argument that nothing needs: {}, {text}", argument.file));
    }
    Ok((verdicts, faults))
}
