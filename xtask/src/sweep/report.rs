//! The table of a layer's orderings: `loom-tests/sweep/LAYER.md`.

use super::arguments::Verdict;
use super::mutants::Mutant;

const KILLED: &str = "killed by `";
const BLIND: &str = "blind: ";

/// The page of one layer.
pub(super) fn page(layer: &str, mutants: &[Mutant], verdicts: &[Verdict]) -> String {
    let blind = verdicts.iter().filter(|verdict| !matches!(verdict, Verdict::KilledBy(_))).count();
    let mut page = format!(
        "# The orderings of reveille-{layer}\n\n\
         Made by `cargo xtask ordering-sweep {layer}`. Each ordering above Relaxed is weakened in turn, and the layer's \
         models are run.\n\
         {} weakenings: {} killed by a model, {blind} that the models are blind to, each with its argument from \
         `{layer}.toml`.\n\n\
         | file | function | call | weakened to | verdict |\n|---|---|---|---|---|\n",
        mutants.len(),
        mutants.len() - blind,
    );
    for (mutant, verdict) in mutants.iter().zip(verdicts) {
        let verdict = match verdict {
            Verdict::KilledBy(model) => format!("{KILLED}{model}`"),
            Verdict::Blind(because) => format!("{BLIND}{}", escape(because)),
            Verdict::Unexplained => "**survives, unexplained**".to_owned(),
        };
        page.push_str(&format!("{}{verdict} |\n", key(mutant)));
    }
    page
}

/// The model that killed this weakening according to an earlier page. It is tried first, so that a page is reproduced
/// and a sweep is quick.
pub(super) fn killer<'a>(page: &'a str, mutant: &Mutant) -> Option<&'a str> {
    let key = key(mutant);
    page.lines().find_map(|line| line.strip_prefix(&key)?.strip_prefix(KILLED)?.strip_suffix("` |"))
}

/// Whether an earlier page says that no model notices this weakening.
pub(super) fn is_blind(page: &str, mutant: &Mutant) -> bool {
    let key = key(mutant);
    page.lines().any(|line| line.strip_prefix(&key).is_some_and(|verdict| verdict.starts_with(BLIND)))
}

/// All cells of a row but the last.
fn key(mutant: &Mutant) -> String {
    let Mutant { file, function, call, ordering, weakened, .. } = mutant;
    format!("| {file} | `{function}` | `{}` | {ordering} to {weakened} | ", escape(call))
}

fn escape(text: &str) -> String {
    text.replace('|', "\\|")
}
