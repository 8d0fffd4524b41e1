//! What may be put into a deque: anything that is zero, one or two machine words.
//!
//! A thief reads a slot before it knows whether it wins the item, while the owner may be writing the next item there. For
//! that to be no data race, slots are atomic words, read and written one by one. What a losing thief read may be torn; it
//! is never made an item again. [`Token`] is the pair of conversions.

use core::{fmt, ptr};

use reveille_futex::sync::atomic::{AtomicPtr, Ordering};

/// One machine word, which may be a pointer.
///
/// A pointer keeps its provenance on its way through the deque, so that no integer is ever turned into a pointer.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(transparent)]
pub struct Word(*mut ());

impl Word {
    /// A word that holds a pointer.
    #[inline]
    #[must_use]
    pub const fn from_ptr<T>(pointer: *const T) -> Self {
        Word(pointer.cast_mut().cast())
    }

    /// A word that holds a number.
    #[inline]
    #[must_use]
    pub const fn from_bits(bits: usize) -> Self {
        Word(ptr::without_provenance_mut(bits))
    }

    /// The pointer that the word was made from.
    #[inline]
    #[must_use]
    pub const fn to_ptr<T>(self) -> *mut T {
        self.0.cast()
    }

    /// The number that the word was made from.
    #[inline]
    #[must_use]
    pub fn to_bits(self) -> usize {
        self.0.addr()
    }
}

impl fmt::Debug for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Word({:#x})", self.to_bits())
    }
}

/// The words of one item: `[Word; 0]`, `[Word; 1]` or `[Word; 2]`. Sealed.
pub trait Words: Copy + sealed::Sealed {
    /// As many atomic words.
    #[doc(hidden)]
    type Cells: Send + Sync;

    /// Cells that hold null.
    #[doc(hidden)]
    #[cfg(not(loom))]
    const CELLS: Self::Cells;

    /// Cells that hold null.
    #[doc(hidden)]
    fn cells() -> Self::Cells;

    /// Reads each word.
    #[doc(hidden)]
    fn load(cells: &Self::Cells) -> Self;

    /// Writes each word.
    #[doc(hidden)]
    fn store(self, cells: &Self::Cells);
}

mod sealed {
    pub trait Sealed {}
}

macro_rules! words {
    ($count:literal: $($i:literal)*) => {
        impl sealed::Sealed for [Word; $count] {}

        impl Words for [Word; $count] {
            type Cells = [AtomicPtr<()>; $count];

            #[cfg(not(loom))]
            #[allow(clippy::declare_interior_mutable_const, reason = "a template, copied into each slot")]
            const CELLS: Self::Cells = [$({ let _ = $i; AtomicPtr::new(ptr::null_mut()) }),*];

            fn cells() -> Self::Cells {
                core::array::from_fn(|_| AtomicPtr::new(ptr::null_mut()))
            }

            // Relaxed, both: a thief uses what it read only if its compare-and-swap of `top` succeeds. Then the owner
            // published the words by its release of `bottom`, and has not overwritten them, because it overwrites a slot
            // only after it acquired a `top` beyond it.
            #[inline(always)]
            #[allow(unused_variables, reason = "zero words")]
            fn load(cells: &Self::Cells) -> Self {
                [$(Word(cells[$i].load(Ordering::Relaxed))),*]
            }

            #[inline(always)]
            #[allow(unused_variables, reason = "zero words")]
            fn store(self, cells: &Self::Cells) {
                $(cells[$i].store(self[$i].0, Ordering::Relaxed);)*
            }
        }
    };
}

words!(0:);
words!(1: 0);
words!(2: 0 1);

/// An item that fits into at most two machine words.
///
/// Implemented for `Box`, `Arc`, shared references, `NonNull` and raw pointers to sized types, integers, floats, `bool`,
/// `char`, `()`, function pointers, and pairs of any two of these that are one word each: a function pointer with its
/// argument pointer is a token. So are `&str`, `&[T]`, `Box<dyn FnOnce() + Send>` and `Arc<dyn Fn() + Send + Sync>`.
///
/// An item that is larger goes into a `Box`. A small type of your own converts to a token that exists already:
///
/// ```
/// use reveille_deque::{Deque, Inline, Token};
///
/// #[derive(Clone, Copy, Debug, PartialEq)]
/// struct TaskId(u32);
///
/// // SAFETY: the words of the number inside, unchanged.
/// unsafe impl Token for TaskId {
///     type Words = <u32 as Token>::Words;
///     fn into_words(self) -> Self::Words {
///         self.0.into_words()
///     }
///     unsafe fn from_words(words: Self::Words) -> Self {
///         // SAFETY: the words come from `into_words` above.
///         TaskId(unsafe { u32::from_words(words) })
///     }
/// }
///
/// static TASKS: Deque<TaskId, Inline<16>> = Deque::new();
/// let worker = TASKS.claim().unwrap();
/// worker.try_push(TaskId(7)).unwrap();
/// assert_eq!(worker.pop(), Some(TaskId(7)));
/// ```
///
/// # Safety
///
/// * `from_words`, given what one call of `into_words` returned, returns that item; ownership travels with the words.
/// * Neither function unwinds.
pub unsafe trait Token: Sized {
    /// `[Word; 0]`, `[Word; 1]` or `[Word; 2]`.
    type Words: Words;

    /// Turns the item into words, which own it from now on.
    fn into_words(self) -> Self::Words;

    /// Turns words into the item again.
    ///
    /// # Safety
    ///
    /// `words` was returned by [`into_words`](Self::into_words) of this type, and is turned into an item only once.
    unsafe fn from_words(words: Self::Words) -> Self;
}
