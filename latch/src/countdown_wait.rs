//! Waiting for a countdown latch from async code.
//!
//! ```text
//!   new --poll--> open? -> Ready
//!                   | no: lock; confirm not open, set WAKERS, put the waker into the list; unlock
//!                   v
//!                Pending --woken, poll--> open: out of the list -> Ready
//!                   +------drop---------> out of the list
//! ```
//!
//! *Invariant.* The confirmation comes after the decision to subscribe and under the lock that the notifier takes (R9).
//!
//! Checked by `countdown_async_*` of `loom-tests/models/latch`.

use core::fmt;
use core::future::{Future, IntoFuture};
use core::pin::Pin;
use core::task::{Context, Poll};

use reveille_futex::wakers::Entry;
use reveille_futex::{Os, Platform};

use crate::{CountdownLatch, Poisoned};

/// The future of [`CountdownLatch::wait_async`].
#[must_use = "futures do nothing unless polled"]
pub struct WaitAsync<'a, P: Platform = Os> {
    latch: &'a CountdownLatch<P>,
    entry: Entry,
    /// Whether the entry was ever put into the list.
    listed: bool,
}

impl<P: Platform> CountdownLatch<P> {
    /// Waits for the latch without blocking the thread. Does not count, does not allocate.
    ///
    /// *Cancel-safe.* The future may be dropped after any of its polls; that leaves the latch and the other waiters as if
    /// it had never been.
    ///
    /// The output is an error if the latch opened by a failure.
    ///
    /// ```
    /// use reveille_latch::CountdownLatch;
    /// # use std::{future::Future, pin::pin, sync::Arc, task::{Context, Poll, Wake}, thread};
    /// # struct Unpark(thread::Thread);
    /// # impl Wake for Unpark { fn wake(self: Arc<Self>) { self.0.unpark() } }
    /// # fn block_on<F: Future>(future: F) -> F::Output {
    /// #     let waker = Arc::new(Unpark(thread::current())).into();
    /// #     let mut future = pin!(future);
    /// #     loop {
    /// #         if let Poll::Ready(x) = future.as_mut().poll(&mut Context::from_waker(&waker)) { return x }
    /// #         thread::park();
    /// #     }
    /// # }
    ///
    /// let done = CountdownLatch::new(2);
    /// thread::scope(|s| {
    ///     s.spawn(|| done.count_down());
    ///     s.spawn(|| done.count_down());
    ///     block_on(async { done.wait_async().await.unwrap() });
    /// });
    /// assert!(done.is_released());
    /// ```
    pub fn wait_async(&self) -> WaitAsync<'_, P> {
        WaitAsync { latch: self, entry: Entry::new(), listed: false }
    }
}

impl<'a, P: Platform> IntoFuture for &'a CountdownLatch<P> {
    type Output = Result<(), Poisoned>;
    type IntoFuture = WaitAsync<'a, P>;

    fn into_future(self) -> WaitAsync<'a, P> {
        self.wait_async()
    }
}

impl<P: Platform> Future for WaitAsync<'_, P> {
    type Output = Result<(), Poisoned>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let latch = self.latch;
        if !latch.is_released() {
            // SAFETY: nothing is moved out; the entry stays pinned with the future.
            let this = unsafe { self.get_unchecked_mut() };
            this.listed = true;
            // SAFETY: the entry is part of a pinned future.
            let entry = unsafe { Pin::new_unchecked(&this.entry) };
            // SAFETY: the entry knows this list only; `drop` removes it.
            let waits = unsafe { latch.wakers.register::<P>(entry, context.waker(), || latch.announce_waker()) };
            if waits {
                return Poll::Pending;
            }
        }
        // A notifier may still hold the entry: it goes when the future is dropped, under the lock.
        Poll::Ready(latch.read().verdict())
    }
}

impl<P: Platform> Drop for WaitAsync<'_, P> {
    fn drop(&mut self) {
        if self.listed {
            // SAFETY: the entry was pinned with the future and does not move any more.
            let entry = unsafe { Pin::new_unchecked(&self.entry) };
            // SAFETY: the entry knows this list only.
            unsafe { self.latch.wakers.remove::<P>(entry) };
        }
    }
}

impl<P: Platform> fmt::Debug for WaitAsync<'_, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WaitAsync").field("latch", self.latch).finish_non_exhaustive()
    }
}
