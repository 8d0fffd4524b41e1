//! Claims about futures that wait for a `CountdownLatch`.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use loom::future::block_on;
use loom::sync::Arc;
use loom::thread;
use reveille_futex::sync::atomic::{AtomicU32, Ordering};
use reveille_loom_tests::{Check, Place, spawn};

use super::subject::CountdownLatch;

/// The same with a future in the list: the latch opens only after the list was taken.
pub fn countdown_opens_after_its_list_was_taken(check: Check) {
    check.run(|| {
        let place = Place::new(CountdownLatch::new(1));
        // SAFETY: live until rebuilt.
        let latch = unsafe { place.get() };
        let mut subscribed = Box::pin(latch.wait_async());
        assert!(poll_once(subscribed.as_mut()).is_none());
        drop(subscribed); // WAKERS stays: the last step goes through the list
        let worker = thread::spawn(move || {
            // SAFETY: live until counted down.
            unsafe { CountdownLatch::count_down_raw(place.object()) }.unwrap();
        });
        latch.wait().unwrap();
        // SAFETY: the count is taken, and no future is left.
        unsafe { place.rebuild(CountdownLatch::new(5)) };
        worker.join().unwrap();
        // SAFETY: as above.
        assert_eq!(unsafe { place.get() }.count(), 5, "the new latch is untouched");
        // SAFETY: the worker is gone.
        unsafe { place.free() };
    });
}

fn poll_once<F: Future>(future: Pin<&mut F>) -> Option<F::Output> {
    match future.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}

/// A future is woken by the last count-down, whenever it subscribes, and sees everybody's data.
pub fn countdown_async_is_woken(check: Check) {
    check.run(|| {
        let shared = Arc::new((CountdownLatch::new(1), AtomicU32::new(0)));
        let worker = spawn(&shared, move |shared| {
            shared.1.store(1, Ordering::Relaxed);
            shared.0.count_down().unwrap();
        });
        block_on(shared.0.wait_async()).unwrap();
        assert_eq!(shared.1.load(Ordering::Relaxed), 1, "data of the participants");
        worker.join().unwrap();
    });
}

/// A future dropped after any of its polls leaves the latch right: the other future is woken.
pub fn countdown_async_is_cancel_safe(check: Check) {
    check.run(|| cancel(false));
}

/// The same beside a thread that waits.
// full tier
pub fn countdown_async_is_cancel_safe_beside_a_thread(check: Check) {
    check.run(|| cancel(true));
}

fn cancel(beside_a_thread: bool) {
    let latch = Arc::new(CountdownLatch::new(1));
    let worker = spawn(&latch, |latch| latch.count_down().unwrap());
    let waiter = beside_a_thread.then(|| spawn(&latch, |latch| latch.wait().unwrap()));
    let mut dropped = Box::pin(latch.wait_async());
    let mut kept = Box::pin(latch.wait_async());
    block_on(poll_fn(|context| {
        let _ = dropped.as_mut().poll(context);
        let kept = kept.as_mut().poll(context);
        dropped.set(latch.wait_async()); // drops the polled one
        kept
    }))
    .unwrap();
    assert!(latch.is_released());
    worker.join().unwrap();
    if let Some(waiter) = waiter {
        waiter.join().unwrap();
    }
}
