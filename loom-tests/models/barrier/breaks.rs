//! Claims about `Barrier`: breaks, and what is told of them.

use loom::sync::Arc;
use reveille_loom_tests::{Check, spawn};

use super::subject::{Barrier, ResetError};

/// A break reaches whoever waits and whoever comes later; after it everybody can be let in again.
pub fn barrier_break_reaches_everybody(check: Check) {
    check.run(|| {
        let barrier = Arc::new(Barrier::new(3));
        let waiter = spawn(&barrier, |barrier| barrier.checked_wait().unwrap_err().code());
        let breaker = spawn(&barrier, move |barrier| assert!(barrier.break_with(5)));
        assert_eq!(barrier.checked_wait().unwrap_err().code(), 5);
        breaker.join().unwrap();
        match barrier.try_reset() {
            Ok(()) => {
                // The waiter was gone, or had not come: then it waits in the new phase.
                barrier.break_with(5);
            }
            Err(ResetError::Busy(arrivals)) => assert_eq!(arrivals, 1),
            Err(ResetError::Empty) => panic!("nobody left"),
        }
        assert_eq!(waiter.join().unwrap(), 5);
    });
}

/// Whoever sees that a barrier is broken sees why.
pub fn barrier_tells_why_it_is_broken(check: Check) {
    check.run(|| {
        let barrier = Arc::new(Barrier::new(2));
        let reader = spawn(&barrier, move |barrier| {
            if let Some(broken) = barrier.broken() {
                assert_eq!(broken.code(), 5, "why it is broken");
            }
        });
        assert!(barrier.break_with(5));
        reader.join().unwrap();
    });
}
