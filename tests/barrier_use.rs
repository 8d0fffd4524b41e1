//! Barriers as a program uses them, and as it should not.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use reveille::barrier::{
    AllClaimed, ArriveError, Barrier, BitBarrier, Broken, Completed, Group, Names, NoCompletion, PartiesError,
    RegisterError, ResetError, TreeBarrier, WaitError,
};
use reveille::futex::Os;
use reveille::futex::testing::{Chaos, Counting};

/// Rounds of a stress loop: `REVEILLE_STRESS`, small by default.
fn rounds(default: u32) -> u32 {
    std::env::var("REVEILLE_STRESS").ok().and_then(|n| n.parse().ok()).unwrap_or(default)
}

#[test]
fn nobody_asleep_means_no_call() {
    type Mine = Counting<21>;
    let barrier = Barrier::<Mine>::new_on(2);
    let mut group = Group::<1, Mine>::new_on();
    let mut tree = TreeBarrier::<1, Mine>::new_on();
    let bits = BitBarrier::<Mine>::new_on(Names::first(1));
    let ([mut member], [mut leaf], mut named) = (group.members(), tree.members(), bits.claim(0).unwrap());
    for _ in 0..100 {
        let first = barrier.arrive().unwrap();
        assert!(barrier.wait().is_leader());
        assert!(!first.wait().unwrap().is_leader());
        assert!(member.wait().unwrap() && leaf.wait().unwrap());
        named.wait();
    }
    let counts = Mine::counts();
    assert_eq!((counts.waits, counts.wakes, counts.yields), (0, 0, 0));
    // The counters do count.
    let token = barrier.arrive().unwrap();
    assert!(matches!(token.wait_timeout(Duration::from_millis(5)), Err(WaitError::TimedOut(_))));
    barrier.wait();
    assert!(Mine::counts().waits > 0 && Mine::counts().wakes == 1);
}

#[test]
fn misuse_is_an_error() {
    assert_eq!(Barrier::try_new(0).unwrap_err(), PartiesError);
    assert_eq!(Barrier::try_new(Barrier::<Os>::MAX + 1).unwrap_err(), PartiesError);
    assert!(std::panic::catch_unwind(|| Barrier::new(0)).is_err());
    let most = Barrier::new(Barrier::<Os>::MAX);
    assert_eq!(most.register(), Err(RegisterError::TooMany));

    // One arrival too many while the phase closes: the completion step itself tries.
    let refused = Mutex::new(None);
    type Completed<'a> = Barrier<Os, Box<dyn FnMut() + Send + 'a>>;
    let slot: Mutex<Option<&Completed<'static>>> = Mutex::new(None);
    let step: Box<dyn FnMut() + Send> = Box::new(|| {
        let barrier = slot.lock().unwrap().take().unwrap();
        *refused.lock().unwrap() = barrier.arrive().map(drop).err();
    });
    // SAFETY: the step is used within this function, in which everything that it borrows lives longer than the barrier.
    let step: Box<dyn FnMut() + Send> = unsafe { std::mem::transmute(step) };
    let barrier = Barrier::with_completion(1, step);
    // SAFETY: as above.
    *slot.lock().unwrap() = Some(unsafe { &*std::ptr::from_ref(&barrier) });
    barrier.wait();
    assert_eq!(*refused.lock().unwrap(), Some(ArriveError::Full));

    let barrier = Barrier::new(1);
    let token = barrier.arrive().unwrap();
    assert_eq!(token.withdraw(), Err(Completed));
    barrier.arrive_and_drop().unwrap();
    assert_eq!(barrier.checked_wait().unwrap_err().code(), Broken::EMPTY);
    assert_eq!(barrier.arrive_and_drop().unwrap_err().code(), Broken::EMPTY);
    assert_eq!(barrier.try_reset(), Err(ResetError::Empty));
    assert!(matches!(barrier.register(), Err(RegisterError::Broken(_))));

    static GROUP: Group<1> = Group::new();
    let mut member = GROUP.claim().unwrap();
    assert_eq!(GROUP.claim().unwrap_err(), AllClaimed);
    assert_eq!(member.wait(), Ok(true));

    let bits = BitBarrier::new(Names::first(2));
    let _zero = bits.claim(0).unwrap();
    assert!(bits.claim(0).is_err() && bits.claim(2).is_err() && bits.claim(64).is_err());
}

/// One leader for each phase, and nobody ahead or behind, with `callers` threads.
fn march(callers: u32, phases: u32, pass: impl Fn(u32) -> bool + Sync) {
    let (arrived, leaders) = (AtomicU64::new(0), AtomicU32::new(0));
    thread::scope(|s| {
        for me in 0..callers {
            let (arrived, leaders, pass) = (&arrived, &leaders, &pass);
            s.spawn(move || {
                for phase in 1..=u64::from(phases) {
                    arrived.fetch_add(1, Ordering::Relaxed);
                    if pass(me) {
                        leaders.fetch_add(1, Ordering::Relaxed);
                    }
                    let seen = arrived.load(Ordering::Relaxed);
                    let (least, most) = (phase * u64::from(callers), (phase + 1) * u64::from(callers));
                    assert!((least..=most).contains(&seen), "{seen} arrivals in phase {phase}");
                }
            });
        }
    });
    assert_eq!(leaders.load(Ordering::Relaxed), phases);
}

