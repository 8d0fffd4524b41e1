//! The split join stack: where the tasks of nested joins wait to be stolen.
//!
//! ```text
//!          stolen          public             private
//!   base ----------- top ----------- split ------------- depth        limit / pop_limit
//!                     ^ thieves claim    ^ owner publishes   ^ owner forks and joins
//! ```
//!
//! `join` is strictly nested, so its tasks live in fixed slots indexed by nesting depth. A fork stores into a slot and
//! raises `depth`; a join lowers `depth` and calls the task. Neither has a fence, a read-modify-write or a lock: each
//! makes one comparison that sends it to a slow path.
//!
//! * A fork goes slow at or above `limit`: the stack is full, or `limit` is null because somebody wants work.
//! * A join goes slow below `pop_limit`: the slot may be public.
//!
//! Owner and thieves contend for one word, [`Span`]. Whoever takes a slot out of the public part does so by a
//! compare-exchange on that word, so no two can have the same slot (S1). Slots are reused only after the frame that
//! forked into them has joined, so nothing is reclaimed (S2).
//!
//! *Forced exposure.* A searcher may publish an owner's private slots. It raises `pop_limit`, makes a heavy barrier, reads
//! `depth`, and moves `split` by a compare-exchange from the word it read at first. The owner's join stores `depth`, makes
//! a light barrier, and reads `pop_limit`. Either the owner sees the raised limit and takes the slow path, which changes the
//! tag so that the searcher's exchange fails; or the searcher sees the lowered depth (S3). Therefore:
//!
//! * The owner stores `pop_limit` only *before* an exchange of the word that succeeds (S4). A searcher that reads the word
//!   after that exchange orders its own raise after the owner's store; one that read it before fails.
//! * A searcher never publishes the spare slot, where a fork that finds the stack full stands until it is taken back.
//!
//! *No hidden task.* A worker that goes to sleep makes every `limit` null, makes a heavy barrier, and looks at every
//! `depth`. The owner's fork stores `depth`, makes a light barrier, and reads `limit`: either the owner goes slow and
//! publishes, or the sleeper sees the task (S5).
//!
//! *Eager.* A stack that publishes every fork at once has nothing to expose, so `split` is the owner's: it adds one for each
//! fork, and takes one off by an exchange that fails if a claim came first. Thieves claim as everywhere. A word that comes back
//! to what it was is no harm: whoever claims by it claims what the slot holds by then, and reads it after the claim.
//!
//! Checked by the models `join_stack_*`, in `loom-tests/models/pool`.

use core::fmt;
use core::ptr::{self, NonNull};

use reveille_deque::Padded;
use reveille_futex::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, Ordering, fence};
use reveille_futex::{Platform, asym, const_unless_loom};

use crate::linked::LEAPFROGS;
use crate::settled::Settled;
use crate::signal::Signal;
use crate::span::{AtomicSpan, Span};

/// Whether forks may stay private on this target: a searcher can force them out. Elsewhere every fork is published at
/// once. loom models both; shuttle has no weak memory, and runs the lazy one.
pub(crate) const CAN_BE_LAZY: bool = asym::LIGHT_IS_FREE || cfg!(any(loom, shuttle));

/// Slots that the owner keeps public when it is asked for work: enough that a thief finds the next one there.
const PUBLIC: usize = if cfg!(loom) { 1 } else { 4 };

/// One task of a join. `T` is what a task is to the caller.
pub struct Slot<T> {
    /// Stored by the owner while the slot is private, read by whoever claimed it.
    task: AtomicPtr<T>,
    /// Set by the thief when the task is done.
    /// See [`Signal`].
    pub done: Signal,
    /// Seat of the thief, for leapfrogging: a hint.
    thief: AtomicU32,
}

impl<T> Slot<T> {
    const_unless_loom! {
        /// An empty slot.
        pub const fn new() -> Self {
            Slot { task: AtomicPtr::new(ptr::null_mut()), done: Signal::new(), thief: AtomicU32::new(0) }
        }
    }
}

impl<T> Slot<T> {
    /// The task, for whoever has claimed the slot. Not before: the owner may be storing the next one here (J2).
    #[inline]
    pub fn task(&self) -> *mut T {
        self.task.load(Ordering::Relaxed) // acquired by the claim (J1)
    }

