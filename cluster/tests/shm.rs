//! Processes that share memory, are killed and stopped, and are interrupted while they make it.
#![cfg(any(target_os = "linux", target_os = "android"))]

#[path = "common/basics.rs"]
mod basics;
#[path = "common/regions.rs"]
mod regions;

use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;

use basics::{LONG, Process, SHORT, least_late, listen, say, told};
use regions::{folder, member};
use reveille_cluster::shm::{self, Config, OnDeath};
use reveille_cluster::{Error, Group as _, OnFailure, Outcome, Recorded, WaitError};

/// Not a test: a member that says that it has joined, then what came of its wait, once it is told to arrive.
#[test]
#[ignore = "run by the others"]
fn child_member() {
    let mut group = member(Path::new(&told("REGION")), told("NAME").parse().unwrap());
    say("joined");
    listen();
    say(group.arrive_and_wait(LONG).map_or_else(|error| error.to_string(), |_| "passed".to_owned()));
    listen();
}

/// Not a test: a creator that is interrupted between filling the region and calling it ready.
#[test]
#[ignore = "run by the others"]
fn child_creator() {
    let _ = shm::create_interrupted(told("REGION"), &Config::new(2), || {
        say("filled");
        listen();
    });
}

fn child(path: &Path, name: u32) -> Process {
    let child = Process::start("child_member", &[("REGION", path.to_str().unwrap()), ("NAME", &name.to_string())]);
    assert_eq!(child.hear(), "joined");
    child
}

fn signal(process: &Process, signal: &str) {
    assert!(Command::new("kill").args([signal, &process.id().to_string()]).status().unwrap().success());
}

/// Whether every thread of it is.
fn is_stopped(process: &Process) -> bool {
    let mut threads = fs::read_dir(format!("/proc/{}/task", process.id())).unwrap();
    threads.all(|thread| {
        let stat = fs::read_to_string(thread.unwrap().path().join("stat")).unwrap();
        // The state comes after the name, which may contain anything.
        stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('T'))
    })
}

#[test]
fn each_member_completes_its_own_task_once() {
    let mut producer = shm::create_anonymous(&Config::new(2)).unwrap();
    let (mut a, mut b) = (member(producer.path(), 0), member(producer.path(), 1));
    assert_eq!(a.complete("1", Outcome::done("")).unwrap(), Recorded::Unknown, "it is another's");
    assert_eq!(producer.complete("0", Outcome::done("")).unwrap(), Recorded::Unknown);
    assert_eq!(a.complete("0", Outcome::done("")).unwrap(), Recorded::First { remaining: 1 });
    assert_eq!(a.complete("0", Outcome::failed("")).unwrap(), Recorded::Duplicate);
    assert_eq!(producer.missing().unwrap(), ["1"]);
    let Err(WaitError::Timeout { missing }) = producer.wait(SHORT) else { panic!("who waits does not count") };
    assert_eq!(missing, ["1"]);
    assert_eq!(b.complete("1", Outcome::failed("")).unwrap(), Recorded::First { remaining: 0 });
    let report = producer.wait(LONG).unwrap();
    assert_eq!(report.outcomes["0"], Outcome::done(""));
    assert_eq!(report.failures().map(|(task, _)| task).collect::<Vec<_>>(), ["1"]);
    for group in [&mut a, &mut b] {
        assert_eq!(group.wait(LONG).unwrap(), report);
        assert_eq!(group.epoch(), producer.epoch(), "the next phase");
        assert_ne!(group.epoch(), report.epoch);
    }
    // The next phase is another run, with outcomes of its own.
    assert_eq!(b.complete("1", Outcome::done("")).unwrap(), Recorded::First { remaining: 1 });
    a.arrive_and_wait(LONG).unwrap();
    assert_eq!(producer.wait(LONG).unwrap().failures().count(), 0);
}

