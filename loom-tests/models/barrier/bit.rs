//! Claims about `BitBarrier`.

use loom::thread;
use reveille_futex::{Deadline, Os, model};
use reveille_loom_tests::{Check, Notes, Place};

use super::subject::{BitBarrier, BitMember, Names};

/// Runs `f` with a barrier and its members' notes. `f` joins whoever it starts, and lets the members go.
fn stage(barrier: BitBarrier, f: impl FnOnce(&'static BitBarrier, &'static Notes)) {
    // SAFETY: every model does that.
    unsafe { Place::lend((barrier, Notes::new()), |(barrier, notes)| f(barrier, notes)) };
}

/// Goes through one phase. The member stays until whoever called lets it go.
fn pass(barrier: &'static BitBarrier, name: u32) -> BitMember<'static> {
    let mut member = barrier.claim(name).unwrap();
    member.wait();
    member
}

/// Two named members go through two phases; whoever completes a phase does so once, however late another tries.
pub fn bit_members_stay_together(check: Check) {
    check.run(|| {
        stage(BitBarrier::<Os>::starting_at(Names::first(2), (1 << 31) - 1), |barrier, notes| {
            let party = move |name: u32| {
                let mut member = barrier.claim(name).unwrap();
                for phase in 1..=2 {
                    notes.write(name as usize, phase);
                    member.wait();
                    notes.check(2, phase);
                }
                member
            };
            let other = thread::spawn(move || party(1));
            let mine = party(0);
            drop(other.join().unwrap());
            drop(mine);
        });
    });
}

/// A member dies while another arrives: the phase completes, whichever step comes last.
pub fn bit_goes_on_without_the_dead(check: Check) {
    check.run(|| {
        stage(BitBarrier::new(Names::first(2)), |barrier, _| {
            let undertaker = thread::spawn(move || assert!(barrier.remove(1)));
            let mut member = barrier.claim(0).unwrap();
            member.wait();
            undertaker.join().unwrap();
            drop(member);
        });
    });
}

/// Whoever removes the last one that was missing passes on what those did that have arrived.
pub fn bit_remover_passes_on_what_the_others_did(check: Check) {
    // Two preemptions: with three this one alone takes half a minute.
    check.bound(2).run(|| {
        stage(BitBarrier::new(Names::first(3)), |barrier, notes| {
            let other = thread::spawn(move || {
                let mut member = barrier.claim(1).unwrap();
                notes.write(1, 1);
                let _ = member.wait_until(Deadline::PASSED); // arrives, and does not wait
                member
            });
            let undertaker = thread::spawn(move || assert!(barrier.remove(2)));
            let mut member = barrier.claim(0).unwrap();
            notes.write(0, 1);
            member.wait();
            notes.check(2, 1);
            undertaker.join().unwrap();
            drop(other.join().unwrap());
            drop(member);
        });
    });
}

/// What somebody did before it removed a member is seen by those who go on without it, whoever completes the phase.
pub fn bit_removal_publishes(check: Check) {
    check.run(|| {
        stage(BitBarrier::new(Names::first(2)), |barrier, notes| {
            let undertaker = thread::spawn(move || {
                notes.write(1, 1);
                barrier.remove(1);
            });
            let mut member = barrier.claim(0).unwrap();
            notes.write(0, 1);
            member.wait();
            notes.check(2, 1);
            undertaker.join().unwrap();
            drop(member);
        });
    });
}

/// A member of three dies while the others arrive.
// full tier
pub fn bit_three_go_on_without_the_dead(check: Check) {
    // Two preemptions: with this many threads, three take minutes.
    check.bound(2).run(|| {
        stage(BitBarrier::new(Names::first(3)), |barrier, _| {
            let other = thread::spawn(move || pass(barrier, 1));
            let undertaker = thread::spawn(move || assert!(barrier.remove(2)));
            let mut member = barrier.claim(0).unwrap();
            member.wait();
            undertaker.join().unwrap();
            drop(other.join().unwrap());
            drop(member);
        });
    });
}

/// Who waits without being a member does not count, and sees what the members did.
pub fn bit_observer_does_not_count(check: Check) {
    check.run(|| {
        stage(BitBarrier::new(Names::first(2)), |barrier, notes| {
            let party = move |name: u32| {
                let mut member = barrier.claim(name).unwrap();
                notes.write(name as usize, 1);
                let missing = member.arrive();
                (member, missing.is_empty())
            };
            let others = [thread::spawn(move || party(0)), thread::spawn(move || party(1))];
            assert_eq!(barrier.wait_past(0, Deadline::NEVER), Ok(()));
            notes.check(2, 1);
            let others = others.map(|other| other.join().unwrap());
            assert_eq!(others.iter().filter(|(_, last)| *last).count(), 1, "one of them is the last");
            drop(others);
        });
    });
}

/// Whoever was there is not missing when a member that has arrived asks again, also if the others are in the next phase.
pub fn bit_arriving_again_names_nobody_new(check: Check) {
    check.run(|| {
        stage(BitBarrier::new(Names::first(2)), |barrier, _| {
            let other = thread::spawn(move || {
                let mut member = barrier.claim(1).unwrap();
                member.wait();
                member.arrive();
                member
            });
            let mut member = barrier.claim(0).unwrap();
            let before = member.arrive();
            let now = member.arrive();
            assert!(now.iter().all(|name| before.contains(name)), "nobody comes and is missing again");
            member.wait();
            drop(other.join().unwrap());
            drop(member);
        });
    });
}

/// Whoever finds a name claimed sees what its claimant did before.
pub fn bit_claims_publish(check: Check) {
    check.run(|| {
        stage(BitBarrier::new(Names::first(1)), |barrier, notes| {
            let claimant = thread::spawn(move || {
                notes.write(0, 1);
                barrier.claim(0).unwrap()
            });
            if barrier.claimed().contains(0) {
                notes.check(1, 1);
            }
            drop(claimant.join().unwrap());
        });
    });
}

/// A timeout names who is missing, and the arrival stands.
pub fn bit_timeout_names_the_missing(check: Check) {
    check.run(|| {
        stage(BitBarrier::new(Names::first(2)), |barrier, _| {
            let other = thread::spawn(move || pass(barrier, 1));
            let clock = thread::spawn(model::expire);
            let mut member = barrier.claim(0).unwrap();
            while let Err(missing) = member.wait_until(Deadline::from_nanos(1_000)) {
                assert!(!missing.contains(0), "this one has arrived");
                thread::yield_now();
            }
            drop(other.join().unwrap());
            clock.join().unwrap();
            drop(member);
        });
    });
}

/// Who is missing is told of one moment: the phase and the arrivals belong together.
pub fn bit_missing_is_a_picture_of_one_moment(check: Check) {
    check.run(|| {
        stage(BitBarrier::new(Names::first(2)), |barrier, _| {
            let watcher = thread::spawn(move || {
                assert_ne!(barrier.missing(), Names::first(1), "the first one was never missing alone");
            });
            let mut members = [0, 1].map(|name| barrier.claim(name).unwrap());
            // The first one first, then the second one, which completes the phase; nobody arrives in the next one.
            for member in &mut members {
                let _ = member.wait_until(Deadline::PASSED);
            }
            watcher.join().unwrap();
            drop(members);
        });
    });
}

/// Attaching to a barrier that others use already changes nothing about it.
pub fn bit_attaching_writes_nothing(check: Check) {
    check.run(|| {
        let place = Place::new(BitBarrier::new(Names::first(2)));
        let other = thread::spawn(move || {
            // SAFETY: freed after everybody was joined.
            let mut member = unsafe { BitBarrier::attach(place.object()) }.claim(1).unwrap();
            member.wait();
            member
        });
        // SAFETY: as above.
        let mut member = unsafe { BitBarrier::attach(place.object()) }.claim(0).unwrap();
        member.wait();
        drop(other.join().unwrap());
        drop(member);
        // SAFETY: everybody was joined.
        unsafe { place.free() };
    });
}
