//! Waiting on Arm: `wfe` sleeps until an event, `sev` sends one to every core and is remembered by those that do not wait.

use core::arch::asm;

use crate::Deadline;

/// Sleeps until an event, unless a deadline needs looking at: no event tells that time has passed.
#[inline] // not compiled where nobody calls it: the oldest Arm processors lack the instructions
pub(super) fn pause(deadline: Deadline) {
    if !deadline.is_never() {
        core::hint::spin_loop();
        return;
    }
    // SAFETY: the instruction changes nothing but the core's event register. It may read memory, as far as the compiler
    // knows, so that the caller's next look at the word comes after it.
    unsafe { asm!("wfe", options(nostack, preserves_flags)) };
}

/// The change of the word comes before the event: without the barrier a core could wake, see the old value and sleep.
#[inline]
pub(super) fn announce() {
    // SAFETY: a barrier and a hint.
    unsafe { asm!("dsb sy", "sev", options(nostack, preserves_flags)) };
}
