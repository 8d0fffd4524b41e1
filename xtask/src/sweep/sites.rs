//! Every ordering above Relaxed in a file, and what it can be weakened to.

use std::ops::Range;

use super::source::{Source, end_of_group};

/// One ordering above Relaxed.
#[derive(Debug)]
pub(super) struct Site {
    /// The function it stands in.
    pub(super) function: String,
    /// The call it is an argument of, on one line.
    pub(super) call: String,
    pub(super) ordering: &'static str,
    /// Whether the models do not compile it.
    pub(super) unmodelled: bool,
    pub(super) weakenings: Vec<Weakening>,
}

/// A change of the file that makes one ordering weaker.
#[derive(Debug)]
pub(super) struct Weakening {
    pub(super) range: Range<usize>,
    pub(super) replace: &'static str,
    /// What is left of the ordering, for the table.
    pub(super) label: &'static str,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Access {
    Load,
    Store,
    ReadModifyWrite,
    Fence,
}

const ORDERINGS: [&str; 4] = ["Acquire", "Release", "AcqRel", "SeqCst"];

/// The sites of one file, in order.
pub(super) fn sites(text: &str, source: &Source) -> Vec<Site> {
    let code = source.code.as_str();
    let words = words(code).into_iter();
    words.filter_map(|word| site(text, source, word)).collect()
}

fn site(text: &str, source: &Source, word: Range<usize>) -> Option<Site> {
    let code = source.code.as_str();
    let ordering = ORDERINGS.into_iter().find(|ordering| *ordering == &code[word.clone()])?;
    let call = enclosing_call(code, word.start)?;
    let weakenings = match call.access(word.start, code) {
        // A fence is either there or not: below acquire or release there is nothing.
        Access::Fence if matches!(ordering, "Acquire" | "Release") || call.name == "compiler_fence" => {
            vec![Weakening { range: call.path..call.end, replace: "()", label: "no fence" }]
        }
        access => weaker(ordering, access)
            .iter()
            .map(|&weaker| Weakening { range: word.clone(), replace: weaker, label: weaker })
            .collect(),
    };
    let line = text[..call.path].rfind('\n').map_or(0, |newline| newline + 1);
    Some(Site {
        function: function_around(code, word.start),
        call: text[line..call.end].split_whitespace().collect::<Vec<_>>().join(" "),
        ordering,
        unmodelled: source.is_unmodelled(word.start),
        weakenings,
    })
}

/// The strongest orderings below this one; whatever kills them kills what is weaker still.
fn weaker(ordering: &str, access: Access) -> &'static [&'static str] {
    match (ordering, access) {
        ("SeqCst", Access::Load) => &["Acquire"],
        ("SeqCst", Access::Store) => &["Release"],
        ("SeqCst", Access::Fence) => &["AcqRel"],
        // The checker treats a sequentially consistent access as AcqRel, so the halves are tried as well.
        ("SeqCst", Access::ReadModifyWrite) => &["AcqRel", "Acquire", "Release"],
        ("AcqRel", _) => &["Acquire", "Release"],
        _ => &["Relaxed"],
    }
}

/// A call with an ordering among its arguments.
struct Call<'a> {
    name: &'a str,
    /// Where its path begins: `atomic::fence` at `atomic`.
    path: usize,
    /// After the bracket that opens the arguments.
    arguments: usize,
    end: usize,
}

impl Call<'_> {
    fn access(&self, position: usize, code: &str) -> Access {
        let argument = commas(&code[self.arguments..position]);
        match self.name {
            "load" => Access::Load,
            "store" => Access::Store,
            "fence" | "compiler_fence" => Access::Fence,
            // The ordering of a failure is that of a load.
            "compare_exchange" | "compare_exchange_weak" if argument == 3 => Access::Load,
            "fetch_update" if argument == 1 => Access::Load,
            _ => Access::ReadModifyWrite,
        }
    }
}

