//! Waiting for a phase from async code.
//!
//! *Invariant.* A future registers under the list's lock and only while its phase is pending (R9); it leaves the list
//! before it goes. Dropped before its phase is over, it withdraws its arrival.
//!
//! Checked by `barrier_async_*` of `loom-tests/models/barrier`.

use core::fmt;
use core::future::{Future, IntoFuture};
use core::pin::Pin;
use core::task::{Context, Poll};

use reveille_futex::sync::atomic::Ordering;
use reveille_futex::wakers::Entry;
use reveille_futex::{Os, Platform};

use crate::completion::{Completion, NoCompletion};
use crate::host;
use crate::state::{Standing, State, WAKERS};
use crate::{ArrivalToken, ArriveError, Barrier, BarrierWaitResult, Broken};

/// The future of an [`ArrivalToken`].
#[must_use = "futures do nothing unless polled"]
pub struct ArrivalFuture<'a, P: Platform = Os, C: Completion = NoCompletion> {
    barrier: &'a Barrier<P, C>,
    /// `None` once the future is ready.
    token: Option<ArrivalToken<'a, P, C>>,
    entry: Entry,
    /// Whether the entry was ever put into the list.
    listed: bool,
}

impl<P: Platform, C: Completion> Barrier<P, C> {
    /// Arrives, and waits without blocking the thread. Threads and tasks may share a barrier.
    ///
    /// *Cancel-safe.* Dropped before the phase is over, the future withdraws its arrival; so a later call counts anew. In a
    /// panic it breaks the barrier instead.
    ///
    /// # Errors
    ///
    /// [`ArriveError::Full`] for a caller beyond the number of parties while a phase closes. [`ArriveError::Broken`].
    pub async fn wait_async(&self) -> Result<BarrierWaitResult, ArriveError> {
        Ok(self.arrive()?.await?)
    }

    /// Whether the phase is still pending, with the flag for the list up: under the list's lock.
    fn announce_waker(&self, generation: u32) -> bool {
        let mut now = self.read();
        while now.standing(generation) == Standing::Pending {
            // Release: whoever ends the phase finds the flag in the word, with it the way to the list (R19), and the entry under
            // the lock. Acquire on failure: with the flag of a break comes that barriers break (R20).
            match self.state.compare_exchange_weak(now.0, now.with(WAKERS).0, Ordering::Release, Ordering::Acquire) {
                Ok(_) => return true,
                Err(other) => now = State(other),
            }
        }
        false
    }
}

impl<'a, P: Platform, C: Completion> IntoFuture for ArrivalToken<'a, P, C> {
    type Output = Result<BarrierWaitResult, Broken>;
    type IntoFuture = ArrivalFuture<'a, P, C>;

    fn into_future(self) -> ArrivalFuture<'a, P, C> {
        ArrivalFuture { barrier: self.barrier, token: Some(self), entry: Entry::new(), listed: false }
    }
}

impl<P: Platform, C: Completion> Future for ArrivalFuture<'_, P, C> {
    type Output = Result<BarrierWaitResult, Broken>;

    /// # Panics
    ///
    /// If polled after it was ready.
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        // SAFETY: nothing is moved out but the token, which is not pinned; the entry stays where it is.
        let this = unsafe { self.get_unchecked_mut() };
        let generation = this.token.as_ref().expect("polled after it was ready").result.generation;
        if this.barrier.read().standing(generation) == Standing::Pending {
            this.listed = true;
            // SAFETY: the entry is part of a pinned future.
            let entry = unsafe { Pin::new_unchecked(&this.entry) };
            let confirm = || this.barrier.announce_waker(generation);
            // SAFETY: the entry knows this list only; `drop` removes it.
            if unsafe { this.barrier.wakers.register::<P>(entry, context.waker(), confirm) } {
                return Poll::Pending;
            }
        }
        let token = this.token.take().expect("it was there before");
        Poll::Ready(token.wait())
    }
}

impl<P: Platform, C: Completion> Drop for ArrivalFuture<'_, P, C> {
    fn drop(&mut self) {
        if self.listed {
            // SAFETY: the entry was pinned with the future and does not move any more.
            let entry = unsafe { Pin::new_unchecked(&self.entry) };
            // SAFETY: the entry knows this list only.
            unsafe { self.barrier.wakers.remove::<P>(entry) };
        }
        if host::panicking() {
            return; // the token breaks the barrier
        }
        if let Some(token) = self.token.take() {
            let _ = token.withdraw(); // too late: the phase is complete, and counted this arrival
        }
    }
}

impl<P: Platform, C: Completion> fmt::Debug for ArrivalFuture<'_, P, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ArrivalFuture").field("token", &self.token).finish_non_exhaustive()
    }
}
