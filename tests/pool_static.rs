//! A pool in static memory on threads of the user's, and what it allocates: nothing.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use reveille::Pool;
use reveille::pool::{State, TaskSlot};

/// Counts the allocations of each thread.
struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: passes everything on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn allocations(f: impl FnOnce()) -> usize {
    let before = ALLOCATIONS.get();
    f();
    ALLOCATIONS.get() - before
}

#[test]
fn scope_tasks_live_in_memory_of_the_callers() {
    static POOL: Pool<3, 64> = Pool::new();
    thread::scope(|s| {
        for seat in 0..2 {
            s.spawn(move || POOL.run_worker(seat).unwrap());
        }
        let elsewhere = AtomicUsize::new(0);
        for _ in 0..200 {
            // More than a seat's queue has room for without an allocator: the rest goes to the injector.
            let mut slots = [const { TaskSlot::new() }; 100];
            let mut parts = [0_usize; 100];
            POOL.enter(|worker| {
                let me = worker.index();
                worker.scope(|s| {
                    for ((i, part), slot) in parts.iter_mut().enumerate().zip(&mut slots) {
                        let elsewhere = &elsewhere;
                        s.spawn_in(worker, slot, move |worker, _| {
                            *part = i * i;
                            elsewhere.fetch_add(usize::from(worker.index() != me), Ordering::Relaxed);
                        });
                    }
                    // The body holds this worker up until another one has taken part.
                    while elsewhere.load(Ordering::Relaxed) == 0 {
                        thread::yield_now();
                    }
                });
            })
            .unwrap();
            assert!(parts.iter().enumerate().all(|(i, part)| *part == i * i));
        }
        POOL.shutdown();
    });
    assert_eq!(POOL.state(), State::Closed);
    let ran: u64 = POOL.stats().iter().map(|seat| seat.jobs).sum();
    assert_eq!(ran, 200 * 100);
}

#[test]
fn tasks_may_spawn_more_in_slots_that_outlive_the_scope() {
    static POOL: Pool<1, 8> = Pool::new();
    let count = AtomicUsize::new(0);
    let (mut outer, mut inner) = (TaskSlot::new(), TaskSlot::new());
    POOL.enter(|worker| {
        let (count, inner) = (&count, &mut inner);
        worker.scope(|s| {
            s.spawn_in(worker, &mut outer, move |worker, s| {
                count.fetch_add(1, Ordering::Relaxed);
                s.spawn_in(worker, inner, move |_, _| {
                    count.fetch_add(10, Ordering::Relaxed);
                });
            });
        });
    })
    .unwrap();
    assert_eq!(count.into_inner(), 11);
}

#[test]
fn a_join_a_loop_and_a_reduction_allocate_nothing() {
    static POOL: Pool<2, 64> = Pool::new();
    thread::scope(|s| {
        s.spawn(|| POOL.run_worker(0).unwrap());
        POOL.enter(|worker| worker.join(|_| (), |_| ())).unwrap(); // the first call connects the pool's parts
        let sum = AtomicUsize::new(0);
        let count = allocations(|| {
            POOL.enter(|worker| {
                worker.for_each(0..1_000, 10, |i| {
                    sum.fetch_add(i, Ordering::Relaxed);
                });
                let squares = worker.map_reduce(0..1_000, 10, |r| r.map(|i| i * i).sum::<usize>(), |a, b| a + b);
                assert_eq!(squares, 332_833_500);
                assert_eq!(worker.join(|_| 1, |_| 2), (1, 2));
            })
            .unwrap();
        });
        POOL.shutdown();
        assert_eq!((count, sum.into_inner()), (0, 499_500));
    });
}

#[test]
fn a_panic_in_a_slot_reaches_the_scope() {
    static POOL: Pool<1, 8> = Pool::new();
    let mut slot = TaskSlot::new();
    let slot = &mut slot;
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        POOL.enter(move |worker| {
            worker.scope(|s| s.spawn_in(worker, slot, |_, _| std::panic::panic_any("task")));
        })
    }));
    assert_eq!(*caught.unwrap_err().downcast::<&str>().unwrap(), "task");
    assert_eq!(POOL.enter(|worker| worker.join(|_| 1, |_| 2)).unwrap(), (1, 2));
}
