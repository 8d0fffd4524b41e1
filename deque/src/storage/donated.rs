//! Slots in blocks that the caller hands over, one after the other.

use core::fmt;
use core::marker::PhantomData;
use core::ptr;

use super::chain::{Chain, Header, View};
use super::{Slot, Slots, Storage, sealed};
use crate::index::Index;
use crate::token::Token;

/// Storage that grows without an allocator: by a larger [`Block`] that the caller lends for `'a`.
///
/// See [`Deque::donated`](crate::Deque::donated) and [`Worker::donate`](crate::Worker::donate).
#[derive(Debug)]
pub struct Donated<'a>(PhantomData<&'a mut ()>);

impl sealed::Sealed for Donated<'_> {}

impl<'a> Storage for Donated<'a> {
    type Slots<T: Token> = DonatedSlots<'a, T>;
}

/// Memory for `N` items of a [`Donated`] deque. `N` is a power of two, or it does not compile.
#[repr(C)]
pub struct Block<T: Token, const N: usize> {
    header: Header<T>,
    slots: [Slot<T>; N],
}

// SAFETY: a block is used through `&mut` alone, until it belongs to a deque.
unsafe impl<T: Token, const N: usize> Send for Block<T, N> {}
// SAFETY: there is nothing to do with a shared reference to it.
unsafe impl<T: Token, const N: usize> Sync for Block<T, N> {}

impl<T: Token, const N: usize> Block<T, N> {
    const CAPACITY: usize = {
        assert!(N.is_power_of_two(), "the capacity of a block is a power of two");
        N
    };

    /// An empty block.
    #[cfg(not(loom))]
    #[must_use]
    pub const fn new() -> Self {
        Block { header: Header::new(Self::CAPACITY), slots: [const { Slot::new() }; N] }
    }

    /// An empty block.
    #[cfg(loom)]
    #[must_use]
    pub fn new() -> Self {
        Block { header: Header::new(Self::CAPACITY), slots: core::array::from_fn(|_| Slot::new()) }
    }
}

impl<T: Token, const N: usize> Default for Block<T, N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Token, const N: usize> fmt::Debug for Block<T, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Block").field("capacity", &N).finish_non_exhaustive()
    }
}

pub struct DonatedSlots<'a, T: Token> {
    chain: Chain<T>,
    blocks: PhantomData<&'a mut ()>,
}

impl<'a, T: Token> DonatedSlots<'a, T> {
    reveille_futex::const_unless_loom! {
        pub(crate) const fn new<const N: usize>(block: &'a mut Block<T, N>) -> Self {
            DonatedSlots { chain: Chain::new(ptr::from_mut(block).cast()), blocks: PhantomData }
        }
    }

    /// Owner: moves to a larger block. `Err` if it is not larger.
    ///
    /// # Safety
    ///
    /// The caller is the owner, and `view` is the current one.
    pub(crate) unsafe fn donate<const N: usize>(
        &self,
        block: &'a mut Block<T, N>,
        view: View<T>,
        top: Index,
        bottom: Index,
    ) -> Result<View<T>, &'a mut Block<T, N>> {
        if N <= view.capacity() {
            return Err(block);
        }
        // SAFETY: the caller is the owner; the block is lent for `'a`, which outlives the chain, and it is larger. The
        // pointer may reach the whole block, header and slots.
        Ok(unsafe { self.chain.publish(ptr::from_mut(block).cast(), view, top, bottom) })
    }
}

// SAFETY: views are of blocks that live as long as the slots do.
unsafe impl<T: Token> Slots<T> for DonatedSlots<'_, T> {
    type View = View<T>;

    #[inline]
    fn owner_view(&self) -> View<T> {
        self.chain.owner_view()
    }

    #[inline(always)]
    fn thief_view(&self) -> View<T> {
        self.chain.thief_view()
    }

    #[inline(always)]
    fn capacity(&self, view: View<T>) -> usize {
        view.capacity()
    }

    #[inline(always)]
    unsafe fn slot(&self, view: View<T>, index: Index) -> &Slot<T> {
        // SAFETY: the caller's promise; blocks outlive the chain.
        unsafe { view.slot(index) }
    }

    unsafe fn grow(&self, _view: View<T>, _top: Index, _bottom: Index) -> Option<View<T>> {
        None
    }
}
