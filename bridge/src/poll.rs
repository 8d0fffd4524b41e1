//! The receiver as part of an async runtime.

use core::future::poll_fn;
use core::ops::Deref;
use core::task::{Context, Poll};

use crate::bridge::Mailbox;
use crate::receiver::Receiver;
use crate::signal::WakerSignal;
use crate::word::Phase;
use crate::{Budget, Closed, Drained};

impl<B: Deref<Target: Mailbox<Signal = WakerSignal>>> Receiver<B> {
    /// [`drain`](Self::drain), if something is there; otherwise leaves the waker and is pending.
    ///
    /// If the budget did not suffice, the task is woken again. One task polls at a time; the waker of the last poll is
    /// woken.
    ///
    /// # Errors
    ///
    /// As [`drain`](Self::drain).
    pub fn poll_drain(
        &mut self,
        context: &mut Context<'_>,
        budget: Budget,
        f: impl FnMut(<B::Target as Mailbox>::Item),
    ) -> Poll<Result<Drained, Closed>> {
        if self.is_idle(context) {
            return Poll::Pending;
        }
        let drained = self.drain(budget, f);
        if matches!(drained, Ok(Drained { more: true, .. })) {
            // Whoever signalled has taken the waker that was left before, so the signal for what is left finds none.
            context.waker().wake_by_ref();
        }
        Poll::Ready(drained)
    }

    /// The next item, or `None` once everything was delivered after a close. The `poll_next` of a stream.
    pub fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<<B::Target as Mailbox>::Item>> {
        loop {
            if let Some(item) = self.queue.pop() {
                let (core, ..) = self.bridge.parts();
                core.credits.give(1);
                return Poll::Ready(Some(item));
            }
            if self.queue.sealed {
                self.settle(0);
                return Poll::Ready(None);
            }
            if self.is_idle(context) {
                return Poll::Pending;
            }
            self.collect();
        }
    }

    /// The next item, or `None` once everything was delivered after a close. Cancel-safe.
    pub async fn next(&mut self) -> Option<<B::Target as Mailbox>::Item> {
        poll_fn(|context| self.poll_next(context)).await
    }

    /// Leaves the waker, then looks whether it was worth it.
    fn is_idle(&self, context: &Context<'_>) -> bool {
        let (core, _, signal) = self.bridge.parts();
        let idle = || !core.word().is_pending() && core.word().phase() != Phase::Closed && self.queue.is_empty();
        if !idle() {
            return false;
        }
        signal.register(context.waker());
        idle()
    }
}

#[cfg(feature = "stream")]
impl<B: Deref<Target: Mailbox<Signal = WakerSignal>> + Unpin> futures_core::Stream for Receiver<B> {
    type Item = <B::Target as Mailbox>::Item;

    fn poll_next(self: core::pin::Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Receiver::poll_next(self.get_mut(), context)
    }
}
