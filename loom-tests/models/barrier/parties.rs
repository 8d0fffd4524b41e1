//! Claims about `Barrier`: its phases, and who takes part.

use loom::sync::Arc;
use loom::thread;
use reveille_futex::sync::atomic::{AtomicU32, Ordering};
use reveille_futex::{Os, model};
use reveille_loom_tests::{Check, Notes, Place, spawn};

use super::party::second_party;
use super::subject::{Barrier, NoCompletion};

/// Two parties go through two phases; nobody passes alone, nobody hangs, one of them leads each time. The phases start
/// below the overflow of their number.
pub fn barrier_two_parties_stay_together(check: Check) {
    check.run(|| {
        let shared = Arc::new((Barrier::<Os>::starting_at(2, u32::MAX, NoCompletion), Notes::new(), AtomicU32::new(0)));
        let party = |shared: &(Barrier, Notes, AtomicU32), me: usize| {
            for phase in 1..=2 {
                shared.1.write(me, phase);
                if shared.0.wait().is_leader() {
                    shared.2.fetch_add(1, Ordering::Relaxed);
                }
                shared.1.check(2, phase);
            }
        };
        let other = spawn(&shared, move |shared| party(shared, 1));
        party(&shared, 0);
        other.join().unwrap();
        assert_eq!(shared.2.load(Ordering::Relaxed), 2, "one leader for each phase");
        assert_eq!(shared.0.generation(), 1);
    });
}

/// The same when a wait returns for no reason.
pub fn barrier_survives_interrupts(check: Check) {
    check.run(|| {
        let shared = Arc::new((Barrier::new(2), Notes::new()));
        let other = spawn(&shared, second_party);
        let disturber = thread::spawn(model::interrupt);
        shared.1.write(0, 1);
        shared.0.wait();
        shared.1.check(2, 1);
        other.join().unwrap();
        disturber.join().unwrap();
    });
}

/// Four callers share the phases of a barrier for two: each phase lets exactly two go.
// full tier
pub fn barrier_surplus_callers_share_the_phases(check: Check) {
    // Two preemptions: with this many threads, three take minutes.
    check.bound(2).run(|| {
        let shared = Arc::new((Barrier::new(2), [AtomicU32::new(0), AtomicU32::new(0)]));
        let callers = [(); 3].map(|()| spawn(&shared, pass_once));
        pass_once(&shared);
        for caller in callers {
            caller.join().unwrap();
        }
        let passed = [0, 1].map(|generation: usize| shared.1[generation].load(Ordering::Relaxed));
        assert_eq!(passed, [2, 2], "two callers for each phase");
    });
}

fn pass_once(shared: &(Barrier, [AtomicU32; 2])) {
    let generation = shared.0.wait().generation();
    shared.1[generation as usize].fetch_add(1, Ordering::Relaxed);
}

/// A party that comes and one that goes change how many a phase waits for, and nobody hangs.
pub fn barrier_register_and_leave_never_strand_anybody(check: Check) {
    check.run(|| {
        let barrier = Arc::new(Barrier::new(2));
        let leaver = spawn(&barrier, |barrier| barrier.arrive_and_drop().unwrap());
        barrier.register().unwrap();
        let newcomer = spawn(&barrier, move |barrier| {
            barrier.wait();
        });
        barrier.wait();
        leaver.join().unwrap();
        newcomer.join().unwrap();
        assert_eq!((barrier.parties(), barrier.arrived()), (2, 0));
    });
}

/// Whoever gets `true` from `dissolve` sees what the others did, and may build something else in the barrier's place at once.
pub fn barrier_dissolve_is_the_last_access(check: Check) {
    check.run(|| {
        let (place, notes) = (Place::new(Barrier::new(2)), Arc::new(Notes::new()));
        let party = |place: Place<Barrier>, notes: &Notes, me: usize| {
            // SAFETY: live until dissolved.
            unsafe { place.get() }.wait();
            notes.write(me, 1);
            // SAFETY: this party does not touch it any more, but for the one that is told to.
            let last = unsafe { Barrier::dissolve(place.object()) };
            if last {
                notes.check(2, 1);
                // SAFETY: everybody else is done with it.
                unsafe { place.rebuild(Barrier::new(5)) };
            }
            last
        };
        let other = spawn(&notes, move |notes| party(place, notes, 1));
        let mine = party(place, &notes, 0);
        assert!(mine != other.join().unwrap(), "exactly one is told");
        // SAFETY: rebuilt, and nobody frees it before.
        assert_eq!(unsafe { place.get() }.parties(), 5);
        // SAFETY: everybody was joined.
        unsafe { place.free() };
    });
}
