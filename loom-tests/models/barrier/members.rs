//! Claims about `Group` and `TreeBarrier`.

use std::iter;

use loom::thread;
use reveille_futex::{Deadline, model};
use reveille_loom_tests::{Check, Notes, Place};

use super::subject::{Broken, Group, Member, TreeBarrier, TreeMember, WaitError};

/// Runs `f` with the members of a barrier, and notes of theirs. `f` joins whoever it starts, and lets the members go.
fn stage<B: 'static, M>(barrier: B, members: fn(&'static mut B) -> M, f: impl FnOnce(M, &'static Notes)) {
    // SAFETY: every model does that.
    unsafe { Place::lend((barrier, Notes::new()), |(barrier, notes)| f(members(barrier), notes)) };
}

/// What `party` returns for each member. The first one is run here, the others have a thread each.
fn together<M, R, const N: usize>(members: [M; N], party: impl Fn(M) -> R + Copy + 'static) -> Vec<R>
where
    M: 'static,
    R: 'static,
{
    let mut members = members.into_iter();
    let first = members.next().expect("a barrier has members");
    let others: Vec<_> = members.map(|member| thread::spawn(move || party(member))).collect();
    let first = party(first);
    iter::once(first).chain(others.into_iter().map(|other| other.join().unwrap())).collect()
}

/// Members of a group go through two phases together, across the overflow of the total.
pub fn group_two_members_stay_together(check: Check) {
    check.run(|| {
        stage(Group::<2>::starting_at(2), Group::members, |members, notes| {
            let party = move |mut member: Member<'static, 2>| {
                let mut led = 0;
                for phase in 1..=2 {
                    notes.write(member.index(), phase);
                    led += u32::from(member.wait().unwrap());
                    notes.check(2, phase);
                }
                led
            };
            assert_eq!(together(members, party).into_iter().sum::<u32>(), 2, "one leader for each phase");
        });
    });
}

/// Of three members none passes when two are there.
// full tier
pub fn group_three_members_wait_for_the_third(check: Check) {
    // Two preemptions: with this many threads, three take minutes.
    check.bound(2).run(|| {
        stage(Group::<3>::new(), Group::members, |members, notes| {
            let party = move |mut member: Member<'static, 3>| {
                notes.write(member.index(), 1);
                member.wait().unwrap();
                notes.check(3, 1);
            };
            together(members, party);
        });
    });
}

/// A member that leaves is told to those who wait for it, and not to those whose phase it had reached.
pub fn group_tells_of_a_member_that_left(check: Check) {
    check.run(|| {
        stage(Group::<2>::new(), Group::members, |[mut one, mut two], _| {
            let leaver = thread::spawn(move || {
                two.wait().unwrap();
            });
            one.wait().unwrap();
            assert_eq!(one.wait().unwrap_err().code(), Broken::LEFT);
            leaver.join().unwrap();
            drop(one);
        });
    });
}

/// A member that timed out goes on waiting for the same phase.
pub fn group_timeout_keeps_the_arrival(check: Check) {
    check.run(|| {
        stage(Group::<2>::new(), Group::members, |[mut one, mut two], _| {
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
        });
    });
}

/// Three members of a tree with two levels pass together.
// full tier
pub fn tree_members_stay_together(check: Check) {
    // Two preemptions: with this many threads, three take minutes.
    check.bound(2).run(|| {
        stage(TreeBarrier::<3>::new(), TreeBarrier::members, |members, notes| {
            let party = move |mut member: TreeMember<'static, 3>| {
                notes.write(member.index(), 1);
                member.wait().unwrap();
                notes.check(3, 1);
            };
            together(members, party);
        });
    });
}

/// Two members of a tree go through two phases.
pub fn tree_members_come_again(check: Check) {
    check.run(|| {
        stage(TreeBarrier::<2>::new(), TreeBarrier::members, |[one, two], notes| {
            let party = move |mut member: TreeMember<'static, 2>| {
                for phase in 1..=2 {
                    notes.write(member.index(), phase);
                    member.wait().unwrap();
                    notes.check(2, phase);
                }
                member
            };
            let other = thread::spawn(move || party(two));
            drop(party(one));
            drop(other.join().unwrap());
        });
    });
}
