//! Stealing several items at once.
//!
//! From a FIFO deque all of them with one compare-and-swap: there, whoever takes an item moves `top`, the owner too. From
//! a LIFO deque one after the other: its owner takes the last but one without asking, so a step of `top` over more than
//! one item could run over an item that the owner has taken meanwhile (D20).
//!
//! The items go to the caller's own deque, and come out of it in the order in which the owner they were stolen from would
//! have popped them: between deques of different flavours they are turned round.

use core::ptr;

use crate::deque::{Deque, Flavor};
use crate::handle::Handle;
use crate::index::{Index, items};
use crate::owner::Owner;
use crate::steal::Steal;
use crate::stealer::Stealer;
use crate::storage::{Slot, Slots, Storage};
use crate::token::Token;
use crate::worker::Worker;

/// Items that one batch takes unless the caller sets a limit.
pub(crate) const BATCH: usize = 32;

/// About half the items of a deque, or the limit.
const fn share(items: usize, limit: usize) -> usize {
    let half = items.div_ceil(2);
    if half < limit { half } else { limit }
}

impl<T: Token, H: Handle<T>> Stealer<T, H> {
    /// Steals about half the items, at most 32, and puts them into `dest`.
    ///
    /// `Success` says that `dest` has items to pop: stolen ones, or, if it had no room or is the same deque, its own.
    /// Never blocks; allocates if `dest` is growable and full.
    ///
    /// *Memory ordering.* What happened before the pushes happens before this returns `Success`.
    ///
    /// ```
    /// use reveille_deque::{Deque, Inline, Steal};
    ///
    /// let (from, to): (Deque<u32, Inline<8>>, Deque<u32, Inline<8>>) = Default::default();
    /// let (owner, thief) = (from.claim().unwrap(), to.claim().unwrap());
    /// (1..=4).for_each(|item| owner.try_push(item).unwrap());
    /// assert_eq!(owner.stealer().steal_batch(&thief), Steal::Success(()));
    /// assert_eq!([thief.pop(), thief.pop(), thief.pop()], [Some(2), Some(1), None]);
    /// ```
    pub fn steal_batch<D: Handle<T>>(&self, dest: &Worker<T, D>) -> Steal<()> {
        self.steal_batch_with_limit(dest, BATCH)
    }

    /// [`steal_batch`](Self::steal_batch) of at most `limit` items.
    ///
    /// # Panics
    ///
    /// If `limit` is zero.
    pub fn steal_batch_with_limit<D: Handle<T>>(&self, dest: &Worker<T, D>, limit: usize) -> Steal<()> {
        self.handle.deque().steal_into(dest, limit)
    }

    /// [`steal_batch`](Self::steal_batch) that returns one of the stolen items: the one that `dest` would have popped
    /// first.
    ///
    /// ```
    /// use reveille_deque::{Deque, Inline, Steal};
    ///
    /// let (from, to): (Deque<u32, Inline<8>>, Deque<u32, Inline<8>>) = Default::default();
    /// let (owner, thief) = (from.claim().unwrap(), to.claim().unwrap());
    /// (1..=4).for_each(|item| owner.try_push(item).unwrap());
    /// assert_eq!(owner.stealer().steal_batch_and_pop(&thief), Steal::Success(2));
    /// assert_eq!([thief.pop(), thief.pop()], [Some(1), None]);
    /// ```
    pub fn steal_batch_and_pop<D: Handle<T>>(&self, dest: &Worker<T, D>) -> Steal<T> {
        self.steal_batch_with_limit_and_pop(dest, BATCH)
    }

    /// [`steal_batch_and_pop`](Self::steal_batch_and_pop) of at most `limit` items, the returned one included.
    ///
    /// # Panics
    ///
    /// If `limit` is zero.
    pub fn steal_batch_with_limit_and_pop<D: Handle<T>>(&self, dest: &Worker<T, D>, limit: usize) -> Steal<T> {
        self.handle.deque().steal_into_and_pop(dest, limit)
    }
}

impl<T: Token, S: Storage> Deque<T, S> {
    pub(crate) fn steal_into<D: Handle<T>>(&self, dest: &Worker<T, D>, limit: usize) -> Steal<()> {
        assert!(limit > 0, "a batch of no items");
        let dest = Dest::of(dest);
        if dest.is(self) {
            return if self.is_empty() { Steal::Empty } else { Steal::Success(()) };
        }
        self.steal_many(&dest, limit, false).map(drop)
    }

    pub(crate) fn steal_into_and_pop<D: Handle<T>>(&self, dest: &Worker<T, D>, limit: usize) -> Steal<T> {
        assert!(limit > 0, "a batch of no items");
        let popped = || dest.pop().map_or(Steal::Empty, Steal::Success);
        let dest = Dest::of(dest);
        if dest.is(self) {
            return popped();
        }
        match self.steal_many(&dest, limit, true) {
            // SAFETY: the words were pushed, and nobody else has won them.
            Steal::Success(Some(words)) => Steal::Success(unsafe { T::from_words(words) }),
            Steal::Success(None) => popped(),
            Steal::Empty => Steal::Empty,
            Steal::Retry => Steal::Retry,
        }
    }

