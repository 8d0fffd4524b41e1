//! Slots inside the deque.

use super::{Slot, Slots, Storage, sealed};
use crate::index::Index;
use crate::token::Token;

/// Storage for `N` items in the deque itself: nothing is allocated, and the deque can be a `static`.
///
/// `N` is a power of two; anything else does not compile:
///
/// ```compile_fail
/// use reveille_deque::{Deque, Inline};
/// static D: Deque<u32, Inline<100>> = Deque::new();
/// ```
///
/// ```compile_fail
/// use reveille_deque::{Deque, Inline};
/// static D: Deque<u32, Inline<0>> = Deque::new();
/// ```
#[derive(Debug)]
pub struct Inline<const N: usize>(());

impl<const N: usize> sealed::Sealed for Inline<N> {}

impl<const N: usize> Storage for Inline<N> {
    type Slots<T: Token> = InlineSlots<T, N>;
}

pub struct InlineSlots<T: Token, const N: usize>([Slot<T>; N]);

impl<T: Token, const N: usize> InlineSlots<T, N> {
    const MASK: usize = {
        assert!(N.is_power_of_two(), "the capacity of an inline deque is a power of two");
        N - 1
    };

    #[cfg(not(loom))]
    pub(crate) const fn new() -> Self {
        let _ = Self::MASK;
        InlineSlots([const { Slot::new() }; N])
    }

    #[cfg(loom)]
    pub(crate) fn new() -> Self {
        let _ = Self::MASK;
        InlineSlots(core::array::from_fn(|_| Slot::new()))
    }
}

// SAFETY: the mask tells indices apart modulo `N`, which is the capacity; the buffer never changes.
unsafe impl<T: Token, const N: usize> Slots<T> for InlineSlots<T, N> {
    type View = ();

    #[inline(always)]
    fn owner_view(&self) {}

    #[inline(always)]
    fn thief_view(&self) {}

    #[inline(always)]
    fn capacity(&self, (): ()) -> usize {
        N
    }

    #[inline(always)]
    unsafe fn slot(&self, (): (), index: Index) -> &Slot<T> {
        // SAFETY: the mask is below the length.
        unsafe { self.0.get_unchecked(index as usize & Self::MASK) }
    }

    unsafe fn grow(&self, (): (), _top: Index, _bottom: Index) -> Option<()> {
        None
    }
}
