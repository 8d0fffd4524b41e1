//! Slots in a slice that the caller lends.

use core::marker::PhantomData;

use super::{Slot, Slots, Storage, sealed};
use crate::index::Index;
use crate::token::Token;

/// Storage in a slice of [`Slot`]s, lent for `'a`: the capacity is chosen at run time, nothing is allocated.
///
/// See [`Deque::borrowed`](crate::Deque::borrowed).
#[derive(Debug)]
pub struct Borrowed<'a>(PhantomData<&'a mut ()>);

impl sealed::Sealed for Borrowed<'_> {}

impl<'a> Storage for Borrowed<'a> {
    type Slots<T: Token> = BorrowedSlots<'a, T>;
}

/// Invariant: the length is a power of two, and for `'a` nobody else has the slice.
pub struct BorrowedSlots<'a, T: Token> {
    slots: *const [Slot<T>],
    lent: PhantomData<&'a mut ()>,
}

// SAFETY: slots are atomic words; who may use the items among them is the deque's concern.
unsafe impl<T: Token> Send for BorrowedSlots<'_, T> {}
// SAFETY: as above.
unsafe impl<T: Token> Sync for BorrowedSlots<'_, T> {}

impl<'a, T: Token> BorrowedSlots<'a, T> {
    pub(crate) fn new(slots: &'a mut [Slot<T>]) -> Option<Self> {
        slots.len().is_power_of_two().then_some(BorrowedSlots { slots, lent: PhantomData })
    }
}

// SAFETY: the mask tells indices apart modulo the length, which is the capacity; the buffer never changes.
unsafe impl<T: Token> Slots<T> for BorrowedSlots<'_, T> {
    type View = ();

    #[inline(always)]
    fn owner_view(&self) {}

    #[inline(always)]
    fn thief_view(&self) {}

    #[inline(always)]
    fn capacity(&self, (): ()) -> usize {
        self.slots.len()
    }

    #[inline(always)]
    unsafe fn slot(&self, (): (), index: Index) -> &Slot<T> {
        let place = index as usize & self.slots.len().wrapping_sub(1);
        let first: *const Slot<T> = self.slots.cast();
        // SAFETY: the length is a power of two, so the place is below it.
        let slot = unsafe { first.add(place) };
        // SAFETY: the slice is lent for `'a`, which outlives `self`.
        unsafe { &*slot }
    }

    unsafe fn grow(&self, (): (), _top: Index, _bottom: Index) -> Option<()> {
        None
    }
}
