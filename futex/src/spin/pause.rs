//! Waiting on processors without an event between cores.

use crate::Deadline;

pub(super) fn pause(_: Deadline) {
    core::hint::spin_loop();
}

pub(super) fn announce() {}
