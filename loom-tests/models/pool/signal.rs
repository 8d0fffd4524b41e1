//! Claims about the signal that ends a stolen task.

use loom::sync::Arc;
use loom::thread;
use reveille_futex::{Os, model};
use reveille_loom_tests::{Check, Place, spawn};

use super::subject::protocol::Signal;

/// A waiter that blocks on the signal itself is woken, whenever the event comes.
pub fn signal_wakes_a_blocked_waiter(check: Check) {
    check.run(|| {
        let signal = Arc::new(Signal::new());
        let setter = spawn(&signal, move |signal| {
            // SAFETY: the signal is shared.
            assert!(!unsafe { Signal::set::<Os>(&raw const *signal) }, "nobody watches");
        });
        let interrupter = thread::spawn(model::interrupt);
        signal.block::<Os>();
        assert!(signal.is_done());
        setter.join().unwrap();
        interrupter.join().unwrap();
    });
}

/// The waiter may reuse the memory of a signal as soon as it is done.
pub fn signal_set_is_the_last_access(check: Check) {
    check.run(|| {
        let place = Place::new(Signal::new());
        let setter = thread::spawn(move || {
            // SAFETY: live until set.
            unsafe { Signal::set::<Os>(place.object()) }
        });
        // SAFETY: live until it is built anew.
        unsafe { place.get() }.block::<Os>();
        // SAFETY: the only setter has set it.
        unsafe { place.rebuild(Signal::new()) };
        setter.join().unwrap();
        // SAFETY: as above.
        assert!(!unsafe { place.get() }.is_done(), "the new signal is untouched");
        // SAFETY: nobody else is left.
        unsafe { place.free() };
    });
}
