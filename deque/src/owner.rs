//! What the owner does: push and pop, on a deque and the little that an owner remembers of it.
//!
//! The functions here are shared by [`Worker`](crate::Worker) and the injector. They are unsafe where they rely on there
//! being one owner.

use core::cell::Cell;

use crate::deque::{Deque, Flavor};
use crate::index::{Index, items};
use crate::storage::{Slots, Storage};
use crate::token::Token;

type View<T, S> = <<S as Storage>::Slots<T> as Slots<T>>::View;

/// The owner's memory. Stale is never wrong: `top` is a lower bound, and only the owner changes the view.
pub(crate) struct Owner<T: Token, S: Storage> {
    /// A value that `top` had, acquired.
    top: Cell<Index>,
    view: Cell<View<T, S>>,
}

impl<T: Token, S: Storage> Owner<T, S> {
    #[inline]
    pub(crate) fn of(deque: &Deque<T, S>) -> Self {
        Owner { top: Cell::new(deque.ends.top()), view: Cell::new(deque.slots.owner_view()) }
    }

    /// The owner as it was when a push last found the deque full: no look at what the thieves write.
    #[inline]
    pub(crate) fn recalled(deque: &Deque<T, S>) -> Self {
        let top = deque.slots.known_top().unwrap_or_else(|| deque.ends.top());
        Owner { top: Cell::new(top), view: Cell::new(deque.slots.owner_view()) }
    }

    /// The owner of a deque that is being made; `view` is that of its slots.
    #[cfg(feature = "alloc")]
    pub(crate) const fn of_new(view: View<T, S>) -> Self {
        Owner { top: Cell::new(0), view: Cell::new(view) }
    }

    #[inline(always)]
    pub(crate) fn capacity(&self, deque: &Deque<T, S>) -> usize {
        deque.slots.capacity(self.view.get())
    }

    #[inline(always)]
    pub(crate) fn view(&self) -> View<T, S> {
        self.view.get()
    }

    /// Another buffer is the current one now.
    #[inline(always)]
    pub(crate) fn renew(&self, view: View<T, S>) {
        self.view.set(view);
    }

    /// Whether the place of `bottom` is that of an item which, for all the owner knows, no thief has taken yet.
    #[inline(always)]
    fn is_full(&self, deque: &Deque<T, S>, bottom: Index) -> bool {
        items(self.top.get(), bottom) as usize >= self.capacity(deque)
    }

    /// How many items fit, for all the owner knows.
    #[inline]
    pub(crate) fn room(&self, deque: &Deque<T, S>, bottom: Index) -> usize {
        self.capacity(deque) - items(self.top.get(), bottom) as usize
    }
}

impl<T: Token, S: Storage> Deque<T, S> {
    /// Puts words at the bottom; gives them back if there is no room.
    ///
    /// # Safety
    ///
    /// The caller is the owner, and `owner` is its memory of this deque. The words are an item's, whose ownership passes
    /// to the deque.
    #[inline(always)]
    pub(crate) unsafe fn push(&self, owner: &Owner<T, S>, words: T::Words) -> Result<(), T::Words> {
        let bottom = self.ends.bottom();
        // SAFETY: the caller is the owner.
        if owner.is_full(self, bottom) && !unsafe { self.make_room_for_one(owner, bottom) } {
            return Err(words);
        }
        // SAFETY: the view is the current one, and has room, so its capacity is not zero.
        let slot = unsafe { self.slots.slot(owner.view(), bottom) };
        slot.store(words);
        self.ends.publish(bottom.wrapping_add(1)); // after the slot is written (D18)
        Ok(())
    }

    /// For a push to a deque that is full for all the owner knows.
    ///
    /// # Safety
    ///
    /// As for `push`.
    #[cold]
    // A call of it is more than its body where size counts.
    #[cfg_attr(not(all(target_os = "none", target_pointer_width = "32")), inline(never))]
    unsafe fn make_room_for_one(&self, owner: &Owner<T, S>, bottom: Index) -> bool {
        // SAFETY: the caller is the owner.
        unsafe { self.make_room(owner, bottom, 1) }
    }

    /// Looks again at what the thieves have taken; if that does not make room for `wanted` items, grows once. `false` if
    /// it cannot grow.
    ///
    /// # Safety
    ///
    /// As for `push`.
    pub(crate) unsafe fn make_room(&self, owner: &Owner<T, S>, bottom: Index, wanted: usize) -> bool {
        owner.top.set(self.ends.top());
        self.slots.remember_top(owner.top.get());
        if owner.room(self, bottom) >= wanted {
            return true;
        }
        // SAFETY: the caller is the owner.
        match unsafe { self.slots.grow(owner.view(), owner.top.get(), bottom) } {
            Some(wider) => {
                owner.renew(wider); // the view of before is the old buffer (D10)
                true
            }
            None => false,
        }
    }

    /// Takes the newest item of a LIFO deque, or the oldest of a FIFO deque.
    ///
    /// # Safety
    ///
    /// The caller is the owner, and `owner` is its memory of this deque.
    #[inline(always)]
    pub(crate) unsafe fn pop(&self, owner: &Owner<T, S>) -> Option<T::Words> {
        let bottom = self.ends.bottom();
        let known = items(owner.top.get(), bottom);
        if known <= 0 {
            return None; // `top` is not below what the owner remembers
        }
        let lowers = known > 1 && self.flavor == Flavor::Lifo;
        if lowers {
            let last = bottom.wrapping_sub(1);
            let top = self.ends.lower(last);
            owner.top.set(top);
            if items(top, last) > 0 {
                // SAFETY: there is an item, so the capacity is not zero.
                let slot = unsafe { self.slots.slot(owner.view(), last) };
                return Some(slot.load()); // no thief goes past `last`
            }
            // The thieves have taken all the others, and perhaps this one.
        }
        // It is the oldest that is wanted, or at most one is left: the thieves' word alone decides. If this is the first step,
        // there is no place to take back, and no fence.
        // SAFETY: the caller is the owner.
        let taken = unsafe { self.pop_oldest(owner, bottom) };
        if lowers {
            self.ends.publish(bottom);
        }
        taken
    }

    #[inline(always)]
    unsafe fn pop_oldest(&self, owner: &Owner<T, S>, bottom: Index) -> Option<T::Words> {
        loop {
            let top = owner.top.get();
            if items(top, bottom) <= 0 {
                return None;
            }
            // SAFETY: there is an item, so the capacity is not zero.
            let slot = unsafe { self.slots.slot(owner.view(), top) };
            let taken = self.ends.take(top, top.wrapping_add(1)); // (D16)
            match taken {
                Ok(()) => {
                    owner.top.set(top.wrapping_add(1));
                    return Some(slot.load()); // only the owner overwrites it
                }
                Err(found) => owner.top.set(found),
            }
        }
    }
}
