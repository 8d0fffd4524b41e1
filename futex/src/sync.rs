//! The one place this workspace takes its atomics from.
//!
//! | build | atomics and cells |
//! |---|---|
//! | `cfg(loom)` | loom's, so that every protocol above can be model-checked |
//! | `cfg(shuttle)` | shuttle's atomics, for what is too large for loom; cells as in a release |
//! | feature `portable-atomic`, target without compare-and-swap | `portable_atomic`'s |
//! | otherwise | `core`'s |
//!
//! No other file of the workspace names an atomic crate. The module is public so that the sibling crates, and a runtime
//! that wants to be modelled through them, can share it; it carries no stability promise.

#[cfg(loom)]
pub use loom::lazy_static;

/// Atomic types, fences and orderings.
pub mod atomic {
    pub use core::sync::atomic::Ordering;

    #[cfg(loom)]
    pub use loom::sync::atomic::{AtomicBool, AtomicPtr, AtomicU8, AtomicU32, AtomicU64, AtomicUsize};

    #[cfg(shuttle)]
    pub use shuttle::sync::atomic::{AtomicBool, AtomicPtr, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, fence};

    #[cfg(all(not(any(loom, shuttle)), feature = "portable-atomic", not(target_has_atomic = "ptr")))]
    pub use portable_atomic::{AtomicBool, AtomicPtr, AtomicU8, AtomicU32, AtomicUsize};

    #[cfg(not(any(loom, shuttle, all(feature = "portable-atomic", not(target_has_atomic = "ptr")))))]
    pub use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicU8, AtomicU32, AtomicUsize};

    #[cfg(all(not(any(loom, shuttle)), target_has_atomic = "64"))]
    pub use core::sync::atomic::AtomicU64;

    #[cfg(loom)]
    pub use loom::sync::atomic::fence;

    #[cfg(not(any(loom, shuttle, tsan)))]
    pub use core::sync::atomic::fence;

    /// A fence that ThreadSanitizer can see.
    ///
    /// The sanitizer does not model fences. A read-modify-write on one static orders every pair of fences as a total
    /// order would, which is what `fence(SeqCst)` promises.
    #[cfg(all(tsan, not(any(loom, shuttle))))]
    pub fn fence(order: Ordering) {
        static FENCE: AtomicU32 = AtomicU32::new(0);
        let _ = order;
        FENCE.fetch_add(1, Ordering::AcqRel);
    }

    /// A fence against reordering by the compiler alone. Under loom it is nothing: a caller that needs one for a
    /// protocol uses `asym::light`, which is a full fence there.
    #[inline]
    pub fn compiler_fence(order: Ordering) {
        #[cfg(not(loom))]
        core::sync::atomic::compiler_fence(order);
        #[cfg(loom)]
        let _ = order;
    }
}

/// `UnsafeCell` with loom's closure interface.
pub mod cell {
    #[cfg(loom)]
    pub use loom::cell::UnsafeCell;

    /// `core::cell::UnsafeCell` behind the interface that loom needs to see each access.
    #[cfg(not(loom))]
    #[derive(Debug)]
    #[repr(transparent)]
    pub struct UnsafeCell<T: ?Sized>(core::cell::UnsafeCell<T>);

    #[cfg(not(loom))]
    impl<T> UnsafeCell<T> {
        /// Wraps a value.
        pub const fn new(value: T) -> Self {
            Self(core::cell::UnsafeCell::new(value))
        }

        /// Unwraps the value.
        pub fn into_inner(self) -> T {
            self.0.into_inner()
        }
    }

    #[cfg(not(loom))]
    impl<T: ?Sized> UnsafeCell<T> {
        /// Calls `f` with a pointer for reading.
        #[inline(always)]
        pub fn with<R>(&self, f: impl FnOnce(*const T) -> R) -> R {
            f(self.0.get())
        }

        /// Calls `f` with a pointer for reading and writing.
        #[inline(always)]
        pub fn with_mut<R>(&self, f: impl FnOnce(*mut T) -> R) -> R {
            f(self.0.get())
        }
    }
}

/// Busy-wait hints.
pub mod hint {
    /// Tells the processor that this is a spin loop. Under loom and shuttle it yields to the other threads, because a
    /// spin there would never end.
    #[inline]
    pub fn spin_loop() {
        #[cfg(not(any(loom, shuttle)))]
        core::hint::spin_loop();
        #[cfg(loom)]
        loom::thread::yield_now();
        #[cfg(shuttle)]
        shuttle::thread::yield_now();
    }
}

/// Declares constructors that are `const fn`, except under loom, whose atomics register themselves when created.
///
/// ```ignore
/// const_unless_loom! {
///     /// Creates an unset latch.
///     pub const fn new() -> Self { ... }
/// }
/// ```
#[doc(hidden)]
#[macro_export]
macro_rules! const_unless_loom {
    ($(#[$meta:meta])* $vis:vis const fn $($rest:tt)*) => {
        #[cfg(not(loom))]
        $(#[$meta])* $vis const fn $($rest)*
        #[cfg(loom)]
        $(#[$meta])* $vis fn $($rest)*
    };
}
