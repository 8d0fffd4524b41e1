//! Worker processes that are killed before, in and after `complete`, at random, and producers that are killed.

mod common;

use std::time::Duration;

use common::proxy::{Fault, Proxy};
use common::{LONG, Process, RedisServer, client, listen, say, size, told};
use reveille_cluster::redis::Server;
use reveille_cluster::{Error, Group as _, Options, Outcome, Recorded, Taken, Task, WaitError, Worker as _};

/// Not a test: a worker, which says what it does, and goes on when it is told to.
#[test]
#[ignore = "run by the others"]
fn child_worker() {
    let mut worker = Server::new(told("URL")).unwrap().worker("g").unwrap();
    let by_hand = told("BY_HAND") == "yes";
    while let Taken::Task(lease) = worker.take(LONG).unwrap() {
        if by_hand {
            say("taken");
            listen();
        }
        let recorded = worker.complete(&lease, Outcome::Done(lease.payload.clone())).unwrap();
        if by_hand {
            say(format_args!("{recorded:?}"));
            listen();
        }
    }
}

/// Not a test: a producer, which says that its group exists, and waits.
#[test]
#[ignore = "run by the others"]
fn child_producer() {
    let options = Options::new().lease(Duration::from_millis(100));
    let mut group = Server::new(told("URL")).unwrap().create("g", tasks(10), &options).unwrap();
    say(group.epoch());
    let _ = group.wait(LONG);
}

fn tasks(count: usize) -> impl Iterator<Item = Task> {
    (0..count).map(|n| Task::new(n.to_string(), format!("payload {n}")))
}

fn work_off(there: &Server) -> usize {
    let (mut worker, mut firsts) = (there.worker("g").unwrap(), 0);
    while let Taken::Task(lease) = worker.take(LONG).unwrap() {
        let recorded = worker.complete(&lease, Outcome::Done(lease.payload.clone())).unwrap();
        firsts += usize::from(matches!(recorded, Recorded::First { .. }));
    }
    firsts
}

#[test]
fn a_worker_is_killed_before_in_and_after_complete() {
    let server = RedisServer::start();
    let proxy = Proxy::start(server.address());
    let there = client(&server);
    let options = Options::new().lease(Duration::from_millis(50));
    // Of two tasks, those that are left to another worker.
    for (moment, left) in [("before", 2), ("in, request lost", 2), ("in, reply lost", 1), ("after", 1)] {
        let mut group = there.create("g", tasks(2), &options).unwrap();
        let mut worker = Process::start("child_worker", &[("URL", &proxy.url()), ("BY_HAND", "yes")]);
        assert_eq!(worker.hear(), "taken");
        match moment {
            "before" => {}
            "after" => {
                worker.tell("go on");
                assert_eq!(worker.hear(), "First { remaining: 1 }");
            }
            _ => {
                let fault = if moment == "in, reply lost" { Fault::Swallow } else { Fault::Lose };
                make_known(&there);
                proxy.plan("EVAL", [fault]);
                worker.tell("go on");
                while proxy.planned() > 0 || moment == "in, reply lost" && group.missing().unwrap().len() == 2 {
                    std::thread::yield_now();
                }
            }
        }
        worker.kill();
        proxy.plan("", []);
        assert_eq!(work_off(&there), left, "{moment}");
        let report = group.wait(LONG).unwrap();
        assert_eq!(report.outcomes.len(), 2);
        assert!(report.outcomes.iter().all(|(task, o)| *o == Outcome::done(format!("payload {task}"))));
    }
}

/// Makes the server know the script for completing, so that a call is one request.
fn make_known(there: &Server) {
    let mut group = there.create("another", ["a"], &Options::new()).unwrap();
    group.complete("a", Outcome::done("")).unwrap();
}

#[test]
fn workers_are_killed_at_random() {
    let server = RedisServer::start();
    let there = client(&server);
    let count = size("KILLED_TASKS", 1_000);
    let mut group =
        there.create("g", tasks(count), &Options::new().lease(Duration::from_millis(300)).deliveries(1_000)).unwrap();
    let url = server.url();
    let start = || Process::start("child_worker", &[("URL", &url), ("BY_HAND", "no")]);
    let mut workers = [(); 3].map(|()| start());
    let mut kills = 0;
    let report = loop {
        // Any moment is as good as another: the wait ends at one that nobody has chosen.
        match group.wait(Duration::from_millis(15)) {
            Ok(report) => break report,
            Err(WaitError::Timeout { missing }) => {
                let victim = missing.len() % workers.len();
                workers[victim].kill();
                workers[victim] = start();
                kills += 1;
            }
            Err(other) => panic!("{other}"),
        }
    };
    assert!(kills > 0, "too few tasks to kill anybody");
    println!("{count} tasks, {kills} workers killed");
    assert_eq!(report.outcomes.len(), count);
    assert!(report.outcomes.iter().all(|(task, outcome)| *outcome == Outcome::done(format!("payload {task}"))));
}

#[test]
fn a_producer_is_killed_and_another_one_waits_or_cancels() {
    let server = RedisServer::start();
    let there = client(&server);
    for cancels in [false, true] {
        let mut producer = Process::start("child_producer", &[("URL", &server.url())]);
        let epoch = producer.hear();
        let mut worker = there.worker("g").unwrap();
        let Taken::Task(lease) = worker.take(LONG).unwrap() else { panic!("no task") };
        producer.kill();

        let mut second = there.attach("g").unwrap();
        assert_eq!(second.epoch().to_string(), epoch);
        if cancels {
            second.cancel("the producer is dead").unwrap();
            assert_eq!(worker.complete(&lease, Outcome::done("")).unwrap(), Recorded::Cancelled);
            assert_eq!(work_off(&there), 0);
            assert!(matches!(second.wait(LONG), Err(WaitError::Cancelled { .. })));
        } else {
            worker.complete(&lease, Outcome::done("")).unwrap();
            assert_eq!(work_off(&there), 9);
            assert_eq!(second.wait(LONG).unwrap().outcomes.len(), 10);
        }
        second.discard().unwrap();
        assert!(matches!(there.attach("g"), Err(Error::Vanished)));
    }
}