/// glibc's idea: the number of the phase starts just below its overflow.
#[test]
fn phases_pass_the_overflow_of_their_number() {
    let barrier = Barrier::<Chaos<21>>::starting_at(3, u32::MAX - 10, NoCompletion);
    march(3, rounds(2_000), |_| barrier.wait().is_leader());
    let mut group = Group::<3>::starting_at(10);
    let members = group.members().map(Mutex::new);
    march(3, rounds(2_000), |me| members[me as usize].lock().unwrap().wait().unwrap());
    let bits = BitBarrier::<Os>::starting_at(Names::first(3), (1 << 31) - 10);
    let members = [0, 1, 2].map(|name| Mutex::new(bits.claim(name).unwrap()));
    let leads = AtomicU32::new(0);
    march(3, rounds(2_000), |me| {
        members[me as usize].lock().unwrap().wait();
        leads.fetch_add(1, Ordering::Relaxed) % 3 == 0
    });
}

#[test]
fn a_tree_of_three_levels_keeps_together() {
    let mut tree = TreeBarrier::<17>::new();
    let members = tree.members().map(Mutex::new);
    march(17, rounds(500), |me| members[me as usize].lock().unwrap().wait().unwrap());
}

/// glibc's other idea: whoever is told so destroys the barrier and builds a new one in its place, every round.
#[test]
fn a_barrier_is_destroyed_and_rebuilt_every_round() {
    const PARTIES: usize = 3;
    struct Place(*mut Barrier);
    // SAFETY: all parties use the place by the rules of `dissolve`.
    unsafe impl Send for Place {}
    // SAFETY: as above.
    unsafe impl Sync for Place {}
    let place = Place(Box::into_raw(Box::new(Barrier::new(PARTIES))));
    let rebuilt = Barrier::new(PARTIES);
    let destroyed = AtomicU32::new(0);
    let rounds = rounds(3_000);
    thread::scope(|s| {
        for _ in 0..PARTIES {
            s.spawn(|| {
                let place = &place;
                for _ in 0..rounds {
                    // SAFETY: built before the last round ended.
                    unsafe { &*place.0 }.wait();
                    // SAFETY: this party is done with it, but for the one that is told so.
                    if unsafe { Barrier::dissolve(place.0) } {
                        // SAFETY: everybody else is done with it. Bytes that make every late access visible first.
                        unsafe { place.0.cast::<u8>().write_bytes(0xa5, size_of::<Barrier>()) };
                        // SAFETY: as above.
                        unsafe { place.0.write(Barrier::new(PARTIES)) };
                        destroyed.fetch_add(1, Ordering::Relaxed);
                    }
                    rebuilt.wait();
                }
            });
        }
    });
    assert_eq!(destroyed.load(Ordering::Relaxed), rounds);
    // SAFETY: everybody was joined.
    drop(unsafe { Box::from_raw(place.0) });
}

#[test]
fn more_callers_than_parties_share_the_phases() {
    let barrier = Barrier::<Chaos<22>>::new_on(3);
    let passed = AtomicU32::new(0);
    let each = rounds(1_000) * 3;
    thread::scope(|s| {
        for _ in 0..7 {
            s.spawn(|| {
                for _ in 0..each {
                    // Those who are left over at the end would wait for ever: they leave with the break.
                    match barrier.checked_wait() {
                        Ok(_) => drop(passed.fetch_add(1, Ordering::Relaxed)),
                        Err(_) => return,
                    }
                }
                // The first to finish its share ends it.
                barrier.break_with(1);
            });
        }
    });
    assert_eq!(passed.load(Ordering::Relaxed), barrier.generation() * 3);
    assert_eq!(barrier.try_reset(), Ok(()), "everybody has given its arrival back");
}

#[test]
fn many_more_threads_than_cores_finish() {
    let threads = 8 * thread::available_parallelism().map_or(2, |n| n.get() as u32);
    let barrier = Barrier::new(threads as usize);
    march(threads, rounds(2_000), |_| barrier.wait().is_leader());
}

#[test]
fn tokens_time_out_are_withdrawn_and_break() {
    let barrier = Barrier::new(2);
    let start = Instant::now();
    let Err(WaitError::TimedOut(token)) = barrier.wait_timeout(Duration::from_millis(20)) else { panic!() };
    assert!(start.elapsed() >= Duration::from_millis(20));
    assert_eq!((token.arrival().arrival(), barrier.arrived()), (0, 1));
    token.withdraw().unwrap();
    assert_eq!(barrier.arrived(), 0);
    let token = barrier.arrive().unwrap();
    assert!(token.break_with(9));
    assert_eq!(barrier.checked_wait().unwrap_err().code(), 9);
    assert_eq!(barrier.broken().map(Broken::code), Some(9));
    barrier.try_reset().unwrap();
    let (one, two) = (barrier.arrive().unwrap(), barrier.arrive().unwrap());
    assert!(!one.wait().unwrap().is_leader() && two.wait().unwrap().is_leader());
}

#[test]
fn parties_come_and_go() {
    let barrier = Barrier::new(1);
    thread::scope(|s| {
        for _ in 0..4 {
            barrier.register().unwrap();
            s.spawn(|| {
                for _ in 0..rounds(200) {
                    barrier.wait();
                }
                barrier.arrive_and_drop().unwrap();
            });
        }
        for _ in 0..rounds(200) {
            barrier.wait();
        }
    });
    assert_eq!(barrier.parties(), 1);
    assert!(barrier.wait().is_leader());
}

/// The READMEs say so.
#[test]
#[cfg(target_pointer_width = "64")]
fn sizes() {
    use reveille::latch::{CoreLatch, CountdownLatch, Latch, WaitGroup};
    assert_eq!((size_of::<Latch>(), size_of::<CoreLatch>(), size_of::<WaitGroup>()), (4, 4, 8));
    assert_eq!((size_of::<CountdownLatch>(), size_of::<Barrier>(), size_of::<BitBarrier>()), (16, 24, 32));
}
