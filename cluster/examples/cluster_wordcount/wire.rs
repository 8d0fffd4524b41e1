//! How paths and counts travel. Paths are bytes, not text.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

use anyhow::Result;
use serde::{Deserialize, Serialize};

use crate::counts::{Counts, Problem};

#[derive(Serialize, Deserialize)]
struct Message {
    delivery: u32,
    table: Vec<(String, u64)>,
    words: u64,
    files: u64,
    bytes: u64,
    unreadable: Vec<(Vec<u8>, String)>,
    not_utf8: Vec<Vec<u8>>,
}

fn bytes(path: &Path) -> Vec<u8> {
    path.as_os_str().as_bytes().to_owned()
}

fn path(bytes: Vec<u8>) -> PathBuf {
    OsString::from_vec(bytes).into()
}

/// Paths, each with a zero byte after it, which none of them contains.
pub(crate) fn write_paths(paths: &[PathBuf]) -> Vec<u8> {
    paths.iter().flat_map(|path| bytes(path).into_iter().chain([0])).collect()
}

pub(crate) fn read_paths(payload: &[u8]) -> Vec<PathBuf> {
    let paths = payload.split(|&byte| byte == 0).filter(|bytes| !bytes.is_empty());
    paths.map(|bytes| path(bytes.to_owned())).collect()
}

/// Counts, and how often their task had been handed out.
pub(crate) fn write(counts: &Counts, delivery: u32) -> Result<Vec<u8>> {
    let Counts { words, files, bytes: size, unreadable, not_utf8, .. } = counts;
    let message = Message {
        delivery,
        table: counts.most_frequent(usize::MAX).into_iter().map(|(word, count)| (word.to_owned(), count)).collect(),
        words: *words,
        files: *files,
        bytes: *size,
        unreadable: unreadable.iter().map(|problem| (bytes(&problem.path), problem.reason.clone())).collect(),
        not_utf8: not_utf8.iter().map(|path| bytes(path)).collect(),
    };
    Ok(serde_json::to_vec(&message)?)
}

pub(crate) fn read(result: &[u8]) -> Result<(Counts, u32)> {
    let message: Message = serde_json::from_slice(result)?;
    let unreadable = message.unreadable.into_iter().map(|(at, reason)| Problem { path: path(at), reason });
    let mut counts = Counts::with_unreadable(unreadable.collect());
    for (word, count) in &message.table {
        counts.add_word(word, *count);
    }
    counts.words = message.words;
    counts.files = message.files;
    counts.bytes = message.bytes;
    counts.not_utf8 = message.not_utf8.into_iter().map(path).collect();
    Ok((counts, message.delivery))
}
