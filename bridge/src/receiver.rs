//! The loop's end.
//!
//! ```text
//!   drain:  acknowledge the signal; clear PENDING; take the lanes (DRAINING: seal them); run; give credits; re-arm
//! ```
//!
//! *Invariant.* PENDING is cleared before the lanes are taken (REGRESSIONS R17), and the signal is acknowledged before
//! PENDING is cleared: what is published after the take finds PENDING clear and signals again, and that signal is not
//! swallowed.
//!
//! Checked by `publish_is_never_lost`, `drain_rearms_itself` and `close_*` of `loom-tests/models/bridge.rs`.

use core::fmt;
use core::ops::Deref;
use core::time::Duration;

use reveille_futex::{Deadline, Platform};

use crate::bridge::{MAX_LANES, Mailbox};
use crate::lane::Ready;
use crate::signal::{Parker, Signal as _};
use crate::word::Phase;
use crate::{Budget, Closed, Drained};

/// After so many items of the upper lanes, one of the lower ones has its turn.
const TURN: u32 = 8;

/// Shorthand for what a receiver of `B` gets.
type ItemOf<B> = <<B as Deref>::Target as Mailbox>::Item;

/// The receiving end of a [`Bridge`](crate::Bridge); there is one.
///
/// It belongs to the event loop and never blocks, but for [`wait`](Self::wait). Dropping it is
/// [`close_now`](Self::close_now), and drops the items.
pub struct Receiver<B: Deref<Target: Mailbox>> {
    pub(crate) bridge: B,
    pub(crate) queue: Queue<ItemOf<B>>,
}

/// What was taken and not run yet.
pub(crate) struct Queue<H: crate::Parcel> {
    lanes: [Ready<H>; MAX_LANES],
    /// Items since the last turn of a lower lane.
    since: u32,
    /// The lower lane that had the last turn.
    turn: usize,
    /// Whether the lanes are sealed: nothing comes any more.
    pub(crate) sealed: bool,
    /// Whether the end was told to the bridge.
    finished: bool,
}

impl<B: Deref<Target: Mailbox>> Receiver<B> {
    pub(crate) fn new(bridge: B) -> Self {
        let lanes = [const { Ready::new() }; MAX_LANES];
        Receiver { bridge, queue: Queue { lanes, since: 0, turn: 0, sealed: false, finished: false } }
    }

    /// Passes the items that are there to `f`, within `budget`: lane 0 first, the others in turn every few items.
    ///
    /// If some are left, the bridge signals again by itself, so that the loop can look after its other events and comes
    /// back. A spurious call costs little and finds nothing. Does not block or allocate; it wakes publishers that wait
    /// for room.
    ///
    /// If `f` panics, its item is gone, the others stay, and the bridge signals again.
    ///
    /// # Errors
    ///
    /// [`Closed`], once everything was delivered after [`close`](crate::Bridge::close).
    pub fn drain(&mut self, budget: Budget, mut f: impl FnMut(ItemOf<B>)) -> Result<Drained, Closed> {
        if self.queue.finished {
            return Err(Closed);
        }
        self.collect();
        let end = budget.time.map(Deadline::after_on::<<B::Target as Mailbox>::Platform>);
        let mut run = Run { receiver: self, items: 0 };
        while run.items < budget.items {
            let Some(item) = run.receiver.queue.pop() else { break };
            run.items += 1;
            f(item);
            if end.is_some_and(|end| <B::Target as Mailbox>::Platform::now() >= end) {
                break;
            }
        }
        let items = run.items;
        drop(run);
        Ok(Drained { items, more: !self.queue.is_empty(), closed: self.queue.finished })
    }

    /// Takes everything that was published.
    pub(crate) fn collect(&mut self) {
        let (core, lanes, signal) = self.bridge.parts();
        core.come_home();
        signal.acknowledge();
        let word = core.clear_pending();
        self.queue.take(lanes, word.phase());
    }

    /// Gives credits back, signals again if items are left, finishes if nothing will come any more.
    pub(crate) fn settle(&mut self, items: u32) {
        let (core, _, signal) = self.bridge.parts();
        core.credits.give(items);
        if !self.queue.is_empty() {
            core.post(signal);
        } else if self.queue.sealed && !self.queue.finished {
            self.queue.finished = true;
            core.finish(signal);
        }
    }

