//! The same word, waited for on one side of the host's fence and woken on the other: `Atomics.notify` ends a wait of ours,
//! and our wake ends an `Atomics.wait`.

use core::sync::atomic::{AtomicU32, Ordering};
use core::time::Duration;

use reveille_futex::{WaitOutcome, wait, wait_timeout, wake_one};

/// Changed by the host.
static OURS: AtomicU32 = AtomicU32::new(0);

/// Changed by us.
static THEIRS: AtomicU32 = AtomicU32::new(0);

/// Where the word is on which [`wait_for_the_host`] waits.
#[unsafe(no_mangle)]
pub extern "C" fn our_word() -> *const AtomicU32 {
    &raw const OURS
}

/// Where the word is on which the host waits for [`wake_the_host`].
#[unsafe(no_mangle)]
pub extern "C" fn their_word() -> *const AtomicU32 {
    &raw const THEIRS
}

/// Waits until the host has changed the word, after it woke `wakes` waits by a notify alone. Returns whether so many were
/// woken; one more by the change itself, if that came while this thread was asleep.
#[unsafe(no_mangle)]
pub extern "C" fn wait_for_the_host(wakes: u32) -> bool {
    let mut woken = 0;
    // Acquire: as a program would that was handed data.
    while OURS.load(Ordering::Acquire) == 0 {
        woken += u32::from(wait(&OURS, 0) == WaitOutcome::Returned);
    }
    woken == wakes || woken == wakes + 1
}

/// Wakes the host's wait, whose word stays as it is: it ends by the wake alone. Returns how many waits that ended.
#[unsafe(no_mangle)]
pub extern "C" fn wake_the_host() -> u32 {
    let nobody_wakes = AtomicU32::new(0);
    loop {
        match wake_one(&THEIRS) {
            Some(0) | None => drop(wait_timeout(&nobody_wakes, 0, Duration::from_millis(1))), // the host is on its way
            Some(woken) => return woken,
        }
    }
}
