//! What a pool costs that has little to do, and what it weighs. `cargo bench --bench idle`
//!
//! | row | what is counted |
//! |---|---|
//! | idle | CPU time of the process while a pool of 2 or 64 sleeps, and how often one of its threads wakes |
//! | a job per ms | CPU time per tiny job from outside, above that of the sleeps between them |
//! | switches | involuntary context switches per second, meanwhile |
//! | memory | what a pool adds to the resident set |
//! | start | how long it takes to make a pool |
//!
//! Every figure is of a process of its own, which runs this program again for one contestant: what one pool leaves behind
//! must not count for the next.

mod common;

use std::env;
use std::fs;
use std::num::NonZero;
use std::process::Command;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use common::Bench;
use common::peers::{CHILI, FORTE, OURS, RAYON, TOKIO};
use common::target::at_most;

type Job = Box<dyn FnOnce() + Send>;

/// A pool that takes jobs, and calls that wait.
struct Pool {
    spawn: Box<dyn Fn(Job)>,
    call: Box<dyn Fn()>,
}

const CHANNEL: &str = "std channel";
const KINDS: [&str; 6] = [OURS, RAYON, CHILI, FORTE, TOKIO, CHANNEL];

fn make(kind: &str, threads: usize) -> Pool {
    match kind {
        OURS => {
            let builder = reveille::ThreadPoolBuilder::new().num_threads(threads);
            let pool: &reveille::ThreadPool = Box::leak(Box::new(builder.build().expect("threads")));
            Pool { spawn: Box::new(|job| pool.spawn(job).detach()), call: Box::new(|| pool.enter(|_| ())) }
        }
        RAYON => {
            let builder = rayon::ThreadPoolBuilder::new().num_threads(threads);
            let pool: &rayon::ThreadPool = Box::leak(Box::new(builder.build().expect("threads")));
            Pool { spawn: Box::new(|job| pool.spawn(job)), call: Box::new(|| pool.install(|| ())) }
        }
        CHILI => {
            // It has no spawn: its jobs are joins of nothing.
            let config = chili::Config { thread_count: NonZero::new(threads), ..chili::Config::default() };
            let pool: &chili::ThreadPool = Box::leak(Box::new(chili::ThreadPool::with_config(config)));
            let join = |job: Job| _ = pool.scope().join(|_| job(), |_| ());
            Pool { spawn: Box::new(join), call: Box::new(|| drop(pool.scope())) }
        }
        FORTE => {
            let pool: &forte::ThreadPool = Box::leak(Box::new(forte::ThreadPool::new()));
            pool.resize_to(threads);
            let spawn = |job: Job| pool.spawn(move |_: &forte::Worker| job());
            Pool { spawn: Box::new(spawn), call: Box::new(|| pool.with_worker(|_| ())) }
        }
        TOKIO => {
            let mut builder = tokio::runtime::Builder::new_multi_thread();
            let pool = builder.worker_threads(threads).build().expect("threads");
            let pool: &tokio::runtime::Runtime = Box::leak(Box::new(pool));
            let call = || pool.block_on(pool.spawn(async {})).expect("no panic");
            Pool { spawn: Box::new(|job| drop(pool.spawn(async { job() }))), call: Box::new(call) }
        }
        CHANNEL => {
            let (sender, jobs) = mpsc::channel::<Job>();
            let jobs: &std::sync::Mutex<mpsc::Receiver<Job>> = Box::leak(Box::new(std::sync::Mutex::new(jobs)));
            for _ in 0..threads {
                thread::spawn(move || {
                    loop {
                        let job = jobs.lock().expect("no panic").recv();
                        match job {
                            Ok(job) => job(),
                            Err(_) => return,
                        }
                    }
                });
            }
            let calls = sender.clone();
            let call = move || {
                let (done, wait) = mpsc::sync_channel(1);
                calls.send(Box::new(move || _ = done.send(()))).expect("the server runs");
                wait.recv().expect("the server answers");
            };
            Pool { spawn: Box::new(move |job| sender.send(job).expect("the server runs")), call: Box::new(call) }
        }
        _ => panic!("no contestant is called {kind:?}"),
    }
}

/// What threads have used so far.
struct Usage {
    micros: f64,
    /// Involuntary context switches.
    switches: f64,
    /// Voluntary ones: each is a sleep.
    sleeps: f64,
}

impl Usage {
    /// Of `who`: `RUSAGE_SELF` or `RUSAGE_THREAD`.
    fn of(who: libc::c_int) -> Self {
        // SAFETY: numbers, for which zero is a value.
        let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
        // SAFETY: room for the answer.
        let outcome = unsafe { libc::getrusage(who, &raw mut usage) };
        assert_eq!(outcome, 0, "getrusage");
        let micros = |time: libc::timeval| time.tv_sec as f64 * 1e6 + time.tv_usec as f64;
        Usage {
            micros: micros(usage.ru_utime) + micros(usage.ru_stime),
            switches: usage.ru_nivcsw as f64,
            sleeps: usage.ru_nvcsw as f64,
        }
    }

    /// Of the process.
    fn now() -> Self {
        Usage::of(libc::RUSAGE_SELF)
    }

    /// Of the process but for this thread.
    fn of_others() -> Self {
        let (all, here) = (Usage::now(), Usage::of(libc::RUSAGE_THREAD));
        Usage {
            micros: all.micros - here.micros,
            switches: all.switches - here.switches,
            sleeps: all.sleeps - here.sleeps,
        }
    }
}