    /// Whether nobody waits for it. For whoever has all slots to itself.
    #[cfg(test)]
    pub fn is_free(&self) -> bool {
        self.done.is_reset() && self.thief().is_none()
    }

    /// The thief notes which seat it is, when it has claimed the slot.
    pub fn set_thief(&self, seat: usize) {
        self.thief.store(seat as u32 + 1, Ordering::Relaxed); // a hint
    }

    /// The seat of the thief, if it has said so yet.
    pub fn thief(&self) -> Option<usize> {
        (self.thief.load(Ordering::Relaxed) as usize).checked_sub(1) // a hint
    }
}

/// How a join found its task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Joined {
    /// The task is the owner's to run.
    Mine,
    /// A thief has it: wait for the slot, then [`JoinStack::retire`] it.
    Stolen,
}

/// The join stack of one worker. Methods marked *owner* are for one thread at a time.
pub struct JoinStack<T> {
    /// First free slot. The owner stores; sleepers and forcing searchers read.
    depth: AtomicPtr<Slot<T>>,
    /// A fork at or above it goes slow. Swaps only: the owner raises it, anyone makes it null.
    limit: AtomicPtr<Slot<T>>,
    /// A join below it goes slow. Stored by the owner (S4), raised by the searcher that holds `forcing`.
    pop_limit: AtomicPtr<Slot<T>>,
    /// First slot. Set once, before the stack is used.
    base: Settled<*mut Slot<T>>,
    /// One past the last slot that a fork may use; that one exists too and is only ever written.
    end: Settled<*mut Slot<T>>,
    /// Whether every fork is published at once. Set with `base`.
    eager: AtomicBool,
    /// The part that thieves write.
    shared: Padded<Shared>,
}

struct Shared {
    span: AtomicSpan,
    /// Held by the one searcher that forces exposure.
    forcing: AtomicBool,
}

impl<T> JoinStack<T> {
    const_unless_loom! {
        /// A stack without slots. [`attach`](Self::attach) gives it some.
        pub const fn new() -> Self {
            JoinStack {
                depth: AtomicPtr::new(ptr::null_mut()),
                limit: AtomicPtr::new(ptr::null_mut()),
                pop_limit: AtomicPtr::new(ptr::null_mut()),
                base: Settled::new(ptr::null_mut()),
                end: Settled::new(ptr::null_mut()),
                eager: AtomicBool::new(false),
                shared: Padded::new(Shared { span: AtomicSpan::new(), forcing: AtomicBool::new(false) }),
            }
        }
    }

    /// Gives the stack `capacity + 1` slots, of which the last takes the store of a fork that finds the stack full.
    ///
    /// `eager` publishes every fork at once.
    ///
    /// # Safety
    ///
    /// The slots outlive every use of the stack, nobody uses it yet, and what this stores happens before every use.
    pub unsafe fn attach(&self, slots: *const Slot<T>, capacity: usize, eager: bool) {
        debug_assert!(capacity <= crate::span::MAX_CAPACITY, "{capacity} slots");
        let base = slots.cast_mut();
        // SAFETY: there is one slot more than the capacity.
        let end = unsafe { base.add(capacity) };
        // SAFETY: one past the last slot is a valid address.
        let beyond = unsafe { end.add(1) };
        // SAFETY: what attaches happens before what uses, as the caller guarantees.
        unsafe { self.base.set(base) };
        // SAFETY: as above.
        unsafe { self.end.set(end) };
        // Relaxed, all of them: as above.
        self.depth.store(base, Ordering::Relaxed);
        if CAN_BE_LAZY {
            self.eager.store(eager, Ordering::Relaxed);
            self.pop_limit.store(if eager { beyond } else { base }, Ordering::Relaxed);
            self.limit.swap(ptr::null_mut(), Ordering::Relaxed);
        }
    }

