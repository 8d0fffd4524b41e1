//! Claims about `reveille-barrier`.

use std::future::{Future, IntoFuture, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::task::Poll;

use loom::future::block_on;
use loom::sync::Arc;
use loom::thread;
use reveille_futex::sync::atomic::{AtomicU32, Ordering};
use reveille_futex::sync::cell::UnsafeCell;
use reveille_futex::{Deadline, Os, model};
use reveille_loom_tests::{Check, Place};

use super::subject::{Barrier, BitBarrier, Broken, Group, Names, NoCompletion, ResetError, TreeBarrier, WaitError};

/// One word per party and phase, written before the party arrives and read by the others after the wait.
struct Notes([AtomicU32; 3]);

impl Notes {
    fn new() -> Self {
        Notes(std::array::from_fn(|_| AtomicU32::new(0)))
    }

    fn write(&self, party: usize, phase: u32) {
        self.0[party].store(phase, Ordering::Relaxed);
    }

    fn check(&self, parties: usize, phase: u32) {
        for party in 0..parties {
            assert!(self.0[party].load(Ordering::Relaxed) >= phase, "everybody has arrived, and their data is seen");
        }
    }
}

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
        let other = thread::spawn({
            let shared = shared.clone();
            move || party(&shared, 1)
        });
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
        let other = thread::spawn({
            let shared = shared.clone();
            move || {
                shared.1.write(1, 1);
                shared.0.wait();
                shared.1.check(2, 1);
            }
        });
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
        let callers = [(); 3].map(|()| {
            let shared = shared.clone();
            thread::spawn(move || pass_once(&shared))
        });
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

/// A party that times out takes its arrival back or passes, never both; the other one is not left alone in either case.
pub fn barrier_token_is_withdrawn_or_passes(check: Check) {
    check.run(|| {
        let barrier = Arc::new(Barrier::new(2));
        let other = thread::spawn({
            let barrier = barrier.clone();
            move || barrier.checked_wait()
        });
        let clock = thread::spawn(model::expire);
        let token = barrier.arrive().unwrap();
        let passed = match token.wait_until(Deadline::from_nanos(1_000)) {
            Ok(_) => true,
            Err(WaitError::TimedOut(token)) => match token.withdraw() {
                Ok(()) => {
                    barrier.break_with(7);
                    false
                }
                Err(_) => true,
            },
            Err(WaitError::Broken(_)) => panic!("nobody broke it"),
        };
        let other = other.join().unwrap();
        assert_eq!(other.is_ok(), passed, "both pass or neither");
        if !passed {
            assert_eq!(other.unwrap_err().code(), 7);
        }
        clock.join().unwrap();
    });
}

/// A break reaches whoever waits and whoever comes later; after it everybody can be let in again.
pub fn barrier_break_reaches_everybody(check: Check) {
    check.run(|| {
        let barrier = Arc::new(Barrier::new(3));
        let waiter = thread::spawn({
            let barrier = barrier.clone();
            move || barrier.checked_wait().unwrap_err().code()
        });
        let breaker = thread::spawn({
            let barrier = barrier.clone();
            move || assert!(barrier.break_with(5))
        });
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
            Box::new(move || shared.1.store(shared.0.0[1].load(Ordering::Relaxed), Ordering::Relaxed))
        };
        let barrier = Arc::new(Stepped::with_completion_on(2, step));
        let leaver = thread::spawn({
            let barrier = barrier.clone();
            move || barrier.arrive_and_drop().unwrap()
        });
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
        let other = thread::spawn({
            let barrier = barrier.clone();
            move || party(&barrier)
        });
        let mine = party(&barrier);
        assert_eq!(mine + other.join().unwrap(), 1, "one has run the step");
        assert_eq!(barrier.arrived(), 0, "everybody has given up");
    });
}

/// Whoever sees that a barrier is broken sees why.
pub fn barrier_tells_why_it_is_broken(check: Check) {
    check.run(|| {
        let barrier = Arc::new(Barrier::new(2));
        let reader = thread::spawn({
            let barrier = barrier.clone();
            move || {
                if let Some(broken) = barrier.broken() {
                    assert_eq!(broken.code(), 5, "why it is broken");
                }
            }
        });
        assert!(barrier.break_with(5));
        reader.join().unwrap();
    });
}

