//! Regions of shared memory for tests.

use std::path::Path;

use reveille_cluster::shm;

use crate::basics::LONG;

/// A folder in memory, if there is one.
pub(crate) fn folder() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.expect("a folder")
}

pub(crate) fn member(path: &Path, name: u32) -> shm::Group {
    let mut group = shm::attach(path, LONG).expect("a region");
    group.join(name).expect("the name is free");
    group
}
