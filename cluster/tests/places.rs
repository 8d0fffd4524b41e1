//! The same words mean the same in process and on a server.

mod common;

use std::thread;
use std::time::{Duration, Instant};

use common::{LONG, RedisServer, SHORT, client, least_late, size};
use reveille_cluster::local::Place;
use reveille_cluster::redis::Server;
use reveille_cluster::{
    Error, Group, OnFailure, OnRunning, Options, Outcome, Recorded, Taken, Task, WaitError, Worker,
};

/// A place, whichever.
trait AnyPlace: Sync {
    fn create(&self, name: &str, tasks: Vec<Task>, options: &Options) -> Result<Box<dyn Group>, Error>;
    fn attach(&self, name: &str) -> Result<Box<dyn Group>, Error>;
    fn worker(&self, name: &str) -> Box<dyn Worker + Send>;
    fn discard(&self, name: &str);
}

impl AnyPlace for Place {
    fn create(&self, name: &str, tasks: Vec<Task>, options: &Options) -> Result<Box<dyn Group>, Error> {
        Ok(Box::new(self.create(name, tasks, options)?))
    }
    fn attach(&self, name: &str) -> Result<Box<dyn Group>, Error> {
        Ok(Box::new(self.attach(name)?))
    }
    fn worker(&self, name: &str) -> Box<dyn Worker + Send> {
        Box::new(self.worker(name))
    }
    fn discard(&self, name: &str) {
        self.attach(name).unwrap().discard();
    }
}

impl AnyPlace for Server {
    fn create(&self, name: &str, tasks: Vec<Task>, options: &Options) -> Result<Box<dyn Group>, Error> {
        Ok(Box::new(self.create(name, tasks, options)?))
    }
    fn attach(&self, name: &str) -> Result<Box<dyn Group>, Error> {
        Ok(Box::new(self.attach(name)?))
    }
    fn worker(&self, name: &str) -> Box<dyn Worker + Send> {
        Box::new(self.worker(name).expect("a name"))
    }
    fn discard(&self, name: &str) {
        self.attach(name).unwrap().discard().unwrap();
    }
}

