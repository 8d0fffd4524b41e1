//! MPS2 with the image of application note 385: one Cortex-M3.

pub(crate) use super::systick::{start_timer, stop_timer};

/// How many there are.
pub const CORES: usize = 1;

pub(super) const STACK: usize = 1 << 16;

pub(crate) fn init(_core: usize) {}

/// The number of this core.
pub fn core() -> usize {
    0
}
