//! Processes in shared memory that are killed at moments which nobody has chosen, phase after phase.
#![cfg(any(target_os = "linux", target_os = "android"))]

#[path = "common/basics.rs"]
mod basics;
#[path = "common/regions.rs"]
mod regions;

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use basics::{LONG, Process, listen, say, size, told};
use regions::{folder, member};
use reveille_cluster::shm::{self, Config, OnDeath};

/// How far each member of the stress test is: one number per name, in a file.
struct Progress(File);

impl Progress {
    fn open(path: &Path) -> Self {
        Progress(OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path).unwrap())
    }

    fn set(&self, name: u32, phase: u64) {
        self.0.write_all_at(&phase.to_ne_bytes(), u64::from(name) * 8).unwrap();
    }

    fn get(&self, name: u32) -> u64 {
        let mut bytes = [0; 8];
        self.0.read_exact_at(&mut bytes, u64::from(name) * 8).map_or(0, |()| u64::from_ne_bytes(bytes))
    }
}

/// Not a test: a member that goes through phases, each time checking that nobody was left behind.
#[test]
#[ignore = "run by the others"]
fn child_in_phases() {
    let name: u32 = told("NAME").parse().unwrap();
    let phases: u64 = told("PHASES").parse().unwrap();
    let progress = Progress::open(Path::new(&told("PROGRESS")));
    let mut group = member(Path::new(&told("REGION")), name);
    say("joined");
    listen();
    for phase in 1..=phases {
        progress.set(name, phase);
        match group.arrive_and_wait(LONG) {
            Ok(report) => {
                for other in report.outcomes.keys() {
                    let reached = progress.get(other.parse().unwrap());
                    assert!(reached >= phase, "released in phase {phase} while {other} is at {reached}");
                }
            }
            Err(error) => {
                say(error);
                listen();
                return;
            }
        }
    }
    say("done");
    listen();
}

/// Members of a stress test, by name.
struct Stress {
    _folder: tempfile::TempDir,
    region: shm::Group,
    progress: Progress,
    children: BTreeMap<u32, Process>,
    random: u64,
}

impl Stress {
    fn start(members: u32, phases: usize, on_death: OnDeath, seed: u64) -> Self {
        let folder = folder();
        let (path, progress): (PathBuf, _) = (folder.path().join("region"), folder.path().join("progress"));
        let region = shm::create(&path, &Config::new(members).on_death(on_death)).unwrap();
        let mut children: BTreeMap<_, _> = (0..members)
            .map(|name| {
                let variables = [
                    ("REGION", path.to_str().unwrap()),
                    ("PROGRESS", progress.to_str().unwrap()),
                    ("NAME", &name.to_string()),
                    ("PHASES", &phases.to_string()),
                ];
                (name, Process::start("child_in_phases", &variables))
            })
            .collect();
        children.values().for_each(|child| assert_eq!(child.hear(), "joined"));
        children.values_mut().for_each(|child| child.tell("begin"));
        Stress { _folder: folder, region, progress: Progress::open(&progress), children, random: seed }
    }

    fn random(&mut self, below: u64) -> u64 {
        self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.random >> 33) % below
    }

    /// Kills one of them at a moment that neither side has chosen, after it has reached a phase. Returns its name.
    fn kill_one(&mut self, after: u64) -> u32 {
        let alive = self.children.len() as u64;
        let chosen = self.random(alive) as usize;
        let victim = *self.children.keys().nth(chosen).unwrap();
        let end = Instant::now() + LONG * 4;
        while self.progress.get(victim) < after {
            assert!(Instant::now() < end, "no progress: {:?}", self.region);
            thread::sleep(Duration::from_micros(200));
        }
        let pause = Instant::now() + Duration::from_nanos(self.random(300_000));
        while Instant::now() < pause {}
        self.children.remove(&victim).unwrap().kill();
        victim
    }
}

#[test]
fn members_are_killed_at_random_and_the_others_go_on() {
    let (members, phases) = (6, size("PHASES", 3_000));
    let mut stress = Stress::start(members, phases, OnDeath::Depart, 1);
    let killed: Vec<_> =
        (1..members - 1).map(|n| stress.kill_one(phases as u64 * u64::from(n) / u64::from(members))).collect();
    for (name, child) in &stress.children {
        let said = child.try_hear(LONG * 4);
        assert_eq!(said.as_deref(), Some("done"), "{name}, with {killed:?} killed: {:?}", stress.region);
    }
    println!("{phases} phases, {killed:?} of {members} killed");
}

#[test]
fn members_are_killed_at_random_and_the_others_are_told() {
    let rounds = size("ROUNDS", 6);
    for round in 0..rounds {
        let mut stress = Stress::start(3, usize::MAX >> 1, OnDeath::Break, round as u64);
        let victim = stress.kill_one(round as u64 * 7);
        for child in stress.children.values() {
            assert_eq!(child.hear(), format!("broken by {victim}: the member died"));
        }
    }
}
