//! What a growable deque takes of the heap, and when it gives it back.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use reveille_deque::Deque;

/// The system's allocator, with the bytes that this thread has and has not freed.
struct Counted;

thread_local! {
    static LIVE: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: the system's allocator does it all; the count neither allocates nor unwinds.
unsafe impl GlobalAlloc for Counted {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LIVE.set(LIVE.get().wrapping_add(layout.size()));
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        LIVE.set(LIVE.get().wrapping_sub(layout.size()));
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counted = Counted;

#[test]
fn outgrown_buffers_go_when_reclaimed_and_the_last_one_with_the_deque() {
    const ITEMS: usize = 1_000;
    let before = LIVE.get();
    let taken = || LIVE.get().wrapping_sub(before);
    let mut deque = Deque::<usize, _>::growable();
    assert_eq!(taken(), 0, "nothing before the first push");
    let worker = deque.claim().unwrap();
    for item in 0..ITEMS {
        worker.push(item);
    }
    drop(worker);
    let grown = taken();
    deque.reclaim();
    let kept = taken();
    assert!(kept >= ITEMS * size_of::<usize>(), "{kept} bytes for {ITEMS} items");
    assert!(grown > kept && grown - kept < kept, "{grown} bytes, of which {kept} are the current buffer");
    assert_eq!(deque.claim().unwrap().pop(), Some(ITEMS - 1), "the items stay");
    drop(deque);
    assert_eq!(taken(), 0);
}
