//! The two places agree, operation by operation: what a server says is what the group in process says.

mod common;

use std::collections::HashMap;
use std::time::Duration;

use common::{RedisServer, client};
use proptest::prelude::*;
use proptest::test_runner::{Config, FileFailurePersistence, TestRunner};
use reveille_cluster::local::{self, Place};
use reveille_cluster::redis::{self, Server};
use reveille_cluster::{
    Epoch, Error, Group, Lease, OnFailure, OnRunning, Options, Outcome, Recorded, Taken, WaitError, Worker,
};

#[derive(Clone, Debug)]
enum Step {
    Create {
        tasks: u8,
        collect: bool,
        refuse: bool,
        queue: bool,
    },
    /// By the handle of run number `run`, as are those below.
    Complete {
        run: usize,
        task: u8,
        fails: bool,
    },
    Take,
    /// Lease number `lease` of those so far.
    Answer {
        lease: usize,
        fails: bool,
    },
    Wait {
        run: usize,
    },
    Missing {
        run: usize,
    },
    Cancel {
        run: usize,
    },
    Discard {
        run: usize,
    },
    Attach,
}

fn step() -> impl Strategy<Value = Step> {
    let run = 0..3_usize;
    prop_oneof![
        2 => (0..4_u8, any::<[bool; 3]>()).prop_map(|(tasks, [collect, refuse, queue])| Step::Create { tasks, collect, refuse, queue }),
        8 => (run.clone(), 0..5_u8, prop::bool::weighted(0.2)).prop_map(|(run, task, fails)| Step::Complete { run, task, fails }),
        4 => Just(Step::Take),
        4 => (0..8_usize, prop::bool::weighted(0.2)).prop_map(|(lease, fails)| Step::Answer { lease, fails }),
        4 => run.clone().prop_map(|run| Step::Wait { run }),
        2 => run.clone().prop_map(|run| Step::Missing { run }),
        1 => run.clone().prop_map(|run| Step::Cancel { run }),
        1 => run.prop_map(|run| Step::Discard { run }),
        1 => Just(Step::Attach),
    ]
}

/// One place with all its handles. Epochs are told by their number, which does not depend on the place.
struct Side<P, G> {
    place: P,
    runs: Vec<Option<G>>,
    leases: Vec<Lease>,
    numbers: HashMap<Epoch, usize>,
}

trait Api {
    type Group: Group;
    fn create(&self, tasks: Vec<String>, options: &Options) -> Result<Self::Group, Error>;
    fn attach(&self) -> Result<Self::Group, Error>;
    fn worker(&self) -> Box<dyn Worker>;
    fn discard(group: Self::Group);
}

impl Api for Place {
    type Group = local::Group;
    fn create(&self, tasks: Vec<String>, options: &Options) -> Result<Self::Group, Error> {
        self.create("g", tasks, options)
    }
    fn attach(&self) -> Result<Self::Group, Error> {
        self.attach("g")
    }
    fn worker(&self) -> Box<dyn Worker> {
        Box::new(self.worker("g"))
    }
    fn discard(group: Self::Group) {
        group.discard();
    }
}

impl Api for Server {
    type Group = redis::Group;
    fn create(&self, tasks: Vec<String>, options: &Options) -> Result<Self::Group, Error> {
        self.create("g", tasks, options)
    }
    fn attach(&self) -> Result<Self::Group, Error> {
        self.attach("g")
    }
    fn worker(&self) -> Box<dyn Worker> {
        Box::new(self.worker("g").unwrap())
    }
    fn discard(group: Self::Group) {
        group.discard().unwrap();
    }
}

fn outcome(fails: bool, text: String) -> Outcome {
    if fails { Outcome::failed(text) } else { Outcome::done(text) }
}

fn recorded(answer: Result<Recorded, Error>) -> String {
    format!("{answer:?}")
}

impl<P: Api> Side<P, P::Group> {
    fn new(place: P) -> Self {
        Side { place, runs: Vec::new(), leases: Vec::new(), numbers: HashMap::new() }
    }

