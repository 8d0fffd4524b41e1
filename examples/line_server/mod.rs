//! What the line servers share: the protocol, the pool, and a client that measures.
//!
//! | request | answer |
//! |---|---|
//! | `ping` | `pong`, by the loop at once |
//! | `sha256 PATH` | the digest of the file, computed on the pool |
//!
//! Arguments of the examples: a file to hash (by default the program itself), seconds under load (by default 2), and how
//! the workers are scheduled (by default `idle`): see [`Schedule`].
//!
//! The client measures pings in pairs of phases, one without and one with load, so that a machine that changes its speed
//! changes it for both; what counts is the median over the pairs.

mod schedule;
pub(crate) mod sha256;

use std::env;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use reveille::bridge::offload::{Completions, Job, Offload};
use reveille::bridge::{Budget, Signal};
use reveille::{ThreadPool, ThreadPoolBuilder};
use schedule::Schedule;

/// A ping every so often: the loop sleeps between them.
const PAUSE: Duration = Duration::from_millis(1);
/// The loop's own timer.
pub(crate) const HEARTBEAT: Duration = Duration::from_millis(10);
/// Completions per turn of the loop.
pub(crate) const BUDGET: Budget = Budget::items(64);
const WORKERS: usize = 2;
/// Phases without load, and as many with it.
const PAIRS: u32 = 5;
/// The 99th percentile of the pings' round trips under load, by that without.
const MOST: f64 = 2.0;
/// The loop's timer is never later than this.
const LATEST: Duration = Duration::from_millis(10);
/// Clients that keep the workers busy; more than workers, so that there is always a next request.
const HEAVY_CLIENTS: usize = 4;

/// What the client asks for.
#[derive(Clone)]
pub(crate) struct Plan {
    file: String,
    load: Duration,
    pub(crate) schedule: Schedule,
}

impl Plan {
    pub(crate) fn from_arguments() -> Self {
        let mut arguments = env::args().skip(1);
        let itself = || env::current_exe().expect("a program has a path").display().to_string();
        let file = arguments.next().unwrap_or_else(itself);
        let seconds = arguments.next().map_or(2.0, |s| s.parse().expect("the second argument is a number of seconds"));
        let schedule = arguments.next().map_or(Schedule::Idle, |name| {
            Schedule::named(&name)
                .unwrap_or_else(|| panic!("the third argument is one of {}", Schedule::NAMES.join(", ")))
        });
        Plan { file, load: Duration::from_secs_f64(seconds), schedule }
    }
}

/// A pool of two whose threads give way to the loop, and the way to it.
pub(crate) fn offload<S: Signal + Send + 'static>(
    schedule: Schedule,
    signal: S,
) -> (Offload<impl Fn(Job) + Send + Sync, S>, Completions<S>) {
    let pool: ThreadPool = ThreadPoolBuilder::new()
        .num_threads(WORKERS)
        .start_handler(move |_| schedule.apply())
        .build()
        .expect("threads can be made");
    Offload::new(move |job: Job| pool.spawn(move || job.run()).detach(), signal)
}

/// How late the loop's timer was.
#[derive(Default)]
pub(crate) struct Heartbeat {
    slips: Vec<Duration>,
}

impl Heartbeat {
    /// The timer has fired that was `due`.
    pub(crate) fn beat(&mut self, due: Instant) {
        self.slips.push(due.elapsed());
    }

    pub(crate) fn print(mut self) {
        self.slips.sort_unstable();
        let verdict = if quantile(&self.slips, 1.0) <= LATEST { "met" } else { "MISSED" };
        println!("heartbeat every {HEARTBEAT:?}: late by {}; at most {LATEST:?}: {verdict}", summary(&self.slips));
    }
}

