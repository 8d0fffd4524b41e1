//! Which files there are: every regular file below the paths. Links are not followed, but for the paths themselves.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use reveille::pool::Scope;
use reveille::scope;

use crate::counts::Problem;

/// What a walk has come across.
#[derive(Default)]
pub(crate) struct Found {
    pub(crate) files: Vec<PathBuf>,
    pub(crate) unreadable: Vec<Problem>,
}

impl Found {
    /// Adds a file or a failure; returns a folder, which the caller must enter.
    fn note(&mut self, path: PathBuf, kind: io::Result<fs::FileType>) -> Option<PathBuf> {
        match kind {
            Ok(kind) if kind.is_dir() => return Some(path),
            Ok(kind) if kind.is_file() => self.files.push(path),
            Ok(_) => {} // a link, a device, a socket
            Err(error) => self.unreadable.push(Problem::new(path, &error)),
        }
        None
    }

    /// Notes everything in one folder; returns the folders in it.
    fn list(&mut self, folder: &Path) -> Vec<PathBuf> {
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) => {
                self.unreadable.push(Problem::new(folder.to_owned(), &error));
                return Vec::new();
            }
        };
        let mut folders = Vec::new();
        for entry in entries {
            match entry {
                Ok(entry) => folders.extend(self.note(entry.path(), entry.file_type())),
                Err(error) => self.unreadable.push(Problem::new(folder.to_owned(), &error)),
            }
        }
        folders
    }

    fn append(&mut self, mut other: Found) {
        self.files.append(&mut other.files);
        self.unreadable.append(&mut other.unreadable);
    }
}

fn start(paths: &[PathBuf]) -> (Found, Vec<PathBuf>) {
    let mut found = Found::default();
    let kind = |path: &Path| fs::metadata(path).map(|metadata| metadata.file_type());
    let folders = paths.iter().filter_map(|path| found.note(path.clone(), kind(path))).collect();
    (found, folders)
}

/// One folder after the other.
pub(crate) fn sequential(paths: &[PathBuf]) -> Found {
    let (mut found, mut folders) = start(paths);
    while let Some(folder) = folders.pop() {
        folders.append(&mut found.list(&folder));
    }
    found
}

/// Every folder is a task of one scope.
pub(crate) fn parallel(paths: &[PathBuf]) -> Found {
    let (found, folders) = start(paths);
    let all = Mutex::new(found);
    scope(|tasks| folders.into_iter().for_each(|folder| enter(tasks, folder, &all)));
    all.into_inner().expect("no task panics")
}

fn enter<'scope>(tasks: &Scope<'scope>, folder: PathBuf, all: &'scope Mutex<Found>) {
    tasks.spawn(move |tasks| {
        let mut found = Found::default();
        let folders = found.list(&folder);
        folders.into_iter().for_each(|folder| enter(tasks, folder, all));
        all.lock().expect("no task panics").append(found);
    });
}
