//! A queue that everybody pushes to and steals from.
//!
//! ```text
//!   push --- busy taken ------> ready: a growable FIFO deque ---> steal, one compare-and-swap
//!     |                           ^
//!     `----- busy held ---> inbox: a stack of nodes, emptied as a whole by whoever takes busy next
//! ```
//!
//! The queue is a FIFO deque whose *owner* is whoever has taken the flag `busy`. Nobody waits for the flag: a push that
//! finds it taken leaves its item in the inbox, and a steal that finds nothing but an inbox it may not empty says
//! `Retry`. Whoever takes the flag empties the inbox before anything else, so items of one thread stay in order.
//!
//! *Invariant.* `late` counts every item from before it enters the inbox until after it is published in `ready`. So who
//! reads `late == 0` and then an empty `ready` has seen an empty queue.
//!
//! Checked by the models `injector_*`.

use alloc::alloc::{alloc, handle_alloc_error};
use alloc::boxed::Box;
use core::alloc::Layout;
use core::fmt;
use core::ptr;

use reveille_futex::const_unless_loom;
use reveille_futex::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering};
use reveille_futex::sync::cell::UnsafeCell;

use crate::deque::Deque;
use crate::handle::Handle;
use crate::index::Padded;
use crate::owner::Owner;
use crate::steal::Steal;
use crate::storage::{Growable, GrowableSlots};
use crate::token::Token;
use crate::worker::{Full, Worker};

/// A FIFO queue that any thread may push to and steal from.
///
/// A scheduler puts work from outside into it. Pushing costs one locked instruction as long as one thread pushes at a
/// time, and one allocation more when several do; stealing costs one locked instruction for one item or for a batch.
/// Neither ever waits for another thread.
///
/// Memory that was outgrown is kept until the injector is dropped or [reclaimed](Self::reclaim).
///
/// ```
/// use reveille_deque::{Injector, Steal};
///
/// static QUEUE: Injector<u32> = Injector::new();
///
/// QUEUE.push(1);
/// QUEUE.push(2);
/// assert_eq!(QUEUE.steal(), Steal::Success(1));
/// assert_eq!(QUEUE.len(), 1);
/// ```
pub struct Injector<T: Token> {
    ready: Deque<T, Growable>,
    /// Taken by compare-and-swap, given back by a store of who took it.
    busy: Padded<AtomicBool>,
    /// Of whoever has taken `busy`.
    state: UnsafeCell<State<T>>,
    /// The newest node. Entered by compare-and-swap, emptied by swap.
    inbox: AtomicPtr<Node<T>>,
    /// See the invariant. Read-modify-writes only.
    late: AtomicUsize,
}

struct State<T: Token> {
    owner: Owner<T, Growable>,
    /// Nodes of the inbox for which `ready` had no memory; the oldest first.
    held: *mut Node<T>,
}

struct Node<T: Token> {
    words: UnsafeCell<T::Words>,
    next: UnsafeCell<*mut Node<T>>,
}

// SAFETY: items go from thread to thread, as `T: Send` allows; nodes belong to the injector, its state to who has `busy`.
unsafe impl<T: Token + Send> Send for Injector<T> {}
// SAFETY: as above.
unsafe impl<T: Token + Send> Sync for Injector<T> {}

impl<T: Token> Injector<T> {
    const_unless_loom! {
        /// An empty queue. Allocates from the first push on.
        #[must_use]
        pub const fn new() -> Self {
            Injector {
                ready: Deque::growable_fifo(),
                busy: Padded::new(AtomicBool::new(false)),
                state: UnsafeCell::new(State { owner: Owner::of_new(GrowableSlots::NONE), held: ptr::null_mut() }),
                inbox: AtomicPtr::new(ptr::null_mut()),
                late: AtomicUsize::new(0),
            }
        }
    }

    /// Puts an item into the queue.
    ///
    /// Where the allocator refuses this ends as any failed allocation does; see [`try_push`](Self::try_push) for another
    /// way. Never blocks.
    #[inline]
    pub fn push(&self, item: T) {
        if let Err(Full(item)) = self.try_push(item) {
            refused(item);
        }
    }

    /// Puts an item into the queue.
    ///
    /// Never blocks; allocates now and then.
    ///
    /// *Memory ordering.* What happened before the push happens before a steal of the item returns.
    ///
    /// # Errors
    ///
    /// [`Full`], with the item: the allocator refused.
    #[inline]
    pub fn try_push(&self, item: T) -> Result<(), Full<T>> {
        let words = item.into_words();
        let pushed = match self.take_busy() {
            Some(turn) => turn.push(words),
            None => self.push_late(words),
        };
        // SAFETY: the words came back.
        pushed.map_err(|words| Full(unsafe { T::from_words(words) }))
    }

