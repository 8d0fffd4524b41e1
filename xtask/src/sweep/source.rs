//! A Rust file as the sweep reads it: code only, with the parts marked that the models do not compile.

use std::ops::Range;

/// The text of a file with everything but code blanked, byte for byte.
pub(super) struct Source {
    pub(super) code: String,
    /// Items under a `cfg` that is off in a model.
    unmodelled: Vec<Range<usize>>,
    /// Names of files that `mod name;` declares under such a `cfg`, and under `cfg(test)`.
    pub(super) unmodelled_files: Vec<String>,
    pub(super) test_files: Vec<String>,
}

impl Source {
    pub(super) fn new(text: &str) -> Self {
        let mut code = blank_comments_and_literals(text);
        let mut source =
            Self { code: String::new(), unmodelled: Vec::new(), unmodelled_files: Vec::new(), test_files: Vec::new() };
        for (attribute, item) in attributes_with_items(&code.clone()) {
            let condition = &code[attribute];
            let for_tests = condition.contains("test") && !condition.contains("not(test");
            let not_for_loom = condition.contains("not(loom")
                || condition.contains("not(any(loom")
                || (condition.contains("tsan") && !condition.contains("not(") && !condition.contains("loom"));
            let file = declared_file(&code[item.clone()]).map(str::to_owned);
            if for_tests {
                source.test_files.extend(file);
                let blanks = " ".repeat(item.len());
                code.replace_range(item, &blanks);
            } else if not_for_loom {
                source.unmodelled_files.extend(file);
                source.unmodelled.push(item);
            }
        }
        source.code = blank_imports(&code);
        source
    }

    /// Whether the models do not compile what stands at `position`.
    pub(super) fn is_unmodelled(&self, position: usize) -> bool {
        self.unmodelled.iter().any(|item| item.contains(&position))
    }
}

/// `mod name;` and `pub mod name;`
fn declared_file(item: &str) -> Option<&str> {
    item.trim().strip_suffix(';')?.rsplit_once("mod ").map(|(_, name)| name.trim())
}

fn blank_comments_and_literals(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut code = bytes.to_vec();
    let mut i = 0;
    while i < bytes.len() {
        let end = match bytes[i] {
            b'/' if bytes.get(i + 1) == Some(&b'/') => text[i..].find('\n').map_or(text.len(), |length| i + length),
            b'/' if bytes.get(i + 1) == Some(&b'*') => end_of_block_comment(bytes, i),
            b'"' => end_of_string(bytes, i),
            b'r' if is_raw_string(text, i) => end_of_raw_string(text, i),
            b'\'' => end_of_char(bytes, i),
            _ => i,
        };
        if end == i {
            i += 1;
            continue;
        }
        code[i..end].iter_mut().filter(|byte| **byte != b'\n').for_each(|byte| *byte = b' ');
        i = end;
    }
    String::from_utf8(code).expect("whole literals and comments were blanked")
}

fn end_of_block_comment(bytes: &[u8], start: usize) -> usize {
    let (mut depth, mut i) = (0, start);
    while i < bytes.len() {
        match &bytes[i..] {
            [b'/', b'*', ..] => (depth, i) = (depth + 1, i + 2),
            [b'*', b'/', ..] => (depth, i) = (depth - 1, i + 2),
            _ => i += 1,
        }
        if depth == 0 {
            break;
        }
    }
    i
}

fn end_of_string(bytes: &[u8], start: usize) -> usize {
    let mut i = start + 1;
    while i < bytes.len() && bytes[i] != b'"' {
        i += if bytes[i] == b'\\' { 2 } else { 1 };
    }
    (i + 1).min(bytes.len())
}

fn is_raw_string(text: &str, start: usize) -> bool {
    let in_a_word = text[..start].chars().next_back().is_some_and(|c| c.is_alphanumeric() && c != 'b' || c == '_');
    !in_a_word && text[start + 1..].trim_start_matches('#').starts_with('"')
}

fn end_of_raw_string(text: &str, start: usize) -> usize {
    let hashes = text[start + 1..].bytes().take_while(|byte| *byte == b'#').count();
    let open = start + 1 + hashes + 1;
    let close = format!("\"{}", "#".repeat(hashes));
    text[open..].find(&close).map_or(text.len(), |length| open + length + close.len())
}

/// A lifetime is no literal: `'a` without a closing quote right after.
fn end_of_char(bytes: &[u8], start: usize) -> usize {
    match &bytes[start + 1..] {
        [b'\\', _, rest @ ..] => {
            rest.iter().position(|byte| *byte == b'\'').map_or(bytes.len(), |length| start + 3 + length + 1)
        }
        [_, b'\'', ..] => start + 3,
        _ => start,
    }
}

/// Each `#[cfg(...)]` with the item that follows it, other attributes included.
fn attributes_with_items(code: &str) -> Vec<(Range<usize>, Range<usize>)> {
    let starts: Vec<_> = code.match_indices("#[cfg(").map(|(start, _)| start).collect();
    let with_item = |start: usize| {
        let end = start + end_of_group(&code[start..])?;
        let length = code[end..].find(['{', ';'])?;
        let item_end = match code.as_bytes()[end + length] {
            b';' => end + length + 1,
            _ => end + length + end_of_group(&code[end + length..])?,
        };
        Some((start..end, end..item_end))
    };
    starts.into_iter().filter_map(with_item).collect()
}

/// The length up to the bracket that closes the first one.
pub(super) fn end_of_group(code: &str) -> Option<usize> {
    let mut depth = 0;
    for (i, byte) in code.bytes().enumerate() {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' if depth == 1 => return Some(i + 1),
            b')' | b']' | b'}' => depth -= 1,
            _ => {}
        }
    }
    None
}

/// `use ...;` names orderings without using them.
fn blank_imports(code: &str) -> String {
    let mut blanked = String::new();
    let mut importing = false;
    for line in code.split_inclusive('\n') {
        let statement = line.trim_start();
        importing |= ["use ", "pub use ", "pub(crate) use "].iter().any(|word| statement.starts_with(word));
        let kept = |c: char| if importing && c != '\n' { " ".repeat(c.len_utf8()) } else { c.to_string() };
        blanked.extend(line.chars().map(kept));
        importing &= !line.contains(';');
    }
    blanked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_and_comments_are_no_code_and_lifetimes_are() {
        let text = "a /* x /* y */ */ \"q\\\"\" 'c' '\\n' r#\"z\"# &'static b // w\nd";
        let code = blank_comments_and_literals(text);
        assert_eq!(code.split_whitespace().collect::<Vec<_>>(), ["a", "&'static", "b", "d"]);
        assert_eq!(code.len(), text.len());
    }

    #[test]
    fn tests_and_imports_disappear_and_unmodelled_code_is_marked() {
        let text = "use x::{\n  Acquire,\n};\n#[cfg(not(loom))]\nfn fast() { a(); }\n#[cfg(test)]\nmod tests { fn b() {} }\n\
                    #[cfg(all(unix, not(loom)))]\nmod linux;\n#[cfg(test)]\nmod cases;\n#[cfg(any(loom, tsan))]\nfn c() {}\n";
        let source = Source::new(text);
        assert!(!source.code.contains("Acquire") && !source.code.contains("fn b"));
        assert!(source.is_unmodelled(text.find("a()").unwrap()));
        assert!(!source.is_unmodelled(text.find("fn c").unwrap()));
        assert_eq!((source.unmodelled_files, source.test_files), (vec!["linux".to_owned()], vec!["cases".to_owned()]));
    }
}