fn enclosing_call(code: &str, position: usize) -> Option<Call<'_>> {
    let mut depth = 0;
    for (open, byte) in code.as_bytes()[..position].iter().enumerate().rev() {
        match byte {
            b')' | b']' | b'}' => depth += 1,
            b'(' if depth == 0 => {
                let is_path = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
                let path = code[..open].trim_end_matches(is_path).len();
                let name = code[path..open].rsplit(':').next()?;
                let end = open + end_of_group(&code[open..])?;
                return Some(Call { name, path, arguments: open + 1, end });
            }
            // A constant or a match arm, without a call around it.
            b'{' | b'[' | b'(' if depth == 0 => {
                let start = code[..position].trim_end_matches("Ordering::").len();
                let end = position + code[position..].find([',', ';', '}', '\n'])?;
                return Some(Call { name: "", path: start, arguments: start, end });
            }
            b'(' | b'[' | b'{' => depth -= 1,
            _ => {}
        }
    }
    None
}

/// Commas outside of brackets.
fn commas(code: &str) -> usize {
    let (mut depth, mut count) = (0, 0);
    for byte in code.bytes() {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth -= 1,
            b',' if depth == 0 => count += 1,
            _ => {}
        }
    }
    count
}

fn words(code: &str) -> Vec<Range<usize>> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut words = Vec::new();
    let mut start = None;
    for (i, c) in code.char_indices().chain([(code.len(), ' ')]) {
        match (start, is_word(c)) {
            (None, true) => start = Some(i),
            (Some(first), false) => {
                words.push(first..i);
                start = None;
            }
            _ => {}
        }
    }
    words
}

fn function_around(code: &str, position: usize) -> String {
    let name = code[..position].rsplit_once("fn ").map_or("", |(_, after)| after);
    name.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<(String, String)> {
        let describe = |site: Site| {
            let labels: Vec<_> = site.weakenings.iter().map(|weakening| weakening.label).collect();
            (site.function, format!("{} -> {}", site.ordering, labels.join(", ")))
        };
        sites(text, &Source::new(text)).into_iter().map(describe).collect()
    }

    #[test]
    fn each_kind_of_access_has_its_weakenings() {
        let cases = [
            ("x.load(Ordering::Acquire)", "Acquire -> Relaxed"),
            ("x.store(1, Ordering::SeqCst)", "SeqCst -> Release"),
            ("x.swap(f(1, 2), Ordering::AcqRel)", "AcqRel -> Acquire, Release"),
            ("fence(Ordering::SeqCst)", "SeqCst -> AcqRel"),
            ("atomic::fence(Acquire)", "Acquire -> no fence"),
            ("x.compare_exchange(a, b(c, d), Ordering::Release, Ordering::Relaxed)", "Release -> Relaxed"),
            ("x.compare_exchange(a, b(c, d), Ordering::Relaxed, Ordering::SeqCst)", "SeqCst -> Acquire"),
        ];
        for (call, expected) in cases {
            assert_eq!(found(&format!("fn f() {{ {call}; }}")), [("f".to_owned(), expected.to_owned())], "{call}");
        }
    }

    #[test]
    fn relaxed_comments_and_tests_are_no_sites() {
        let text = "fn f() { x.load(Relaxed); } // Acquire\n#[cfg(test)] mod tests { fn g() { x.load(Acquire); } }";
        assert_eq!(found(text), []);
    }

    #[test]
    fn a_removed_fence_takes_its_path_along() {
        let text = "fn f() { sync::atomic::fence(Ordering::Release); }";
        let site = sites(text, &Source::new(text)).remove(0);
        let mut changed = text.to_owned();
        changed.replace_range(site.weakenings[0].range.clone(), site.weakenings[0].replace);
        assert_eq!(changed, "fn f() { (); }");
    }

    #[test]
    fn a_call_over_several_lines_is_shown_on_one() {
        let text =
            "fn f() {\n    self.top\n        .swap(\n            1,\n            Ordering::Release,\n        );\n}";
        assert_eq!(sites(text, &Source::new(text))[0].call, ".swap( 1, Ordering::Release, )");
    }
}
