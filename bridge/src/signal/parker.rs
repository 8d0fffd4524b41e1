//! The signal of a thread that waits for nothing else.

use core::fmt;

use reveille_futex::{Deadline, Os, Platform, const_unless_loom};
use reveille_latch::CoreLatch;

use super::Signal;

/// One futex word on which the receiving thread sleeps: see [`Receiver::wait`](crate::Receiver::wait).
///
/// No system call while that thread is awake.
pub struct Parker<P: Platform = Os> {
    /// Set by signals, reset by the loop before it looks for their reason.
    latch: CoreLatch<P>,
}

impl Parker {
    const_unless_loom! {
        /// Nobody sleeps. On the built-in platform.
        pub const fn new() -> Self {
            Self::new_on()
        }
    }
}

impl<P: Platform> Parker<P> {
    const_unless_loom! {
        /// Nobody sleeps. On platform `P`.
        pub const fn new_on() -> Self {
            Parker { latch: CoreLatch::new_on() }
        }
    }

    /// The owner: blocks until signalled or `deadline` passes; whether it was.
    pub(crate) fn park_until(&self, deadline: Deadline) -> bool {
        self.latch.wait_until(deadline)
    }
}

impl<P: Platform> Signal for Parker<P> {
    fn signal(&self) {
        self.latch.set();
    }

    fn acknowledge(&self) {
        self.latch.reset();
    }
}

impl<P: Platform> Default for Parker<P> {
    fn default() -> Self {
        Self::new_on()
    }
}

impl<P: Platform> fmt::Debug for Parker<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Parker").field(&self.latch).finish()
    }
}
