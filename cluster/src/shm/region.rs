//! The memory that processes share: its layout, its making, its attaching.
//!
//! ```text
//!   file     Region, and bytes beyond its end that are only locked
//!              USE         exclusive: one makes it; shared: attached
//!              MEMBER + n  exclusive: n lives
//!
//!   create   lock USE exclusively -> empty, fill, READY -> turn the lock into a shared one
//!   attach   exclusive possible? then nobody is attached: unmade, abandoned, or left by the dead
//!            held shared?        then it is ready: hold it shared too
//! ```
//!
//! *Invariants.* Nobody reads the region who does not hold USE, and nobody fills it who does not hold it alone; so a creator
//! that dies in the middle leaves nothing that anybody would attach to. Attaching writes nothing (R5).

use std::fs::{File, OpenOptions};
use std::io;
use std::mem::size_of;
use std::os::fd::{AsRawFd as _, FromRawFd as _};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use memmap2::{MmapOptions, MmapRaw};
use reveille_barrier::{BitBarrier, Names};
use reveille_futex::shared::Shared;
use reveille_futex::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use super::Config;
use super::lock::{self, Kind};
use crate::{Epoch, Error, OnFailure};

/// The region is filled. Also says which layout, and which byte order.
const READY: u32 = 0x7265_7601; // the low byte is the version

/// Bytes that are locked, far behind the region.
const USE: u32 = 1 << 20;
pub(super) const MEMBER: u32 = USE + 1;

/// How often to look whether a creator is done.
const LOOK: Duration = Duration::from_millis(1);

/// A creator that is at it for longer has been stopped.
const CREATION: Duration = Duration::from_secs(5);

const MEMBERS: usize = Names::COUNT as usize;

/// What lies in the file. Only atomics change after READY.
#[repr(C, align(64))]
pub(super) struct Region {
    /// Zero, or [`READY`]: stored once, by the creator.
    ready: AtomicU32,
    word_bits: u32,
    size: u32,
    members: u32,
    departs: u32,
    fails_fast: u32,
    nonce: u64,
    /// Why no run completes any more: a [`Breakage`](super::breakage::Breakage). Set once, by compare-exchange.
    pub(super) broken: AtomicU32,
    /// By the parity of a phase, each member's last outcome: an [`Entry`](super::entry::Entry). Each has one writer, the
    /// member.
    pub(super) outcomes: [[AtomicU64; MEMBERS]; 2],
    /// In which phase a member was found dead and not waited for any more: an entry. Set once, by compare-exchange.
    pub(super) departures: [AtomicU64; MEMBERS],
    pub(super) barrier: BitBarrier<Shared>,
}

impl Region {
    fn new(config: &Config, nonce: u64) -> Self {
        Region {
            ready: AtomicU32::new(0),
            word_bits: usize::BITS,
            size: size_of::<Region>() as u32,
            members: config.members,
            departs: u32::from(config.on_death == super::OnDeath::Depart),
            fails_fast: u32::from(config.on_failure == OnFailure::FailFast),
            nonce,
            broken: AtomicU32::new(0),
            outcomes: [const { [const { AtomicU64::new(0) }; MEMBERS] }; 2],
            departures: [const { AtomicU64::new(0) }; MEMBERS],
            barrier: BitBarrier::new_on(Names::first(config.members)),
        }
    }

    pub(super) fn departs(&self) -> bool {
        self.departs != 0
    }

    pub(super) fn fails_fast(&self) -> bool {
        self.fails_fast != 0
    }

    /// The name of a phase.
    pub(super) fn epoch(&self, phase: u32) -> Epoch {
        Epoch(u128::from(self.nonce) << 64 | u128::from(phase))
    }
}

/// A mapped region and the file that it lies in, locked for use.
#[derive(Debug)]
pub(super) struct Mapping {
    memory: MmapRaw,
    pub(super) file: File,
    pub(super) path: PathBuf,
}

impl Mapping {
    pub(super) fn region(&self) -> &Region {
        // SAFETY: the mapping is as large as a region, page-aligned, and lives as long as `self`. `create` has filled it, or
        // `attach` has found it filled; after that only its atomics change.
        unsafe { &*self.memory.as_ptr().cast::<Region>() }
    }

