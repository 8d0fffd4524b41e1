//! The owner's handle.

use core::fmt;
use core::marker::PhantomData;

use crate::handle::{Handle, Owned};
use crate::owner::Owner;
use crate::stealer::Stealer;
use crate::storage::{Block, Donated};
use crate::token::Token;

/// The owner's handle of a deque: pushes and pops.
///
/// There is one at a time, so it may be sent to another thread but not shared. Items that are left when it goes stay in
/// the deque, for the thieves and the next owner.
///
/// | made by | `H`, how it holds the deque |
/// |---|---|
/// | `Worker::new_lifo`, `Worker::new_fifo` (feature `alloc`) | [`Owned`]: a growable deque on the heap |
/// | [`Deque::claim`](crate::Deque::claim) | [`Claim`](crate::Claim): any deque behind a shared reference |
/// | [`Deque::split`](crate::Deque::split), [`Deque::owner`](crate::Deque::owner) | `&Deque` |
pub struct Worker<T: Token, H: Handle<T> = Owned<T>> {
    pub(crate) handle: H,
    pub(crate) owner: Owner<T, H::Storage>,
    items: PhantomData<fn(T) -> T>,
}

impl<T: Token, H: Handle<T>> Worker<T, H> {
    /// # Safety
    ///
    /// The caller is the owner, and hands that on to the worker.
    #[inline]
    pub(crate) unsafe fn new(handle: H) -> Self {
        let owner = Owner::of(handle.deque());
        Worker { handle, owner, items: PhantomData }
    }

    /// # Safety
    ///
    /// As for `new`.
    #[inline]
    pub(crate) unsafe fn recalled(handle: H) -> Self {
        let owner = Owner::recalled(handle.deque());
        Worker { handle, owner, items: PhantomData }
    }

    /// Puts an item into the deque, or gives it back if there is no room.
    ///
    /// Never blocks; allocates if the storage is growable and full.
    ///
    /// *Memory ordering.* What happened before the push happens before a steal of the item returns.
    ///
    /// # Errors
    ///
    /// [`Full`], with the item: the storage is full and cannot grow, or the allocator refused.
    ///
    /// ```
    /// use reveille_deque::{Deque, Full, Inline};
    ///
    /// let deque: Deque<u32, Inline<1>> = Deque::new();
    /// let worker = deque.claim().unwrap();
    /// assert_eq!(worker.try_push(1), Ok(()));
    /// assert_eq!(worker.try_push(2), Err(Full(2)));
    /// ```
    #[inline]
    pub fn try_push(&self, item: T) -> Result<(), Full<T>> {
        // SAFETY: a worker is the owner; the words are the item's.
        match unsafe { self.handle.deque().push(&self.owner, item.into_words()) } {
            Ok(()) => Ok(()),
            // SAFETY: the words came back.
            Err(words) => Err(Full(unsafe { T::from_words(words) })),
        }
    }

    /// Takes an item: the newest of a LIFO deque, the oldest of a FIFO deque.
    ///
    /// Never blocks or allocates.
    ///
    /// ```
    /// use reveille_deque::{Deque, Inline};
    ///
    /// let deque: Deque<u32, Inline<4>> = Deque::new();
    /// let worker = deque.claim().unwrap();
    /// worker.try_push(1).unwrap();
    /// worker.try_push(2).unwrap();
    /// assert_eq!(worker.pop(), Some(2));
    /// ```
    #[inline]
    pub fn pop(&self) -> Option<T> {
        // SAFETY: a worker is the owner.
        let words = unsafe { self.handle.deque().pop(&self.owner) }?;
        // SAFETY: the words were pushed, and nobody else has won them.
        Some(unsafe { T::from_words(words) })
    }