    /// Takes the oldest item.
    ///
    /// `Retry` if another thread took it first, or is in the middle of a push. Never blocks.
    ///
    /// *Memory ordering.* What happened before the item was pushed happens before it is returned here.
    #[inline]
    pub fn steal(&self) -> Steal<T> {
        // SAFETY: the words were pushed, and nobody else has won them.
        self.find(|| self.ready.steal_words()).map(|words| unsafe { T::from_words(words) })
    }

    /// Steals about half the items, at most 32, and puts them into `dest`. See
    /// [`Stealer::steal_batch`](crate::Stealer::steal_batch).
    pub fn steal_batch<D: Handle<T>>(&self, dest: &Worker<T, D>) -> Steal<()> {
        self.steal_batch_with_limit(dest, crate::batch::BATCH)
    }

    /// [`steal_batch`](Self::steal_batch) of at most `limit` items.
    ///
    /// # Panics
    ///
    /// If `limit` is zero.
    pub fn steal_batch_with_limit<D: Handle<T>>(&self, dest: &Worker<T, D>, limit: usize) -> Steal<()> {
        self.find(|| self.ready.steal_into(dest, limit))
    }

    /// [`steal_batch`](Self::steal_batch) that returns one of the stolen items, the oldest.
    pub fn steal_batch_and_pop<D: Handle<T>>(&self, dest: &Worker<T, D>) -> Steal<T> {
        self.steal_batch_with_limit_and_pop(dest, crate::batch::BATCH)
    }

    /// [`steal_batch_and_pop`](Self::steal_batch_and_pop) of at most `limit` items, the returned one included.
    ///
    /// # Panics
    ///
    /// If `limit` is zero.
    pub fn steal_batch_with_limit_and_pop<D: Handle<T>>(&self, dest: &Worker<T, D>, limit: usize) -> Steal<T> {
        self.find(|| self.ready.steal_into_and_pop(dest, limit))
    }

    /// Whether the queue was empty a moment ago. As [`Deque::is_empty`], good for a thread that is about to sleep.
    #[inline]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        // Acquire: pairs with the release in `Turn::settle`; who sees an item leave `late` sees it in `ready`.
        self.late.load(Ordering::Acquire) == 0 && self.ready.is_empty()
    }

    /// How many items the queue held a moment ago.
    #[inline]
    #[must_use]
    pub fn len(&self) -> usize {
        // Relaxed: the answer may be out of date. An item that is just being published may be counted twice.
        self.late.load(Ordering::Relaxed) + self.ready.len()
    }

    /// Frees the memory that was outgrown. The exclusive reference proves that no thief reads it.
    pub fn reclaim(&mut self) {
        self.ready.reclaim();
    }

    /// Runs a steal from `ready`; if that finds nothing, looks at the inbox and runs it again.
    #[inline(always)]
    fn find<R>(&self, steal: impl Fn() -> Steal<R>) -> Steal<R> {
        let found = steal();
        if !found.is_empty() { found } else { self.find_late(&steal) }
    }

    #[cold]
    fn find_late<R>(&self, steal: &dyn Fn() -> Steal<R>) -> Steal<R> {
        // Acquire: as in `is_empty`.
        if self.late.load(Ordering::Acquire) == 0 {
            return steal(); // in this order, or an item on its way from the inbox to `ready` would be missed twice
        }
        let Some(turn) = self.take_busy() else { return Steal::Retry };
        let all = turn.settle();
        drop(turn);
        match steal() {
            Steal::Empty if !all => Steal::Retry,
            found => found,
        }
    }

    #[inline]
    fn take_busy(&self) -> Option<Turn<'_, T>> {
        // Acquire: pairs with the release in `Turn::drop`; an owner goes on where the one before stopped.
        let taken = self.busy.compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed);
        taken.is_ok().then(|| Turn(self)) // made only if it is one: its drop gives it back
    }

    #[cold]
    #[inline(never)]
    fn push_late(&self, words: T::Words) -> Result<(), T::Words> {
        let Some(node) = Node::allocate(words) else { return Err(words) };
        // Relaxed: the count rises before the node can be seen, because the compare-and-swap below publishes both.
        self.late.fetch_add(1, Ordering::Relaxed);
        // Relaxed: the node found is not looked into.
        let mut newest = self.inbox.load(Ordering::Relaxed);
        loop {
            // SAFETY: the node is ours until it is in the inbox.
            let next = unsafe { &(*node).next };
            // SAFETY: as above.
            next.with_mut(|next| unsafe { *next = newest });
            // Release: pairs with the acquire in `Turn::settle`, which reads the node and all below it.
            match self.inbox.compare_exchange_weak(newest, node, Ordering::Release, Ordering::Relaxed) {
                Ok(_) => return Ok(()),
                Err(found) => newest = found,
            }
        }
    }
}