    /// *Owner.* Puts a task into the next slot. Then [`is_wanted`](Self::is_wanted) decides whether
    /// [`publish`](Self::publish) must follow.
    ///
    /// # Safety
    ///
    /// The stack is attached. Exactly one [`pop`](Self::pop) of the returned slot follows, after those of all later forks.
    #[inline(always)]
    pub unsafe fn fork(&self, task: *mut T) -> *const Slot<T> {
        let slot = self.depth.load(Ordering::Relaxed); // owner only
        // Relaxed: published by the exchange that makes the slot public.
        // SAFETY: `depth` points to a slot: it is at most `end`, where the spare one is.
        unsafe { &*slot }.task.store(task, Ordering::Relaxed);
        // SAFETY: one past a slot.
        let depth = unsafe { slot.add(1) };
        // Release: a searcher that acquires this depth reads the task stored above (S3).
        self.depth.store(depth, Ordering::Release);
        self.light(); // depth before limit (S5)
        slot
    }

    /// *Owner.* Whether the fork into `slot` must go the slow way.
    #[inline(always)]
    pub fn is_wanted(&self, slot: *const Slot<T>) -> bool {
        // Relaxed: a hint but for S5, which the light barrier in `fork` orders.
        !CAN_BE_LAZY || slot >= self.limit.load(Ordering::Relaxed).cast_const()
    }

    /// *Owner.* After a fork, whether the stack was full: then the fork is taken back, and both sides run in sequence.
    pub fn take_back_if_full(&self, slot: *const Slot<T>) -> bool {
        let full = slot == self.end.get().cast_const();
        if full {
            self.depth.store(slot.cast_mut(), Ordering::Release); // as in `pop`
        }
        full
    }

    /// *Owner.* Makes the oldest private slots public, up to a few; returns whether there was anything to publish. The
    /// caller then tells the sleepers. An eager stack publishes each fork by a call of its own, if there was room for it.
    pub fn publish(&self) -> bool {
        if self.is_eager() {
            // The fork before this call is the one that is not public yet. Release: as below (J1).
            self.shared.span.publish_one(Ordering::Release);
            return true;
        }
        // A swap, and before the word is read: a request that comes later than this reading is kept (J3). Acquire: what
        // the requester saw before it asked is seen here; pairs with `ask`.
        self.limit.swap(self.end.get(), Ordering::Acquire);
        let depth = self.index(self.depth.load(Ordering::Relaxed)); // owner only
        let mut span = self.shared.span.load(Ordering::Relaxed); // checked by the exchange
        if span.split() >= depth || span.public() >= PUBLIC {
            return span.public() > 0;
        }
        loop {
            let split = span.split() + PUBLIC.saturating_sub(span.public()).min(depth - span.split());
            self.pop_limit.store(self.slot(split), Ordering::Relaxed); // S4
            // Release: the thief that claims a slot reads its task (J1). The claim is an exchange of the same word, so the
            // release sequence reaches it through other claims.
            match self.exchange(span, span.moved(span.top(), split), Ordering::Release) {
                Ok(()) => return true,
                Err(now) => span = now,
            }
        }
    }

    /// *Owner.* Takes back the newest slot; `true` if it is private, and so the owner's. Otherwise
    /// [`reclaim`](Self::reclaim) decides.
    #[inline(always)]
    pub fn pop(&self, slot: *const Slot<T>) -> bool {
        // Release: as in `fork`; a searcher that sees this depth sees what came before.
        self.depth.store(slot.cast_mut(), Ordering::Release);
        self.light(); // depth before pop_limit (S3)
        // Relaxed: only S3 needs an order, and the light barrier gives it.
        CAN_BE_LAZY && slot >= self.pop_limit.load(Ordering::Relaxed).cast_const()
    }

    /// *Owner, after `pop` said no.* Takes the slot back from the public part, and with it half of that part, so that a
    /// descent costs a logarithmic number of exchanges.
    pub fn reclaim(&self, slot: *const Slot<T>) -> Joined {
        let index = self.index(slot);
        let mut span = self.shared.span.load(Ordering::Relaxed); // checked by the exchange
        loop {
            let stolen = span.top() > index;
            if self.is_eager() {
                if stolen {
                    break; // a claim is never taken back
                }
                // Relaxed: nobody but the owner acts on it, and what it published before goes on in its release sequence.
                match self.exchange(span, span.without_newest(), Ordering::Relaxed) {
                    Ok(()) => return Joined::Mine,
                    Err(now) => span = now,
                }
                continue;
            }
            let split = match stolen {
                true => span.split(),
                false => span.split().min(span.top() + (index - span.top()) / 2),
            };
            self.pop_limit.store(self.slot(split), Ordering::Relaxed); // S4, also when the slot turns out to be stolen
            // Release: a searcher that reads this word orders its raise of `pop_limit` after the store above (S4).
            match self.exchange(span, span.moved(span.top(), split), Ordering::Release) {
                Ok(()) if stolen => break,
                Ok(()) => return Joined::Mine,
                Err(now) => span = now,
            }
        }
        // Keep the slot until `retire`: what the owner runs meanwhile forks above it. Relaxed: the slots below are stolen, so a
        // searcher that sees this depth finds nothing to expose.
        self.depth.store(slot.cast_mut().wrapping_add(1), Ordering::Relaxed);
        Joined::Stolen
    }

