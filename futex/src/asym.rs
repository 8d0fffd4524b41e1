//! An asymmetric barrier: next to nothing on the frequent side, everything on the rare one.
//!
//! ```text
//!   frequent:  a.store(1); light(); b.load()          rare:  b.store(1); heavy(); a.load()
//! ```
//!
//! At least one side sees the other's store, as with `fence(SeqCst)` on both sides. [`light`] keeps the compiler from
//! reordering and costs no instruction; [`heavy`] makes every running thread of the process execute a full fence
//! (`membarrier` on Linux, `FlushProcessWriteBuffers` on Windows), which costs the caller microseconds.
//!
//! | | [`light`] | [`heavy`] |
//! |---|---|---|
//! | Linux, Android, Windows | compiler fence | the system's call |
//! | elsewhere, loom, shuttle, Miri, ThreadSanitizer | `fence(SeqCst)` | `fence(SeqCst)` |
//!
//! The self-tests of the model are in `loom-tests/models/futex.rs`: with both, store buffering is forbidden; without
//! either, it is found.

use crate::Platform;
#[cfg(loom)]
use crate::model::has_light;
use crate::sync::atomic::{Ordering, fence};

/// Whether [`light`] is free here. Where it is not, a protocol that avoids it may be the better choice.
pub const LIGHT_IS_FREE: bool =
    cfg!(all(any(target_os = "linux", target_os = "android", windows), not(any(loom, shuttle, miri, tsan))));

/// The frequent side's barrier.
///
/// Pairs with [`heavy`] on the other side, provided that call returned `true`; two light barriers order nothing with each
/// other. Never blocks; may be called from an interrupt.
///
/// ```
/// use reveille_futex::{AtomicU32, Os, asym};
/// use std::sync::atomic::Ordering::Relaxed;
///
/// static MINE: AtomicU32 = AtomicU32::new(0);
/// static THEIRS: AtomicU32 = AtomicU32::new(0);
///
/// // Choose the protocol once, before threads start: the registration is quick then.
/// if asym::heavy::<Os>() {
///     let (seen, found) = std::thread::scope(|s| {
///         let rare = s.spawn(|| {
///             THEIRS.store(1, Relaxed);
///             asym::heavy::<Os>();
///             MINE.load(Relaxed)
///         });
///         MINE.store(1, Relaxed);
///         asym::light();
///         (THEIRS.load(Relaxed), rare.join().unwrap())
///     });
///     assert!(seen == 1 || found == 1);
/// }
/// ```
#[inline(always)]
pub fn light() {
    if LIGHT_IS_FREE {
        crate::sync::atomic::compiler_fence(Ordering::SeqCst);
    } else if has_light() {
        fence(Ordering::SeqCst); // pairs with the fence in `heavy`
    }
}

/// A model may do without, see `model::without_light`.
#[cfg(not(loom))]
const fn has_light() -> bool {
    true
}

/// Whether [`heavy`] would return `true` now: what a protocol asks at its start, without the price of the barrier.
///
/// Orders nothing. Does not block or allocate. Must not be called from an interrupt.
///
/// ```
/// use reveille_futex::{Os, asym};
///
/// let ordered = asym::heavy::<Os>();
/// assert_eq!(asym::is_available::<Os>(), ordered);
/// ```
#[inline]
pub fn is_available<P: Platform>() -> bool {
    !LIGHT_IS_FREE || P::has_heavy_fence()
}

/// The rare side's barrier, on platform `P`: a full fence here and on every other running thread of the process.
///
/// `false` if the platform has none; then nothing is ordered, and the caller must not rely on [`light`]. A protocol asks
/// once, at its start, and chooses. Afterwards `false` can only mean that the system withdrew the call (a seccomp filter
/// installed later, say): the caller gives up what it was about to do.
///
/// Does not block or allocate, but costs microseconds and interrupts other processors. Must not be called from an
/// interrupt.
#[inline]
pub fn heavy<P: Platform>() -> bool {
    if LIGHT_IS_FREE {
        P::heavy_fence()
    } else {
        fence(Ordering::SeqCst); // pairs with the fence in `light`
        true
    }
}
