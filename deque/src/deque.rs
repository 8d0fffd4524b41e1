//! The deque itself: the shared object that workers and stealers hold.

use core::cell::UnsafeCell;
use core::fmt;
use core::marker::PhantomData;

use reveille_futex::const_unless_loom;
use reveille_futex::sync::atomic::{AtomicBool, Ordering};

use crate::ends::Ends;
use crate::handle::Claim;
use crate::index::{Index, items};
use crate::stealer::Stealer;
use crate::storage::{
    Block, Borrowed, BorrowedSlots, Donated, DonatedSlots, Inline, InlineSlots, Slot, Slots, Storage,
};
use crate::token::Token;
use crate::worker::Worker;

/// Which end the owner pops. Thieves always take the oldest item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flavor {
    Lifo,
    Fifo,
}

/// A work-stealing deque in storage `S`.
///
/// | to own it | |
/// |---|---|
/// | [`claim`](Self::claim) | any shared reference, also to a `static`; one owner at a time, checked |
/// | [`split`](Self::split) | an exclusive reference; checked by the compiler |
/// | [`owner`](Self::owner) | a runtime that knows who the owner is; not checked |
///
/// Dropping a deque drops the items in it.
///
/// Size: two cache lines and the slots; on a 32-bit core without an operating system, 12 bytes and the slots.
///
/// ```
/// use reveille_deque::{Deque, Inline};
///
/// static D: Deque<&'static str, Inline<256>> = Deque::new();
///
/// let worker = D.claim().unwrap();
/// assert!(D.claim().is_none(), "one owner at a time");
/// worker.try_push("item").unwrap();
/// assert_eq!(D.len(), 1);
/// drop(worker);
/// assert_eq!(D.claim().unwrap().pop(), Some("item"));
/// ```
pub struct Deque<T: Token, S: Storage> {
    pub(crate) ends: Ends,
    pub(crate) slots: S::Slots<T>,
    /// Whether there is a [`Claim`]. Read-modify-writes only.
    claimed: AtomicBool,
    pub(crate) flavor: Flavor,
    /// Items go in and come out through a shared reference.
    items: PhantomData<UnsafeCell<T>>,
}

// SAFETY: the protocol hands each item to one thread, and `T` may be sent there. Workers are not `Sync`.
unsafe impl<T: Token + Send, S: Storage> Sync for Deque<T, S> {}

impl<T: Token, const N: usize> Deque<T, Inline<N>> {
    const_unless_loom! {
        /// An empty deque with room for `N` items, a power of two; its owner pops the newest.
        #[must_use]
        pub const fn new() -> Self {
            Self::with(InlineSlots::new(), Flavor::Lifo, 0)
        }
    }

    const_unless_loom! {
        /// An empty deque with room for `N` items, a power of two; its owner pops the oldest.
        #[must_use]
        pub const fn new_fifo() -> Self {
            Self::with(InlineSlots::new(), Flavor::Fifo, 0)
        }
    }
}

impl<'a, T: Token + 'a> Deque<T, Borrowed<'a>> {
    /// An empty deque in borrowed slots. `None` unless their number is a power of two.
    ///
    /// ```
    /// use reveille_deque::{Deque, Slot};
    ///
    /// let mut slots = [const { Slot::<u32>::new() }; 4];
    /// let mut deque = Deque::borrowed(&mut slots).expect("a power of two");
    /// let (worker, stealer) = deque.split();
    /// worker.try_push(1).unwrap();
    /// assert_eq!(stealer.steal().success(), Some(1));
    ///
    /// assert!(Deque::borrowed(&mut [const { Slot::<u32>::new() }; 3]).is_none());
    /// ```
    pub fn borrowed(slots: &'a mut [Slot<T>]) -> Option<Self> {
        Some(Self::with(BorrowedSlots::new(slots)?, Flavor::Lifo, 0))
    }

    /// [`borrowed`](Self::borrowed), with an owner that pops the oldest item.
    pub fn borrowed_fifo(slots: &'a mut [Slot<T>]) -> Option<Self> {
        Some(Self::with(BorrowedSlots::new(slots)?, Flavor::Fifo, 0))
    }
}

