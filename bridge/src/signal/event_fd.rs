//! The signal of a loop on descriptors: Linux's event counter.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd as _, OwnedFd, RawFd};

use super::Signal;

/// An `eventfd` that is readable while there is something to drain: for `epoll`, mio and their kin.
///
/// A signal is one write of eight bytes, an acknowledgement one read. Both are non-blocking.
#[derive(Debug)]
pub struct EventFd(File);

impl EventFd {
    /// Makes one.
    ///
    /// # Errors
    ///
    /// Whatever the system says: too many open files.
    pub fn new() -> io::Result<Self> {
        // SAFETY: takes numbers only.
        let fd = unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: a new descriptor of which nobody else knows.
        Ok(EventFd(File::from(unsafe { OwnedFd::from_raw_fd(fd) })))
    }

    /// How often it was signalled since the last time; afterwards it is not readable.
    pub fn take(&self) -> u64 {
        let mut count = [0; 8];
        match (&self.0).read(&mut count) {
            Ok(8) => u64::from_ne_bytes(count),
            _ => 0, // would block: nobody has signalled
        }
    }
}

impl Signal for EventFd {
    fn signal(&self) {
        // Would block only if the counter is full, and then the loop has been told. An interruption is tried again.
        while (&self.0).write(&1_u64.to_ne_bytes()).is_err_and(|error| error.kind() == io::ErrorKind::Interrupted) {}
    }

    fn acknowledge(&self) {
        self.take();
    }
}

impl AsFd for EventFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl AsRawFd for EventFd {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}
