//! One place for one item.

use core::fmt;

use crate::token::{Token, Words};

/// The place of one item: as many atomic words as the item has.
///
/// Only needed by name for [`Borrowed`](super::Borrowed) storage. A slot does not own what its words say; the deque does.
pub struct Slot<T: Token> {
    /// Written by the owner, read by anyone; see [`Words`].
    cells: <T::Words as Words>::Cells,
}

impl<T: Token> Slot<T> {
    /// An empty slot.
    #[cfg(not(loom))]
    #[must_use]
    pub const fn new() -> Self {
        Slot { cells: <T::Words as Words>::CELLS }
    }

    /// An empty slot.
    #[cfg(loom)]
    #[must_use]
    pub fn new() -> Self {
        Slot { cells: T::Words::cells() }
    }

    #[inline(always)]
    pub(crate) fn load(&self) -> T::Words {
        T::Words::load(&self.cells)
    }

    #[inline(always)]
    pub(crate) fn store(&self, words: T::Words) {
        words.store(&self.cells);
    }
}

impl<T: Token> Default for Slot<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Token> fmt::Debug for Slot<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Slot")
    }
}
