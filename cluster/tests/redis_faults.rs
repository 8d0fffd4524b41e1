//! A network that delays, cuts, swallows and duplicates, and a server that restarts, forgets and hangs.

mod common;

use std::thread;
use std::time::{Duration, Instant};

use common::proxy::{Fault, Proxy};
use common::{LONG, RedisServer, SHORT, bare, client, least_late};
use reveille_cluster::redis::Server;
use reveille_cluster::{
    Error, Group as _, OnFailure, OnRunning, Options, Outcome, Recorded, Taken, WaitError, Worker as _,
};

fn first(remaining: u64) -> Recorded {
    Recorded::First { remaining }
}

#[test]
fn a_lost_reply_is_asked_for_again_and_is_the_same() {
    let server = RedisServer::start();
    let proxy = Proxy::start(server.address());
    let mut worker = Server::new(proxy.url()).unwrap().create("g", ["a", "b", "c"], &Options::new()).unwrap();
    let mut other = client(&server).attach("g").unwrap();

    // The server does not know the script and is sent it in full. It records the task; the reply is lost. In the meantime
    // another task is completed.
    proxy.plan("EVAL", [Fault::None, Fault::CutAfter, Fault::Delay(SHORT)]);
    thread::scope(|s| {
        let answer = s.spawn(|| worker.complete("a", Outcome::done("mine")));
        while proxy.planned() > 0 {
            thread::yield_now();
        }
        assert_eq!(other.complete("b", Outcome::done("")).unwrap(), first(1));
        assert_eq!(answer.join().unwrap().unwrap(), first(2), "what it was told the first time");
    });
    assert_eq!(
        other.complete("a", Outcome::done("")).unwrap(),
        Recorded::Duplicate,
        "only a repeated call is first again"
    );
    proxy.plan("EVALSHA", [Fault::CutBefore, Fault::CutAfter, Fault::CutAfter]);
    assert_eq!(worker.complete("c", Outcome::done("")).unwrap(), first(0));
    assert_eq!(proxy.planned(), 0);
    assert_eq!(other.wait(LONG).unwrap().outcomes["a"], Outcome::done("mine"));
}

#[test]
fn a_group_whose_creation_was_not_answered_is_not_refused_as_busy() {
    let server = RedisServer::start();
    let proxy = Proxy::start(server.address());
    let refuse = Options::new().on_running(OnRunning::Refuse);
    drop(client(&server).create("another", ["a"], &refuse).unwrap()); // so that the server knows the script
    proxy.plan("EVAL", [Fault::CutAfter, Fault::Twice]);
    assert!(Server::new(proxy.url()).unwrap().create("g", ["a"], &refuse).is_ok());
    assert_eq!(proxy.planned(), 0);
}

#[test]
fn every_call_may_arrive_twice() {
    let server = RedisServer::start();
    let proxy = Proxy::start(server.address());
    proxy.plan("EVAL", [Fault::Twice; 1000]);
    let there = Server::new(proxy.url()).unwrap();
    let options = Options::new().lease(SHORT).deliveries(1_000);
    let mut group = there.create("g", (0..20).map(|n| n.to_string()), &options).unwrap();
    let mut worker = there.worker("g").unwrap();
    let mut firsts = 0;
    // A `take` that arrives twice leases a task that nobody hears of: it is handed out again.
    while let Taken::Task(lease) = worker.take(LONG).unwrap() {
        firsts += u32::from(matches!(worker.complete(&lease, Outcome::done("")).unwrap(), Recorded::First { .. }));
    }
    assert_eq!(firsts, 20);
    assert_eq!(group.wait(LONG).unwrap().outcomes.len(), 20);
    assert!(matches!(group.missing(), Ok(missing) if missing.is_empty()));
    assert!(there.create("h", ["a"], &Options::new()).is_ok(), "one run, though it was created twice");
    group.cancel("late").unwrap();
    group.discard().unwrap();
}

#[test]
fn a_network_that_cuts_and_delays_all_the_time_only_takes_longer() {
    let server = RedisServer::start();
    let proxy = Proxy::start(server.address());
    let faults = [Fault::None, Fault::CutAfter, Fault::Delay(Duration::from_millis(3)), Fault::CutBefore, Fault::Twice];
    proxy.plan("EVAL", faults.into_iter().cycle().take(3_000));
    let there = Server::new(proxy.url()).unwrap();
    let options = Options::new().lease(SHORT).deliveries(1_000);
    let mut group = there.create("g", (0..60).map(|n| n.to_string()), &options).unwrap();
    thread::scope(|s| {
        let workers = [(); 3].map(|()| {
            s.spawn(|| {
                let (mut worker, mut firsts) = (there.worker("g").unwrap(), 0);
                while let Taken::Task(lease) = worker.take(LONG).unwrap() {
                    let recorded = worker.complete(&lease, Outcome::done(lease.task.clone())).unwrap();
                    firsts += usize::from(matches!(recorded, Recorded::First { .. }));
                }
                firsts
            })
        });
        let report = group.wait(LONG * 2).unwrap();
        assert_eq!(report.outcomes.len(), 60);
        assert!(report.outcomes.iter().all(|(task, outcome)| *outcome == Outcome::done(task.clone())));
        assert_eq!(workers.map(|worker| worker.join().unwrap()).iter().sum::<usize>(), 60, "each first once");
    });
}