#[test]
fn a_watcher_that_falls_behind_is_told() {
    let mut producer = shm::create_anonymous(&Config::new(1)).unwrap();
    let mut only = member(producer.path(), 0);
    for _ in 0..3 {
        only.arrive_and_wait(LONG).unwrap();
    }
    let Err(WaitError::Superseded { by }) = producer.wait(LONG) else { panic!("not superseded") };
    assert_eq!(by, only.epoch());
    only.arrive_and_wait(LONG).unwrap();
    assert!(producer.wait(LONG).is_ok(), "it has caught up");
}

#[test]
fn names_are_given_once() {
    let region = shm::create_anonymous(&Config::new(2)).unwrap();
    let mut a = member(region.path(), 0);
    let mut other = shm::attach(region.path(), LONG).unwrap();
    let refused = |group: &mut shm::Group, name| match group.join(name) {
        Err(Error::Name(why)) => why,
        other => panic!("{other:?}"),
    };
    assert_eq!(refused(&mut other, 0), "that member lives");
    assert_eq!(refused(&mut other, 2), "no member, or one that has died or left");
    assert_eq!(refused(&mut other, 64), "members have the numbers from 0 to 63");
    assert_eq!(refused(&mut a, 1), "the handle is a member already");
    drop(a);
    assert_eq!(refused(&mut other, 0), "no member, or one that has died or left");
    assert_eq!(other.members(), [1], "who has left is not waited for");
    other.join(1).unwrap();
    other.arrive_and_wait(LONG).unwrap();
}

#[test]
fn a_killed_member_breaks_the_region() {
    let region = shm::create_anonymous(&Config::new(3)).unwrap();
    let (mut dying, mut other) = (child(region.path(), 1), child(region.path(), 2));
    let mut here = member(region.path(), 0);
    other.tell("arrive");
    dying.kill();
    let Err(WaitError::Broken { task, reason }) = here.arrive_and_wait(LONG) else { panic!("not broken") };
    assert_eq!((task.as_str(), reason.as_str()), ("1", "the member died"));
    assert_eq!(other.hear(), "broken by 1: the member died");
    assert_eq!(here.complete("0", Outcome::done("")).unwrap(), Recorded::Cancelled);
    assert!(matches!(here.arrive_and_wait(LONG), Err(WaitError::Broken { .. })), "for good");
}

#[test]
fn a_killed_member_departs() {
    let region = shm::create_anonymous(&Config::new(3).on_death(OnDeath::Depart)).unwrap();
    let (mut dying, mut other) = (child(region.path(), 1), child(region.path(), 2));
    let mut here = member(region.path(), 0);
    other.tell("arrive");
    dying.kill();
    let report = here.arrive_and_wait(LONG).unwrap();
    assert_eq!(report.departed, ["1"]);
    assert_eq!(report.outcomes.into_keys().collect::<Vec<_>>(), ["0", "2"]);
    assert_eq!(other.hear(), "passed");
}

#[test]
fn whoever_is_done_may_leave() {
    let mut producer = shm::create_anonymous(&Config::new(3)).unwrap();
    let [mut a, mut b, c] = [0, 1, 2].map(|name| member(producer.path(), name));
    a.complete("0", Outcome::failed("")).unwrap();
    drop(a); // before the phase is over
    drop(c); // without having done anything
    b.arrive_and_wait(LONG).unwrap();
    drop(b); // after
    let report = producer.wait(LONG).unwrap();
    assert_eq!(report.outcomes.keys().collect::<Vec<_>>(), ["0", "1"], "those who did their tasks");
    assert_eq!(report.failures().count(), 1);
    assert!(report.departed.is_empty());
}

#[test]
fn an_outcome_is_of_one_phase() {
    let region = shm::create_anonymous(&Config::new(2)).unwrap();
    let [mut stays, mut leaves] = [0, 1].map(|name| member(region.path(), name));
    leaves.complete("1", Outcome::done("")).unwrap();
    assert_eq!(stays.arrive_and_wait(LONG).unwrap().outcomes.len(), 2);
    drop(leaves);
    for _ in 1..=2 {
        let report = stays.arrive_and_wait(LONG).unwrap();
        assert_eq!(report.outcomes.keys().collect::<Vec<_>>(), ["0"]);
    }
}