/// A party that comes and one that goes change how many a phase waits for, and nobody hangs.
pub fn barrier_register_and_leave_never_strand_anybody(check: Check) {
    check.run(|| {
        let barrier = Arc::new(Barrier::new(2));
        let leaver = thread::spawn({
            let barrier = barrier.clone();
            move || barrier.arrive_and_drop().unwrap()
        });
        barrier.register().unwrap();
        let newcomer = thread::spawn({
            let barrier = barrier.clone();
            move || {
                barrier.wait();
            }
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
        let other = thread::spawn({
            let (place, notes) = (place.clone(), notes.clone());
            move || party(place, &notes, 1)
        });
        let mine = party(place.clone(), &notes, 0);
        assert!(mine != other.join().unwrap(), "exactly one is told");
        // SAFETY: rebuilt, and nobody frees it before.
        assert_eq!(unsafe { place.get() }.parties(), 5);
        // SAFETY: everybody was joined.
        unsafe { place.free() };
    });
}

/// A future is woken by the last arrival, whenever it subscribes.
pub fn barrier_async_is_woken(check: Check) {
    check.run(|| {
        let shared = Arc::new((Barrier::new(2), Notes::new()));
        let other = thread::spawn({
            let shared = shared.clone();
            move || {
                shared.1.write(1, 1);
                shared.0.wait();
                shared.1.check(2, 1);
            }
        });
        shared.1.write(0, 1);
        block_on(shared.0.arrive_in_turn()).unwrap();
        shared.1.check(2, 1);
        other.join().unwrap();
    });
}

/// A future dropped after its first poll withdraws its arrival, or its phase is complete: the other party passes with
/// the next arrival or has passed with this one.
pub fn barrier_async_is_cancel_safe(check: Check) {
    check.run(|| {
        let barrier = Arc::new(Barrier::new(2));
        let other = thread::spawn({
            let barrier = barrier.clone();
            move || barrier.wait().generation()
        });
        let mut future = Box::pin(barrier.arrive().unwrap().into_future());
        let polled = block_on(poll_fn(|context| Poll::Ready(future.as_mut().poll(context))));
        drop(future);
        if polled.is_pending() {
            // The arrival was taken back, or counted before it could be.
            let mut again = Box::pin(barrier.arrive_in_turn());
            let passed = barrier.generation() == 1;
            if !passed {
                block_on(poll_fn(|context| again.as_mut().poll(context))).unwrap();
            }
        }
        assert_eq!(other.join().unwrap(), 0, "passed in the first phase");
    });
}

/// Members of a group go through two phases together, across the overflow of the total.
pub fn group_two_members_stay_together(check: Check) {
    check.run(|| {
        let place = Place::new((Group::<2>::starting_at(2), Notes::new()));
        // SAFETY: freed after everybody was joined; the members are the only users of the group.
        let [one, two] = unsafe { place.get_mut() }.0.members();
        // SAFETY: as above.
        let notes = unsafe { place.get() };
        let party = move |mut member: super::subject::Member<'static, 2>| {
            let mut led = 0;
            for phase in 1..=2 {
                notes.1.write(member.index(), phase);
                led += u32::from(member.wait().unwrap());
                notes.1.check(2, phase);
            }
            led
        };
        let other = thread::spawn(move || party(two));
        let mine = party(one);
        assert_eq!(mine + other.join().unwrap(), 2, "one leader for each phase");
        // SAFETY: everybody was joined.
        unsafe { place.free() };
    });
}

/// Of three members none passes when two are there.
// full tier
pub fn group_three_members_wait_for_the_third(check: Check) {
    // Two preemptions: with this many threads, three take minutes.
    check.bound(2).run(|| {
        let place = Place::new((Group::<3>::new(), Notes::new()));
        // SAFETY: freed after everybody was joined; the members are the only users of the group.
        let [one, two, three] = unsafe { place.get_mut() }.0.members();
        // SAFETY: as above.
        let notes = unsafe { place.get() };
        let party = move |mut member: super::subject::Member<'static, 3>| {
            notes.1.write(member.index(), 1);
            member.wait().unwrap();
            notes.1.check(3, 1);
        };
        let others = [two, three].map(|member| thread::spawn(move || party(member)));
        party(one);
        for other in others {
            other.join().unwrap();
        }
        // SAFETY: everybody was joined.
        unsafe { place.free() };
    });
}

/// A member that leaves is told to those who wait for it, and not to those whose phase it had reached.
pub fn group_tells_of_a_member_that_left(check: Check) {
    check.run(|| {
        let place = Place::new(Group::<2>::new());
        // SAFETY: freed after everybody was joined; the members are the only users of the group.
        let [mut one, mut two] = unsafe { place.get_mut() }.members();
        let leaver = thread::spawn(move || {
            two.wait().unwrap();
        });
        one.wait().unwrap();
        assert_eq!(one.wait().unwrap_err().code(), Broken::LEFT);
        leaver.join().unwrap();
        drop(one);
        // SAFETY: everybody was joined.
        unsafe { place.free() };
    });
}

