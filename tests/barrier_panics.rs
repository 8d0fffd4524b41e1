//! Nobody hangs because a peer panicked. With `std`'s barrier somebody does.

use std::panic::{self, AssertUnwindSafe};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use reveille::barrier::{Barrier, BitBarrier, Broken, Group, Names, TreeBarrier};

/// Long enough for a thread that is free to go on, on a busy machine.
const A_WHILE: Duration = Duration::from_millis(300);

fn quiet_panic() -> ! {
    panic::resume_unwind(Box::new("a panic that prints nothing"))
}

/// The pair: the same program, once with `std`'s barrier and once with ours.
#[test]
fn std_hangs_and_reveille_does_not() {
    // std: the waiter waits for a thread that is gone.
    let theirs = std::sync::Barrier::new(2);
    let (done, told) = mpsc::channel();
    thread::scope(|s| {
        let bad = s.spawn(|| {
            if thread::current().name().is_none() {
                quiet_panic();
            }
            theirs.wait();
        });
        assert!(bad.join().is_err());
        s.spawn(|| {
            theirs.wait();
            done.send(()).unwrap();
        });
        assert_eq!(told.recv_timeout(A_WHILE), Err(mpsc::RecvTimeoutError::Timeout), "it hangs");
        theirs.wait(); // so that this test ends
        told.recv().unwrap();
    });

    // Ours: it is told.
    let ours = Barrier::new(2);
    thread::scope(|s| {
        let bad = s.spawn(|| {
            let _guard = ours.guard();
            if thread::current().name().is_none() {
                quiet_panic();
            }
            ours.wait();
        });
        let waiter = s.spawn(|| ours.checked_wait());
        assert_eq!(waiter.join().unwrap().unwrap_err().code(), Broken::PANICKED);
        assert!(bad.join().is_err());
    });
}

#[test]
fn wait_passes_the_panic_on() {
    let barrier = Barrier::new(2);
    barrier.break_with(3);
    let payload = panic::catch_unwind(AssertUnwindSafe(|| barrier.wait())).unwrap_err();
    assert!(payload.downcast_ref::<String>().unwrap().contains("code 3"));
}

#[test]
fn a_token_dropped_by_a_panic_breaks() {
    let barrier = Barrier::new(3);
    thread::scope(|s| {
        let bad = s.spawn(|| {
            let _token = barrier.arrive().unwrap();
            quiet_panic();
        });
        assert_eq!(barrier.checked_wait().unwrap_err().code(), Broken::PANICKED);
        assert!(bad.join().is_err());
    });
    assert_eq!(barrier.try_reset(), Ok(()));
}

#[test]
fn a_completion_step_that_panics_breaks_for_all() {
    let mut phase = 0;
    let barrier = Barrier::with_completion(2, || {
        phase += 1;
        if phase == 2 {
            quiet_panic();
        }
    });
    thread::scope(|s| {
        let parties = [(); 2].map(|()| {
            s.spawn(|| {
                barrier.checked_wait().unwrap();
                panic::catch_unwind(AssertUnwindSafe(|| barrier.checked_wait().unwrap_err().code()))
            })
        });
        let mut results = parties.map(|party| party.join().unwrap().ok());
        results.sort();
        assert_eq!(results, [None, Some(Broken::PANICKED)], "the leader panics, the other one is told");
    });
    assert_eq!(barrier.try_reset(), Ok(()));
}

#[test]
fn a_member_dropped_by_a_panic_breaks_its_group() {
    let mut group = Group::<2>::new();
    let mut tree = TreeBarrier::<2>::new();
    let ([mut one, two], [mut three, four]) = (group.members(), tree.members());
    thread::scope(|s| {
        let bad = s.spawn(move || {
            let _members = (two, four);
            quiet_panic();
        });
        assert_eq!(one.wait().unwrap_err().code(), Broken::PANICKED);
        assert_eq!(three.wait().unwrap_err().code(), Broken::PANICKED);
        assert!(bad.join().is_err());
    });
}

#[test]
fn a_named_member_dropped_by_a_panic_is_done_without() {
    let barrier = BitBarrier::new(Names::first(2));
    let (mut one, two) = (barrier.claim(0).unwrap(), barrier.claim(1).unwrap());
    thread::scope(|s| {
        let bad = s.spawn(move || {
            let _member = two;
            quiet_panic();
        });
        one.wait();
        assert!(bad.join().is_err());
        assert_eq!(barrier.members(), Names::first(1));
    });
}
