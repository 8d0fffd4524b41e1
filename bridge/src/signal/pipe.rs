//! The signal of a loop on descriptors, on any unix: a pair of sockets.

use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::os::unix::net::UnixStream;

use super::Signal;

/// A descriptor that is readable while there is something to drain, where there is no `eventfd`.
#[derive(Debug)]
pub struct Pipe {
    read: UnixStream,
    write: UnixStream,
}

impl Pipe {
    /// Makes one.
    ///
    /// # Errors
    ///
    /// Whatever the system says: too many open files.
    pub fn new() -> io::Result<Self> {
        let (read, write) = UnixStream::pair()?;
        read.set_nonblocking(true)?;
        write.set_nonblocking(true)?;
        Ok(Pipe { read, write })
    }
}

impl Signal for Pipe {
    fn signal(&self) {
        // Would block only if the buffer is full of signals, and then the loop has been told.
        while (&self.write).write(&[1]).is_err_and(|error| error.kind() == io::ErrorKind::Interrupted) {}
    }

    fn acknowledge(&self) {
        let mut bytes = [0; 64];
        // Fewer bytes than there is room for: it is empty. More signals than that were never under way.
        while (&self.read).read(&mut bytes).is_ok_and(|count| count == bytes.len()) {}
    }
}

impl AsFd for Pipe {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.read.as_fd()
    }
}

impl AsRawFd for Pipe {
    fn as_raw_fd(&self) -> RawFd {
        self.read.as_raw_fd()
    }
}
