//! Locks that the kernel releases when their holder dies, however it dies.
//!
//! They are locks of an *open file description*: other handles of the same process conflict with them too, and closing another
//! descriptor of the file releases nothing. A child that was forked and has not executed another program holds them along
//! with its parent; descriptors are closed on exec.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd as _;

/// How a byte is locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Shared,
    Exclusive,
}

impl Kind {
    fn code(self) -> libc::c_short {
        match self {
            Kind::Shared => libc::F_RDLCK as libc::c_short,
            Kind::Exclusive => libc::F_WRLCK as libc::c_short,
        }
    }
}

/// Locks one byte, or changes how it is locked, if nobody else's lock is in the way. Never waits.
pub(super) fn try_lock(file: &File, byte: u32, kind: Kind) -> io::Result<bool> {
    match control(file, libc::F_OFD_SETLK, byte, kind.code()) {
        Ok(_) => Ok(true),
        Err(error) if matches!(error.raw_os_error(), Some(libc::EAGAIN | libc::EACCES)) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Gives up the own lock of a byte.
pub(super) fn unlock(file: &File, byte: u32) -> io::Result<()> {
    control(file, libc::F_OFD_SETLK, byte, libc::F_UNLCK as libc::c_short).map(|_| ())
}

/// How somebody else holds a byte, if anybody does.
pub(super) fn holder(file: &File, byte: u32) -> io::Result<Option<Kind>> {
    let found = control(file, libc::F_OFD_GETLK, byte, Kind::Exclusive.code())?;
    Ok([Kind::Shared, Kind::Exclusive].into_iter().find(|kind| kind.code() == found))
}

/// Returns the kind that the kernel leaves in the request.
fn control(file: &File, command: libc::c_int, byte: u32, kind: libc::c_short) -> io::Result<libc::c_short> {
    // SAFETY: all zeros is a value of this plain structure of integers.
    let mut request: libc::flock = unsafe { std::mem::zeroed() };
    request.l_type = kind;
    request.l_whence = libc::SEEK_SET as libc::c_short;
    request.l_start = byte as libc::off_t;
    request.l_len = 1;
    // SAFETY: the descriptor is open for the whole call, and the request is a live structure of the type that this command
    // takes.
    let result = unsafe { libc::fcntl(file.as_raw_fd(), command, &raw mut request) };
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(request.l_type) }
}
