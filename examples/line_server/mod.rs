//! What the line servers share: the protocol, the pool, and a client that measures.
//!
//! | request | answer |
//! |---|---|
//! | `ping` | `pong`, by the loop at once |
//! | `sha256 PATH` | the digest of the file, computed on the pool |
//!
//! Arguments of the examples: a file to hash (by default the program itself), and seconds under load (by default 2).

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

/// A ping every so often: the loop sleeps between them.
const PAUSE: Duration = Duration::from_millis(1);
/// The loop's own timer.
pub(crate) const HEARTBEAT: Duration = Duration::from_millis(10);
/// Completions per turn of the loop.
pub(crate) const BUDGET: Budget = Budget::items(64);
const WORKERS: usize = 2;
/// Clients that keep the workers busy; more than workers, so that there is always a next request.
const HEAVY_CLIENTS: usize = 4;

/// What the client asks for.
#[derive(Clone)]
pub(crate) struct Plan {
    file: String,
    load: Duration,
}

impl Plan {
    pub(crate) fn from_arguments() -> Self {
        let mut arguments = env::args().skip(1);
        let itself = || env::current_exe().expect("a program has a path").display().to_string();
        let file = arguments.next().unwrap_or_else(itself);
        let seconds = arguments.next().map_or(2.0, |s| s.parse().expect("the second argument is a number of seconds"));
        Plan { file, load: Duration::from_secs_f64(seconds) }
    }
}

/// A pool of two whose threads give way to the loop, and the way to it.
pub(crate) fn offload<S: Signal + Send + 'static>(
    signal: S,
) -> (Offload<impl Fn(Job) + Send + Sync, S>, Completions<S>) {
    let pool: ThreadPool = ThreadPoolBuilder::new()
        .num_threads(WORKERS)
        .start_handler(|_| give_way())
        .build()
        .expect("threads can be made");
    Offload::new(move |job: Job| pool.spawn(move || job.run()).detach(), signal)
}

/// Lets threads of ordinary priority run first: a worker that computes for seconds need not make the loop wait.
#[cfg(target_os = "linux")]
fn give_way() {
    // SAFETY: takes numbers only; zero is the calling thread.
    let refused = unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, 19) };
    assert_eq!(refused, 0, "every thread may give way");
}

#[cfg(not(target_os = "linux"))]
fn give_way() {}

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
        println!("heartbeat every {HEARTBEAT:?}: {} beats; late by {}", self.slips.len(), summary(&self.slips));
    }
}

/// Talks to the server from threads of its own, prints what it measured, and sets `done`. `done` is told to the server by
/// a last connection.
pub(crate) fn client(server: SocketAddr, plan: Plan, done: &'static AtomicBool) -> thread::JoinHandle<()> {
    thread::spawn(move || {
        let expected = sha256::of_file(&plan.file).expect("the file can be read");
        let mut pings = Connection::new(server);
        pings.measure(Duration::from_millis(100)); // warm up
        let idle = pings.measure(plan.load);
        let stop = AtomicBool::new(false);
        let answers = AtomicU32::new(0);
        let loaded = thread::scope(|scope| {
            for _ in 0..HEAVY_CLIENTS {
                scope.spawn(|| {
                    let mut heavy = Connection::new(server);
                    while !stop.load(Ordering::Relaxed) {
                        let answer = heavy.ask(&format!("sha256 {}", plan.file));
                        assert_eq!(answer, expected, "the digest");
                        answers.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
            let loaded = pings.measure(plan.load);
            stop.store(true, Ordering::Relaxed);
            loaded
        });
        println!("ping, idle:   {}", summary(&idle));
        println!("ping, loaded: {}", summary(&loaded));
        let (idle, loaded) = (quantile(&idle, 0.99), quantile(&loaded, 0.99));
        println!("p99 loaded / idle: {:.2}", loaded.as_secs_f64() / idle.as_secs_f64());
        println!("{} files hashed meanwhile, all right", answers.into_inner());
        done.store(true, Ordering::Release);
        drop(TcpStream::connect(server));
    })
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
