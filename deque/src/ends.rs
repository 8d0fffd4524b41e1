//! The two words that owner and thieves contend for.
//!
//! | word | written by |
//! |---|---|
//! | `top` | anyone, by compare-and-swap only; it never goes back |
//! | `bottom` | the owner only, by stores |
//!
//! # Why an item is not taken twice
//!
//! The owner takes index `b - 1` without asking if, after it published `bottom = b - 1`, it still sees a `top` below. A
//! thief takes index `t` if it saw `top = t` and then `bottom > t`, and its compare-and-swap moves `top` to `t + 1`.
//! Both would take the same `t = b - 1` only if the owner's look at `top` missed the step to `t`, and the thief that saw
//! this step missed the owner's `bottom = b - 1`: each read before the other's write. Two rules together exclude that,
//! see [`Ends::lower`] and [`Ends::look`].

use reveille_futex::sync::atomic::{Ordering, fence};

use crate::index::{AtomicIndex, Index, Padded};

pub(crate) struct Ends {
    top: Padded<AtomicIndex>,
    bottom: Padded<AtomicIndex>,
}

impl Ends {
    reveille_futex::const_unless_loom! {
        pub(crate) const fn new(start: Index) -> Self {
            Ends { top: Padded::new(AtomicIndex::new(start)), bottom: Padded::new(AtomicIndex::new(start)) }
        }
    }

    /// Owner: where the next item goes.
    #[inline(always)]
    pub(crate) fn bottom(&self) -> Index {
        // Relaxed: the owner reads its own word.
        self.bottom.load(Ordering::Relaxed)
    }

    /// Owner: everything below `bottom` may be stolen; or gives back the place that [`lower`](Self::lower) took.
    #[inline(always)]
    pub(crate) fn publish(&self, bottom: Index) {
        // Release: pairs with the thief's load of `bottom` in `look`; without it a thief would take a slot, or follow a
        // buffer pointer, that is not written yet (D1).
        self.bottom.store(bottom, Ordering::Release);
    }

    /// Owner: takes back the last place, then looks at what the thieves have taken.
    #[inline(always)]
    pub(crate) fn lower(&self, bottom: Index) -> Index {
        // Release: a thief that reads this value takes items below it, published by earlier stores; a relaxed store
        // would not continue their release sequence (D2).
        self.bottom.store(bottom, Ordering::Release);
        // The owner's half of the argument above; pairs with the thief's half in `look`. Without it both could take the
        // last item but one (D4).
        fence(Ordering::SeqCst);
        self.top()
    }

    /// Owner: what the thieves have taken.
    #[inline(always)]
    pub(crate) fn top(&self) -> Index {
        // Acquire: pairs with the release of a thief's `take`. The slots below `top` may be overwritten next, and the
        // thief's reads of them must come first.
        // HW: without it, the thief's read would have to see a write that depends on what the thief does later.
        self.top.load(Ordering::Acquire)
    }

    /// Thief, who knows that there is an item without asking the owner: `top`.
    #[inline(always)]
    pub(crate) fn certain(&self) -> Index {
        // Acquire: pairs with the release of the `take`s before, each of which passes on what the ones before it passed on: the
        // pushes of which their callers knew.
        self.top.load(Ordering::Acquire)
    }

    /// Moves `top` over `[from, to)`; on success the items there are the caller's. Otherwise the `top` that was found.
    #[inline] // not always: it is most of the code, and a build for size wants one copy
    pub(crate) fn take(&self, from: Index, to: Index) -> Result<(), Index> {
        // Release on success: the caller's reads of the slots come before their next overwrite, which the owner makes
        // after it acquired this `top` (D12); and what the caller knows of pushes goes on to `certain`.
        // HW: as for `top`. Acquire on failure: the owner goes on to overwrite what the others have taken.
        // SeqCst on success: the form of `look` without a fence needs this step in the total order.
        self.top.compare_exchange(from, to, Ordering::SeqCst, Ordering::Acquire).map(drop)
    }

    /// Anyone: `(top, bottom)` at about the same time, a hint.
    #[inline]
    pub(crate) fn glance(&self) -> (Index, Index) {
        // Relaxed: the answer may be out of date when it arrives. A caller who must not overlook a push has a fence, or an
        // acquire, before this.
        let top = self.top.load(Ordering::Relaxed);
        (top, self.bottom.load(Ordering::Relaxed))
    }
}

/// The thief's half of the argument, as a fence: what loom can check, and ThreadSanitizer can see.
#[cfg(any(loom, tsan))]
impl Ends {
    /// Thief: `top`, then `bottom`.
    #[inline(always)]
    pub(crate) fn look(&self) -> (Index, Index) {
        // Relaxed: the fence makes it an acquire. `top` before `bottom` (D15).
        let top = self.top.load(Ordering::Relaxed);
        // Pairs with the fence in `lower` (D6).
        fence(Ordering::SeqCst);
        // Acquire: pairs with `publish` and `lower`; the slot, and the buffer that it is in, are written (D7).
        (top, self.bottom.load(Ordering::Acquire))
    }
}

/// The thief's half of the argument, as loads in the total order of sequentially consistent operations.
///
/// A fence costs as much as the compare-and-swap; these loads cost nothing on x86 and little elsewhere. The argument, in
/// the words of the C++20 memory model: let `F` be the fence in [`lower`](Ends::lower), `W` the store before it, `M` the
/// compare-and-swap that moved `top` to the value that the thief read.
///
/// 1. The owner's load of `top` after `F` missed `M`, so it is coherence-ordered before `M`, which is SeqCst: `F` is
///    before `M` in the total order.
/// 2. The thief's load of `top` is SeqCst and reads from `M`: `M` strongly happens before the thief's load `R` of
///    `bottom`, so `M` is before `R` in the total order.
/// 3. If `R` missed `W`, it is coherence-ordered before `W`, which happens before `F`: `R`, being SeqCst, is before `F`.
///
/// `F`, `M`, `R`, `F` is a circle, so `R` does not miss `W`. If `M` is the owner's own step, `W` happens before it or
/// comes after it and the owner does not miss it; if there is no `M`, `top` still has its first value, and the owner
/// cannot have seen an older one.
///
/// loom treats SeqCst accesses as acquire and release, and would report the failure that this excludes; it checks the
/// form with the fence.
#[cfg(not(any(loom, tsan)))]
impl Ends {
    /// Thief: `top`, then `bottom`.
    #[inline(always)]
    pub(crate) fn look(&self) -> (Index, Index) {
        // SeqCst, both: the argument above. They also acquire, as the loads of the other form do.
        let top = self.top.load(Ordering::SeqCst);
        (top, self.bottom.load(Ordering::SeqCst))
    }
}
