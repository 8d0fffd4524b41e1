//! How a system call is made: through libc, or by our own instruction.

#[cfg(all(feature = "libc", any(test, not(feature = "linux-raw"))))]
mod through_libc;

#[cfg(any(test, feature = "linux-raw", not(feature = "libc")))]
mod raw;

#[cfg(all(feature = "libc", any(test, not(feature = "linux-raw"))))]
pub(crate) use through_libc::Libc;

#[cfg(any(test, feature = "linux-raw", not(feature = "libc")))]
pub(crate) use raw::Raw;

#[cfg(all(feature = "libc", not(feature = "linux-raw")))]
pub(crate) type Chosen = Libc;

#[cfg(any(feature = "linux-raw", not(feature = "libc")))]
pub(crate) type Chosen = Raw;

use super::Code;
use crate::Deadline;

/// The numbers of this target's system calls, and the way to make them.
pub(crate) trait Call: Send + Sync + 'static {
    const NAME: &'static str;
    const FUTEX: usize;
    const MEMBARRIER: usize;
    const SCHED_YIELD: usize;

    /// Makes a system call; arguments that it does not take are ignored.
    ///
    /// # Safety
    ///
    /// As for the call: what it reads and writes through its arguments is live, and of the layout that it expects.
    unsafe fn call(number: usize, arguments: [usize; 6]) -> Result<usize, Code>;

    /// The monotonic clock.
    fn now() -> Deadline;
}
