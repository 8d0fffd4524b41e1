//! Where we lose, and why.

use std::fmt::Write as _;

use super::page::number;
use super::results::{Results, Row};

/// Explanations of rows that are lost, by the beginning of their title. They name causes, not digits: those come from the run.
const CAUSES: &str = include_str!("causes.toml");

/// Differences below this are not told apart from noise.
pub(super) const NOISE: f64 = 1.05;

/// Per cent of the processors that others may have before they are a reason to doubt.
const BUSY: f64 = 10.0;

#[derive(serde::Deserialize)]
struct Causes {
    cause: Vec<Cause>,
}

#[derive(serde::Deserialize)]
struct Cause {
    bench: String,
    /// How the titles begin there; all of them if empty.
    #[serde(default)]
    rows: Vec<String>,
    text: String,
    /// The row of `instructions` that shows it.
    instructions: Option<String>,
}

impl Causes {
    fn read() -> Self {
        toml::from_str(CAUSES).expect("causes.toml is ours")
    }

    /// The longest beginning is the most specific.
    fn of(&self, row: &Row) -> Option<&Cause> {
        let bench = row.bench.split(',').next();
        let fit = |cause: &Cause| {
            let begins = cause.rows.iter().filter(|begin| row.title.starts_with(&**begin)).map(String::len).max();
            begins.or(cause.rows.is_empty().then_some(0))
        };
        let fitting = self.cause.iter().filter(|cause| Some(&*cause.bench) == bench);
        fitting.filter_map(|cause| Some((fit(cause)?, cause))).max_by_key(|(length, _)| *length).map(|(_, cause)| cause)
    }
}

pub(super) fn write(page: &mut String, results: &Results) -> std::fmt::Result {
    let causes = Causes::read();
    writeln!(page, "## Where we lose\n")?;
    writeln!(
        page,
        "Every row in which a peer's best round was more than {:.0} % better than ours, or a target was missed; the reason, \
         and what would cure it.\n",
        100.0 * (NOISE - 1.0)
    )?;
    let mut none = true;
    for bench in &results.benches {
        let lost = results.rows_of(bench).filter(|row| behind(row).is_some() || row.misses().next().is_some());
        let lost: Vec<_> = lost.collect();
        if lost.is_empty() {
            continue;
        }
        none = false;
        writeln!(page, "### lost: {}\n", bench.name())?;
        // Rows that are lost for one reason stand together, under it.
        let mut groups: Vec<(Option<&Cause>, Vec<&Row>)> = Vec::new();
        for row in lost {
            let cause = causes.of(row);
            let same = |known: &Option<&Cause>| match (known, cause) {
                (Some(known), Some(cause)) => std::ptr::eq(*known, cause),
                (None, None) => true,
                _ => false,
            };
            match groups.iter_mut().find(|(known, _)| same(known)) {
                Some((_, rows)) => rows.push(row),
                None => groups.push((cause, vec![row])),
            }
        }
        for (cause, rows) in groups {
            for row in rows {
                write!(page, "* **{}**:", row.title)?;
                if let (Some(ratio), Some(peer)) = (behind(row), row.best_peer()) {
                    write!(page, " {ratio:.2} x {}.", peer.name)?;
                }
                for target in row.misses() {
                    let value = target.value.map_or("?".into(), number);
                    write!(page, " Target {}: {value}, missed.", target.text)?;
                }
                writeln!(page)?;
            }
            match cause {
                Some(cause) => {
                    writeln!(page, "\n  {}{}\n", cause.text.trim().replace('\n', " "), profile(cause, results))?;
                }
                None => {
                    let busy = bench.load.map(|load| load.others).filter(|others| *others > BUSY);
                    let others = busy.map_or(String::new(), |busy| {
                        format!(" Other programs had {busy:.0} % of the processors meanwhile: measure again.")
                    });
                    writeln!(page, "\n  Not explained yet.{others}\n")?;
                }
            }
        }
    }
    if none {
        writeln!(page, "Nowhere in this run.\n")?;
    }
    Ok(())
}

/// By how much the best peer is better, if that is more than noise.
pub(super) fn behind(row: &Row) -> Option<f64> {
    row.against_best().filter(|ratio| *ratio > NOISE)
}

/// What cachegrind counted of the operation, ours and the leanest peer's.
fn profile(cause: &Cause, results: &Results) -> String {
    let row = cause.instructions.as_ref().and_then(|title| results.find("instructions", title));
    match row.and_then(|row| Some((row.ours()?, row.best_peer()?))) {
        Some((ours, peer)) => format!(
            " Instructions (`--bench instructions`): {} {}, {} {}.",
            ours.name,
            number(ours.best),
            peer.name,
            number(peer.best)
        ),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_beginning_explains_a_row() {
        let cause = |row: &str| {
            let rows = if row.is_empty() { Vec::new() } else { vec!["nothing".into(), row.into()] };
            Cause { bench: "b".into(), rows, text: row.into(), instructions: None }
        };
        let causes = Causes { cause: vec![cause("fork"), cause("fork of two"), cause("")] };
        let row = |bench: &str, title: &str| Row { bench: bench.into(), title: title.into(), ..Row::default() };
        assert_eq!(causes.of(&row("b, ns", "fork of two, twice")).map(|c| &*c.text), Some("fork of two"));
        assert_eq!(causes.of(&row("b, ns", "fork of ten")).map(|c| &*c.text), Some("fork"));
        assert_eq!(causes.of(&row("b, ns", "join")).map(|c| &*c.text), Some(""), "for all that have none of their own");
        assert!(causes.of(&row("another, ns", "fork")).is_none());
    }

    /// A digit in a cause is either a name (a depth, a version) or a measurement that the next run belies.
    #[test]
    fn causes_can_be_read_and_measure_nothing() {
        let units = ["ns", "us", "ms", "%", "x", "KiB", "times"];
        for cause in Causes::read().cause {
            let words: Vec<_> = cause.text.split_whitespace().collect();
            for pair in words.windows(2) {
                let measured = pair[0].ends_with(|c: char| c.is_ascii_digit())
                    && units.contains(&pair[1].trim_matches(|c: char| c.is_ascii_punctuation() && c != '%'));
                assert!(!measured, "{:?}: {} {}", cause.rows, pair[0], pair[1]);
            }
        }
    }
}
