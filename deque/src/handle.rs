//! How a worker or a stealer holds its deque.
//!
//! | handle | made by | keeps |
//! |---|---|---|
//! | `&Deque` | [`Deque::stealer`], [`Deque::split`], [`Deque::owner`] | nothing |
//! | [`Claim`] | [`Deque::claim`] | the right to be the owner; given back on drop |
//! | [`Owned`] | `Worker::new_lifo`, `Worker::new_fifo` | a share of a deque on the heap |

use core::fmt;

use crate::deque::Deque;
use crate::storage::Storage;
use crate::token::Token;

pub use owned::Owned;

/// Something that holds a deque: `&Deque`, [`Claim`] or [`Owned`]. Sealed.
pub trait Handle<T: Token>: sealed::Sealed {
    /// The storage of the deque.
    type Storage: Storage;

    /// The same deque, for a stealer.
    type Shared: Handle<T, Storage = Self::Storage> + Clone;

    #[doc(hidden)]
    fn deque(&self) -> &Deque<T, Self::Storage>;

    #[doc(hidden)]
    fn share(&self) -> Self::Shared;
}

mod sealed {
    pub trait Sealed {}
}

impl<T: Token, S: Storage> sealed::Sealed for &Deque<T, S> {}

impl<T: Token, S: Storage> Handle<T> for &Deque<T, S> {
    type Storage = S;
    type Shared = Self;

    #[inline(always)]
    fn deque(&self) -> &Deque<T, S> {
        self
    }

    #[inline]
    fn share(&self) -> Self {
        self
    }
}

/// The right to be the owner of a deque, given back when dropped. See [`Deque::claim`].
pub struct Claim<'a, T: Token, S: Storage>(&'a Deque<T, S>);

impl<'a, T: Token, S: Storage> Claim<'a, T, S> {
    pub(crate) fn of(deque: &'a Deque<T, S>) -> Option<Self> {
        deque.set_claimed().then(|| Claim(deque)) // made only if it is one: its drop gives it back
    }
}

impl<T: Token, S: Storage> Drop for Claim<'_, T, S> {
    fn drop(&mut self) {
        self.0.clear_claimed();
    }
}

impl<T: Token, S: Storage> fmt::Debug for Claim<'_, T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Claim")
    }
}

impl<T: Token, S: Storage> sealed::Sealed for Claim<'_, T, S> {}

impl<'a, T: Token, S: Storage> Handle<T> for Claim<'a, T, S> {
    type Storage = S;
    type Shared = &'a Deque<T, S>;

    #[inline(always)]
    fn deque(&self) -> &Deque<T, S> {
        self.0
    }

    #[inline]
    fn share(&self) -> &'a Deque<T, S> {
        self.0
    }
}

#[cfg(feature = "alloc")]
mod owned {
    use alloc::sync::Arc;
    use core::fmt;

    use super::{Handle, sealed};
    use crate::deque::Deque;
    use crate::storage::Growable;
    use crate::token::Token;

    /// A share of a growable deque on the heap, which lives as long as its worker or one of its stealers.
    pub struct Owned<T: Token>(pub(crate) Arc<Deque<T, Growable>>);

    impl<T: Token> Clone for Owned<T> {
        fn clone(&self) -> Self {
            Owned(self.0.clone())
        }
    }

    impl<T: Token> fmt::Debug for Owned<T> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("Owned")
        }
    }

    impl<T: Token> sealed::Sealed for Owned<T> {}

    impl<T: Token> Handle<T> for Owned<T> {
        type Storage = Growable;
        type Shared = Self;

        #[inline(always)]
        fn deque(&self) -> &Deque<T, Growable> {
            &self.0
        }

        fn share(&self) -> Self {
            self.clone()
        }
    }
}

#[cfg(not(feature = "alloc"))]
mod owned {
    use core::convert::Infallible;
    use core::marker::PhantomData;

    use super::{Handle, sealed};
    use crate::deque::Deque;
    use crate::storage::Inline;
    use crate::token::Token;

    /// A share of a deque on the heap: there is none without the feature `alloc`.
    #[derive(Debug)]
    pub struct Owned<T: Token>(Infallible, PhantomData<T>);

    impl<T: Token> Clone for Owned<T> {
        fn clone(&self) -> Self {
            match self.0 {}
        }
    }

    impl<T: Token> sealed::Sealed for Owned<T> {}

    impl<T: Token> Handle<T> for Owned<T> {
        type Storage = Inline<1>;
        type Shared = Self;

        fn deque(&self) -> &Deque<T, Inline<1>> {
            match self.0 {}
        }

        fn share(&self) -> Self {
            match self.0 {}
        }
    }
}