/// The right to be the owner of `ready`, given back on drop. No code of the user runs meanwhile.
struct Turn<'a, T: Token>(&'a Injector<T>);

impl<T: Token> Turn<'_, T> {
    #[inline(always)]
    fn push(&self, words: T::Words) -> Result<(), T::Words> {
        // Relaxed: only to see an item that this thread has left there before. Others come when they come.
        if !self.0.inbox.load(Ordering::Relaxed).is_null() && !self.settle() {
            return Err(words);
        }
        self.push_ready(words)
    }

    #[inline(always)]
    fn push_ready(&self, words: T::Words) -> Result<(), T::Words> {
        // SAFETY: who has `busy` is the owner.
        self.with_state(|state| unsafe { self.0.ready.push(&state.owner, words) })
    }

    #[inline(always)]
    fn with_state<R>(&self, f: impl FnOnce(&mut State<T>) -> R) -> R {
        // SAFETY: who has `busy` has the state, and calls do not nest.
        self.0.state.with_mut(|state| f(unsafe { &mut *state }))
    }

    /// Moves what is in the inbox to `ready`, oldest first. `false` if there was no memory for all of it.
    #[cold]
    #[inline(never)]
    fn settle(&self) -> bool {
        loop {
            if !self.settle_held() {
                return false;
            }
            // Acquire: pairs with the release in `push_late`.
            let mut newest = self.0.inbox.swap(ptr::null_mut(), Ordering::Acquire);
            if newest.is_null() {
                return true;
            }
            self.with_state(|state| {
                while !newest.is_null() {
                    // SAFETY: nodes that were in the inbox belong to who took them out.
                    let next = unsafe { &(*newest).next };
                    // SAFETY: as above.
                    let older = next.with_mut(|next| unsafe { next.replace(state.held) });
                    state.held = newest;
                    newest = older;
                }
            });
        }
    }

    fn settle_held(&self) -> bool {
        loop {
            let oldest = self.with_state(|state| state.held);
            if oldest.is_null() {
                return true;
            }
            // SAFETY: held nodes belong to who has `busy`.
            let (words, next) = unsafe { Node::read(oldest) };
            if self.push_ready(words).is_err() {
                return false;
            }
            self.with_state(|state| state.held = next);
            // SAFETY: the node was allocated as a box, and nobody else has it.
            drop(unsafe { Box::from_raw(oldest) });
            // Release: pairs with the acquire loads of `late`; the item is in `ready`.
            self.0.late.fetch_sub(1, Ordering::Release);
        }
    }
}

impl<T: Token> Drop for Turn<'_, T> {
    #[inline(always)]
    fn drop(&mut self) {
        // Release: pairs with the acquire in `take_busy`. A store, because only who has taken the flag gives it back.
        self.0.busy.store(false, Ordering::Release);
    }
}

impl<T: Token> Node<T> {
    /// A node as a box; none if the allocator refuses.
    fn allocate(words: T::Words) -> Option<*mut Self> {
        // SAFETY: a node is not empty.
        let node: *mut Self = unsafe { alloc(Layout::new::<Self>()) }.cast();
        if node.is_null() {
            return None;
        }
        let value = Node { words: UnsafeCell::new(words), next: UnsafeCell::new(ptr::null_mut()) };
        // SAFETY: the memory has the layout of a node.
        unsafe { node.write(value) };
        Some(node)
    }

    /// # Safety
    ///
    /// The node is the caller's.
    unsafe fn read(node: *mut Self) -> (T::Words, *mut Self) {
        // SAFETY: the caller's promise.
        let node = unsafe { &*node };
        // SAFETY: as above.
        let words = node.words.with(|words| unsafe { *words });
        // SAFETY: as above.
        let next = node.next.with(|next| unsafe { *next });
        (words, next)
    }
}

/// Drops the items; also those after one whose destructor panics, but for those that are still in the inbox then.
impl<T: Token> Drop for Injector<T> {
    fn drop(&mut self) {
        // SAFETY: nobody else is left.
        let held = self.state.with_mut(|state| unsafe { (*state).held });
        // Relaxed: as above.
        for mut node in [held, self.inbox.load(Ordering::Relaxed)] {
            while !node.is_null() {
                // SAFETY: nobody else is left.
                let (words, next) = unsafe { Node::<T>::read(node) };
                // SAFETY: as above; allocated as a box.
                drop(unsafe { Box::from_raw(node) });
                // SAFETY: the words were pushed, and nobody has taken them.
                drop(unsafe { T::from_words(words) });
                node = next;
            }
        }
    }
}

#[cold]
#[inline(never)]
fn refused<T: Token>(_item: T) -> ! {
    handle_alloc_error(Layout::new::<Node<T>>())
}

impl<T: Token> Default for Injector<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Token> fmt::Debug for Injector<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Injector").field("len", &self.len()).finish_non_exhaustive()
    }
}
