//! Buffers that replace one another: what the two kinds of storage that grow have in common.
//!
//! ```text
//!   current (atomic, written by the owner) --> header | slots      16 places
//!                                              previous
//!                                                 `----> header | slots      8 places; a thief may still read it
//!                                                        previous -> null
//! ```
//!
//! A thief that took its view before the owner grew reads the old buffer. That is harmless: the items it may win are
//! there, unchanged, because the owner writes only to the new one. So an old buffer is kept until nobody can be reading:
//! until the deque is reclaimed through `&mut`, or dropped. Each is at most half as large as the next, so all of them
//! together are smaller than the current one.

use core::marker::PhantomData;
use core::ptr;

use reveille_futex::sync::atomic::{AtomicPtr, Ordering};
use reveille_futex::sync::cell::UnsafeCell;

use super::Slot;
use crate::index::Index;
use crate::token::Token;

/// In front of the slots of a buffer.
#[repr(C)]
pub(crate) struct Header<T: Token> {
    /// A power of two. Never changes; in a cell so that loom sees a thief that reads while the buffer is freed (D14).
    capacity: UnsafeCell<usize>,
    /// The buffer before this one. The owner's alone.
    previous: UnsafeCell<*mut Header<T>>,
    /// The slots follow, at the alignment of `Slot<T>`.
    slots: [Slot<T>; 0],
}

impl<T: Token> Header<T> {
    reveille_futex::const_unless_loom! {
        pub(crate) const fn new(capacity: usize) -> Self {
            Header {
                capacity: UnsafeCell::new(capacity),
                previous: UnsafeCell::new(ptr::null_mut()),
                slots: [],
            }
        }
    }
}

/// One buffer of a chain, as the owner keeps it and a thief finds it.
pub struct View<T: Token> {
    /// Dangling if the capacity is zero.
    slots: *const Slot<T>,
    capacity: usize,
}

impl<T: Token> Clone for View<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Token> Copy for View<T> {}

// SAFETY: a view gives access to slots, which are atomic, and only through the chain it belongs to.
unsafe impl<T: Token> Send for View<T> {}

impl<T: Token> View<T> {
    /// No buffer yet.
    pub(crate) const NONE: Self = View { slots: ptr::dangling(), capacity: 0 };

    /// # Safety
    ///
    /// `buffer` is null or points to a live header that is followed by its slots.
    #[inline(always)]
    unsafe fn of(buffer: *mut Header<T>) -> Self {
        if buffer.is_null() {
            return View::NONE;
        }
        // SAFETY: the caller's promise.
        let header = unsafe { &*buffer };
        // SAFETY: only read while the buffer is live.
        let capacity = header.capacity.with(|capacity| unsafe { *capacity });
        // SAFETY: the field is inside the header. The pointer comes from `buffer`, which may reach the slots too.
        let slots = unsafe { &raw const (*buffer).slots };
        View { slots: slots.cast(), capacity }
    }

    #[inline(always)]
    pub(crate) fn capacity(self) -> usize {
        self.capacity
    }

    /// # Safety
    ///
    /// The capacity is not zero, and the buffer lives for `'a`.
    #[inline(always)]
    pub(crate) unsafe fn slot<'a>(self, index: Index) -> &'a Slot<T> {
        let place = index as usize & self.capacity.wrapping_sub(1);
        // SAFETY: the capacity is a power of two, so the place is below it; that many slots follow the header.
        let slot = unsafe { self.slots.add(place) };
        // SAFETY: the caller's promise.
        unsafe { &*slot }
    }
}

/// The buffers of one deque.
pub(crate) struct Chain<T: Token> {
    /// Written by the owner alone, by stores. Null until the first buffer comes.
    current: AtomicPtr<Header<T>>,
    buffers: PhantomData<*mut Header<T>>,
}

// SAFETY: the buffers hold atomic words; who may use the items among them is the deque's concern.
unsafe impl<T: Token> Send for Chain<T> {}
// SAFETY: as above; the cells of the headers are the owner's, or never change.
unsafe impl<T: Token> Sync for Chain<T> {}