/// KiB of memory that the process has in use.
fn resident() -> f64 {
    let status = fs::read_to_string("/proc/self/smaps_rollup").expect("a Linux system");
    let line = status.lines().find(|line| line.starts_with("Rss:")).expect("a line of the kernel's");
    line.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).expect("a number")
}

/// Sleeps of a millisecond, something after each; CPU microseconds per millisecond and switches per second.
fn each_millisecond(length: Duration, mut f: impl FnMut()) -> (f64, f64) {
    let before = Usage::now();
    let start = Instant::now();
    let mut count = 0.0;
    while start.elapsed() < length {
        thread::sleep(Duration::from_millis(1));
        f();
        count += 1.0;
    }
    let after = Usage::now();
    ((after.micros - before.micros) / count, (after.switches - before.switches) / start.elapsed().as_secs_f64())
}

/// The other side of [`ask`]: measures one figure of one contestant.
fn answer(what: &str, kind: &str, threads: usize, length: Duration) -> f64 {
    let before = resident();
    let start = Instant::now();
    let pool = make(kind, threads);
    let made = start.elapsed();
    (pool.call)(); // works
    let settle = || thread::sleep(Duration::from_millis(200));
    match what {
        "start" => made.as_nanos() as f64 / 1e3,
        "memory" => {
            settle();
            resident() - before
        }
        "idle" | "wake-ups" => {
            settle();
            let before = Usage::of_others();
            let start = Instant::now();
            thread::sleep(length);
            let (after, seconds) = (Usage::of_others(), start.elapsed().as_secs_f64());
            match what {
                "idle" => (after.micros - before.micros) / 1e3 / seconds,
                _ => (after.sleeps - before.sleeps) / seconds,
            }
        }
        "spawn" | "call" | "switches" => {
            let timer = each_millisecond(length, || ()).0;
            let (cpu, switches) = match what {
                "call" => each_millisecond(length, || (pool.call)()),
                _ => each_millisecond(length, || (pool.spawn)(Box::new(|| ()))),
            };
            if what == "switches" { switches } else { cpu - timer }
        }
        _ => panic!("no figure is called {what:?}"),
    }
}

/// Has this program measure a figure in a process of its own.
fn ask(what: &str, kind: &str, threads: usize, length: Duration) -> f64 {
    let program = env::current_exe().expect("a path");
    let arguments = [what, kind, &threads.to_string(), &length.as_millis().to_string()];
    let output = Command::new(program).arg("--answer").args(arguments).output().expect("it starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().parse().expect("a number")
}

fn main() {
    let arguments: Vec<String> = env::args().collect();
    if let [_, flag, what, kind, threads, length] = &arguments[..] {
        if flag == "--answer" {
            let length = Duration::from_millis(length.parse().expect("a number"));
            println!("{}", answer(what, kind, threads.parse().expect("a number"), length));
            return;
        }
    }
    let bench = Bench::new("idle");
    let length = Duration::from_millis(bench.size(2_000, 300, 20));
    let row = |title: &str, what: &'static str, threads, rounds, target: Option<common::target::Target<'_>>| {
        let mut row = bench.row(title);
        for kind in KINDS {
            row = row.contestant(kind, move |_| ask(what, kind, threads, length));
        }
        if let Some(target) = target {
            row = row.target(target);
        }
        row.rounds(bench.size(rounds, 1, 1)).run(1);
    };
    row("idle, pool of 2, CPU ms per s", "idle", 2, 3, Some(at_most(0.01)));
    row("idle, pool of 64, CPU ms per s", "idle", 64, 3, Some(at_most(0.01)));
    row("idle, pool of 2, wake-ups per s", "wake-ups", 2, 3, Some(at_most(0.0)));
    row("a spawned job per ms, pool of 2, CPU us per job above the timer's", "spawn", 2, 3, Some(at_most(40.0)));
    row("a blocking call per ms, pool of 2, CPU us per call above the timer's", "call", 2, 3, Some(at_most(5.0)));
    row("a spawned job per ms, pool of 2, involuntary switches per s", "switches", 2, 3, None);
    row("start, pool of 2, us", "start", 2, 21, Some(at_most(110.0)));
    row("start, pool of 64, us", "start", 64, 21, Some(at_most(1.0).times(RAYON)));
    let mut row = bench.row("memory, KiB per extra thread from 2 to 64");
    for kind in KINDS.into_iter().filter(|kind| *kind != FORTE) {
        row = row.contestant(kind, move |_| per_thread(kind, length));
    }
    row.target(at_most(12.0)).rounds(bench.size(3, 1, 1)).run(1);
    for threads in [1, 2, 4, 8, 16, 32, 64, 128, 256] {
        let title = format!("memory, {threads} threads, KiB");
        let mut row = bench.row(&title);
        // forte has 32 threads at most.
        for kind in KINDS.into_iter().filter(|kind| threads <= 16 || *kind != FORTE) {
            row = row.contestant(kind, move |_| ask("memory", kind, threads, length));
        }
        row.point("KiB resident against threads", threads as f64).rounds(1).run(1);
    }
    bench.finish();
}

fn per_thread(kind: &str, length: Duration) -> f64 {
    (ask("memory", kind, 64, length) - ask("memory", kind, 2, length)) / 62.0
}
