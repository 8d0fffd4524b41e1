//! Claims about `Barrier`: the completion step.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use loom::sync::Arc;
use loom::thread;
use reveille_futex::Os;
use reveille_futex::sync::atomic::{AtomicU32, Ordering};
use reveille_futex::sync::cell::UnsafeCell;
use reveille_loom_tests::{Check, Notes, spawn};

use super::subject::{Barrier, Broken};

/// The completion step runs once for each phase, after everybody has arrived and before anybody is let go.
pub fn barrier_completion_runs_alone(check: Check) {
    check.run(|| {
        struct Data(UnsafeCell<u32>);
        // SAFETY: written by the completion step only, read by the parties between two of them.
        unsafe impl Send for Data {}
        // SAFETY: as above.
        unsafe impl Sync for Data {}
        let data = Arc::new(Data(UnsafeCell::new(0)));
        let step = {
            let data = data.clone();
            // SAFETY: loom reports an access at the same time.
            move || data.0.with_mut(|data| unsafe { *data += 1 })
        };
        let barrier = Arc::new(Barrier::with_completion(2, step));
        let other = thread::spawn({
            let (barrier, data) = (barrier.clone(), data.clone());
            move || {
                barrier.wait();
                // SAFETY: as above.
                assert_eq!(data.0.with(|data| unsafe { *data }), 1, "one step for the phase");
                barrier.wait();
            }
        });
        barrier.wait();
        // SAFETY: as above.
        assert_eq!(data.0.with(|data| unsafe { *data }), 1, "one step for the phase");
        barrier.wait();
        // SAFETY: as above.
        assert_eq!(data.0.with(|data| unsafe { *data }), 2, "one step for the phase");
        other.join().unwrap();
    });
}

type Stepped = Barrier<Os, Box<dyn FnMut() + Send>>;

/// One party writes and waits, the other writes and arrives in its own way: the completion step, whoever runs it, sees what
/// both did, and so does whoever waited.
fn step_sees_what_both_did(check: Check, arrive: fn(&Stepped)) {
    check.run(move || {
        let notes = Arc::new(Notes::new());
        let step: Box<dyn FnMut() + Send> = {
            let notes = notes.clone();
            Box::new(move || notes.check(2, 1))
        };
        let barrier = Arc::new(Stepped::with_completion_on(2, step));
        let other = thread::spawn({
            let (barrier, notes) = (barrier.clone(), notes.clone());
            move || {
                notes.write(1, 1);
                barrier.wait();
                notes.check(2, 1);
            }
        });
        notes.write(0, 1);
        arrive(&barrier);
        other.join().unwrap();
    });
}

/// Whoever leaves arrives for the last time: it publishes, and runs the completion step if the others are there.
pub fn barrier_leaving_is_an_arrival(check: Check) {
    step_sees_what_both_did(check, |barrier| barrier.arrive_and_drop().unwrap());
}

/// An arrival without a wait is an arrival.
pub fn barrier_token_is_an_arrival(check: Check) {
    step_sees_what_both_did(check, |barrier| drop(barrier.arrive().unwrap()));
}

/// A leaver that leads does so for those who have arrived, not for others that it has seen arrive and withdraw before.
pub fn barrier_leaver_leads_for_those_who_are_there(check: Check) {
    check.run(|| {
        let shared = Arc::new((Notes::new(), AtomicU32::new(0)));
        let step: Box<dyn FnMut() + Send> = {
            let shared = shared.clone();
            Box::new(move || shared.1.store(shared.0.read(1), Ordering::Relaxed))
        };
        let barrier = Arc::new(Stepped::with_completion_on(2, step));
        let leaver = spawn(&barrier, |barrier| barrier.arrive_and_drop().unwrap());
        shared.0.write(1, 1);
        let arrived_with = match barrier.arrive().unwrap().withdraw() {
            Ok(()) => {
                shared.0.write(1, 2);
                barrier.wait();
                2
            }
            Err(_) => 1, // the phase is complete, with the first arrival
        };
        leaver.join().unwrap();
        assert!(shared.1.load(Ordering::Relaxed) >= arrived_with, "what the other one did before it arrived");
    });
}

/// A completion step that panics breaks the phase, and everybody in it is told why.
pub fn barrier_completion_that_panics_tells_everybody(check: Check) {
    check.run(|| {
        let step: Box<dyn FnMut() + Send> = Box::new(|| resume_unwind(Box::new(())));
        let barrier = Arc::new(Stepped::with_completion_on(2, step));
        let party = |barrier: &Stepped| match catch_unwind(AssertUnwindSafe(|| barrier.checked_wait())) {
            Ok(result) => {
                assert_eq!(result.unwrap_err().code(), Broken::PANICKED, "why it is broken");
                0
            }
            Err(_) => 1,
        };
        let other = spawn(&barrier, party);
        let mine = party(&barrier);
        assert_eq!(mine + other.join().unwrap(), 1, "one has run the step");
        assert_eq!(barrier.arrived(), 0, "everybody has given up");
    });
}