/// A member that timed out goes on waiting for the same phase.
pub fn group_timeout_keeps_the_arrival(check: Check) {
    check.run(|| {
        let place = Place::new(Group::<2>::new());
        // SAFETY: freed after everybody was joined; the members are the only users of the group.
        let [mut one, mut two] = unsafe { place.get_mut() }.members();
        let other = thread::spawn(move || {
            two.wait().unwrap();
            two // leaves after the check below
        });
        let clock = thread::spawn(model::expire);
        if one.wait_until(Deadline::from_nanos(1_000)) == Err(WaitError::TimedOut(())) {
            one.wait().unwrap();
        }
        drop(other.join().unwrap());
        clock.join().unwrap();
        drop(one);
        // SAFETY: everybody was joined.
        unsafe { place.free() };
    });
}

/// Three members of a tree with two levels pass together.
// full tier
pub fn tree_members_stay_together(check: Check) {
    // Two preemptions: with this many threads, three take minutes.
    check.bound(2).run(|| {
        let place = Place::new((TreeBarrier::<3>::new(), Notes::new()));
        // SAFETY: freed after everybody was joined; the members are the only users of the barrier.
        let [one, two, three] = unsafe { place.get_mut() }.0.members();
        // SAFETY: as above.
        let notes = unsafe { place.get() };
        let party = move |mut member: super::subject::TreeMember<'static, 3>| {
            notes.1.write(member.index(), 1);
            member.wait().unwrap();
            notes.1.check(3, 1);
        };
        let others = [two, three].map(|member| thread::spawn(move || party(member)));
        party(one);
        for other in others {
            other.join().unwrap();
        }
        // SAFETY: everybody was joined.
        unsafe { place.free() };
    });
}

/// Two members of a tree go through two phases.
pub fn tree_members_come_again(check: Check) {
    check.run(|| {
        let place = Place::new((TreeBarrier::<2>::new(), Notes::new()));
        // SAFETY: freed after everybody was joined; the members are the only users of the barrier.
        let [one, two] = unsafe { place.get_mut() }.0.members();
        // SAFETY: as above.
        let notes = unsafe { place.get() };
        let party = move |mut member: super::subject::TreeMember<'static, 2>| {
            for phase in 1..=2 {
                notes.1.write(member.index(), phase);
                member.wait().unwrap();
                notes.1.check(2, phase);
            }
            member
        };
        let other = thread::spawn(move || party(two));
        drop(party(one));
        drop(other.join().unwrap());
        // SAFETY: everybody was joined.
        unsafe { place.free() };
    });
}

/// Two named members go through two phases; whoever completes a phase does so once, however late another tries.
pub fn bit_members_stay_together(check: Check) {
    check.run(|| {
        let place = Place::new((BitBarrier::<Os>::starting_at(Names::first(2), (1 << 31) - 1), Notes::new()));
        // SAFETY: freed after everybody was joined.
        let (barrier, notes) = unsafe { place.get() };
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
        // SAFETY: everybody was joined.
        unsafe { place.free() };
    });
}

/// A member dies while another arrives: the phase completes, whichever step comes last.
pub fn bit_goes_on_without_the_dead(check: Check) {
    check.run(|| {
        let place = Place::new(BitBarrier::new(Names::first(2)));
        // SAFETY: freed after everybody was joined.
        let barrier = unsafe { place.get() };
        let undertaker = thread::spawn(move || assert!(barrier.remove(1)));
        let mut member = barrier.claim(0).unwrap();
        member.wait();
        undertaker.join().unwrap();
        drop(member);
        // SAFETY: everybody was joined.
        unsafe { place.free() };
    });
}

/// Whoever removes the last one that was missing passes on what those did that have arrived.
pub fn bit_remover_passes_on_what_the_others_did(check: Check) {
    // Two preemptions: with this many threads, three take minutes.
    check.bound(2).run(|| {
        let place = Place::new((BitBarrier::new(Names::first(3)), Notes::new()));
        // SAFETY: freed after everybody was joined.
        let (barrier, notes) = unsafe { place.get() };
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
        // SAFETY: everybody was joined.
        unsafe { place.free() };
    });
}

/// What somebody did before it removed a member is seen by those who go on without it, whoever completes the phase.
pub fn bit_removal_publishes(check: Check) {
    check.run(|| {
        let place = Place::new((BitBarrier::new(Names::first(2)), Notes::new()));
        // SAFETY: freed after everybody was joined.
        let (barrier, notes) = unsafe { place.get() };
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
        // SAFETY: everybody was joined.
        unsafe { place.free() };
    });
}