    /// Steals up to `limit` items; returns one of them if `pop`, and puts the others into `dest`.
    #[inline(always)]
    fn steal_many<D: Storage>(&self, dest: &Dest<'_, T, D>, limit: usize, pop: bool) -> Steal<Option<T::Words>> {
        match self.flavor {
            Flavor::Lifo => self.steal_one_by_one(dest, limit, pop),
            Flavor::Fifo => self.steal_at_once(dest, limit, pop),
        }
    }

    fn steal_at_once<D: Storage>(&self, dest: &Dest<'_, T, D>, limit: usize, pop: bool) -> Steal<Option<T::Words>> {
        let (top, bottom) = self.ends.look();
        let found = items(top, bottom);
        if found <= 0 {
            return Steal::Empty;
        }
        let popped = usize::from(pop);
        let kept = dest.room(share(found as usize, limit) - popped);
        if kept + popped == 0 {
            return dest.without_room();
        }
        let view = self.slots.thief_view();
        let word = |i: usize| {
            // SAFETY: there are items, so the capacity is not zero.
            unsafe { self.slots.slot(view, top.wrapping_add(i as Index)) }.load()
        };
        let first = pop.then(|| word(0));
        for i in 0..kept {
            // What is not published nobody pops, so it does no harm if the items are lost to another thief.
            let place = if dest.deque.flavor == Flavor::Fifo { i } else { kept - 1 - i };
            dest.write(place, word(popped + i));
        }
        let taken = self.ends.take(top, top.wrapping_add((popped + kept) as Index));
        if taken.is_err() {
            return Steal::Retry;
        }
        dest.publish(kept);
        Steal::Success(first)
    }

    fn steal_one_by_one<D: Storage>(&self, dest: &Dest<'_, T, D>, limit: usize, pop: bool) -> Steal<Option<T::Words>> {
        let (mut top, bottom) = self.ends.look();
        let found = items(top, bottom);
        if found <= 0 {
            return Steal::Empty;
        }
        let popped = usize::from(pop);
        let wanted = dest.room(share(found as usize, limit) - popped) + popped;
        if wanted == 0 {
            return dest.without_room();
        }
        let mut newest = None;
        let mut kept = 0;
        for i in 0..wanted {
            if i > 0 {
                // The owner may have taken what was there before.
                let (now, bottom) = self.ends.look();
                if items(now, bottom) <= 0 {
                    break;
                }
                top = now;
            }
            let view = self.slots.thief_view();
            // SAFETY: there is an item, so the capacity is not zero.
            let words = unsafe { self.slots.slot(view, top) }.load();
            if self.ends.take(top, top.wrapping_add(1)).is_err() {
                if i == 0 {
                    return Steal::Retry;
                }
                break;
            }
            // The newest of them is popped, the others are kept.
            let keep = if pop { newest.replace(words) } else { Some(words) };
            if let Some(words) = keep {
                dest.write(kept, words);
                kept += 1;
            }
        }
        if dest.deque.flavor == Flavor::Fifo {
            dest.turn_round(kept);
        }
        dest.publish(kept);
        Steal::Success(newest)
    }
}

/// The deque that a batch goes to, and its owner's memory.
struct Dest<'a, T: Token, S: Storage> {
    deque: &'a Deque<T, S>,
    owner: &'a Owner<T, S>,
}

impl<'a, T: Token, S: Storage> Dest<'a, T, S> {
    fn of<H: Handle<T, Storage = S>>(worker: &'a Worker<T, H>) -> Self {
        Dest { deque: worker.handle.deque(), owner: &worker.owner }
    }

    fn is<D: Storage>(&self, other: &Deque<T, D>) -> bool {
        ptr::addr_eq(self.deque, other)
    }

    /// Makes room for `wanted` items, or as many as there can be.
    fn room(&self, wanted: usize) -> usize {
        let bottom = self.deque.ends.bottom();
        while self.owner.room(self.deque, bottom) < wanted {
            // SAFETY: a worker, which this was made of, is the owner.
            if !unsafe { self.deque.make_room(self.owner, bottom, wanted) } {
                return self.owner.room(self.deque, bottom);
            }
        }
        wanted
    }

    fn without_room(&self) -> Steal<Option<T::Words>> {
        // Either it is full of items, or the allocator refused its first buffer.
        if self.deque.is_empty() { Steal::Retry } else { Steal::Success(None) }
    }

    #[inline(always)]
    fn slot(&self, place: usize) -> &Slot<T> {
        let index = self.deque.ends.bottom().wrapping_add(place as Index);
        // SAFETY: the view is the current one; there is room for the place, so the capacity is not zero.
        unsafe { self.deque.slots.slot(self.owner.view(), index) }
    }

    /// Writes an item that is not published yet. There is room for it.
    #[inline(always)]
    fn write(&self, place: usize, words: T::Words) {
        self.slot(place).store(words);
    }

    fn turn_round(&self, count: usize) {
        for i in 0..count / 2 {
            let (one, other) = (self.slot(i), self.slot(count - 1 - i));
            let words = one.load();
            one.store(other.load());
            other.store(words);
        }
    }

    /// The first `count` items that were written belong to the deque.
    #[inline(always)]
    fn publish(&self, count: usize) {
        if count > 0 {
            self.deque.ends.publish(self.deque.ends.bottom().wrapping_add(count as Index));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::share;

    #[test]
    fn a_share_is_half_rounded_up_and_at_most_the_limit() {
        assert_eq!([1, 2, 3, 4, 100].map(|items| share(items, 32)), [1, 1, 2, 2, 32]);
        assert_eq!(share(9, 1), 1);
    }
}
