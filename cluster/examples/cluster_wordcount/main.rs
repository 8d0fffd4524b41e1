//! The word count of `examples/wordcount`, by several processes that meet at a Redis server.
//!
//! ```text
//! cargo run --release -p reveille-cluster --features redis --example cluster_wordcount -- \
//!     [--workers N] [--kill-one] [--check] [--redis URL] [PATH...]
//! ```
//!
//! The producer finds the files and makes a task of every few of them; the workers, which are this program again, count; the
//! producer adds up the outcomes. A task has one outcome, however often it was done, so the sum is exact. With `--kill-one`
//! a worker is killed while it holds a task, which another one gets when the lease is over.

#[path = "../../../examples/wordcount/count.rs"]
#[allow(dead_code, reason = "a worker counts sequentially, and reads nothing ahead")]
mod count;
#[path = "../../../examples/wordcount/counts.rs"]
mod counts;
#[path = "../../../examples/wordcount/progress.rs"]
#[allow(dead_code, reason = "the number of files is known")]
mod progress;
#[path = "../../tests/common/server.rs"]
mod server;
#[path = "../../../examples/wordcount/walk.rs"]
#[allow(dead_code, reason = "one walk is enough")]
mod walk;
mod wire;

use std::env;
use std::io::{BufRead as _, BufReader};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::{Child, Command, ExitCode, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use clap::Parser as _;
use reveille_cluster::redis::{Group, Server};
use reveille_cluster::{Group as _, Options, Outcome, Taken, Task, WaitError, Worker as _};

use counts::Counts;
use progress::Progress;
use server::RedisServer;
use walk::Found;

/// A worker that was killed is missed after this.
const LEASE: Duration = Duration::from_secs(2);

/// Nobody waits longer for anything.
const PATIENCE: Duration = Duration::from_secs(600);

/// Tasks per worker: enough that nobody waits long for the last one.
const TASKS_PER_WORKER: usize = 16;

/// What a worker says that holds a task and waits to be killed.
const HOLDING: &str = "holding";

/// Counts the words of every text file below some folders, in several processes.
#[derive(clap::Parser)]
#[command(name = "cluster_wordcount")]
struct Arguments {
    /// Files and folders
    #[arg(default_value = ".")]
    paths: Vec<PathBuf>,
    /// Worker processes
    #[arg(long, default_value = "2")]
    workers: NonZeroUsize,
    /// Kill one of the workers while it holds a task
    #[arg(long)]
    kill_one: bool,
    /// Fail if the count differs from that of one process
    #[arg(long)]
    check: bool,
    /// A server; without this, one is started and stopped
    #[arg(long)]
    redis: Option<String>,
    /// Be a worker of this group
    #[arg(long, hide = true)]
    worker_of: Option<String>,
    /// Be the worker that is going to be killed
    #[arg(long, hide = true)]
    victim: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let outcome = match &arguments.worker_of {
        Some(group) => work(&arguments, group),
        None => produce(&arguments),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// A worker process: counts the files of one task after the other.
fn work(arguments: &Arguments, group: &str) -> Result<()> {
    let url = arguments.redis.as_deref().context("a worker needs a server")?;
    let mut worker = Server::new(url)?.worker(group)?;
    let bar = Progress::new("", 0);
    let mut done = 0;
    while let Taken::Task(lease) = worker.take(PATIENCE)? {
        if arguments.victim && done == 1 {
            println!("{HOLDING}");
            thread::sleep(PATIENCE);
        }
        let found = Found { files: wire::read_paths(&lease.payload), unreadable: Vec::new() };
        let counts = count::sequential(found, &bar);
        worker.complete(&lease, Outcome::Done(wire::write(&counts, lease.delivery)?))?;
        done += 1;
    }
    Ok(())
}

/// The producer: tasks out, counts in.
fn produce(arguments: &Arguments) -> Result<()> {
    let own = match arguments.redis {
        Some(_) => None,
        None => Some(RedisServer::try_start_with(&[]).context("redis-server (on Debian, a package) does not start")?),
    };
    let url = arguments.redis.clone().or_else(|| own.as_ref().map(RedisServer::url)).context("no server")?;

    let found = walk::sequential(&arguments.paths);
    let workers = arguments.workers.get();
    let tasks = tasks(&found.files, workers * TASKS_PER_WORKER);
    let count = tasks.len();
    ensure!(!arguments.kill_one || count > 2, "too few files to kill a worker among them");

    let start = Instant::now();
    let name = format!("wordcount-{}", std::process::id());
    let mut group = Server::new(url.as_str())?.create(&name, tasks, &Options::new().lease(LEASE))?;
    let mut processes = Processes { url, name, all: Vec::new() };
    let victim = if arguments.kill_one { Some(processes.start_victim()?) } else { None };
    while processes.all.len() < workers {
        processes.start(false)?;
    }
    if let Some(victim) = victim {
        wait_for_progress(&mut group, count - 1)?; // the victim has completed one
        processes.kill(victim)?;
    }
    let report = group.wait(PATIENCE)?;

    let mut counts = Counts::with_unreadable(found.unreadable);
    let mut again = 0;
    for (task, outcome) in report.outcomes {
        let Outcome::Done(result) = outcome else { bail!("task {task} failed") };
        let (part, delivery) = wire::read(&result).with_context(|| format!("outcome of task {task}"))?;
        counts = counts.merge(part);
        again += u32::from(delivery > 1);
    }
    let time = start.elapsed();
    processes.finish()?;
    group.discard()?;

    let counts = counts.sorted();
    for (word, count) in counts.most_frequent(10) {
        println!("{count:>10}  {word}");
    }
    println!(
        "{} words, {} distinct, in {} files of {} bytes",
        counts.words,
        counts.distinct(),
        counts.files,
        counts.bytes
    );
    println!("{count} tasks, {workers} worker processes, {:.3} s", time.as_secs_f64());
    if arguments.kill_one {
        println!("one worker killed; {again} tasks counted by another one than had them first");
        ensure!(again > 0, "the task of the killed worker was not done again");
    }
    if arguments.check {
        let alone = count::sequential(walk::sequential(&arguments.paths), &Progress::new("alone", 0)).sorted();
        ensure!(counts == alone, "the counts of several processes and of one DIFFER");
        println!("check: equal to the count of one process");
    }
    Ok(())
}

/// About so many tasks, each of the same number of files.
fn tasks(files: &[PathBuf], count: usize) -> Vec<Task> {
    let files_per_task = files.len().div_ceil(count).max(1);
    let tasks = files.chunks(files_per_task).enumerate();
    tasks.map(|(number, files)| Task::new(number.to_string(), wire::write_paths(files))).collect()
}

/// Waits until fewer tasks are missing than before.
fn wait_for_progress(group: &mut Group, before: usize) -> Result<()> {
    let end = Instant::now() + PATIENCE;
    while Instant::now() < end {
        match group.wait(Duration::from_millis(5)) {
            Err(WaitError::Timeout { missing }) if missing.len() == before => {}
            Err(WaitError::Timeout { .. }) => return Ok(()),
            Ok(_) => bail!("over, though the victim holds a task"),
            Err(other) => return Err(other.into()),
        }
    }
    bail!("no worker makes progress")
}

/// The worker processes. Killed when dropped.
struct Processes {
    url: String,
    name: String,
    all: Vec<Child>,
}

impl Processes {
    fn start(&mut self, victim: bool) -> Result<&mut Child> {
        let mut command = Command::new(env::current_exe()?);
        command.args(["--worker-of", &self.name, "--redis", &self.url]).stdin(Stdio::null());
        if victim {
            command.arg("--victim").stdout(Stdio::piped());
        }
        self.all.push(command.spawn().context("a worker cannot be started")?);
        Ok(self.all.last_mut().expect("it was added"))
    }

    /// Starts a worker that completes one task, and waits until it has taken a second one. Returns its number.
    fn start_victim(&mut self) -> Result<usize> {
        let output = self.start(true)?.stdout.take().context("the output is piped")?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        ensure!(line.trim() == HOLDING, "the worker that was to be killed has ended");
        Ok(self.all.len() - 1)
    }

    fn kill(&mut self, number: usize) -> Result<()> {
        let mut victim = self.all.swap_remove(number);
        let killed = victim.kill();
        victim.wait()?;
        Ok(killed?)
    }

    /// Waits for those that are left.
    fn finish(&mut self) -> Result<()> {
        for mut worker in self.all.drain(..) {
            let status = worker.wait()?;
            ensure!(status.success(), "a worker failed: {status}");
        }
        Ok(())
    }
}

impl Drop for Processes {
    fn drop(&mut self) {
        for worker in &mut self.all {
            let _ = worker.kill();
            let _ = worker.wait();
        }
    }
}