#[test]
fn a_server_that_hangs_is_unreachable_in_time() {
    let server = RedisServer::start();
    let proxy = Proxy::start(server.address());
    let mut group = Server::new(proxy.url()).unwrap().create("g", ["a"], &Options::new()).unwrap();
    let timeout = Duration::from_millis(300);
    let late = least_late(timeout, || {
        proxy.plan("", [Fault::Swallow; 100]);
        let Err(WaitError::Place(Error::Unreachable(_))) = group.wait(timeout) else { panic!("not unreachable") };
    });
    assert!(late < Duration::from_secs(3), "{late:?} late");
    // Only the reads of events: the truth is asked for all the same.
    proxy.plan("XREAD", [Fault::Swallow; 100]);
    let Err(WaitError::Timeout { .. }) = group.wait(timeout) else { panic!("not a timeout") };
    proxy.plan("", []);
    group.complete("a", Outcome::done("")).unwrap();
    assert!(group.wait(LONG).is_ok());
}

#[test]
fn a_server_that_restarts_with_its_data_goes_on() {
    let mut server = RedisServer::start_with(&["--appendonly", "yes", "--appendfsync", "always"]);
    let mut group = client(&server).create("g", ["a", "b", "c"], &Options::new().lease(SHORT)).unwrap();
    let mut worker = client(&server).worker("g").unwrap();
    let Taken::Task(lease) = worker.take(LONG).unwrap() else { panic!("no task") };
    worker.complete(&lease, Outcome::done("before")).unwrap();
    thread::scope(|s| {
        let wait = s.spawn(|| group.wait(LONG));
        server.kill();
        thread::sleep(SHORT); // with no server at all
        server.start_again();
        while let Taken::Task(lease) = worker.take(LONG).unwrap() {
            worker.complete(&lease, Outcome::done("after")).unwrap();
        }
        let report = wait.join().unwrap().unwrap();
        assert_eq!(report.outcomes[&lease.task], Outcome::done("before"));
        assert_eq!(report.outcomes.values().filter(|&outcome| *outcome == Outcome::done("after")).count(), 2);
    });
}

#[test]
fn a_server_that_restarts_without_its_data_has_lost_the_group() {
    let mut server = RedisServer::start();
    let mut group = client(&server).create("g", ["a"], &Options::new()).unwrap();
    let mut worker = client(&server).attach("g").unwrap();
    thread::scope(|s| {
        let wait = s.spawn(|| group.wait(LONG));
        server.start_again();
        assert!(matches!(wait.join().unwrap(), Err(WaitError::Vanished)));
    });
    assert!(matches!(worker.complete("a", Outcome::done("")), Err(Error::Vanished)));
    assert!(matches!(worker.missing(), Err(Error::Vanished)));
}

#[test]
fn scripts_that_were_flushed_are_sent_again() {
    let server = RedisServer::start();
    let mut group = client(&server).create("g", ["a", "b"], &Options::new()).unwrap();
    let flush = || ::redis::cmd("SCRIPT").arg("FLUSH").query::<()>(&mut bare(&server)).unwrap();
    flush();
    assert_eq!(group.complete("a", Outcome::done("")).unwrap(), first(1));
    flush();
    assert!(matches!(group.wait(Duration::ZERO), Err(WaitError::Timeout { .. })));
    flush();
    assert_eq!(group.complete("b", Outcome::done("")).unwrap(), first(0));
    flush();
    assert!(group.wait(LONG).is_ok());
}

#[test]
fn a_server_that_cannot_be_reached_is_tried_for_as_long_as_wanted() {
    let server = RedisServer::start();
    let proxy = Proxy::start(server.address());
    let patient = Server::new(proxy.url()).unwrap().patience(LONG);
    proxy.refuse(true);
    thread::scope(|s| {
        let group = s.spawn(|| patient.create("g", ["a"], &Options::new()));
        thread::sleep(SHORT);
        proxy.refuse(false);
        assert!(group.join().unwrap().is_ok());
    });
    proxy.refuse(true);
    let start = Instant::now();
    let impatient = Server::new(proxy.url()).unwrap().patience(SHORT).attach("g");
    assert!(matches!(impatient, Err(Error::Unreachable(_))));
    assert!(start.elapsed() >= SHORT / 2, "it was tried again");
}