    /// *Owner, after `reclaim` said stolen and the slot is done.* Frees the slot for the next fork.
    ///
    /// # Safety
    ///
    /// `fork` returned the slot, which is live.
    pub unsafe fn retire(&self, slot: *const Slot<T>) {
        // SAFETY: the caller's promise.
        let this = unsafe { &*slot };
        this.done.reset();
        if LEAPFROGS.is_open() {
            this.thief.store(0, Ordering::Relaxed); // private to the owner until it publishes the slot again
        }
        let slot = slot.cast_mut();
        self.depth.store(slot, Ordering::Relaxed); // as in `reclaim`
        let index = self.index(slot);
        if self.is_eager() {
            return self.shared.span.settle_at(index); // no claim can succeed, as below (J7)
        }
        let mut span = self.shared.span.load(Ordering::Relaxed); // checked by the exchange
        loop {
            // Nothing above the stolen slot is left, so no claim can succeed until the next publication (J7).
            debug_assert!(span.public() == 0, "{span:?} at {index}");
            self.pop_limit.store(slot, Ordering::Relaxed); // S4
            match self.exchange(span, span.moved(index, index), Ordering::Release) {
                Ok(()) => break,
                Err(now) => span = now, // a forcing searcher is late; the new tag stops it
            }
        }
        self.ask();
    }

    /// Whether there is a public slot. A hint.
    #[inline]
    pub fn has_public(&self) -> bool {
        self.shared.span.load(Ordering::Relaxed).public() > 0
    }

    /// Whether every fork is published at once. Known at compile time where forks cannot be lazy.
    #[inline]
    pub(crate) fn is_eager(&self) -> bool {
        !CAN_BE_LAZY || self.eager.load(Ordering::Relaxed) // constant
    }

    /// Whether there is a slot that is not public, and will not be by itself. A hint, unless ordered by S5.
    #[inline]
    pub fn has_private(&self) -> bool {
        if self.is_eager() {
            return false; // its owner is about to publish it, and to post
        }
        let depth = self.depth.load(Ordering::Relaxed);
        !depth.is_null() && self.index(depth) > self.shared.span.load(Ordering::Relaxed).split()
    }

