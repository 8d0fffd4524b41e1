//! The memory of the join stacks: reserved rather than used. A page that no join reaches is never resident.
//!
//! On unix it comes from the system itself. An allocator hands out again what a pool before has freed, and has to clear all
//! of it, a megabyte and more, which took longer than to start the threads.
//!
//! *A pool that ends leaves its memory to the next one*, as it is: a join ends when its slot is free again, and the pool ends
//! after its joins. To reserve and to release takes the lock of the process's memory, for which threads that start and
//! threads that end queue too: a program that makes one pool after the other lost an eighth of its time to that.

use core::ptr::NonNull;

use std::alloc::{Layout, handle_alloc_error};
use std::sync::Mutex;

use reveille_futex::Os;

use crate::job::Job;
use crate::stack::Slot;

/// The slots of one pool, each free.
pub(super) struct Slots(Region);

/// What pools that have ended leave.
static SPARE: Mutex<Spare> = Mutex::new(Spare::new());

impl Slots {
    /// At least one.
    pub(super) fn new(count: usize) -> Self {
        let layout = Layout::array::<Slot<Job<Os>>>(count).expect("the builder checked the capacity");
        assert!(layout.size() > 0, "a seat has a spare slot");
        // It never waits for the lock: in a child of fork(2) whoever has it may not be there.
        let spare = SPARE.try_lock().ok().and_then(|mut spare| spare.take(layout));
        Slots(spare.unwrap_or_else(|| Region::new(layout)))
    }

    pub(super) fn as_ptr(&self) -> *const Slot<Job<Os>> {
        self.0.pointer.as_ptr()
    }
}

impl Drop for Slots {
    fn drop(&mut self) {
        let kept = SPARE.try_lock().is_ok_and(|mut spare| spare.keep(self.0));
        if !kept {
            // SAFETY: the slots were this value's, which owned the region.
            unsafe { self.0.release() };
        }
    }
}

/// Memory for slots. A slot whose words are zero is free.
#[derive(Clone, Copy)]
struct Region {
    pointer: NonNull<Slot<Job<Os>>>,
    layout: Layout,
}

// SAFETY: memory is not bound to a thread.
unsafe impl Send for Region {}

impl Region {
    /// For a layout that is not empty.
    fn new(layout: Layout) -> Self {
        // SAFETY: the layout is not empty.
        let memory = unsafe { imp::reserve(layout) };
        let Some(memory) = memory else { handle_alloc_error(layout) };
        Region { pointer: memory.cast(), layout }
    }

    /// Whether no slot is in use.
    #[cfg(test)]
    fn is_free(&self) -> bool {
        self.slots().iter().all(Slot::is_free)
    }

    #[cfg(test)]
    fn slots(&self) -> &[Slot<Job<Os>>] {
        let count = self.layout.size() / size_of::<Slot<Job<Os>>>();
        // SAFETY: reserved for that many slots, which were zero at first and are atomic since.
        unsafe { core::slice::from_raw_parts(self.pointer.as_ptr(), count) }
    }

    /// # Safety
    ///
    /// Nobody uses it after this, nor a copy.
    unsafe fn release(self) {
        // SAFETY: reserved by `new` with this layout; slots own nothing.
        unsafe { imp::release(self.pointer.cast(), self.layout) };
    }
}

/// How many regions are kept: one pool begins before the threads of the last one have left.
const SPARES: usize = 2;

/// The largest that is kept, in bytes: that of a pool of 8 threads with the default settings.
const LARGEST_SPARE: usize = 1 << 21;

/// Regions without an owner, each with free slots only.
struct Spare([Option<Region>; SPARES]);

impl Spare {
    const fn new() -> Self {
        Spare([None; SPARES])
    }

    /// One that is large enough.
    fn take(&mut self, layout: Layout) -> Option<Region> {
        self.0.iter_mut().find(|spare| spare.is_some_and(|region| region.layout.size() >= layout.size()))?.take()
    }

    /// Keeps a region whose slots are free, if there is room for it.
    fn keep(&mut self, region: Region) -> bool {
        if region.layout.size() > LARGEST_SPARE {
            return false;
        }
        let place = self.0.iter_mut().find(|spare| spare.is_none());
        place.map(|place| *place = Some(region)).is_some()
    }
}

#[cfg(all(unix, not(miri)))]
mod imp {
    use core::alloc::Layout;
    use core::ptr::{self, NonNull};

