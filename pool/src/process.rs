//! fork(2): a child process has the memory of its parent's pools and none of their threads.
//!
//! A handler that the system calls in every new child counts generations. A pool remembers the one it was made in, and
//! compares before whatever would wait for a thread that is not there: entering, submitting, parking. No fork of a join
//! does. Where there is no fork(2), or no std to register with, every generation is the first.

#[cfg(all(unix, feature = "std", not(loom)))]
mod imp {
    use reveille_futex::sync::atomic::{AtomicUsize, Ordering};

    use std::sync::Once;

    static GENERATION: AtomicUsize = AtomicUsize::new(0);

    /// Registers the handler, once, and returns the current generation.
    pub(crate) fn register() -> usize {
        static REGISTERED: Once = Once::new();

        extern "C" fn count() {
            GENERATION.fetch_add(1, Ordering::Relaxed); // the child has one thread
        }

        REGISTERED.call_once(|| {
            // SAFETY: the handler touches one static atomic, which is async-signal-safe. Without memory for the
            // registration the system refuses it, and a child is not recognised.
            unsafe { libc::pthread_atfork(None, None, Some(count)) };
        });
        GENERATION.load(Ordering::Relaxed) // changes only where there is one thread
    }

    #[inline]
    pub(crate) fn has_forked_since(generation: &AtomicUsize) -> bool {
        generation.load(Ordering::Relaxed) != GENERATION.load(Ordering::Relaxed) // constant; as above
    }
}

#[cfg(not(all(unix, feature = "std", not(loom))))]
mod imp {
    use reveille_futex::sync::atomic::AtomicUsize;

    pub(crate) fn register() -> usize {
        0
    }

    #[inline]
    pub(crate) fn has_forked_since(_generation: &AtomicUsize) -> bool {
        false
    }
}

pub(crate) use imp::{has_forked_since, register};
