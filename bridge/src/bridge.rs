//! The mailbox, as publishers see it.

use core::fmt;
use core::ops::Deref;

use reveille_futex::sync::atomic::Ordering;
use reveille_futex::{Deadline, Os, Platform, const_unless_loom};

use crate::credits::{MOST, Take};
use crate::lane::{Lane, Ready};
use crate::parcel::Parcel;
use crate::receiver::Receiver;
use crate::signal::Signal;
use crate::state::Core;
use crate::{Attached, Chain, Phase, PublishAsync, PublishError};

/// As many lanes as a bridge may have.
pub const MAX_LANES: usize = 8;

/// A mailbox from any number of workers to one event loop.
///
/// `H` is what travels (see [`Parcel`]), `S` how the loop is told (see [`Signal`]), `LANES` how many priorities there are;
/// lane 0 is the most urgent, and a number beyond the last lane means the last.
///
/// Publishing is two locked instructions, three if the bridge is bounded. It signals only if the loop does not know yet
/// that something is there. Items of one publisher in one lane arrive in the order of publication.
///
/// *Memory ordering.* What a worker did before it published an item happens before the loop gets the item.
///
/// *Interrupts.* [`try_publish`](Self::try_publish) never blocks or allocates: an interrupt may publish where the signal
/// may be sent, and if no task awaits credits of the same bridge.
///
/// ```
/// use reveille_bridge::{Boxed, Bridge, Budget, Parker};
/// use std::time::Duration;
///
/// static INBOX: Bridge<Boxed<u32>, Parker> = Bridge::new(Parker::new());
///
/// let mut inbox = INBOX.attach().unwrap();
/// std::thread::spawn(|| {
///     for i in 0..10 {
///         INBOX.try_publish(0, Boxed::new(i)).unwrap();
///     }
///     INBOX.close();
/// });
/// let mut got = Vec::new();
/// while let Ok(_) = inbox.drain(Budget::ALL, |item| got.push(item.into_inner())) {
///     inbox.wait(Duration::MAX); // a real loop would look after its other events
/// }
/// assert_eq!(got, (0..10).collect::<Vec<_>>());
/// ```
pub struct Bridge<H: Parcel, S: Signal, const LANES: usize = 1, P: Platform = Os> {
    pub(crate) core: Core<P>,
    lanes: [Lane; LANES],
    pub(crate) signal: S,
    /// Invariant in `H`: what one end puts in, the other takes out.
    carries: core::marker::PhantomData<fn(H) -> H>,
}

// SAFETY: items go from thread to thread, as `H: Send` allows; the signal is Sync by its trait.
unsafe impl<H: Parcel + Send, S: Signal + Send, const LANES: usize, P: Platform> Send for Bridge<H, S, LANES, P> {}
// SAFETY: as above.
unsafe impl<H: Parcel + Send, S: Signal, const LANES: usize, P: Platform> Sync for Bridge<H, S, LANES, P> {}

#[cfg(not(loom))]
const fn lanes<const LANES: usize>() -> [Lane; LANES] {
    [const { Lane::new() }; LANES]
}

#[cfg(loom)]
fn lanes<const LANES: usize>() -> [Lane; LANES] {
    core::array::from_fn(|_| Lane::new())
}

impl<H: Parcel, S: Signal, const LANES: usize, P: Platform> Bridge<H, S, LANES, P> {
    const ONE_TO_EIGHT_LANES: () = assert!(LANES >= 1 && LANES <= MAX_LANES, "a bridge has one to eight lanes");

    const_unless_loom! {
        /// A bridge that takes any number of items.
        pub const fn new(signal: S) -> Self {
            let () = Self::ONE_TO_EIGHT_LANES;
            Bridge { core: Core::new(None), lanes: lanes(), signal, carries: core::marker::PhantomData }
        }
    }

    const_unless_loom! {
        /// A bridge that has at most `capacity` items on the way at once, over all lanes; at most 2^31 - 1.
        pub const fn bounded(capacity: u32, signal: S) -> Self {
            let () = Self::ONE_TO_EIGHT_LANES;
            let capacity = if capacity > MOST { MOST } else { capacity };
            Bridge { core: Core::new(Some(capacity)), lanes: lanes(), signal, carries: core::marker::PhantomData }
        }
    }

    /// Publishes an item, if that is possible at once. Never blocks or allocates.
    ///
    /// `Ok` means that the loop will get the item, or that [`Receiver::close_now`] hands it back.
    ///
    /// # Errors
    ///
    /// [`Full`](PublishError::Full) or [`Closed`](PublishError::Closed), with the item.
    #[inline]
    pub fn try_publish(&self, lane: usize, item: H) -> Result<(), PublishError<H>> {
        match self.core.credits.take(1) {
            Take::Taken => self.send_one(lane, item),
            Take::Full => Err(PublishError::Full(item)),
            Take::Shut => Err(PublishError::Closed(item)),
        }
    }

    /// Publishes an item and blocks while the bridge is full. For workers.
    ///
    /// # Errors
    ///
    /// [`Closed`](PublishError::Closed); on the thread that drained last, also
    /// [`WouldDeadlock`](PublishError::WouldDeadlock) instead of blocking. Only `std` can tell threads apart: without it the
    /// loop must use [`try_publish`](Self::try_publish).
    pub fn publish(&self, lane: usize, item: H) -> Result<(), PublishError<H>> {
        self.publish_until(lane, item, Deadline::NEVER)
    }

