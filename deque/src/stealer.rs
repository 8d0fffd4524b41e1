//! The thieves' handle.

use core::fmt;
use core::marker::PhantomData;

use crate::deque::Deque;
use crate::handle::{Handle, Owned};
use crate::index::items;
use crate::steal::Steal;
use crate::storage::{Slots, Storage};
use crate::token::Token;

/// A handle for stealing, which any number of threads may have and share.
///
/// Made by [`Worker::stealer`](crate::Worker::stealer) or [`Deque::stealer`]. `H` is how it holds the deque: `&Deque`,
/// which makes it `Copy`, or [`Owned`] on the heap.
pub struct Stealer<T: Token, H: Handle<T> = Owned<T>> {
    pub(crate) handle: H,
    pub(crate) items: PhantomData<fn() -> T>,
}

impl<T: Token, H: Handle<T>> Stealer<T, H> {
    pub(crate) fn new(handle: H) -> Self {
        Stealer { handle, items: PhantomData }
    }

    /// Takes the oldest item.
    ///
    /// `Retry` if another thread took it first, so some thread always makes progress. Never blocks or allocates.
    ///
    /// *Memory ordering.* What happened before the item was pushed happens before it is returned here.
    ///
    /// ```
    /// use reveille_deque::{Deque, Inline, Steal};
    ///
    /// let deque: Deque<u32, Inline<4>> = Deque::new();
    /// let worker = deque.claim().unwrap();
    /// worker.try_push(1).unwrap();
    /// assert_eq!(deque.stealer().steal(), Steal::Success(1));
    /// assert_eq!(deque.stealer().steal(), Steal::Empty);
    /// ```
    #[inline]
    pub fn steal(&self) -> Steal<T> {
        // SAFETY: the words were pushed, and nobody else has won them.
        self.handle.deque().steal_words().map(|words| unsafe { T::from_words(words) })
    }

    /// Takes the oldest item of a deque that has one for each caller.
    ///
    /// For items that are announced one by one by something else, a *ticket* for each: whoever has got a ticket takes an item,
    /// and need not ask whether there is one. So it does not look at the word that the owner writes. Tries again if another
    /// thread took the item first, so some thread always makes progress. Never blocks or allocates.
    ///
    /// *Memory ordering.* What happened before the item was pushed happens before it is returned here.
    ///
    /// ```
    /// use reveille_deque::Worker;
    ///
    /// let items = Worker::new_fifo();
    /// let (send, tickets) = std::sync::mpsc::channel();
    /// for item in 1..=3 {
    ///     items.push(item);
    ///     send.send(()).unwrap();
    /// }
    /// let stealer = items.stealer();
    /// let thief = std::thread::spawn(move || {
    ///     tickets.recv().unwrap();
    ///     // SAFETY: each item is pushed before its ticket is sent, and nobody steals without one.
    ///     unsafe { stealer.steal_certain() }
    /// });
    /// assert_eq!(thief.join().unwrap(), 1);
    /// ```
    ///
    /// # Safety
    ///
    /// * Each call has a push of its own, which no other call has, and which happens before it.
    /// * Items are taken by such calls only.
    #[inline]
    pub unsafe fn steal_certain(&self) -> T {
        let deque = self.handle.deque();
        loop {
            // The calls that took the `top` items before it happen before this look, and each of them has a push of its own, as
            // has this one. These are `top + 1` pushes, so the last of them, and all before it, wrote item number `top` or a
            // later one: it is there, in the buffer that is current or was when this call saw it.
            let top = deque.ends.certain();
            let view = deque.slots.thief_view();
            // SAFETY: there is an item, so the capacity is not zero.
            let words = unsafe { deque.slots.slot(view, top) }.load();
            if deque.ends.take(top, top.wrapping_add(1)).is_ok() {
                // SAFETY: the words were pushed, and nobody else has won them.
                return unsafe { T::from_words(words) };
            }
        }
    }

    /// Whether the deque was empty a moment ago. See [`Deque::is_empty`].
    #[inline]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.handle.deque().is_empty()
    }

    /// How many items the deque held a moment ago.
    #[inline]
    #[must_use]
    pub fn len(&self) -> usize {
        self.handle.deque().len()
    }
}

impl<T: Token, S: Storage> Deque<T, S> {
    /// The words of the oldest item, which are the caller's.
    #[inline(always)]
    pub(crate) fn steal_words(&self) -> Steal<T::Words> {
        let (top, bottom) = self.ends.look();
        if items(top, bottom) <= 0 {
            return Steal::Empty;
        }
        let view = self.slots.thief_view();
        // SAFETY: there was an item, so the capacity is not zero.
        let words = unsafe { self.slots.slot(view, top) }.load();
        match self.ends.take(top, top.wrapping_add(1)) {
            Ok(()) => Steal::Success(words),
            Err(_) => Steal::Retry,
        }
    }
}

impl<T: Token, H: Handle<T> + Clone> Clone for Stealer<T, H> {
    fn clone(&self) -> Self {
        Stealer::new(self.handle.clone())
    }
}

impl<T: Token, H: Handle<T> + Copy> Copy for Stealer<T, H> {}

impl<T: Token, H: Handle<T>> fmt::Debug for Stealer<T, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stealer").field("len", &self.len()).finish_non_exhaustive()
    }
}
