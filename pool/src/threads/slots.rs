//! The memory of the join stacks: zeroed, and reserved rather than used. A page that no join reaches is never resident.
//!
//! On unix it comes from the system itself. An allocator hands out again what a pool before has freed, and has to clear all
//! of it, a megabyte and more, which took longer than to start the threads.

use core::ptr::NonNull;

use std::alloc::{Layout, handle_alloc_error};

use reveille_futex::Os;

use crate::job::Job;
use crate::stack::Slot;

/// A slot is a null pointer and two words whose initial value is zero.
pub(super) struct Slots {
    pointer: NonNull<Slot<Job<Os>>>,
    layout: Layout,
}

impl Slots {
    /// At least one.
    pub(super) fn new(count: usize) -> Self {
        let layout = Layout::array::<Slot<Job<Os>>>(count).expect("the builder checked the capacity");
        assert!(layout.size() > 0, "a seat has a spare slot");
        // SAFETY: the layout is not empty.
        let memory = unsafe { imp::reserve(layout) };
        let Some(memory) = memory else { handle_alloc_error(layout) };
        Slots { pointer: memory.cast(), layout }
    }

    pub(super) fn as_ptr(&self) -> *const Slot<Job<Os>> {
        self.pointer.as_ptr()
    }
}

impl Drop for Slots {
    fn drop(&mut self) {
        // SAFETY: reserved by `new` with this layout; slots own nothing.
        unsafe { imp::release(self.pointer.cast(), self.layout) };
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
