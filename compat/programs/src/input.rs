//! Real input: the files of a folder.

use std::path::{Path, PathBuf};
use std::{fs, io};

/// Bytes are read up to here, so that a large folder takes no longer than a run should.
const MOST: usize = 32 << 20;

pub(crate) struct Input {
    pub(crate) folder: PathBuf,
    /// The files' contents, one after the other.
    pub(crate) bytes: Vec<u8>,
    /// The same as text.
    pub(crate) text: String,
    /// Ten million numbers in no order.
    pub(crate) numbers: Vec<u64>,
}

impl Input {
    pub(crate) fn read(folder: &str) -> Self {
        let mut bytes = Vec::new();
        collect(Path::new(folder), &mut bytes).unwrap_or_else(|e| panic!("{folder}: {e}"));
        assert!(bytes.len() > 1 << 16, "{folder} holds {} bytes only", bytes.len());
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let mut state = 0x9E37_79B9_7F4A_7C15_u64;
        let numbers = (0..10_000_000)
            .map(|_| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                state
            })
            .collect();
        Input { folder: folder.into(), bytes, text, numbers }
    }
}

/// In the order of names, so that each run sees the same.
fn collect(folder: &Path, bytes: &mut Vec<u8>) -> io::Result<()> {
    let mut entries: Vec<_> = fs::read_dir(folder)?.collect::<Result<_, _>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let kind = entry.file_type()?;
        if bytes.len() >= MOST {
            break;
        }
        if kind.is_dir() {
            collect(&entry.path(), bytes)?;
        } else if kind.is_file() {
            bytes.extend(fs::read(entry.path())?);
        }
    }
    bytes.truncate(MOST);
    Ok(())
}

/// A digest of numbers in their order.
pub(crate) fn digest(numbers: impl IntoIterator<Item = u64>) -> u64 {
    numbers
        .into_iter()
        .fold(0xCBF2_9CE4_8422_2325, |digest, n| (digest ^ n).wrapping_mul(0x0100_0000_01B3).rotate_left(23))
}