/// A member of three dies while the others arrive.
// full tier
pub fn bit_three_go_on_without_the_dead(check: Check) {
    // Two preemptions: with this many threads, three take minutes.
    check.bound(2).run(|| {
        let place = Place::new(BitBarrier::new(Names::first(3)));
        // SAFETY: freed after everybody was joined.
        let barrier = unsafe { place.get() };
        let other = thread::spawn(move || {
            let mut member = barrier.claim(1).unwrap();
            member.wait();
            member
        });
        let undertaker = thread::spawn(move || assert!(barrier.remove(2)));
        let mut member = barrier.claim(0).unwrap();
        member.wait();
        undertaker.join().unwrap();
        drop(other.join().unwrap());
        drop(member);
        // SAFETY: everybody was joined.
        unsafe { place.free() };
    });
}

/// Who waits without being a member does not count, and sees what the members did.
pub fn bit_observer_does_not_count(check: Check) {
    check.run(|| {
        let place = Place::new((BitBarrier::new(Names::first(2)), Notes::new()));
        // SAFETY: freed after everybody was joined.
        let (barrier, notes) = unsafe { place.get() };
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
        // SAFETY: everybody was joined.
        unsafe { place.free() };
    });
}

/// Whoever was there is not missing when a member that has arrived asks again, also if the others are in the next phase.
pub fn bit_arriving_again_names_nobody_new(check: Check) {
    check.run(|| {
        let place = Place::new(BitBarrier::new(Names::first(2)));
        // SAFETY: freed after everybody was joined.
        let barrier = unsafe { place.get() };
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
        // SAFETY: everybody was joined.
        unsafe { place.free() };
    });
}

/// Whoever finds a name claimed sees what its claimant did before.
pub fn bit_claims_publish(check: Check) {
    check.run(|| {
        let place = Place::new((BitBarrier::new(Names::first(1)), Notes::new()));
        // SAFETY: freed after everybody was joined.
        let (barrier, notes) = unsafe { place.get() };
        let claimant = thread::spawn(move || {
            notes.write(0, 1);
            barrier.claim(0).unwrap()
        });
        if barrier.claimed().contains(0) {
            notes.check(1, 1);
        }
        drop(claimant.join().unwrap());
        // SAFETY: everybody was joined.
        unsafe { place.free() };
    });
}

/// A timeout names who is missing, and the arrival stands.
pub fn bit_timeout_names_the_missing(check: Check) {
    check.run(|| {
        let place = Place::new(BitBarrier::new(Names::first(2)));
        // SAFETY: freed after everybody was joined.
        let barrier = unsafe { place.get() };
        let other = thread::spawn(move || {
            let mut member = barrier.claim(1).unwrap();
            member.wait();
            member
        });
        let clock = thread::spawn(model::expire);
        let mut member = barrier.claim(0).unwrap();
        while let Err(missing) = member.wait_until(Deadline::from_nanos(1_000)) {
            assert!(!missing.contains(0), "this one has arrived");
            thread::yield_now();
        }
        drop(other.join().unwrap());
        clock.join().unwrap();
        drop(member);
        // SAFETY: everybody was joined.
        unsafe { place.free() };
    });
}

/// Who is missing is told of one moment: the phase and the arrivals belong together.
pub fn bit_missing_is_a_picture_of_one_moment(check: Check) {
    check.run(|| {
        let place = Place::new(BitBarrier::new(Names::first(2)));
        // SAFETY: freed after everybody was joined.
        let barrier = unsafe { place.get() };
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
        // SAFETY: everybody was joined.
        unsafe { place.free() };
    });
}

/// Attaching to a barrier that others use already changes nothing about it.
pub fn bit_attaching_writes_nothing(check: Check) {
    check.run(|| {
        let place = Place::new(BitBarrier::new(Names::first(2)));
        let other = thread::spawn({
            let place = place.clone();
            move || {
                // SAFETY: freed after everybody was joined.
                let mut member = unsafe { BitBarrier::attach(place.object()) }.claim(1).unwrap();
                member.wait();
                member
            }
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

/// `wait_async`, coming again while the phase before closes.
trait ArriveInTurn {
    fn arrive_in_turn(&self) -> impl Future<Output = Result<(), Broken>>;
}

impl ArriveInTurn for Barrier {
    async fn arrive_in_turn(&self) -> Result<(), Broken> {
        loop {
            match self.arrive() {
                Ok(token) => return token.await.map(|_| ()),
                Err(super::subject::ArriveError::Full) => thread::yield_now(),
                Err(super::subject::ArriveError::Broken(broken)) => return Err(broken),
            }
        }
    }
}
