//! The packed word that says which slots of a join stack are public.
//!
//! ```text
//!   tag | split | top        slots [top, split) are public, slots at and above split are the owner's
//! ```
//!
//! Every change by the owner, or on the owner's behalf, takes the next tag, so that a compare-exchange that was computed
//! before such a change fails; in a stack where nobody acts on the owner's behalf there are no tags. A claim by a thief changes
//! `top` alone.

#[cfg(target_has_atomic = "64")]
mod word {
    pub(super) type Int = u64;
    pub(super) use reveille_futex::sync::atomic::AtomicU64 as Atomic;
    pub(super) const INDEX_BITS: u32 = 20;
}

#[cfg(not(target_has_atomic = "64"))]
mod word {
    pub(super) type Int = usize;
    pub(super) use reveille_futex::sync::atomic::AtomicUsize as Atomic;
    pub(super) const INDEX_BITS: u32 = 12;
}

use core::fmt;

use reveille_futex::const_unless_loom;
use reveille_futex::sync::atomic::Ordering;

use word::{INDEX_BITS, Int};

const INDEX_MASK: Int = (1 << INDEX_BITS) - 1;
const ONE_SPLIT: Int = 1 << INDEX_BITS;
const TAG_SHIFT: u32 = 2 * INDEX_BITS;

/// The largest number of slots a join stack can have on this target.
pub(crate) const MAX_CAPACITY: usize = INDEX_MASK as usize - 1;

/// One reading of the word.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span(Int);

impl Span {
    #[inline]
    pub(crate) const fn new(top: usize, split: usize, tag: usize) -> Self {
        Span((tag as Int) << TAG_SHIFT | (split as Int & INDEX_MASK) << INDEX_BITS | top as Int & INDEX_MASK)
    }

    /// The oldest public slot; all below it are stolen or joined.
    #[inline]
    pub(crate) const fn top(self) -> usize {
        (self.0 & INDEX_MASK) as usize
    }

    /// The first slot that is not public.
    #[inline]
    pub(crate) const fn split(self) -> usize {
        (self.0 >> INDEX_BITS & INDEX_MASK) as usize
    }

    /// How many slots can be stolen.
    #[inline]
    pub(crate) const fn public(self) -> usize {
        self.split() - self.top()
    }

    /// The owner's next word, with new bounds.
    #[inline]
    pub(crate) const fn moved(self, top: usize, split: usize) -> Self {
        debug_assert!(top <= split);
        let tag = (self.0 >> TAG_SHIFT) as usize;
        Span::new(top, split, tag.wrapping_add(1))
    }

    /// The word after the owner has taken back the newest public slot, where nobody else changes `split`: no tag is needed.
    #[inline]
    pub(crate) const fn without_newest(self) -> Self {
        debug_assert!(self.top() < self.split());
        Span(self.0 - ONE_SPLIT)
    }

    /// The word after a thief has claimed the oldest public slot.
    #[inline]
    pub(crate) const fn claimed(self) -> Self {
        debug_assert!(self.top() < self.split());
        Span(self.0 + 1)
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}, {})", self.top(), self.split())
    }
}

/// The word itself. Read-modify-writes only.
pub(crate) struct AtomicSpan(word::Atomic);

impl AtomicSpan {
    const_unless_loom! {
        pub(crate) const fn new() -> Self {
            AtomicSpan(word::Atomic::new(0))
        }
    }

    #[inline]
    pub(crate) fn load(&self, order: Ordering) -> Span {
        Span(self.0.load(order))
    }

    /// Makes one slot more public, where nobody else changes `split`. There is one below the spare slot.
    #[inline]
    pub(crate) fn publish_one(&self, order: Ordering) {
        self.0.fetch_add(ONE_SPLIT, order);
    }

    /// Nothing is public, and the next slot is this one. While nobody can claim anything, nor changes `split`.
    #[inline]
    pub(crate) fn settle_at(&self, index: usize) {
        self.0.swap(Span::new(index, index, 0).0, Ordering::Relaxed); // publishes nothing
    }

    #[inline]
    pub(crate) fn compare_exchange(
        &self,
        from: Span,
        to: Span,
        success: Ordering,
        failure: Ordering,
    ) -> Result<(), Span> {
        self.0.compare_exchange(from.0, to.0, success, failure).map(drop).map_err(Span)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn fields_do_not_touch(top in 0..MAX_CAPACITY, public in 0..MAX_CAPACITY, tag: usize) {
            let split = (top + public).min(MAX_CAPACITY);
            let span = Span::new(top, split, tag);
            prop_assert_eq!((span.top(), span.split(), span.public()), (top, split, split - top));
            let moved = span.moved(top / 2, split);
            prop_assert_eq!((moved.top(), moved.split()), (top / 2, split));
            prop_assert_eq!(moved, Span::new(top / 2, split, tag.wrapping_add(1)), "the next tag");
            prop_assert_ne!(moved, Span::new(top / 2, split, tag));
            if top < split {
                let claimed = span.claimed();
                prop_assert_eq!((claimed.top(), claimed.split()), (top + 1, split));
                prop_assert_eq!(claimed, Span::new(top + 1, split, tag));
                prop_assert_eq!(span.without_newest(), Span::new(top, split - 1, tag));
            }
        }
    }

    /// Where every fork is public there are no tags: one more, one less, and none from here on.
    #[test]
    fn a_stack_that_is_public_needs_no_tag() {
        let word = AtomicSpan::new();
        let now = || word.load(Ordering::Relaxed);
        word.settle_at(5);
        assert_eq!(now(), Span::new(5, 5, 0));
        word.publish_one(Ordering::Relaxed);
        assert_eq!(now(), Span::new(5, 6, 0));
        assert_eq!(now().without_newest(), Span::new(5, 5, 0));
    }

    /// A fork that finds the stack full has its depth one beyond the spare slot until it is taken back.
    #[test]
    fn the_word_can_say_where_the_spare_slot_ends() {
        let beyond = MAX_CAPACITY + 1;
        let span = Span::new(MAX_CAPACITY, beyond, 0);
        assert_eq!((span.top(), span.split(), span.public()), (MAX_CAPACITY, beyond, 1));
    }

    /// Whoever computed a word from one that is not there any more is told so, with the one that is.
    #[test]
    fn an_exchange_needs_the_word_that_is_there() {
        let word = AtomicSpan::new();
        let (empty, one) = (word.load(Ordering::Relaxed), Span::new(0, 1, 1));
        let exchange = |from, to| word.compare_exchange(from, to, Ordering::Relaxed, Ordering::Relaxed);
        assert_eq!(exchange(empty, one), Ok(()));
        assert_eq!(exchange(empty, empty.moved(0, 0)), Err(one));
        assert_eq!(word.load(Ordering::Relaxed), one);
        assert_eq!(exchange(one, one.claimed()), Ok(()));
    }
}