/// Makes one test per place.
macro_rules! everywhere {
    ($($test:ident)*) => {
        mod local { $(#[test] fn $test() { super::$test(&super::Place::new()); })* }
        mod redis { $(#[test] fn $test() {
            let server = super::RedisServer::start();
            super::$test(&super::client(&server));
        })* }
    };
}

everywhere! {
    fast_workers_are_done_before_the_wait
    a_task_is_completed_once
    no_task_is_complete_at_once
    many_tasks
    a_timeout_names_the_missing_and_keeps_its_time
    a_failure_breaks_a_group_that_fails_fast
    failures_are_collected
    stragglers_of_an_earlier_run_change_nothing
    producers_race_for_a_name
    a_busy_name_is_refused_if_so_wanted
    cancelling_tells_everybody
    an_abandoned_group_is_taken_over
    a_lease_that_expires_goes_to_another
    a_renewed_lease_does_not
    a_task_that_nobody_survives_fails
    a_worker_waits_for_the_next_run
    a_worker_is_told_when_its_run_is_discarded
    names_that_are_not_there
}

fn tasks(count: usize) -> Vec<Task> {
    (0..count).map(|n| Task::new(n.to_string(), format!("payload {n}"))).collect()
}

/// The queue's workers: each task's outcome is its payload.
fn work(worker: &mut dyn Worker) -> usize {
    let mut firsts = 0;
    loop {
        match worker.take(LONG).unwrap() {
            Taken::Task(lease) => {
                let outcome = Outcome::Done(lease.payload.clone());
                firsts += usize::from(matches!(worker.complete(&lease, outcome).unwrap(), Recorded::First { .. }));
            }
            Taken::Over(_) => return firsts,
            Taken::Idle => panic!("nothing to do for so long"),
        }
    }
}

fn fast_workers_are_done_before_the_wait(place: &dyn AnyPlace) {
    let mut group = place.create("g", tasks(20), &Options::new()).unwrap();
    assert_eq!(work(&mut *place.worker("g")), 20);
    let report = group.wait(Duration::ZERO).unwrap();
    assert_eq!(report.epoch, group.epoch());
    assert_eq!(report.outcomes.len(), 20);
    assert_eq!(report.outcomes["7"], Outcome::done("payload 7"));
    assert_eq!(group.wait(Duration::ZERO).unwrap(), report, "as often as one likes");
    assert!(group.missing().unwrap().is_empty());
}

fn a_task_is_completed_once(place: &dyn AnyPlace) {
    let mut group = place.create("g", tasks(2), &Options::new()).unwrap();
    let mut other = place.attach("g").unwrap();
    assert_eq!(group.complete("0", Outcome::done("a")).unwrap(), Recorded::First { remaining: 1 });
    assert_eq!(other.complete("0", Outcome::failed("b")).unwrap(), Recorded::Duplicate);
    assert_eq!(group.complete("x", Outcome::done("")).unwrap(), Recorded::Unknown);
    assert_eq!(group.missing().unwrap(), ["1"]);
    assert_eq!(other.complete("1", Outcome::done(vec![0, 255, b':'])).unwrap(), Recorded::First { remaining: 0 });
    assert_eq!(group.complete("1", Outcome::done("c")).unwrap(), Recorded::Duplicate);
    assert_eq!(group.complete("x", Outcome::done("")).unwrap(), Recorded::Unknown);
    let report = group.wait(LONG).unwrap();
    assert_eq!(report.outcomes["0"], Outcome::done("a"));
    assert_eq!(report.outcomes["1"], Outcome::done(vec![0, 255, b':']), "any bytes");
}

fn no_task_is_complete_at_once(place: &dyn AnyPlace) {
    let mut group = place.create("g", tasks(0), &Options::new()).unwrap();
    assert!(group.wait(Duration::ZERO).unwrap().outcomes.is_empty());
    assert_eq!(group.complete("0", Outcome::done("")).unwrap(), Recorded::Unknown);
    assert_eq!(place.worker("g").take(LONG).unwrap(), Taken::Over(group.epoch()));
    let one = place.create("g", tasks(1), &Options::new()).unwrap().wait(Duration::ZERO);
    assert!(matches!(one, Err(WaitError::Timeout { missing }) if missing == ["0"]));
}

fn many_tasks(place: &dyn AnyPlace) {
    let count = size("TASKS", 2_000);
    let mut group = place.create("g", tasks(count), &Options::new()).unwrap();
    thread::scope(|s| {
        let workers = [(); 3].map(|()| s.spawn(|| work(&mut *place.worker("g"))));
        let report = group.wait(LONG * 10).unwrap();
        assert_eq!(report.outcomes.len(), count);
        let firsts = workers.map(|worker| worker.join().unwrap());
        assert_eq!(firsts.iter().sum::<usize>(), count, "each task by one worker");
    });
}

fn a_timeout_names_the_missing_and_keeps_its_time(place: &dyn AnyPlace) {
    let mut group = place.create("g", tasks(12), &Options::new()).unwrap();
    group.complete("5", Outcome::done("")).unwrap();
    for timeout in [Duration::ZERO, Duration::from_millis(37), Duration::from_millis(700)] {
        let late = least_late(timeout, || {
            let Err(WaitError::Timeout { missing }) = group.wait(timeout) else { panic!("not a timeout") };
            assert_eq!(missing, ["0", "1", "10", "11", "2", "3", "4", "6", "7", "8", "9"]);
        });
        assert!(late < Duration::from_millis(500), "{late:?} late");
    }
    let text = group.wait(Duration::ZERO).unwrap_err().to_string();
    assert_eq!(text, "timed out; missing: 0, 1, 10, 11, 2 and 6 more");
}

fn a_failure_breaks_a_group_that_fails_fast(place: &dyn AnyPlace) {
    let mut group = place.create("g", tasks(3), &Options::new()).unwrap();
    thread::scope(|s| {
        s.spawn(|| {
            let mut worker = place.attach("g").unwrap();
            let failed = worker.complete("1", Outcome::failed("no disk")).unwrap();
            assert_eq!(failed, Recorded::First { remaining: 2 });
            assert_eq!(worker.complete("2", Outcome::done("")).unwrap(), Recorded::Cancelled, "too late");
            assert_eq!(worker.complete("1", Outcome::done("")).unwrap(), Recorded::Duplicate);
        });
        let Err(WaitError::Broken { task, reason }) = group.wait(LONG) else { panic!("not broken") };
        assert_eq!((task.as_str(), reason.as_str()), ("1", "no disk"));
    });
    assert!(matches!(place.worker("g").take(LONG).unwrap(), Taken::Over(_)));
}

fn failures_are_collected(place: &dyn AnyPlace) {
    let options = Options::new().on_failure(OnFailure::CollectAll);
    let mut group = place.create("g", tasks(3), &options).unwrap();
    group.complete("1", Outcome::failed("no disk")).unwrap();
    assert!(matches!(group.wait(Duration::ZERO), Err(WaitError::Timeout { .. })), "the others go on");
    group.complete("0", Outcome::done("")).unwrap();
    assert_eq!(group.complete("2", Outcome::failed("")).unwrap(), Recorded::First { remaining: 0 });
    let report = group.wait(Duration::ZERO).unwrap();
    assert_eq!(report.failures().collect::<Vec<_>>(), [("1", "no disk"), ("2", "")]);
}

fn stragglers_of_an_earlier_run_change_nothing(place: &dyn AnyPlace) {
    let mut first = place.create("g", tasks(2), &Options::new()).unwrap();
    let mut straggler = place.attach("g").unwrap();
    let mut worker = place.worker("g");
    let Taken::Task(lease) = worker.take(LONG).unwrap() else { panic!("no task") };
    thread::scope(|s| {
        let second = s.spawn(|| {
            thread::sleep(SHORT / 4); // most likely, the wait has begun; it need not have
            place.create("g", tasks(2), &Options::new()).map(|group| group.epoch()).unwrap()
        });
        let Err(WaitError::Superseded { by }) = first.wait(LONG) else { panic!("not superseded") };
        assert_eq!(by, second.join().unwrap());
    });
    assert_eq!(straggler.complete("0", Outcome::done("old")).unwrap(), Recorded::Stale);
    assert_eq!(worker.complete(&lease, Outcome::done("old")).unwrap(), Recorded::Stale);
    assert!(!worker.renew(&lease).unwrap());
    assert!(matches!(straggler.cancel(""), Err(Error::Vanished)));
    let mut second = place.attach("g").unwrap();
    assert_eq!(second.missing().unwrap(), ["0", "1"], "nothing of the first run counts in the second");
    assert_eq!(work(&mut *worker), 2);
    assert_eq!(second.wait(Duration::ZERO).unwrap().outcomes["0"], Outcome::done("payload 0"));
}

fn producers_race_for_a_name(place: &dyn AnyPlace) {
    let outcomes: Vec<_> = thread::scope(|s| {
        let producers = [(); 4].map(|()| {
            s.spawn(|| {
                let mut group = place.create("g", tasks(3), &Options::new()).unwrap();
                let epoch = group.epoch();
                let _ = group.complete("0", Outcome::done(epoch.to_string()));
                let _ = group.complete("1", Outcome::done(epoch.to_string()));
                let _ = group.complete("2", Outcome::done(epoch.to_string()));
                (epoch, group.wait(LONG))
            })
        });
        producers.map(|producer| producer.join().unwrap()).into()
    });
    let last = place.attach("g").unwrap().epoch();
    let mut finished = 0;
    for (epoch, outcome) in outcomes {
        match outcome {
            Ok(report) => {
                finished += 1;
                let own = Outcome::done(epoch.to_string());
                assert!(report.outcomes.values().all(|outcome| *outcome == own), "no outcome of another run");
            }
            Err(WaitError::Superseded { by }) => assert_ne!(by, epoch),
            Err(other) => panic!("{other}"),
        }
        assert!(epoch != last || finished > 0, "the last one is not superseded");
    }
}

fn a_busy_name_is_refused_if_so_wanted(place: &dyn AnyPlace) {
    let options = Options::new().on_running(OnRunning::Refuse);
    let mut first = place.create("g", tasks(1), &options).unwrap();
    let Err(Error::Busy(epoch)) = place.create("g", tasks(1), &options) else { panic!("not refused") };
    assert_eq!(epoch, first.epoch());
    first.complete("0", Outcome::done("")).unwrap();
    assert!(place.create("g", tasks(1), &options).is_ok(), "the first run is over");
}

fn cancelling_tells_everybody(place: &dyn AnyPlace) {
    let mut group = place.create("g", tasks(3), &Options::new()).unwrap();
    let mut worker = place.worker("g");
    let Taken::Task(lease) = worker.take(LONG).unwrap() else { panic!("no task") };
    thread::scope(|s| {
        s.spawn(|| place.attach("g").unwrap().cancel("weather").unwrap());
        let Err(WaitError::Cancelled { reason }) = group.wait(LONG) else { panic!("not cancelled") };
        assert_eq!(reason, "weather");
    });
    assert_eq!(worker.complete(&lease, Outcome::done("")).unwrap(), Recorded::Cancelled);
    assert_eq!(worker.take(LONG).unwrap(), Taken::Over(group.epoch()));
    group.cancel("again").unwrap();
    assert!(matches!(group.wait(LONG), Err(WaitError::Cancelled { reason }) if reason == "weather"));
}

fn an_abandoned_group_is_taken_over(place: &dyn AnyPlace) {
    let first = place.create("g", tasks(5), &Options::new()).unwrap().epoch();
    // The producer is gone, and with it everything it knew.
    let mut worker = place.worker("g");
    let Taken::Task(lease) = worker.take(LONG).unwrap() else { panic!("no task") };
    worker.complete(&lease, Outcome::done("before")).unwrap();
    let mut second = place.attach("g").unwrap();
    assert_eq!(second.epoch(), first);
    assert_eq!(work(&mut *worker), 4);
    assert_eq!(second.wait(LONG).unwrap().outcomes.len(), 5);
}

fn a_lease_that_expires_goes_to_another(place: &dyn AnyPlace) {
    let options = Options::new().lease(Duration::from_millis(60));
    let mut group = place.create("g", tasks(1), &options).unwrap();
    let (mut dead, mut other) = (place.worker("g"), place.worker("g"));
    let Taken::Task(lost) = dead.take(LONG).unwrap() else { panic!("no task") };
    let Taken::Task(lease) = other.take(LONG).unwrap() else { panic!("no task") };
    assert_eq!((lost.delivery, lease.delivery), (1, 2));
    assert_eq!((&lost.task, &lost.payload), (&lease.task, &lease.payload));
    assert!(!dead.renew(&lost).unwrap(), "it is another's");
    // The dead one lives after all, and both answer.
    assert_eq!(dead.complete(&lost, Outcome::done("1")).unwrap(), Recorded::First { remaining: 0 });
    assert_eq!(other.complete(&lease, Outcome::done("2")).unwrap(), Recorded::Duplicate);
    assert_eq!(group.wait(LONG).unwrap().outcomes["0"], Outcome::done("1"));
}

fn a_renewed_lease_does_not(place: &dyn AnyPlace) {
    let lease_time = Duration::from_millis(600);
    let mut group = place.create("g", tasks(1), &Options::new().lease(lease_time)).unwrap();
    let (mut slow, mut other) = (place.worker("g"), place.worker("g"));
    let mut renewed_at = Instant::now();
    let Taken::Task(lease) = slow.take(LONG).unwrap() else { panic!("no task") };
    for _ in 0..100 {
        let before = Instant::now();
        let renewed = slow.renew(&lease).unwrap();
        let taken = other.take(Duration::from_millis(20)).unwrap();
        if renewed_at.elapsed() > lease_time {
            return; // the machine stood still for a whole lease: anybody may have the task
        }
        assert!(renewed && taken == Taken::Idle, "{taken:?}");
        renewed_at = before;
    }
    assert_eq!(slow.complete(&lease, Outcome::done("")).unwrap(), Recorded::First { remaining: 0 });
    assert_eq!(group.wait(LONG).unwrap().outcomes.len(), 1);
}

fn a_task_that_nobody_survives_fails(place: &dyn AnyPlace) {
    let options = Options::new().lease(Duration::from_millis(10)).deliveries(3).on_failure(OnFailure::CollectAll);
    let mut group = place.create("g", tasks(1), &options).unwrap();
    for delivery in 1..=3 {
        let Taken::Task(lease) = place.worker("g").take(LONG).unwrap() else { panic!("no task") };
        assert_eq!(lease.delivery, delivery);
    }
    assert!(matches!(place.worker("g").take(LONG).unwrap(), Taken::Over(_)));
    let report = group.wait(Duration::ZERO).unwrap();
    assert_eq!(report.failures().collect::<Vec<_>>(), [("0", "handed out 3 times and never answered")]);
}

fn a_worker_waits_for_the_next_run(place: &dyn AnyPlace) {
    let mut worker = place.worker("g");
    assert_eq!(worker.next_run(None, Duration::from_millis(20)).unwrap(), None);
    assert_eq!(worker.take(Duration::from_millis(20)).unwrap(), Taken::Idle);
    thread::scope(|s| {
        let rounds = s.spawn(|| {
            let (mut last, mut firsts) = (None, 0);
            while firsts < 12 {
                last = worker.next_run(last, LONG).unwrap();
                firsts += work(&mut *worker);
            }
            firsts
        });
        for _ in 0..3 {
            let mut group = place.create("g", tasks(4), &Options::new()).unwrap();
            assert_eq!(group.wait(LONG).unwrap().outcomes.len(), 4);
        }
        assert_eq!(rounds.join().unwrap(), 12);
    });
}

fn a_worker_is_told_when_its_run_is_discarded(place: &dyn AnyPlace) {
    let epoch = place.create("g", tasks(2), &Options::new()).unwrap().epoch();
    let (mut busy, mut idle) = (place.worker("g"), place.worker("g"));
    for _ in 0..2 {
        assert!(matches!(busy.take(LONG).unwrap(), Taken::Task(_)));
    }
    thread::scope(|s| {
        // It finds nothing to do, and waits for the others' leases.
        let waiting = s.spawn(|| idle.take(LONG).unwrap());
        thread::sleep(SHORT);
        place.discard("g");
        assert_eq!(waiting.join().unwrap(), Taken::Over(epoch));
    });
    assert_eq!(busy.take(LONG).unwrap(), Taken::Over(epoch));
    assert_eq!(busy.take(Duration::ZERO).unwrap(), Taken::Idle, "told once");
}

fn names_that_are_not_there(place: &dyn AnyPlace) {
    assert!(matches!(place.attach("nobody"), Err(Error::Vanished)));
    let twice = place.create("g", vec!["a".into(), "a".into()], &Options::new());
    assert!(matches!(twice, Err(Error::RepeatedTask(task)) if task == "a"));
    assert!(matches!(place.attach("g"), Err(Error::Vanished)), "nothing was created");
}