#[test]
fn a_server_that_answers_with_errors_refuses() {
    let server = RedisServer::start_with(&["--requirepass", "secret"]);
    assert!(matches!(client(&server).attach("g"), Err(Error::Refused(_))));
    let url = format!("redis://:secret@{}", server.address());
    let there = Server::new(url.as_str()).unwrap();
    let _group = there.create("g", ["a"], &Options::new()).unwrap();
    let mut bare = ::redis::Client::open(url.as_str()).unwrap().get_connection().unwrap();
    let _: () = ::redis::cmd("SET").arg("reveille:{h}:meta").arg("not a hash").query(&mut bare).unwrap();
    assert!(matches!(there.create("h", ["a"], &Options::new()), Err(Error::Refused(_))));
    assert!(matches!(there.attach(""), Err(Error::Name(_))));
    assert!(matches!(there.attach("a}b"), Err(Error::Name(_))));
    assert!(matches!(Server::new("http://example.com"), Err(Error::Refused(_))));
}

#[test]
fn a_full_server_refuses_and_keeps_what_it_has() {
    let server = RedisServer::start_with(&["--maxmemory", "3mb", "--maxmemory-policy", "noeviction"]);
    let options = Options::new().on_failure(OnFailure::CollectAll);
    let mut group = client(&server).create("g", (0..64).map(|n| n.to_string()), &options).unwrap();
    let refused = (0..64).find(|n| {
        let outcome = Outcome::done(vec![0; 100_000]);
        matches!(group.complete(&n.to_string(), outcome), Err(Error::Refused(_)))
    });
    let refused = refused.expect("six megabytes do not fit into three");
    let Err(WaitError::Timeout { missing }) = group.wait(Duration::ZERO) else { panic!("not a timeout") };
    assert_eq!(missing.len(), 64 - refused as usize, "nothing that was refused counts");
}

/// All keys of the server, with the time they have left.
fn keys(server: &RedisServer) -> Vec<(String, i64)> {
    let mut connection = bare(server);
    let keys: Vec<String> = ::redis::cmd("KEYS").arg("*").query(&mut connection).unwrap();
    let left = keys.into_iter().map(|key| {
        let left: i64 = ::redis::cmd("PTTL").arg(&key).query(&mut connection).unwrap();
        (key, left)
    });
    left.collect()
}

#[test]
fn keys_expire_and_never_leak() {
    let server = RedisServer::start();
    let ttl = Duration::from_millis(1_500);
    let options = Options::new().ttl(ttl).lease(Duration::from_millis(10)).deliveries(2);
    let never_forever = |when: &str| {
        for (key, left) in keys(&server) {
            assert!((0..=1_500).contains(&left), "{key} is kept for {left} ms, {when}");
        }
    };
    // Every way that a run can go, in all its steps.
    for end in ["complete", "fail", "cancel", "poison", "abandon", "supersede"] {
        let mut group = client(&server).create(end, ["a", "b"], &options).unwrap();
        never_forever("created");
        let mut worker = client(&server).worker(end).unwrap();
        let Taken::Task(lease) = worker.take(LONG).unwrap() else { panic!("no task") };
        never_forever("leased");
        // Evicted, and made anew by whoever has something to say.
        let _: () = ::redis::cmd("DEL").arg(format!("reveille:{{{end}}}:events")).query(&mut bare(&server)).unwrap();
        match end {
            "complete" => {
                worker.complete(&lease, Outcome::done("")).unwrap();
                never_forever("half complete");
                group.complete("b", Outcome::done("")).unwrap();
                group.wait(LONG).unwrap();
            }
            "fail" => assert_eq!(worker.complete(&lease, Outcome::failed("")).unwrap(), first(1)),
            "cancel" => group.cancel("").unwrap(),
            "poison" => while let Taken::Task(_) = worker.take(LONG).unwrap() {},
            "supersede" => drop(client(&server).create(end, ["c"], &options).unwrap()),
            _ => {}
        }
        never_forever(end);
    }
    assert!(keys(&server).len() >= 6 * 2, "there was something to expire");
    let end = Instant::now() + LONG;
    while !keys(&server).is_empty() {
        assert!(Instant::now() < end, "{:?}", keys(&server));
        thread::sleep(Duration::from_millis(50));
    }
    // Whoever waits keeps the group alive, for longer than its time.
    let mut group = client(&server).create("g", ["a"], &options).unwrap();
    assert!(matches!(group.wait(ttl * 2), Err(WaitError::Timeout { .. })));
    // Discarded, nothing is left at once.
    group.discard().unwrap();
    assert_eq!(keys(&server), []);
}