impl<T: Token> Chain<T> {
    reveille_futex::const_unless_loom! {
        pub(crate) const fn new(first: *mut Header<T>) -> Self {
            Chain { current: AtomicPtr::new(first), buffers: PhantomData }
        }
    }

    /// Owner: the current buffer.
    #[inline]
    pub(crate) fn owner_view(&self) -> View<T> {
        // Relaxed: the owner reads its own word.
        let current = self.current.load(Ordering::Relaxed);
        // SAFETY: the current buffer lives as long as the chain.
        unsafe { View::of(current) }
    }

    /// Thief: a buffer that has every item that the thief saw below `bottom`.
    #[inline(always)]
    pub(crate) fn thief_view(&self) -> View<T> {
        // Acquire: pairs with the release in `publish`; without it the thief would read the buffer before it is filled
        // (D8).
        let current = self.current.load(Ordering::Acquire);
        // SAFETY: buffers are kept while thieves may read them.
        unsafe { View::of(current) }
    }

    /// Owner: copies the items `[top, bottom)` to a larger buffer and makes it the current one.
    ///
    /// # Safety
    ///
    /// The caller is the owner. `larger` is a live buffer with room for the items and `view` the current one; no thief
    /// has seen `larger`, and it lives until it is removed from the chain.
    pub(crate) unsafe fn publish(&self, larger: *mut Header<T>, view: View<T>, top: Index, bottom: Index) -> View<T> {
        // SAFETY: the caller's promise.
        let wider = unsafe { View::of(larger) };
        let mut index = top;
        while index != bottom {
            // SAFETY: there is an item, so the current buffer has slots.
            let from = unsafe { view.slot(index) };
            // SAFETY: there is room for the items.
            let to = unsafe { wider.slot(index) };
            to.store(from.load());
            index = index.wrapping_add(1);
        }
        // SAFETY: the caller's promise.
        let header = unsafe { &*larger };
        // SAFETY: the cell is the owner's.
        header.previous.with_mut(|previous| unsafe { *previous = self.current.load(Ordering::Relaxed) });
        // Release: pairs with the acquire in `thief_view`; without it a thief would read the new buffer before the items
        // were copied to it (D9).
        self.current.store(larger, Ordering::Release);
        wider
    }
}

#[cfg(feature = "alloc")]
impl<T: Token> Chain<T> {
    /// Hands every buffer but the current one to `free`, with its capacity.
    pub(crate) fn retire(&mut self, mut free: impl FnMut(*mut Header<T>, usize)) {
        let current = self.current.load(Ordering::Relaxed);
        if current.is_null() {
            return;
        }
        // SAFETY: the current buffer is live.
        let header = unsafe { &*current };
        // SAFETY: `&mut self`: nobody else looks.
        let mut old = header.previous.with_mut(|previous| unsafe { previous.replace(ptr::null_mut()) });
        while !old.is_null() {
            // SAFETY: buffers of the chain are live until they are handed to `free`.
            let (capacity, previous) = unsafe { take_apart(old) };
            free(old, capacity);
            old = previous;
        }
    }

    /// Hands the current buffer to `free`, with its capacity; the chain is empty then.
    pub(crate) fn retire_current(&mut self, free: impl FnOnce(*mut Header<T>, usize)) {
        let current = self.current.swap(ptr::null_mut(), Ordering::Relaxed);
        if !current.is_null() {
            // SAFETY: the current buffer is live.
            let (capacity, _) = unsafe { take_apart(current) };
            free(current, capacity);
        }
    }
}

/// The capacity of a buffer that nobody else looks at any more, and the buffer before it.
///
/// # Safety
///
/// `buffer` points to a live header.
#[cfg(feature = "alloc")]
unsafe fn take_apart<T: Token>(buffer: *mut Header<T>) -> (usize, *mut Header<T>) {
    // SAFETY: the caller's promise.
    let header = unsafe { &*buffer };
    // SAFETY: as above. For loom this is a write: it conflicts with a thief that may still read the buffer.
    let capacity = header.capacity.with_mut(|capacity| unsafe { *capacity });
    // SAFETY: nobody else looks.
    let previous = header.previous.with(|previous| unsafe { *previous });
    (capacity, previous)
}