/// Talks to the server from threads of its own, prints what it measured, and sets `done`. `done` is told to the server by
/// a last connection.
pub(crate) fn client(server: SocketAddr, plan: Plan, done: &'static AtomicBool) -> thread::JoinHandle<()> {
    thread::spawn(move || {
        let expected = sha256::of_file(&plan.file).expect("the file can be read");
        let mut pings = Connection::new(server);
        pings.measure(Duration::from_millis(100)); // warm up
        let phase = plan.load / PAIRS;
        let (mut idle, mut loaded, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        let (mut hashed, mut busy) = (0, 0.0);
        for _ in 0..PAIRS {
            let before = pings.measure(phase);
            let (under, load) = under_load(server, &plan.file, &expected, || pings.measure(phase));
            ratios.push(quantile(&under, 0.99).as_secs_f64() / quantile(&before, 0.99).as_secs_f64());
            idle.extend(before);
            loaded.extend(under);
            hashed += load.answers;
            busy += load.busy / f64::from(PAIRS);
        }
        idle.sort_unstable();
        loaded.sort_unstable();
        ratios.sort_unstable_by(f64::total_cmp);
        println!("ping, idle:   {}", summary(&idle));
        println!("ping, loaded: {}", summary(&loaded));
        let [best, median, worst] = [0, ratios.len() / 2, ratios.len() - 1].map(|index| ratios[index]);
        let verdict = if median <= MOST { "met" } else { "MISSED" };
        println!(
            "workers {}: p99 loaded / idle, {PAIRS} pairs: {best:.2} to {worst:.2}, median {median:.2}; at most {MOST}: \
             {verdict}",
            plan.schedule.name(),
        );
        println!("{hashed} files hashed meanwhile, all right; {busy:.2} CPUs busy here under load");
        done.store(true, Ordering::Release);
        drop(TcpStream::connect(server));
    })
}

/// What a loaded phase did.
struct Load {
    /// Heavy requests that were answered.
    answers: u32,
    /// Processor time of this process by time.
    busy: f64,
}

/// Measures while clients keep all workers busy.
fn under_load<T>(server: SocketAddr, file: &str, expected: &str, measure: impl FnOnce() -> T) -> (T, Load) {
    let stop = AtomicBool::new(false);
    let answers = AtomicU32::new(0);
    let (measured, busy) = thread::scope(|scope| {
        for _ in 0..HEAVY_CLIENTS {
            scope.spawn(|| {
                let mut heavy = Connection::new(server);
                while !stop.load(Ordering::Relaxed) {
                    assert_eq!(heavy.ask(&format!("sha256 {file}")), expected, "the digest");
                    answers.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let (start, before) = (Instant::now(), schedule::processor_time());
        let measured = measure();
        let busy = (schedule::processor_time() - before).as_secs_f64() / start.elapsed().as_secs_f64();
        stop.store(true, Ordering::Relaxed);
        (measured, busy)
    });
    (measured, Load { answers: answers.into_inner(), busy })
}

struct Connection {
    stream: BufReader<TcpStream>,
}

impl Connection {
    fn new(server: SocketAddr) -> Self {
        let stream = TcpStream::connect(server).expect("the server listens");
        stream.set_nodelay(true).expect("a socket has this option");
        Connection { stream: BufReader::new(stream) }
    }

    fn ask(&mut self, request: &str) -> String {
        self.stream.get_mut().write_all(format!("{request}\n").as_bytes()).expect("the server listens");
        let mut answer = String::new();
        self.stream.read_line(&mut answer).expect("the server answers");
        answer.trim_end().to_owned()
    }

    /// Round trips of pings, sorted.
    fn measure(&mut self, time: Duration) -> Vec<Duration> {
        let end = Instant::now() + time;
        let mut trips = Vec::new();
        while Instant::now() < end {
            let start = Instant::now();
            assert_eq!(self.ask("ping"), "pong");
            trips.push(start.elapsed());
            thread::sleep(PAUSE);
        }
        trips.sort_unstable();
        trips
    }
}

fn quantile(sorted: &[Duration], share: f64) -> Duration {
    sorted.get((sorted.len().saturating_sub(1) as f64 * share).round() as usize).copied().unwrap_or_default()
}

fn summary(sorted: &[Duration]) -> String {
    let [median, p99, most] = [0.5, 0.99, 1.0].map(|share| quantile(sorted, share));
    format!("median {median:.0?}, p99 {p99:.0?}, most {most:.0?}, of {}", sorted.len())
}