impl<'a, T: Token + 'a> Deque<T, Donated<'a>> {
    const_unless_loom! {
        /// An empty deque in a block, to which larger blocks can be [donated](Worker::donate) later.
        #[must_use]
        pub const fn donated<const N: usize>(block: &'a mut Block<T, N>) -> Self {
            Self::with(DonatedSlots::new(block), Flavor::Lifo, 0)
        }
    }

    const_unless_loom! {
        /// [`donated`](Self::donated), with an owner that pops the oldest item.
        #[must_use]
        pub const fn donated_fifo<const N: usize>(block: &'a mut Block<T, N>) -> Self {
            Self::with(DonatedSlots::new(block), Flavor::Fifo, 0)
        }
    }
}

impl<T: Token, S: Storage> Deque<T, S> {
    const_unless_loom! {
        const fn with(slots: S::Slots<T>, flavor: Flavor, start: Index) -> Self {
            Deque { ends: Ends::new(start), slots, claimed: AtomicBool::new(false), flavor, items: PhantomData }
        }
    }

    /// The same deque, empty and not yet used, with indices that start elsewhere, so that tests can reach the wrap.
    #[doc(hidden)]
    #[must_use]
    pub fn starting_at(mut self, start: u64) -> Self {
        self.ends = Ends::new(start as Index);
        self
    }

    /// Becomes the owner, unless somebody else is. Dropping the worker gives the ownership back.
    ///
    /// Never blocks or allocates. What an owner did happens before the next owner's claim returns.
    #[inline]
    pub fn claim(&self) -> Option<Worker<T, Claim<'_, T, S>>> {
        let claim = Claim::of(self)?;
        // SAFETY: there is one claim, so this is the only worker; the claim before was released.
        Some(unsafe { Worker::new(claim) })
    }

    /// A worker and a stealer. The exclusive reference proves that there is no other worker.
    #[inline]
    pub fn split(&mut self) -> (Worker<T, &Self>, Stealer<T, &Self>) {
        let this = &*self;
        // SAFETY: while `self` is borrowed exclusively there is no other worker, and none can be made but by `owner`,
        // whose caller answers for it, and `claim`, which needs a reference that only the worker or stealer could give.
        (unsafe { Worker::new(this) }, Stealer::new(this))
    }

    /// Acts as the owner, unchecked: for a runtime that knows which thread owns which deque.
    ///
    /// Costs one load of each end; the worker may be kept, or made anew for every operation.
    ///
    /// ```
    /// use reveille_deque::{Deque, Inline};
    ///
    /// let deque: Deque<u32, Inline<4>> = Deque::new();
    /// // SAFETY: this thread alone uses the deque.
    /// unsafe { deque.owner() }.try_push(1).unwrap();
    /// // SAFETY: as above, and the worker before is gone.
    /// assert_eq!(unsafe { deque.owner() }.pop(), Some(1));
    /// ```
    ///
    /// # Safety
    ///
    /// * While the worker is in use there is no other one for this deque, by whatever way.
    /// * What the owner before did happens before this call.
    #[inline]
    pub unsafe fn owner(&self) -> Worker<T, &Self> {
        // SAFETY: the caller's promise.
        unsafe { Worker::new(self) }
    }

    /// [`owner`](Self::owner), for pushes only: in growable storage it begins with what a push last learnt of the thieves, and
    /// does not look at the word that they write until the deque seems full. A pop does what it should, and takes longer.
    ///
    /// ```
    /// use reveille_deque::{Deque, Growable};
    ///
    /// let deque: Deque<u32, Growable> = Deque::growable();
    /// for item in 0..1_000 {
    ///     // SAFETY: this thread alone uses the deque.
    ///     unsafe { deque.pusher() }.push(item);
    ///     assert_eq!(deque.stealer().steal().success(), Some(item));
    /// }
    /// ```
    ///
    /// # Safety
    ///
    /// As for [`owner`](Self::owner).
    #[inline]
    pub unsafe fn pusher(&self) -> Worker<T, &Self> {
        // SAFETY: the caller's promise.
        unsafe { Worker::recalled(self) }
    }

    /// A handle for thieves.
    #[inline]
    pub fn stealer(&self) -> Stealer<T, &Self> {
        Stealer::new(self)
    }

    /// Whether the deque was empty a moment ago.
    ///
    /// Any thread may ask. After a `fence(SeqCst)`, an item whose push came before another thread's `fence(SeqCst)` that
    /// is earlier is not missed: that is what a thread checks before it goes to sleep.
    #[inline]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let (top, bottom) = self.ends.glance();
        items(top, bottom) <= 0
    }

    /// How many items the deque held a moment ago. Any thread may ask.
    #[inline]
    #[must_use]
    pub fn len(&self) -> usize {
        let (top, bottom) = self.ends.glance();
        items(top, bottom).max(0) as usize
    }

    pub(crate) fn set_claimed(&self) -> bool {
        // Acquire: pairs with the release in `clear_claimed`; the new owner goes on where the old one stopped.
        !self.claimed.swap(true, Ordering::Acquire)
    }

    pub(crate) fn clear_claimed(&self) {
        // Release: pairs with the acquire in `set_claimed`.
        self.claimed.swap(false, Ordering::Release);
    }
}

