//! Items that a worker has put in order, published by one exchange.

use core::fmt;
use core::marker::PhantomData;
use core::mem;
use core::ptr::{self, NonNull};

use crate::parcel::{Link, Parcel};

/// A sequence of items to be published at once: see [`Bridge::publish_chain`](crate::Bridge::publish_chain).
///
/// The worker sorts, the loop only walks. Linked newest first, as a lane is, so that publishing it is one exchange
/// whatever its length. Never allocates.
///
/// ```
/// use reveille_bridge::{Boxed, Chain};
///
/// let chain: Chain<Boxed<u32>> = (0..3).map(Boxed::new).collect();
/// assert_eq!(chain.len(), 3);
/// ```
pub struct Chain<H: Parcel> {
    newest: *mut Link,
    oldest: *mut Link,
    len: u32,
    owns: PhantomData<H>,
}

// SAFETY: it owns parcels.
unsafe impl<H: Parcel + Send> Send for Chain<H> {}

impl<H: Parcel> Chain<H> {
    /// An empty chain.
    pub const fn new() -> Self {
        Chain { newest: ptr::null_mut(), oldest: ptr::null_mut(), len: 0, owns: PhantomData }
    }

    /// Appends an item: the loop will get it after those before it.
    pub fn push(&mut self, item: H) {
        let link = item.into_raw();
        // SAFETY: given away by `into_raw`, so ours.
        let next = unsafe { &link.as_ref().next };
        // SAFETY: as above.
        next.with_mut(|next| unsafe { *next = self.newest });
        self.newest = link.as_ptr();
        if self.oldest.is_null() {
            self.oldest = self.newest;
        }
        self.len += 1;
    }

    /// Takes the item back that was appended last.
    pub fn pop(&mut self) -> Option<H> {
        let link = NonNull::new(self.newest)?;
        // SAFETY: an item of this chain.
        let next = unsafe { &link.as_ref().next };
        // A refused publication has left the lane's head in the oldest link.
        self.newest = if self.newest == self.oldest {
            self.oldest = ptr::null_mut();
            ptr::null_mut()
        } else {
            // SAFETY: as above.
            next.with(|next| unsafe { *next })
        };
        self.len -= 1;
        // SAFETY: it came from `into_raw` and leaves the chain here.
        Some(unsafe { H::from_raw(link) })
    }

    /// How many items it has.
    pub fn len(&self) -> u32 {
        self.len
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Its two ends, newest first.
    pub(crate) fn ends(&self) -> Option<(NonNull<Link>, NonNull<Link>)> {
        Some((NonNull::new(self.newest)?, NonNull::new(self.oldest)?))
    }

    /// Forgets the items, which a lane has now.
    pub(crate) fn given_away(self) {
        mem::forget(self);
    }
}

impl<H: Parcel> Default for Chain<H> {
    fn default() -> Self {
        Self::new()
    }
}

impl<H: Parcel> Extend<H> for Chain<H> {
    fn extend<I: IntoIterator<Item = H>>(&mut self, items: I) {
        items.into_iter().for_each(|item| self.push(item));
    }
}

impl<H: Parcel> FromIterator<H> for Chain<H> {
    fn from_iter<I: IntoIterator<Item = H>>(items: I) -> Self {
        let mut chain = Chain::new();
        chain.extend(items);
        chain
    }
}

impl<H: Parcel> Drop for Chain<H> {
    fn drop(&mut self) {
        while self.pop().is_some() {}
    }
}

impl<H: Parcel> fmt::Debug for Chain<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chain").field("len", &self.len).finish_non_exhaustive()
    }
}