    /// *Owner.* Whether no join is under way.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.depth.load(Ordering::Relaxed) == self.base.get() // owner only
    }

    /// Asks the owner to publish at its next fork, unless it publishes every one.
    #[inline]
    pub fn ask(&self) {
        if self.is_eager() {
            return;
        }
        // Release: pairs with `publish`. A swap, because a plain store could race with the owner's swap and erase nothing but
        // the proof that it cannot.
        self.limit.swap(ptr::null_mut(), Ordering::Release);
    }

    /// Whether a request is waiting for the owner.
    #[inline]
    pub fn is_asked(&self) -> bool {
        self.limit.load(Ordering::Relaxed).is_null()
    }

    /// Claims the oldest public slot; its task is the caller's to run, once.
    pub fn steal(&self) -> Option<NonNull<Slot<T>>> {
        let mut span = self.shared.span.load(Ordering::Relaxed); // checked by the exchange
        loop {
            if span.public() == 0 {
                return None;
            }
            // Acquire: the slot was stored before it was published (J1). Nothing is released: the slot's own signal says
            // when the task is done.
            match self.exchange(span, span.claimed(), Ordering::Acquire) {
                Ok(()) => break,
                Err(now) => span = now,
            }
        }
        if span.public() == 1 {
            self.ask(); // the last one: after the claim, so that the owner's next reading shows it gone (J3)
        }
        // SAFETY: the index is that of a public slot.
        Some(NonNull::from(unsafe { &*self.slot(span.top()) }))
    }

    /// *Owner.* Claims the oldest of its own public slots, in the midst of the joins that forked them; the slot's own join
    /// finds it stolen and done. By the thieves' exchange, because they are at it too (J11).
    pub fn take_oldest(&self) -> Option<NonNull<Slot<T>>> {
        self.steal()
    }

    /// Publishes up to half of the owner's private slots, at least one, whether the owner forks again or not. Returns
    /// whether it did. Costs a heavy barrier, microseconds for both.
    pub fn force<P: Platform>(&self) -> bool {
        // Relaxed: the flag keeps a crowd from paying for the same barrier, and guards nothing. Of two who are at it at the
        // same time one would fail at its exchange.
        if self.is_eager() || self.shared.forcing.swap(true, Ordering::Relaxed) {
            return false; // nothing is private, or somebody is at it
        }
        let exposed = self.force_locked::<P>();
        self.shared.forcing.swap(false, Ordering::Relaxed); // a swap, as every change of the flag
        exposed
    }

    fn force_locked<P: Platform>(&self) -> bool {
        // Acquire: orders the raise below after the store that the owner made before it wrote this word (S4).
        let span = self.shared.span.load(Ordering::Acquire);
        // Never the spare slot: a fork that finds the stack full stands there, and is taken back without a look at any limit
        // (J10). Relaxed: the depth is read again below, and the end is constant.
        let before = self.index(self.depth.load(Ordering::Relaxed).min(self.end.get()));
        if before <= span.split() {
            return false;
        }
        let split = span.split() + (before - span.split()).div_ceil(2);
        self.raise_pop_limit(self.slot(split));
        if !heavy::<P>() {
            return false;
        }
        // Acquire: a slot below this depth was stored before it (pairs with the store of `depth` in `fork`).
        let depth = self.index(self.depth.load(Ordering::Acquire));
        if depth < split {
            return false; // the owner came down; its joins go slow once, and lower the limit again
        }
        // Release: to the thief that claims, what the acquire of `depth` brought. An exchange, and from the word read at
        // first: the owner may have published or reclaimed meanwhile (J9).
        self.exchange(span, span.moved(span.top(), split), Ordering::Release).is_ok()
    }

    /// Raises and never lowers: the owner may have published beyond `to` meanwhile.
    fn raise_pop_limit(&self, to: *mut Slot<T>) {
        let mut now = self.pop_limit.load(Ordering::Relaxed); // checked by the exchange
        while now < to {
            // Relaxed: the heavy barrier that follows orders it (S3).
            match self.pop_limit.compare_exchange_weak(now, to, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => break,
                Err(newer) => now = newer,
            }
        }
    }

    /// The owner's barrier between `depth` and a limit; nothing where every fork is published at once.
    #[inline(always)]
    fn light(&self) {
        // loom's light barrier is a full fence, which would hide a missing release of the publication: a stack that needs
        // no barrier is modelled without.
        if CAN_BE_LAZY && !(cfg!(loom) && self.eager.load(Ordering::Relaxed)) {
            asym::light();
        }
    }

    #[inline]
    fn exchange(&self, from: Span, to: Span, success: Ordering) -> Result<(), Span> {
        // Relaxed on failure: the value only feeds the next attempt.
        self.shared.span.compare_exchange(from, to, success, Ordering::Relaxed)
    }

    #[inline]
    fn index(&self, slot: *const Slot<T>) -> usize {
        (slot.addr() - self.base.get().addr()) / size_of::<Slot<T>>()
    }

    #[inline]
    fn slot(&self, index: usize) -> *mut Slot<T> {
        self.base.get().wrapping_add(index)
    }
}

impl<T> fmt::Debug for Slot<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slot").field("done", &self.done).finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for JoinStack<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinStack").field("public", &self.shared.span.load(Ordering::Relaxed)).finish_non_exhaustive()
    }
}

/// The searcher's side of the owner's light barrier.
#[inline]
pub fn heavy<P: Platform>() -> bool {
    let ordered = asym::heavy::<P>();
    fence(Ordering::SeqCst); // this thread's own stores before its own loads, also where the system's call skips it
    ordered
}