    fn number(&mut self, epoch: Epoch) -> usize {
        let next = self.numbers.len();
        *self.numbers.entry(epoch).or_insert(next)
    }

    /// The run so many before the last; `None` if there is none, or it was discarded.
    fn run(&mut self, run: usize) -> Option<&mut P::Group> {
        let index = self.runs.len().checked_sub(run + 1)?;
        self.runs[index].as_mut()
    }

    /// What the place answers, in words.
    fn step(&mut self, step: &Step, count: usize) -> String {
        match *step {
            Step::Create { tasks, collect, refuse, queue } => {
                let options = Options::new()
                    .on_failure(if collect { OnFailure::CollectAll } else { OnFailure::FailFast })
                    .on_running(if refuse { OnRunning::Refuse } else { OnRunning::Supersede })
                    .queue(queue);
                match self.place.create((0..tasks).map(|task| task.to_string()).collect(), &options) {
                    Ok(group) => {
                        let number = self.number(group.epoch());
                        self.runs.push(Some(group));
                        format!("created {number}")
                    }
                    Err(Error::Busy(epoch)) => format!("busy {}", self.number(epoch)),
                    Err(other) => panic!("{other}"),
                }
            }
            Step::Complete { run, task, fails } => self.run(run).map_or(String::new(), |group| {
                recorded(group.complete(&task.to_string(), outcome(fails, format!("{count}"))))
            }),
            Step::Take => match self.place.worker().take(Duration::ZERO).unwrap() {
                Taken::Task(lease) => {
                    let text = format!("{} of {}, {}", lease.task, self.number(lease.epoch), lease.delivery);
                    self.leases.push(lease);
                    text
                }
                Taken::Idle => "idle".to_owned(),
                Taken::Over(epoch) => format!("over {}", self.number(epoch)),
            },
            Step::Answer { lease, fails } => {
                let Some(lease) = self.leases.get(lease) else { return String::new() };
                recorded(self.place.worker().complete(lease, outcome(fails, format!("{count}"))))
            }
            Step::Wait { run } => match self.run(run).map(|group| group.wait(Duration::ZERO)) {
                None => String::new(),
                Some(Ok(report)) => format!("{} {:?}", self.number(report.epoch), report.outcomes),
                Some(Err(WaitError::Superseded { by })) => format!("superseded by {}", self.number(by)),
                Some(Err(error)) => error.to_string(),
            },
            Step::Missing { run } => self.run(run).map_or(String::new(), |group| format!("{:?}", group.missing().ok())),
            Step::Cancel { run } => {
                self.run(run).map_or(String::new(), |group| format!("{:?}", group.cancel("so").ok()))
            }
            Step::Discard { run } => {
                let index = self.runs.len().checked_sub(run + 1);
                if let Some(group) = index.and_then(|index| self.runs[index].take()) {
                    P::discard(group);
                }
                String::new()
            }
            Step::Attach => match self.place.attach() {
                Ok(group) => format!("attached {}", self.number(group.epoch())),
                Err(error) => error.to_string(),
            },
        }
    }
}

#[test]
fn a_server_answers_like_a_group_in_process() {
    let server = RedisServer::start();
    let cases = common::size("CASES", 64) as u32;
    let config = Config {
        cases,
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/redis_model.proptest-regressions"
        )))),
        ..Config::default()
    };
    let result = TestRunner::new(config).run(&prop::collection::vec(step(), 1..60), |steps| {
        let _: () = ::redis::cmd("FLUSHALL").query(&mut common::bare(&server)).unwrap();
        let (mut here, mut there) = (Side::new(Place::new()), Side::new(client(&server)));
        for (count, step) in steps.iter().enumerate() {
            prop_assert_eq!(here.step(step, count), there.step(step, count), "step {}: {:?}", count, step);
        }
        Ok(())
    });
    result.unwrap_or_else(|failure| panic!("{failure}"));
}
