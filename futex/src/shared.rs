//! Wait and wake between processes: the word lies in memory that several of them map.
//!
//! The same contract as at the root of the crate, but the system finds a waiter by what is mapped at the address, not by
//! the address, so each process may map it elsewhere. That costs the kernel a look at the page tables; use the private
//! functions for threads of one process. A waiter here and a wake there never meet.
//!
//! [`Shared`] is the same as a [`Platform`], so that every primitive of the layers above can lie in shared memory.
//!
//! The module exists on Linux, Android, Apple systems and FreeBSD.
//!
//! ```
//! use reveille_futex::{AtomicU32, WaitOutcome, shared};
//! use core::time::Duration;
//!
//! let word = AtomicU32::new(0); // in a mapping, in a real program
//! assert_eq!(shared::wait(&word, 1), WaitOutcome::Mismatch);
//! assert_eq!(shared::wait_timeout(&word, 0, Duration::from_millis(1)), WaitOutcome::TimedOut);
//! shared::wake_all(&word);
//! ```

use core::num::NonZeroU32;
use core::time::Duration;

use crate::os;
use crate::sync::atomic::AtomicU32;
use crate::{Deadline, Os, Platform, WaitOutcome};

/// The built-in platform for words that processes share.
///
/// Clock and yield are those of [`Os`]; there is no heavy fence over several processes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Shared;

// SAFETY: as for `Os`; the system's calls keep the contract for shared words too.
unsafe impl Platform for Shared {
    #[inline]
    fn wait(word: &AtomicU32, expected: u32, deadline: Deadline) -> WaitOutcome {
        os::wait_shared(word, expected, deadline)
    }

    #[inline]
    fn wake(word: *const AtomicU32, count: NonZeroU32) -> Option<u32> {
        os::wake_shared(word, count)
    }

    #[inline]
    fn now() -> Deadline {
        Os::now()
    }

    #[inline]
    fn yield_now() {
        Os::yield_now();
    }

    #[inline]
    fn heavy_fence() -> bool {
        false
    }
}

/// [`wait`](crate::wait) on a word that processes share.
#[inline]
pub fn wait(word: &AtomicU32, expected: u32) -> WaitOutcome {
    Shared::wait(word, expected, Deadline::NEVER)
}

/// [`wait_timeout`](crate::wait_timeout) on a word that processes share.
#[inline]
pub fn wait_timeout(word: &AtomicU32, expected: u32, timeout: Duration) -> WaitOutcome {
    Shared::wait(word, expected, Deadline::after(timeout))
}

/// [`wait_until`](crate::wait_until) on a word that processes share.
#[inline]
pub fn wait_until(word: &AtomicU32, expected: u32, deadline: Deadline) -> WaitOutcome {
    Shared::wait(word, expected, deadline)
}

/// [`wake_one`](crate::wake_one) on a word that processes share. An address that is no longer mapped wakes nobody.
#[inline]
pub fn wake_one(word: *const AtomicU32) -> Option<u32> {
    Shared::wake(word, NonZeroU32::MIN)
}

/// [`wake`](crate::wake) on a word that processes share.
#[inline]
pub fn wake(word: *const AtomicU32, count: NonZeroU32) -> Option<u32> {
    Shared::wake(word, count)
}

/// [`wake_all`](crate::wake_all) on a word that processes share.
#[inline]
pub fn wake_all(word: *const AtomicU32) -> Option<u32> {
    Shared::wake(word, NonZeroU32::MAX)
}
