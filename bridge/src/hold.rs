//! Reasons for the loop to stay alive.

use core::fmt;
use core::ops::Deref;

use crate::bridge::Mailbox;

/// As long as it lives, [`Receiver::is_held`](crate::Receiver::is_held) says that the loop should go on: something will be
/// published. What a Node.js host calls ref and unref.
///
/// ```
/// use reveille_bridge::{Boxed, Bridge, Hold};
///
/// let bridge: Bridge<Boxed<u32>, fn()> = Bridge::new(|| {});
/// let receiver = bridge.attach().unwrap();
/// let hold = Hold::new(&bridge);
/// assert!(receiver.is_held());
/// drop(hold);
/// assert_eq!(bridge.edges(), 1, "the loop is told");
/// ```
pub struct Hold<B: Deref<Target: Mailbox>>(B);

impl<B: Deref<Target: Mailbox>> Hold<B> {
    /// Keeps the loop of `bridge` alive.
    pub fn new(bridge: B) -> Self {
        bridge.parts().0.hold();
        Hold(bridge)
    }

    /// Leaves the letting go to the loop, which is going to find out by an item.
    #[cfg(all(feature = "std", not(any(loom, target_os = "none"))))]
    pub(crate) fn hand_over(self) {
        // SAFETY: read once; the original is not dropped.
        drop(unsafe { core::ptr::read(&raw const core::mem::ManuallyDrop::new(self).0) });
    }

    /// The bridge.
    pub fn bridge(&self) -> &B::Target {
        &self.0
    }
}

impl<B: Deref<Target: Mailbox>> Drop for Hold<B> {
    fn drop(&mut self) {
        let (core, _, signal) = self.0.parts();
        if core.unhold() {
            core.post(signal);
        }
    }
}

impl<B: Deref<Target: Mailbox>> fmt::Debug for Hold<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hold").finish_non_exhaustive()
    }
}
