//! Slots on the heap, twice as many whenever they are full.

use alloc::alloc::{alloc, dealloc};
use core::alloc::Layout;

use reveille_futex::sync::atomic::Ordering;

use super::chain::{Chain, Header, View};
use super::{Slot, Slots, Storage, sealed};
use crate::index::{AtomicIndex, Index};
use crate::token::Token;

/// Capacity of the first buffer.
#[cfg(not(any(loom, shuttle)))]
const FIRST: usize = 64;
/// Small enough that a model grows.
#[cfg(any(loom, shuttle))]
const FIRST: usize = 1;

/// Storage on the heap that doubles when it is full.
///
/// Nothing is allocated before the first push. Buffers that were outgrown are kept until the deque is dropped or
/// [reclaimed](crate::Deque::reclaim); together they are smaller than the current one.
#[derive(Debug)]
pub struct Growable(());

impl sealed::Sealed for Growable {}

impl Storage for Growable {
    type Slots<T: Token> = GrowableSlots<T>;
}

pub struct GrowableSlots<T: Token> {
    buffers: Chain<T>,
    /// What the owner knows of `top`: written by the owner when it found the buffer full.
    known_top: AtomicIndex,
}

impl<T: Token> GrowableSlots<T> {
    reveille_futex::const_unless_loom! {
        pub(crate) const fn new() -> Self {
            GrowableSlots { buffers: Chain::new(core::ptr::null_mut()), known_top: AtomicIndex::new(0) }
        }
    }

    /// The owner's view before the first buffer.
    pub(crate) const NONE: View<T> = View::NONE;

    /// Frees every buffer but the current one.
    pub(crate) fn reclaim(&mut self) {
        // SAFETY: retired, so it is live and nobody looks; made by `allocate` with this capacity.
        self.buffers.retire(|buffer, capacity| unsafe { free(buffer, capacity) });
    }
}

impl<T: Token> Drop for GrowableSlots<T> {
    fn drop(&mut self) {
        self.reclaim();
        // SAFETY: as in `reclaim`.
        self.buffers.retire_current(|buffer, capacity| unsafe { free(buffer, capacity) });
    }
}

// SAFETY: views are of buffers of the chain, which are kept until `&mut`.
unsafe impl<T: Token> Slots<T> for GrowableSlots<T> {
    type View = View<T>;

    #[inline]
    fn owner_view(&self) -> View<T> {
        self.buffers.owner_view()
    }

    #[inline(always)]
    fn thief_view(&self) -> View<T> {
        self.buffers.thief_view()
    }

    #[inline(always)]
    fn capacity(&self, view: View<T>) -> usize {
        view.capacity()
    }

    #[inline(always)]
    unsafe fn slot(&self, view: View<T>, index: Index) -> &Slot<T> {
        // SAFETY: the caller's promise; buffers live until `&mut self`.
        unsafe { view.slot(index) }
    }

    #[inline(always)]
    fn known_top(&self) -> Option<Index> {
        Some(self.known_top.load(Ordering::Relaxed)) // the owner reads its own word
    }

    #[inline]
    fn remember_top(&self, top: Index) {
        self.known_top.store(top, Ordering::Relaxed); // the owner's word
    }

    #[cold]
    unsafe fn grow(&self, view: View<T>, top: Index, bottom: Index) -> Option<View<T>> {
        let capacity = if view.capacity() == 0 { FIRST } else { view.capacity().checked_mul(2)? };
        let larger = allocate(capacity)?;
        // SAFETY: the caller is the owner; the buffer is new, large enough, and freed only by `reclaim` or drop.
        Some(unsafe { self.buffers.publish(larger, view, top, bottom) })
    }
}

fn layout<T: Token>(capacity: usize) -> Option<(Layout, usize)> {
    let slots = Layout::array::<Slot<T>>(capacity).ok()?;
    Layout::new::<Header<T>>().extend(slots).ok()
}

fn allocate<T: Token>(capacity: usize) -> Option<*mut Header<T>> {
    let (layout, offset) = layout::<T>(capacity)?;
    // SAFETY: a header is not empty.
    let memory = unsafe { alloc(layout) };
    if memory.is_null() {
        return None;
    }
    let header: *mut Header<T> = memory.cast();
    // SAFETY: the layout has room for a header at its start.
    unsafe { header.write(Header::new(capacity)) };
    // SAFETY: the slots start at this offset, inside the layout.
    let slots: *mut Slot<T> = unsafe { memory.add(offset) }.cast();
    for i in 0..capacity {
        // SAFETY: the layout has room for `capacity` slots.
        let slot = unsafe { slots.add(i) };
        // SAFETY: as above.
        unsafe { slot.write(Slot::new()) };
    }
    Some(header)
}

/// # Safety
///
/// `allocate(capacity)` returned `buffer`, and nobody uses it any more.
unsafe fn free<T: Token>(buffer: *mut Header<T>, capacity: usize) {
    let Some((layout, offset)) = layout::<T>(capacity) else { return };
    let memory: *mut u8 = buffer.cast();
    if core::mem::needs_drop::<Slot<T>>() {
        for i in 0..capacity {
            // SAFETY: the slots start at this offset, inside the layout.
            let slots: *mut Slot<T> = unsafe { memory.add(offset) }.cast();
            // SAFETY: there are `capacity` slots.
            let slot = unsafe { slots.add(i) };
            // SAFETY: as above; dropped once.
            unsafe { slot.drop_in_place() };
        }
        // SAFETY: the header was written by `allocate`; dropped once.
        unsafe { buffer.drop_in_place() };
    }
    // SAFETY: allocated with this layout.
    unsafe { dealloc(memory, layout) };
}