#[test]
fn a_death_after_the_phase_takes_nothing_back() {
    let mut producer = shm::create_anonymous(&Config::new(2).on_death(OnDeath::Depart)).unwrap();
    let mut dying = child(producer.path(), 1);
    let mut here = member(producer.path(), 0);
    let mut late = shm::attach(producer.path(), LONG).unwrap();
    dying.tell("arrive");
    here.arrive_and_wait(LONG).unwrap();
    assert_eq!(dying.hear(), "passed");
    dying.kill();
    here.complete("0", Outcome::done("")).unwrap();
    let first = producer.wait(LONG).unwrap();
    assert_eq!(first.outcomes.keys().collect::<Vec<_>>(), ["0", "1"], "it lived in the first phase");
    assert!(first.departed.is_empty());
    let second = producer.wait(LONG).unwrap();
    assert_eq!(second.outcomes.keys().collect::<Vec<_>>(), ["0"]);
    assert_eq!(second.departed, ["1"]);
    assert_eq!(late.wait(LONG).unwrap(), first, "by whoever asks later, too");
}

#[test]
fn a_stopped_member_is_late_and_not_dead() {
    for on_death in [OnDeath::Break, OnDeath::Depart] {
        let region = shm::create_anonymous(&Config::new(2).on_death(on_death)).unwrap();
        let mut stopped = child(region.path(), 1);
        let mut here = member(region.path(), 0);
        signal(&stopped, "-STOP");
        while !is_stopped(&stopped) {
            thread::yield_now();
        }
        stopped.tell("arrive");
        for _ in 0..2 {
            match here.arrive_and_wait(SHORT) {
                Err(WaitError::Timeout { missing }) => assert_eq!(missing, ["1"]),
                other => panic!("not a timeout: {other:?}"),
            }
        }
        signal(&stopped, "-CONT");
        assert!(here.arrive_and_wait(LONG).unwrap().departed.is_empty());
        assert_eq!(stopped.hear(), "passed");
    }
}

#[test]
fn deadlines_are_kept() {
    let region = shm::create_anonymous(&Config::new(2)).unwrap();
    let mut here = member(region.path(), 0);
    for timeout in [Duration::ZERO, Duration::from_millis(7), Duration::from_millis(130)] {
        let late = least_late(timeout, || {
            assert!(matches!(here.arrive_and_wait(timeout), Err(WaitError::Timeout { .. })));
        });
        assert!(late < Duration::from_millis(500), "{late:?} late");
    }
}

#[test]
fn failures_panics_and_cancelling_break() {
    let region = shm::create_anonymous(&Config::new(2).on_failure(OnFailure::FailFast)).unwrap();
    let (mut a, mut b) = (member(region.path(), 0), member(region.path(), 1));
    assert_eq!(b.complete("1", Outcome::done("")).unwrap(), Recorded::First { remaining: 1 });
    assert_eq!(a.complete("0", Outcome::failed("")).unwrap(), Recorded::First { remaining: 0 });
    for group in [&mut a, &mut b] {
        assert_eq!(group.wait(LONG).unwrap_err().to_string(), "broken by 0: the member failed");
    }

    let region = shm::create_anonymous(&Config::new(2)).unwrap();
    let (a, mut b) = (member(region.path(), 0), member(region.path(), 1));
    b.complete("1", Outcome::done("")).unwrap(); // the other one is all that is missing
    let panicked = thread::spawn(move || {
        let _a = a;
        panic!("on purpose");
    });
    assert!(panicked.join().is_err());
    assert_eq!(b.arrive_and_wait(LONG).unwrap_err().to_string(), "broken by 0: the member panicked");

    let mut region = shm::create_anonymous(&Config::new(2)).unwrap();
    let mut a = member(region.path(), 0);
    region.cancel("").unwrap();
    assert!(matches!(a.arrive_and_wait(LONG), Err(WaitError::Cancelled { .. })));
    assert_eq!(a.complete("0", Outcome::done("")).unwrap(), Recorded::Cancelled);
}