#[cfg(feature = "alloc")]
mod on_the_heap {
    use reveille_futex::const_unless_loom;

    use super::{Deque, Flavor};
    use crate::storage::{Growable, GrowableSlots};
    use crate::token::Token;

    impl<T: Token> Deque<T, Growable> {
        const_unless_loom! {
            /// An empty deque on the heap, which allocates from the first push on; its owner pops the newest item.
            #[must_use]
            pub const fn growable() -> Self {
                Self::with(GrowableSlots::new(), Flavor::Lifo, 0)
            }
        }

        const_unless_loom! {
            /// An empty deque on the heap, which allocates from the first push on; its owner pops the oldest item.
            #[must_use]
            pub const fn growable_fifo() -> Self {
                Self::with(GrowableSlots::new(), Flavor::Fifo, 0)
            }
        }

        /// Frees the buffers that were outgrown. The exclusive reference proves that no thief reads them.
        pub fn reclaim(&mut self) {
            self.slots.reclaim();
        }
    }
}

impl<T: Token, S: Storage> Deque<T, S> {
    /// Takes the oldest item of a deque that nobody else uses.
    fn take_oldest(&mut self) -> Option<T> {
        let (top, bottom) = (self.ends.top(), self.ends.bottom());
        if items(top, bottom) <= 0 {
            return None;
        }
        let view = self.slots.owner_view();
        // SAFETY: there is an item, so the capacity is not zero.
        let words = unsafe { self.slots.slot(view, top) }.load();
        self.ends.take(top, top.wrapping_add(1)).ok()?;
        // SAFETY: the words were pushed, and `top` is past them now.
        Some(unsafe { T::from_words(words) })
    }
}

/// Drops the items; also those after one whose destructor panics.
impl<T: Token, S: Storage> Drop for Deque<T, S> {
    fn drop(&mut self) {
        struct Rest<'a, T: Token, S: Storage>(&'a mut Deque<T, S>);

        impl<T: Token, S: Storage> Drop for Rest<'_, T, S> {
            fn drop(&mut self) {
                while let Some(item) = self.0.take_oldest() {
                    drop(item);
                }
            }
        }

        let rest = Rest(self);
        while let Some(item) = rest.0.take_oldest() {
            drop(item);
        }
    }
}

impl<T: Token, const N: usize> Default for Deque<T, Inline<N>> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Token, S: Storage> fmt::Debug for Deque<T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deque").field("len", &self.len()).field("flavor", &self.flavor).finish_non_exhaustive()
    }
}
