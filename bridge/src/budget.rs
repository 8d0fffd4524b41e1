//! How much a drain may do, and what it did.

use core::time::Duration;

/// What one drain may spend before the loop looks after its other events.
///
/// ```
/// use reveille_bridge::Budget;
/// use std::time::Duration;
///
/// let budget = Budget { time: Some(Duration::from_micros(200)), ..Budget::items(64) };
/// assert_eq!(budget.items, 64);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// At most so many items.
    pub items: u32,
    /// No item is begun later than this after the first. Costs a look at the clock per item.
    pub time: Option<Duration>,
}

impl Budget {
    /// Whatever is there.
    pub const ALL: Budget = Budget::items(u32::MAX);

    /// At most `items`.
    pub const fn items(items: u32) -> Self {
        Budget { items, time: None }
    }
}

/// What a drain did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drained {
    /// How many items it ran.
    pub items: u32,
    /// Whether some are left; then the bridge has signalled again.
    pub more: bool,
    /// Whether this was the last one: the next is an error.
    pub closed: bool,
}
