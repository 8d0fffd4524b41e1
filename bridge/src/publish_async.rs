//! Waiting for room without blocking the thread.

use core::fmt;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll};

use reveille_futex::wakers::Entry;
use reveille_futex::{Os, Platform};

use crate::credits::Take;
use crate::parcel::Parcel;
use crate::signal::Signal;
use crate::{Bridge, PublishError};

/// The future of [`Bridge::publish_async`].
#[must_use = "futures do nothing unless polled"]
pub struct PublishAsync<'a, H: Parcel, S: Signal, const LANES: usize = 1, P: Platform = Os> {
    bridge: &'a Bridge<H, S, LANES, P>,
    lane: usize,
    item: Option<H>,
    entry: Entry,
    /// Whether the entry was ever given to the list.
    enlisted: bool,
}

impl<'a, H: Parcel, S: Signal, const LANES: usize, P: Platform> PublishAsync<'a, H, S, LANES, P> {
    pub(crate) fn new(bridge: &'a Bridge<H, S, LANES, P>, lane: usize, item: H) -> Self {
        PublishAsync { bridge, lane, item: Some(item), entry: Entry::new(), enlisted: false }
    }
}

impl<H: Parcel, S: Signal, const LANES: usize, P: Platform> Future for PublishAsync<'_, H, S, LANES, P> {
    type Output = Result<(), PublishError<H>>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        // SAFETY: nothing pinned is moved: the item is not, and the entry stays.
        let this = unsafe { self.get_unchecked_mut() };
        let credits = &this.bridge.core.credits;
        loop {
            let taken = credits.take(1);
            if taken != Take::Full {
                let item = this.item.take().expect("polled after it was ready");
                return Poll::Ready(match taken {
                    Take::Taken => this.bridge.send_one(this.lane, item),
                    _ => Err(PublishError::Closed(item)),
                });
            }
            if !this.enlisted {
                this.enlisted = true;
                credits.enlist();
            }
            // SAFETY: part of a pinned future.
            let entry = unsafe { Pin::new_unchecked(&this.entry) };
            // SAFETY: the entry knows this list only; `drop` takes it out.
            if unsafe { credits.listen(entry, context.waker()) } {
                return Poll::Pending;
            }
        }
    }
}

impl<H: Parcel, S: Signal, const LANES: usize, P: Platform> Drop for PublishAsync<'_, H, S, LANES, P> {
    fn drop(&mut self) {
        if self.enlisted {
            // SAFETY: the entry was pinned with the future and does not move any more.
            let entry = unsafe { Pin::new_unchecked(&self.entry) };
            // SAFETY: the entry knows this list only.
            unsafe { self.bridge.core.credits.deafen(entry) };
        }
    }
}

impl<H: Parcel, S: Signal, const LANES: usize, P: Platform> fmt::Debug for PublishAsync<'_, H, S, LANES, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PublishAsync").field("bridge", self.bridge).finish_non_exhaustive()
    }
}
