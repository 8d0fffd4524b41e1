//! Where the slots are.
//!
//! [`Storage`] names a kind of storage; for an item type it becomes [`Slots`], a field of the deque. The owner keeps a
//! *view* of the current buffer in its handle and renews it when it grows; a thief takes a fresh one for each item.

#[cfg(feature = "alloc")]
mod growable;

mod borrowed;
mod chain;
mod donated;
mod inline;
mod slot;

pub use borrowed::Borrowed;
pub use donated::{Block, Donated};
#[cfg(feature = "alloc")]
pub use growable::Growable;
pub use inline::Inline;
pub use slot::Slot;

pub(crate) use borrowed::BorrowedSlots;
pub(crate) use donated::DonatedSlots;
#[cfg(feature = "alloc")]
pub(crate) use growable::GrowableSlots;
pub(crate) use inline::InlineSlots;

use crate::index::Index;
use crate::token::Token;

/// A kind of storage: [`Inline`], [`Borrowed`], [`Donated`] or `Growable`. Sealed.
pub trait Storage: sealed::Sealed {
    #[doc(hidden)]
    type Slots<T: Token>: Slots<T>;
}

pub(crate) mod sealed {
    pub trait Sealed {}
}

/// The slots of one deque.
///
/// # Safety
///
/// For one view, `slot` returns the same slot for indices that are equal modulo `capacity`, and different slots for
/// others. A view stays good until the slots are changed through `&mut`.
#[doc(hidden)]
pub unsafe trait Slots<T: Token> {
    /// One buffer: where it is and how large.
    type View: Copy + Send;

    /// Owner: the current buffer.
    fn owner_view(&self) -> Self::View;

    /// Thief, after it saw an item: a buffer that has it.
    fn thief_view(&self) -> Self::View;

    /// How many items fit: a power of two, or zero before the first allocation.
    fn capacity(&self, view: Self::View) -> usize;

    /// The slot of an index.
    ///
    /// # Safety
    ///
    /// `view` comes from these slots, and its capacity is not zero.
    unsafe fn slot(&self, view: Self::View, index: Index) -> &Slot<T>;

    /// Owner: a value that `top` had, for a push that would rather not look; none if the storage keeps none.
    #[inline(always)]
    fn known_top(&self) -> Option<Index> {
        None
    }

    /// Owner: `top` has this value, or had it a moment ago, acquired.
    #[inline(always)]
    fn remember_top(&self, _: Index) {}

    /// Owner, when full: a larger buffer with the items `[top, bottom)`, published to the thieves. `None` if there is
    /// none to be had.
    ///
    /// # Safety
    ///
    /// The caller is the owner, and `view` is the current one.
    unsafe fn grow(&self, view: Self::View, top: Index, bottom: Index) -> Option<Self::View>;
}