    /// Zeroed memory.
    ///
    /// # Safety
    ///
    /// The layout is not empty, and its alignment at most that of a page.
    pub(super) unsafe fn reserve(layout: Layout) -> Option<NonNull<u8>> {
        let access = libc::PROT_READ | libc::PROT_WRITE;
        let kind = libc::MAP_PRIVATE | libc::MAP_ANON;
        // SAFETY: a new mapping, wherever the system likes, has no effect on others.
        let memory = unsafe { libc::mmap(ptr::null_mut(), layout.size(), access, kind, -1, 0) };
        if memory == libc::MAP_FAILED { None } else { NonNull::new(memory.cast()) }
    }

    /// # Safety
    ///
    /// `reserve` returned it for this layout, and nobody uses it after this.
    pub(super) unsafe fn release(memory: NonNull<u8>, layout: Layout) {
        // SAFETY: the caller's promise. What the system refuses to take back stays reserved.
        unsafe { libc::munmap(memory.as_ptr().cast(), layout.size()) };
    }
}

#[cfg(not(all(unix, not(miri))))]
mod imp {
    use core::ptr::NonNull;

    use std::alloc::{self, Layout};

    /// Zeroed memory.
    ///
    /// # Safety
    ///
    /// The layout is not empty.
    pub(super) unsafe fn reserve(layout: Layout) -> Option<NonNull<u8>> {
        // SAFETY: the caller's promise.
        NonNull::new(unsafe { alloc::alloc_zeroed(layout) })
    }

    /// # Safety
    ///
    /// `reserve` returned it for this layout, and nobody uses it after this.
    pub(super) unsafe fn release(memory: NonNull<u8>, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { alloc::dealloc(memory.as_ptr(), layout) };
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;
    use crate::{ThreadPoolBuilder, WaitPolicy, Worker, unwind};

    fn region(slots: usize) -> Region {
        Region::new(Layout::array::<Slot<Job<Os>>>(slots).unwrap())
    }

    /// The region goes, wherever it is from.
    fn release(region: Region) {
        // SAFETY: made by the test, which forgets it.
        unsafe { region.release() };
    }

    #[test]
    fn the_next_pool_gets_what_is_large_enough() {
        let mut spare = Spare::new();
        let (small, large) = (region(10), region(1_000));
        assert!(spare.take(small.layout).is_none(), "nothing yet");
        assert!(spare.keep(small) && spare.keep(large));
        let taken = spare.take(Layout::array::<Slot<Job<Os>>>(500).unwrap()).unwrap();
        assert_eq!(
            (taken.pointer, taken.layout),
            (large.pointer, large.layout),
            "as it was reserved, or it could not be released"
        );
        assert!(spare.take(large.layout).is_none(), "the other one is too small");
        assert_eq!(spare.take(small.layout).unwrap().pointer, small.pointer);
        assert!(spare.take(small.layout).is_none(), "each once");
        [small, large].into_iter().for_each(release);
    }

    #[test]
    fn little_is_kept() {
        let mut spare = Spare::new();
        let regions = [(); SPARES].map(|()| region(1));
        let (largest, too_large) = (LARGEST_SPARE / size_of::<Slot<Job<Os>>>(), region(LARGEST_SPARE / 8));
        assert!(!spare.keep(too_large));
        assert!(regions.iter().all(|region| spare.keep(*region)));
        let one_more = region(largest);
        assert!(!spare.keep(one_more), "no room");
        assert!(spare.take(one_more.layout).is_none(), "none is that large");
        assert!(spare.take(regions[0].layout).is_some());
        assert!(spare.keep(one_more), "as large as one may be");
        regions.into_iter().chain([too_large, one_more]).for_each(release);
    }

    /// Joins of every policy, whose second halves run elsewhere and some of which panic.
    #[test]
    fn a_pool_that_has_ended_leaves_free_slots() {
        let pool = ThreadPoolBuilder::new().num_threads(2).build().unwrap();
        for policy in [WaitPolicy::Any, WaitPolicy::Leapfrog, WaitPolicy::Park] {
            for panics in [false, true] {
                let (begun, has_begun) = mpsc::channel();
                let result = unwind::catch(|| {
                    pool.enter(|worker| {
                        let a = move |_: &Worker| {
                            has_begun.recv().unwrap();
                            assert!(!panics, "as this test wants it");
                        };
                        worker.join_with(policy, a, move |_| begun.send(()).unwrap())
                    })
                });
                assert_eq!(result.is_err(), panics);
            }
        }
        pool.shutdown();
        assert!(pool.stats().steals >= 6);
        assert!(pool.inner().slots().0.is_free());
    }

    #[test]
    fn a_slot_that_somebody_waits_for_is_not_free() {
        let region = region(3);
        assert!(region.is_free(), "it is new");
        let slot = &region.slots()[2];
        assert!(slot.done.watch());
        assert!(!region.is_free());
        slot.done.reset();
        slot.set_thief(0);
        assert!(!region.is_free());
        release(region);
    }
}