    /// Closes the bridge at once and hands back what was not run, lane by lane, oldest first.
    ///
    /// A publisher whose item is not among them has got it back as [`Closed`](crate::PublishError::Closed). Never blocks,
    /// not even for a publisher that is in the middle of publishing.
    pub fn close_now(&mut self) -> Unsent<'_, B> {
        if !self.queue.finished {
            self.queue.finished = true;
            let (core, lanes, signal) = self.bridge.parts();
            core.finish(signal);
            self.queue.take(lanes, Phase::Closed);
        }
        Unsent { queue: &mut self.queue }
    }

    /// The bridge.
    pub fn bridge(&self) -> &B::Target {
        &self.bridge
    }

    /// Whether there is a reason for the loop to stay: a [`Hold`](crate::Hold), or something that was published.
    ///
    /// When the last hold goes, the loop is signalled, so that it can ask.
    pub fn is_held(&self) -> bool {
        let (core, ..) = self.bridge.parts();
        // In this order: who holds the loop may publish before it lets go.
        core.is_held() || core.word().is_pending() || !self.queue.is_empty()
    }
}

impl<B, P> Receiver<B>
where
    B: Deref<Target: Mailbox<Signal = Parker<P>, Platform = P>>,
    P: Platform,
{
    /// Blocks until there is something to drain, for at most `timeout`; whether there is.
    ///
    /// This is the loop of a thread that has no other events.
    pub fn wait(&mut self, timeout: Duration) -> bool {
        self.wait_until(Deadline::after_on::<P>(timeout))
    }

    /// [`wait`](Self::wait) until `deadline`.
    pub fn wait_until(&mut self, deadline: Deadline) -> bool {
        let (core, _, signal) = self.bridge.parts();
        if self.queue.finished || core.word().is_pending() {
            return true;
        }
        signal.park_until(deadline)
    }
}

impl<H: crate::Parcel> Queue<H> {
    fn take(&mut self, lanes: &[crate::lane::Lane], phase: Phase) {
        if self.sealed {
            return;
        }
        self.sealed = phase >= Phase::Draining;
        for (lane, ready) in lanes.iter().zip(&mut self.lanes) {
            if self.sealed { lane.seal(ready) } else { lane.take(ready) }
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.lanes.iter().all(Ready::is_empty)
    }

    /// The next item: of the first lane that has one, or of the lower lane whose turn it is.
    #[inline]
    pub(crate) fn pop(&mut self) -> Option<H> {
        self.since += 1;
        if self.since >= TURN {
            self.since = 0;
            for _ in 1..MAX_LANES {
                self.turn = if self.turn <= 1 { MAX_LANES - 1 } else { self.turn - 1 };
                if let Some(item) = self.lanes[self.turn % MAX_LANES].pop() {
                    return Some(item);
                }
            }
        }
        self.lanes.iter_mut().find_map(Ready::pop)
    }
}

/// One drain; settles also if an item panics.
struct Run<'a, B: Deref<Target: Mailbox>> {
    receiver: &'a mut Receiver<B>,
    items: u32,
}

impl<B: Deref<Target: Mailbox>> Drop for Run<'_, B> {
    fn drop(&mut self) {
        self.receiver.settle(self.items);
    }
}

/// What [`Receiver::close_now`] hands back. Dropping it drops the rest.
pub struct Unsent<'a, B: Deref<Target: Mailbox>> {
    queue: &'a mut Queue<ItemOf<B>>,
}

impl<B: Deref<Target: Mailbox>> Iterator for Unsent<'_, B> {
    type Item = ItemOf<B>;

    fn next(&mut self) -> Option<Self::Item> {
        self.queue.lanes.iter_mut().find_map(Ready::pop)
    }
}

impl<B: Deref<Target: Mailbox>> Drop for Unsent<'_, B> {
    fn drop(&mut self) {
        while self.next().is_some() {}
    }
}

impl<B: Deref<Target: Mailbox>> Drop for Receiver<B> {
    fn drop(&mut self) {
        drop(self.close_now());
    }
}

impl<B: Deref<Target: Mailbox>> fmt::Debug for Receiver<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").field("closed", &self.queue.finished).finish_non_exhaustive()
    }
}

impl<B: Deref<Target: Mailbox>> fmt::Debug for Unsent<'_, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unsent").finish_non_exhaustive()
    }
}