    /// Makes the region at `path`, or makes it anew if nobody uses it.
    pub(super) fn create(path: &Path, config: &Config, before_ready: impl FnOnce()) -> Result<Self, Error> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let file = options.open(path).map_err(refused)?;
        Self::fill(file, path.to_owned(), config, before_ready)
    }

    /// Makes the region in memory that has no name, but for the one below `/proc` of this process.
    pub(super) fn create_anonymous(config: &Config) -> Result<Self, Error> {
        // SAFETY: the name is a string that ends with a zero.
        let descriptor = unsafe { libc::memfd_create(c"reveille-cluster".as_ptr(), libc::MFD_CLOEXEC) };
        if descriptor == -1 {
            return Err(refused(io::Error::last_os_error()));
        }
        // SAFETY: the call has opened it, and nobody else knows of it.
        let file = unsafe { File::from_raw_fd(descriptor) };
        let path = PathBuf::from(format!("/proc/{}/fd/{}", std::process::id(), file.as_raw_fd()));
        Self::fill(file, path, config, || {})
    }

    fn fill(file: File, path: PathBuf, config: &Config, before_ready: impl FnOnce()) -> Result<Self, Error> {
        let end = Instant::now() + CREATION;
        while !lock::try_lock(&file, USE, Kind::Exclusive).map_err(refused)? {
            if lock::holder(&file, USE).map_err(refused)? == Some(Kind::Shared) {
                let epoch = Self::attach(&path, Duration::ZERO).map(|mapping| {
                    let region = mapping.region();
                    region.epoch(region.barrier.phase())
                });
                match epoch {
                    Ok(epoch) => return Err(Error::Busy(epoch)),
                    Err(Error::Vanished) => {} // they have just left
                    Err(other) => return Err(other),
                }
            }
            wait_until(end, "another process is creating it")?;
        }
        refuse_foreign(&file)?;
        let mut nonce = [0; 8];
        getrandom::fill(&mut nonce).map_err(|error| Error::Refused(Arc::new(error)))?;
        // Whatever was there is gone, and zeros are there.
        file.set_len(0).and_then(|()| file.set_len(size_of::<Region>() as u64)).map_err(refused)?;
        let memory = MmapOptions::new().len(size_of::<Region>()).map_raw(&file).map_err(refused)?;
        // SAFETY: the mapping is writable, large and aligned enough for a region, and nobody else looks at it: this handle
        // holds USE alone.
        unsafe { memory.as_mut_ptr().cast::<Region>().write(Region::new(config, u64::from_ne_bytes(nonce))) };
        before_ready();
        let mapping = Mapping { memory, file, path };
        // Release: pairs with the load in `attach`, so that whoever finds it ready finds it filled. Nobody else writes it.
        mapping.region().ready.store(READY, Ordering::Release);
        if !lock::try_lock(&mapping.file, USE, Kind::Shared).map_err(refused)? {
            return Err(refused(io::Error::other("an exclusive lock does not become a shared one")));
        }
        Ok(mapping)
    }

    /// Maps the region at `path` when somebody has made it and uses it, after at most `timeout`.
    pub(super) fn attach(path: &Path, timeout: Duration) -> Result<Self, Error> {
        let end = Instant::now().checked_add(timeout);
        loop {
            match Self::try_attach(path) {
                Err(Error::Vanished) if end.is_none_or(|end| Instant::now() < end) => thread::sleep(LOOK),
                result => return result,
            }
        }
    }

    fn try_attach(path: &Path) -> Result<Self, Error> {
        let file = match OpenOptions::new().read(true).write(true).open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(Error::Vanished),
            Err(error) => return Err(refused(error)),
        };
        if lock::try_lock(&file, USE, Kind::Exclusive).map_err(refused)? {
            return Err(Error::Vanished); // nobody uses it: closing the file gives the lock back
        }
        if !lock::try_lock(&file, USE, Kind::Shared).map_err(refused)? {
            return Err(Error::Vanished); // not ready yet
        }
        if file.metadata().map_err(refused)?.len() < size_of::<Region>() as u64 {
            return Err(Error::Layout("too short"));
        }
        let memory = MmapOptions::new().len(size_of::<Region>()).map_raw(&file).map_err(refused)?;
        let mapping = Mapping { memory, file, path: path.to_owned() };
        let region = mapping.region();
        // Acquire: pairs with the store in `fill`.
        match region.ready.load(Ordering::Acquire) {
            READY => {}
            0 => return Err(Error::Vanished),
            _ => return Err(Error::Layout("not such a region, or one of another version")),
        }
        if region.word_bits != usize::BITS {
            return Err(Error::Layout("made by a program of another word size"));
        }
        if region.size as usize != size_of::<Region>() || region.members == 0 || region.members > Names::COUNT {
            return Err(Error::Layout("not such a region"));
        }
        Ok(mapping)
    }
}

/// Only what such a region may have left is overwritten: nothing, an unfinished one, or a finished one.
fn refuse_foreign(file: &File) -> Result<(), Error> {
    let mut first = [0; size_of::<u32>()];
    match file.read_exact_at(&mut first, 0) {
        Ok(()) if [0, READY].contains(&u32::from_ne_bytes(first)) => Ok(()),
        Ok(()) => Err(Error::Layout("the file has something else in it")),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => match file.metadata().map_err(refused)?.len() {
            0 => Ok(()),
            _ => Err(Error::Layout("the file has something else in it")),
        },
        Err(error) => Err(refused(error)),
    }
}

pub(super) fn refused(error: io::Error) -> Error {
    Error::Refused(Arc::new(error))
}

fn wait_until(end: Instant, what: &'static str) -> Result<(), Error> {
    if Instant::now() > end {
        return Err(Error::Unreachable(Arc::new(io::Error::new(io::ErrorKind::TimedOut, what))));
    }
    thread::sleep(LOOK);
    Ok(())
}
