//! Indices: how they wrap, and how far apart they keep `top` and `bottom` in memory.
//!
//! 64 bits where the target has 64-bit atomics, else one word. A thief that sleeps between its read of `top` and its
//! compare-and-swap for exactly one turn of the index would take a wrong item: at 64 bits that is centuries of pushes, at
//! 32 bits 2^32 of them.

#[cfg(target_has_atomic = "64")]
mod width {
    pub(crate) use reveille_futex::sync::atomic::AtomicU64 as AtomicIndex;
    pub(crate) type Index = u64;
    pub(crate) type Distance = i64;
}

#[cfg(not(target_has_atomic = "64"))]
mod width {
    pub(crate) use reveille_futex::sync::atomic::AtomicUsize as AtomicIndex;
    pub(crate) type Index = usize;
    pub(crate) type Distance = isize;
}

pub(crate) use width::{AtomicIndex, Distance, Index};

/// Keeps what different threads write off each other's cache line: `top` and `bottom`, the parts of a seat.
#[cfg(not(all(target_os = "none", target_pointer_width = "32")))]
pub use crossbeam_utils::CachePadded as Padded;

/// A core without an operating system and with 32 bits has no cache lines worth 64 bytes of its memory.
#[cfg(all(target_os = "none", target_pointer_width = "32"))]
pub use plain::Plain as Padded;

#[cfg(all(target_os = "none", target_pointer_width = "32"))]
mod plain {
    /// No padding.
    #[derive(Debug)]
    #[repr(transparent)]
    pub struct Plain<T>(T);

    impl<T> Plain<T> {
        /// The value, where it is.
        pub const fn new(value: T) -> Self {
            Self(value)
        }
    }

    impl<T> core::ops::Deref for Plain<T> {
        type Target = T;

        #[inline]
        fn deref(&self) -> &T {
            &self.0
        }
    }
}

/// How many items lie between `top` and `bottom`. Signed, and right across the wrap: `bottom` may be one behind.
#[inline(always)]
pub(crate) const fn items(top: Index, bottom: Index) -> Distance {
    bottom.wrapping_sub(top) as Distance
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_signed_and_cross_the_wrap() {
        assert_eq!(items(0, 0), 0);
        assert_eq!(items(1, 0), -1);
        assert_eq!(items(0, Index::MAX), -1);
        assert_eq!(items(Index::MAX, 1), 2);
    }
}
