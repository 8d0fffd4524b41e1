//! The memory of spawned tasks: blocks of one size, which a worker keeps when it has run a task, for the next ones.
//!
//! A task is freed by the thread that ran it, which spawns the next one as a rule. An allocator does not know that, and was
//! the greater part of what such a task costs; this is a list that the seat's owner alone uses. Tasks too large for a block
//! are boxes. Before a closure runs its block is free, for what it spawns.

use core::mem::MaybeUninit;
use core::ptr::NonNull;

use alloc::boxed::Box;

use reveille_futex::Platform;
use reveille_futex::sync::cell::UnsafeCell;

use crate::Worker;

/// A scope's task has room for a closure of five words in it: what a body borrows is one or two, as a rule.
const WORDS: usize = 8;

/// How many blocks a seat keeps: those of a tree of tasks that is 32 deep, 2 KiB on 64-bit targets.
const MOST: usize = 32;

/// One task's memory.
type Block = MaybeUninit<Memory>;

/// Aligned for a `u64` also where words are smaller.
#[repr(C, align(8))]
struct Memory([usize; WORDS]);

/// Memory that waits for a task: its first word is a link.
struct Spare {
    next: Option<NonNull<Spare>>,
}

/// The blocks of one seat. Owner only.
pub(crate) struct Blocks(UnsafeCell<List>);

struct List {
    first: Option<NonNull<Spare>>,
    len: usize,
}

// SAFETY: a list owns its blocks, in which nothing is.
unsafe impl Send for List {}

impl Blocks {
    pub(super) const fn new() -> Self {
        Blocks(UnsafeCell::new(List { first: None, len: 0 }))
    }
}

impl List {
    #[inline]
    fn take(&mut self) -> Option<NonNull<Block>> {
        let spare = self.first?;
        // SAFETY: a block in the list is nobody else's and begins with a link, which `keep` wrote.
        self.first = unsafe { spare.read() }.next;
        self.len -= 1;
        Some(spare.cast())
    }

    /// # Safety
    ///
    /// The block was leaked from a box, and is the caller's to free.
    #[inline]
    unsafe fn keep(&mut self, block: NonNull<Block>) {
        if self.len == MOST {
            // SAFETY: the caller's promise.
            return unsafe { free(block) };
        }
        let spare = block.cast::<Spare>();
        // SAFETY: the block is the caller's, and has room for a link.
        unsafe { spare.write(Spare { next: self.first }) };
        self.first = Some(spare);
        self.len += 1;
    }
}

/// # Safety
///
/// The block was leaked from a box, and is the caller's to free.
#[cold]
#[inline(never)]
unsafe fn free(block: NonNull<Block>) {
    // SAFETY: the caller's promise.
    drop(unsafe { Box::from_raw(block.as_ptr()) });
}

impl Drop for List {
    fn drop(&mut self) {
        while let Some(block) = self.take() {
            // SAFETY: `keep` was given it.
            unsafe { free(block) };
        }
    }
}

/// Whether such a task goes into a block.
const fn fits<T>() -> bool {
    size_of::<T>() <= size_of::<Block>() && align_of::<T>() <= align_of::<Block>()
}

impl<P: Platform> Worker<P> {
    #[inline]
    fn with_blocks<R>(&self, f: impl FnOnce(&mut List) -> R) -> R {
        self.seat().lanes.blocks.0.with_mut(|list| {
            // SAFETY: only the seat's owner comes here, and what the list does calls nothing that does.
            f(unsafe { &mut *list })
        })
    }
}

/// Puts a task where it can wait, which is for the caller to undo with [`fetch`].
#[inline]
pub(crate) fn store<T, P: Platform>(worker: Option<&Worker<P>>, task: T) -> NonNull<T> {
    if !fits::<T>() {
        return NonNull::from(Box::leak(Box::new(task)));
    }
    let block = worker.and_then(|worker| worker.with_blocks(List::take));
    let block = block.unwrap_or_else(|| NonNull::from(Box::leak(Box::<Memory>::new_uninit())));
    let place = block.cast::<T>();
    // SAFETY: the block is this task's, and large enough.
    unsafe { place.write(task) };
    place
}

/// Takes a task out of its memory, which is free then.
///
/// # Safety
///
/// [`store`] has put it there, and nobody uses the place after this.
#[inline]
pub(crate) unsafe fn fetch<T, P: Platform>(worker: Option<&Worker<P>>, place: NonNull<T>) -> T {
    if !fits::<T>() {
        // SAFETY: leaked by `store`.
        return *unsafe { Box::from_raw(place.as_ptr()) };
    }
    // SAFETY: the caller's promise.
    let task = unsafe { place.read() };
    let block = place.cast::<Block>();
    match worker {
        // SAFETY: leaked by `store`, and empty.
        Some(worker) => worker.with_blocks(|list| unsafe { list.keep(block) }),
        // SAFETY: as above.
        None => unsafe { free(block) },
    }
    task
}

const _: () = assert!(fits::<Spare>());

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::ThreadPoolBuilder;

    #[test]
    fn a_block_is_used_again_and_the_list_is_bounded() {
        let pool = ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        pool.run_on_thread(|worker| {
            let places: Vec<_> = (0..MOST as u64 + 5).map(|i| store(Some(worker), [i; 3])).collect();
            for (i, place) in (0..).zip(&places) {
                // SAFETY: stored above, fetched once.
                assert_eq!(unsafe { fetch(Some(worker), *place) }, [i; 3]);
            }
            assert_eq!(worker.with_blocks(|list| list.len), MOST);
            let again = store(Some(worker), 7_u8);
            assert_eq!(again.cast(), places[MOST - 1], "the newest is warm");
            // SAFETY: stored above, fetched once.
            assert_eq!(unsafe { fetch(None::<&Worker>, again) }, 7);
            assert_eq!(worker.with_blocks(|list| list.len), MOST - 1);
        });
    }

    #[test]
    fn what_does_not_fit_is_a_box() {
        #[repr(align(128))]
        struct Wide(u8);

        let pool = ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        pool.run_on_thread(|worker| {
            let (large, wide) = (store(Some(worker), [1_usize; WORDS + 1]), store(Some(worker), Wide(2)));
            assert!(wide.is_aligned());
            // SAFETY: stored above, fetched once.
            assert_eq!(unsafe { fetch(Some(worker), large) }, [1; WORDS + 1]);
            // SAFETY: as above.
            assert_eq!(unsafe { fetch(Some(worker), wide) }.0, 2);
            assert_eq!(worker.with_blocks(|list| list.len), 0);
        });
    }
}