    /// [`publish`](Self::publish) until `deadline` at the latest.
    ///
    /// # Errors
    ///
    /// As [`publish`](Self::publish), and [`Full`](PublishError::Full) if the deadline passed.
    pub fn publish_until(&self, lane: usize, item: H, deadline: Deadline) -> Result<(), PublishError<H>> {
        match self.core.take_credit(deadline) {
            Some(Take::Taken) => self.send_one(lane, item),
            Some(Take::Full) => Err(PublishError::Full(item)),
            Some(Take::Shut) => Err(PublishError::Closed(item)),
            None => Err(PublishError::WouldDeadlock(item)),
        }
    }

    /// Publishes an item and waits for room without blocking the thread, so also on the loop.
    ///
    /// Dropping the future drops the item, unless it was accepted. Never allocates.
    pub fn publish_async(&self, lane: usize, item: H) -> PublishAsync<'_, H, S, LANES, P> {
        PublishAsync::new(self, lane, item)
    }

    /// Publishes a whole chain by one exchange and at most one signal. Never blocks or allocates.
    ///
    /// The items stay together: nothing of another publisher comes between them in this lane.
    ///
    /// # Errors
    ///
    /// [`Full`](PublishError::Full) if there is no room for all of it, or [`Closed`](PublishError::Closed), with the chain.
    pub fn publish_chain(&self, lane: usize, chain: Chain<H>) -> Result<(), PublishError<Chain<H>>> {
        let Some((newest, oldest)) = chain.ends() else { return Ok(()) };
        match self.core.credits.take(chain.len()) {
            Take::Taken => {}
            Take::Full => return Err(PublishError::Full(chain)),
            Take::Shut => return Err(PublishError::Closed(chain)),
        }
        // SAFETY: the links of the chain, which is given away if this succeeds.
        if self.core.word().is_open() && unsafe { self.lane(lane).push(newest, oldest) } {
            chain.given_away();
            self.core.post(&self.signal);
            Ok(())
        } else {
            Err(PublishError::Closed(chain)) // its credits are of no use to anybody
        }
    }

    /// With a credit taken.
    #[inline]
    pub(crate) fn send_one(&self, lane: usize, item: H) -> Result<(), PublishError<H>> {
        // A look that saves work; the seal of the lane decides.
        if !self.core.word().is_open() {
            return Err(PublishError::Closed(item));
        }
        let link = item.into_raw();
        // SAFETY: just given away by `into_raw`.
        if unsafe { self.lane(lane).push(link, link) } {
            self.core.post(&self.signal);
            Ok(())
        } else {
            // SAFETY: the lane has refused it, so it is still ours.
            Err(PublishError::Closed(unsafe { H::from_raw(link) }))
        }
    }

    #[inline]
    fn lane(&self, lane: usize) -> &Lane {
        &self.lanes[lane.min(LANES - 1)]
    }

    /// Refuses further items, lets the loop have those that were accepted, and tells it; `false` if that was done before.
    ///
    /// Publishers that wait for room get their items back. Never blocks.
    pub fn close(&self) -> bool {
        self.core.close(&self.signal)
    }

    /// How far the bridge has come: a moment's answer.
    pub fn phase(&self) -> Phase {
        self.core.word().phase()
    }

    /// How many items are on the way, if the bridge is bounded: a moment's answer.
    pub fn in_flight(&self) -> Option<u32> {
        self.core.credits.taken()
    }

    /// How many signals were sent: one for each time that the loop had to be told.
    pub fn edges(&self) -> usize {
        self.core.edges()
    }

    /// How the loop is told.
    pub fn signal(&self) -> &S {
        &self.signal
    }

    /// The receiving end, for a bridge that is borrowed or static; once.
    ///
    /// # Errors
    ///
    /// [`Attached`], if there is or was another one.
    pub fn attach(&self) -> Result<Receiver<&Self>, Attached> {
        Self::attach_to(self)
    }

    /// The receiving end with a share of the bridge, such as an `Arc`; once.
    ///
    /// # Errors
    ///
    /// [`Attached`], if there is or was another one.
    pub fn attach_to<B: Deref<Target = Self>>(bridge: B) -> Result<Receiver<B>, Attached> {
        // Relaxed: decides who is first, publishes nothing.
        if bridge.core.attached.swap(true, Ordering::Relaxed) {
            return Err(Attached);
        }
        bridge.core.run();
        bridge.core.come_home();
        Ok(Receiver::new(bridge))
    }
}

/// A [`Bridge`] of whatever kind.
pub trait Mailbox: sealed::Sealed {
    /// What travels.
    type Item: Parcel;
    /// How the loop is told.
    type Signal: Signal;
    /// Where it runs.
    type Platform: Platform;

    #[doc(hidden)]
    fn parts(&self) -> (&Core<Self::Platform>, &[Lane], &Self::Signal);
}

mod sealed {
    pub trait Sealed {}
}

impl<H: Parcel, S: Signal, const LANES: usize, P: Platform> sealed::Sealed for Bridge<H, S, LANES, P> {}

impl<H: Parcel, S: Signal, const LANES: usize, P: Platform> Mailbox for Bridge<H, S, LANES, P> {
    type Item = H;
    type Signal = S;
    type Platform = P;

    #[inline]
    fn parts(&self) -> (&Core<P>, &[Lane], &S) {
        (&self.core, &self.lanes, &self.signal)
    }
}

impl<H: Parcel, S: Signal, const LANES: usize, P: Platform> Drop for Bridge<H, S, LANES, P> {
    fn drop(&mut self) {
        let mut ready = Ready::<H>::new();
        for lane in &self.lanes {
            lane.seal(&mut ready); // and `ready` drops them
        }
    }
}

impl<H: Parcel, S: Signal, const LANES: usize, P: Platform> fmt::Debug for Bridge<H, S, LANES, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bridge").field("phase", &self.phase()).field("edges", &self.edges()).finish_non_exhaustive()
    }
}
