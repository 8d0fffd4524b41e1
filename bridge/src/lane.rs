//! A lane: a stack that anyone pushes to and that the loop takes whole.
//!
//! ```text
//!   head: null | newest -> ... -> oldest -> null | SEALED
//!   push:  CAS head (one item, or a chain)         refused by SEALED: the publisher keeps its item
//!   take:  swap null                               seal: swap SEALED, for good
//! ```
//!
//! *Invariant.* A push either precedes the seal, and then the sealer gets the item, or it fails, and then the publisher
//! still has it. There is no third way and nobody waits for anybody (REGRESSIONS B1).
//!
//! Nothing is popped one by one, so there is neither ABA nor a read of a freed node (M16).
//!
//! Checked by `close_loses_no_item`, `close_now_hands_items_back` and `publish_is_never_lost`.

use core::marker::PhantomData;
use core::ptr::{self, NonNull};

use reveille_futex::const_unless_loom;
use reveille_futex::sync::atomic::{AtomicPtr, Ordering};

use crate::parcel::{Link, Parcel};

/// No link has this address: links are aligned.
const SEALED: *mut Link = ptr::without_provenance_mut(1);

/// The shared end of one priority.
#[derive(Debug)]
pub struct Lane {
    /// Pushed by compare-and-swap; taken and sealed by the loop's swap.
    head: AtomicPtr<Link>,
}

impl Lane {
    const_unless_loom! {
        pub(crate) const fn new() -> Self {
            Lane { head: AtomicPtr::new(ptr::null_mut()) }
        }
    }

    /// Pushes what is linked from `newest` to `oldest`; `false` if the lane is sealed.
    ///
    /// # Safety
    ///
    /// The links are the caller's, and the lane's on success.
    #[inline]
    pub(crate) unsafe fn push(&self, newest: NonNull<Link>, oldest: NonNull<Link>) -> bool {
        // Relaxed: the exchange confirms it; a sealed lane stays sealed, and publishes nothing to publishers.
        let mut head = self.head.load(Ordering::Relaxed);
        loop {
            if head == SEALED {
                return false;
            }
            // SAFETY: the caller's link.
            let next = unsafe { &oldest.as_ref().next };
            // SAFETY: nobody else uses it before the push.
            next.with_mut(|next| unsafe { *next = head });
            // Release: pairs with `take`; without it the loop would read a link or an item before it is written.
            match self.head.compare_exchange_weak(head, newest.as_ptr(), Ordering::Release, Ordering::Relaxed) {
                Ok(_) => return true,
                Err(now) => head = now,
            }
        }
    }

    /// The loop: moves everything to the end of `ready`, in the order of publication.
    #[inline]
    pub(crate) fn take<H: Parcel>(&self, ready: &mut Ready<H>) {
        // Relaxed: the loop has acquired the word after every push that it answers for, so this sees them.
        let head = self.head.load(Ordering::Relaxed);
        if !head.is_null() && head != SEALED {
            // Acquire: pairs with the pushes, all of which stand in one chain of exchanges.
            ready.append(self.head.swap(ptr::null_mut(), Ordering::Acquire));
        }
    }

    /// The loop: takes everything, for the last time.
    pub(crate) fn seal<H: Parcel>(&self, ready: &mut Ready<H>) {
        // Acquire: as in `take`.
        let head = self.head.swap(SEALED, Ordering::Acquire);
        if head != SEALED {
            ready.append(head);
        }
    }
}

/// What the loop has taken from one lane, oldest first. Nobody else sees it.
#[derive(Debug)]
pub(crate) struct Ready<H: Parcel> {
    first: *mut Link,
    last: *mut Link,
    owns: PhantomData<H>,
}

// SAFETY: it owns parcels.
unsafe impl<H: Parcel + Send> Send for Ready<H> {}

// It holds pointers, not items.
impl<H: Parcel> Unpin for Ready<H> {}

impl<H: Parcel> Ready<H> {
    pub(crate) const fn new() -> Self {
        Ready { first: ptr::null_mut(), last: ptr::null_mut(), owns: PhantomData }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.first.is_null()
    }

    /// Appends a stack that was taken whole, in reverse.
    fn append(&mut self, newest: *mut Link) {
        let mut reversed = ptr::null_mut();
        let mut at = newest;
        while !at.is_null() {
            // SAFETY: taken from a lane, so it is live and ours.
            let next = unsafe { &(*at).next };
            // SAFETY: as above.
            let following = next.with_mut(|next| unsafe { ptr::replace(next, reversed) });
            reversed = at;
            at = following;
        }
        if reversed.is_null() {
            return;
        }
        if self.last.is_null() {
            self.first = reversed;
        } else {
            // SAFETY: an item of this list, which is ours.
            let next = unsafe { &(*self.last).next };
            // SAFETY: as above.
            next.with_mut(|next| unsafe { *next = reversed });
        }
        self.last = newest;
    }

    /// The oldest item.
    #[inline]
    pub(crate) fn pop(&mut self) -> Option<H> {
        let first = NonNull::new(self.first)?;
        // SAFETY: an item of this list, which is ours.
        let next = unsafe { &first.as_ref().next };
        // SAFETY: as above.
        self.first = next.with(|next| unsafe { *next });
        if self.first.is_null() {
            self.last = ptr::null_mut();
        }
        // SAFETY: it came from `into_raw` of a publisher and leaves the list here.
        Some(unsafe { H::from_raw(first) })
    }
}

impl<H: Parcel> Drop for Ready<H> {
    fn drop(&mut self) {
        while self.pop().is_some() {}
    }
}