#[test]
fn a_creator_killed_in_mid_initialisation_leaves_nothing() {
    let folder = folder();
    let path = folder.path().join("region");
    let mut creator = Process::start("child_creator", &[("REGION", path.to_str().unwrap())]);
    assert_eq!(creator.hear(), "filled");
    assert!(matches!(shm::attach(&path, SHORT), Err(Error::Vanished)), "not ready");
    creator.kill();
    assert!(matches!(shm::attach(&path, Duration::ZERO), Err(Error::Vanished)), "never going to be");
    let region = shm::create(&path, &Config::new(1)).unwrap();
    member(&path, 0).arrive_and_wait(LONG).unwrap();
    drop(region);
    // The same while somebody waits to attach.
    let mut creator = Process::start("child_creator", &[("REGION", path.to_str().unwrap())]);
    assert_eq!(creator.hear(), "filled");
    thread::scope(|s| {
        let waiting = s.spawn(|| member(&path, 0).arrive_and_wait(LONG).map(|_| ()));
        creator.kill();
        let _region = shm::create(&path, &Config::new(1)).unwrap();
        waiting.join().unwrap().unwrap();
    });
}

#[test]
fn a_stale_file_is_nobodys_group() {
    let folder = folder();
    let path = folder.path().join("region");
    assert!(matches!(shm::attach(&path, Duration::ZERO), Err(Error::Vanished)));
    let first = shm::create(&path, &Config::new(2)).unwrap();
    let epoch = first.epoch();
    let mut left = child(&path, 0);
    let Err(Error::Busy(busy)) = shm::create(&path, &Config::new(2)) else { panic!("somebody uses it") };
    assert_eq!(busy, epoch);
    drop(first);
    assert!(matches!(shm::create(&path, &Config::new(2)), Err(Error::Busy(_))), "the member does");
    left.kill();
    assert!(matches!(shm::attach(&path, Duration::ZERO), Err(Error::Vanished)), "all that used it are dead");
    let second = shm::create(&path, &Config::new(2)).unwrap();
    assert_ne!(second.epoch(), epoch);
    member(&path, 0); // the name is free again
    second.unlink().unwrap();
    assert!(!path.exists());
}

#[test]
fn creators_race_and_one_of_them_makes_it() {
    let folder = folder();
    let path = folder.path().join("region");
    for _ in 0..20 {
        let made = thread::scope(|s| {
            let creators = [(); 3].map(|()| s.spawn(|| shm::create(&path, &Config::new(2))));
            creators.map(|creator| creator.join().unwrap()) // all of them alive until then
        });
        let (ready, refused): (Vec<_>, Vec<_>) = made.into_iter().partition(Result::is_ok);
        assert_eq!(ready.len(), 1);
        assert!(refused.iter().all(|refused| matches!(refused, Err(Error::Busy(_)))), "{refused:?}");
    }
}

#[test]
fn what_is_no_such_region_is_refused() {
    let folder = folder();
    let path = folder.path().join("letter");
    for content in ["Dear reader, this file is not a region.", "x"] {
        fs::write(&path, content).unwrap();
        assert!(matches!(shm::create(&path, &Config::new(2)), Err(Error::Layout(_))));
        assert_eq!(fs::read_to_string(&path).unwrap(), content, "and it is left alone");
    }

    // A program of another word size, or with another layout, has made it.
    let path = folder.path().join("region");
    let _region = shm::create(&path, &Config::new(2)).unwrap();
    let file = OpenOptions::new().write(true).open(&path).unwrap();
    let other_word = (if usize::BITS == 64 { 32_u32 } else { 64 }).to_ne_bytes();
    for (offset, other, own) in
        [(4, other_word, usize::BITS.to_ne_bytes()), (0, *b"abcd", 0x7265_7601_u32.to_ne_bytes())]
    {
        file.write_all_at(&other, offset).unwrap();
        assert!(matches!(shm::attach(&path, Duration::ZERO), Err(Error::Layout(_))));
        assert!(matches!(shm::create(&path, &Config::new(2)), Err(Error::Layout(_))));
        file.write_all_at(&own, offset).unwrap();
        assert!(shm::attach(&path, Duration::ZERO).is_ok());
    }
}