    /// Whether the deque was empty a moment ago. Exact if `true`: only the owner pushes.
    #[inline]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.handle.deque().is_empty()
    }

    /// How many items the deque held a moment ago; thieves may have taken some since.
    #[inline]
    #[must_use]
    pub fn len(&self) -> usize {
        self.handle.deque().len()
    }

    /// How many items fit without growing.
    #[inline]
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.owner.capacity(self.handle.deque())
    }

    /// A handle for thieves.
    #[inline]
    pub fn stealer(&self) -> Stealer<T, H::Shared> {
        Stealer::new(self.handle.share())
    }
}

impl<'a, T: Token + 'a, H: Handle<T, Storage = Donated<'a>>> Worker<T, H> {
    /// Moves the items to a larger block, which becomes the storage of the deque.
    ///
    /// Never blocks or allocates. The block before stays lent as well: a thief may still read it.
    ///
    /// # Errors
    ///
    /// The block comes back if it is not larger than the current one.
    ///
    /// ```
    /// use reveille_deque::{Block, Deque, Full};
    ///
    /// let (mut small, mut large) = (Block::<u32, 1>::new(), Block::<u32, 8>::new());
    /// let deque = Deque::donated(&mut small);
    /// let worker = deque.claim().unwrap();
    /// worker.try_push(1).unwrap();
    /// assert_eq!(worker.try_push(2), Err(Full(2)));
    /// worker.donate(&mut large).unwrap();
    /// assert_eq!(worker.try_push(2), Ok(()));
    /// assert_eq!((worker.pop(), worker.pop()), (Some(2), Some(1)));
    /// ```
    pub fn donate<const N: usize>(&self, block: &'a mut Block<T, N>) -> Result<(), &'a mut Block<T, N>> {
        let deque = self.handle.deque();
        let (top, bottom) = (deque.ends.top(), deque.ends.bottom());
        // SAFETY: a worker is the owner, and its view is the current one.
        let wider = unsafe { deque.slots.donate(block, self.owner.view(), top, bottom) }?;
        self.owner.renew(wider);
        Ok(())
    }
}

#[cfg(feature = "alloc")]
mod on_the_heap {
    use alloc::alloc::handle_alloc_error;
    use alloc::sync::Arc;
    use core::alloc::Layout;

    use super::{Full, Worker};
    use crate::deque::Deque;
    use crate::handle::{Handle, Owned};
    use crate::storage::{Growable, Slot};
    use crate::token::Token;

    impl<T: Token> Worker<T> {
        /// A growable deque on the heap whose owner pops the newest item.
        #[must_use]
        pub fn new_lifo() -> Self {
            // SAFETY: the deque is new, and this is its only worker.
            unsafe { Worker::new(Owned(Arc::new(Deque::growable()))) }
        }

        /// A growable deque on the heap whose owner pops the oldest item.
        #[must_use]
        pub fn new_fifo() -> Self {
            // SAFETY: the deque is new, and this is its only worker.
            unsafe { Worker::new(Owned(Arc::new(Deque::growable_fifo()))) }
        }
    }

    impl<T: Token, H: Handle<T, Storage = Growable>> Worker<T, H> {
        /// Puts an item into the deque.
        ///
        /// Where the allocator refuses to grow a full deque this ends as any failed allocation does; see
        /// [`try_push`](Self::try_push) for another way.
        #[inline]
        pub fn push(&self, item: T) {
            if let Err(Full(item)) = self.try_push(item) {
                refused(item, self.capacity());
            }
        }
    }

    #[cold]
    #[inline(never)]
    fn refused<T: Token>(_item: T, capacity: usize) -> ! {
        match Layout::array::<Slot<T>>(capacity.saturating_mul(2)) {
            Ok(layout) => handle_alloc_error(layout),
            Err(_) => panic!("a deque of more than {capacity} items does not fit into memory"),
        }
    }
}

impl<T: Token, H: Handle<T>> fmt::Debug for Worker<T, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker").field("len", &self.len()).finish_non_exhaustive()
    }
}

/// The deque has no room for this item.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Full<T>(pub T);

impl<T> fmt::Debug for Full<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Full(..)")
    }
}

impl<T> fmt::Display for Full<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the deque is full")
    }
}

impl<T> core::error::Error for Full<T> {}
