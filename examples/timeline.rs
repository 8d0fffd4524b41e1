//! Draws what the workers of a pool do: sorts the lines of a file and writes a trace that <https://ui.perfetto.dev> and
//! `chrome://tracing` open, one row per worker, with its tasks, steals, sleeps and wakes.
//!
//! ```text
//! cargo run --release --example timeline -- FILE trace.json
//! ```

use std::fs;
use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use anyhow::Context;
use clap::Parser;
use reveille::pool::{Event, Observer};
use reveille::{ThreadPoolBuilder, Worker};
use serde_json::{Value, json};

/// Lines that are sorted in sequence.
const PIECE: usize = 4_096;

#[derive(Parser)]
#[command(about = "Sort the lines of a file on a pool, and write a trace of its workers")]
struct Arguments {
    /// Whose lines to sort
    file: PathBuf,
    /// Where to write the trace
    #[arg(default_value = "trace.json")]
    trace: PathBuf,
    /// How many threads; 0 for as many as there are processors
    #[arg(long, default_value_t = 0)]
    threads: usize,
}

/// Keeps every event with its time in microseconds.
struct Recorder {
    start: Instant,
    events: Mutex<Vec<(f64, usize, Event)>>,
}

struct Handle(Arc<Recorder>);

impl Observer for Handle {
    fn event(&self, worker: usize, event: Event) {
        let mut events = self.0.events.lock().unwrap();
        // Taken under the lock, so that the list is in the order of its times.
        let time = self.0.start.elapsed().as_secs_f64() * 1e6;
        events.push((time, worker, event));
    }
}

/// One event in the Trace Event Format: `B` and `E` begin and end a span, `i` is an instant.
fn entry(time: f64, worker: usize, event: Event) -> Option<Value> {
    let (phase, name) = match event {
        Event::TaskBegin => ("B", "task".to_owned()),
        Event::StealBegin { victim } => ("B", format!("stolen from {victim}")),
        Event::ParkBegin => ("B", "sleep".to_owned()),
        Event::TaskEnd | Event::StealEnd | Event::ParkEnd => ("E", String::new()),
        Event::Wake => ("i", "wakes another".to_owned()),
        Event::Exposure { victim } => ("i", format!("exposes tasks of {victim}")),
        _ => return None,
    };
    let mut entry = json!({ "ph": phase, "ts": time, "pid": 1, "tid": worker });
    if phase != "E" {
        entry["name"] = name.into();
    }
    if phase == "i" {
        entry["s"] = "t".into(); // drawn in its thread's row
    }
    Some(entry)
}

/// Merge sort: halves by joins, small pieces in sequence.
fn sort(worker: &Worker, lines: &mut [&str]) {
    if lines.len() <= PIECE {
        return lines.sort_unstable();
    }
    let (left, right) = lines.split_at_mut(lines.len() / 2);
    worker.join(|w| sort(w, left), |w| sort(w, right));
    lines.sort(); // finds the two runs, and merges them
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let bytes = fs::read(&arguments.file).with_context(|| format!("{}", arguments.file.display()))?;
    let text = String::from_utf8_lossy(&bytes);
    let mut lines: Vec<&str> = text.lines().collect();

    let recorder = Arc::new(Recorder { start: Instant::now(), events: Mutex::new(Vec::new()) });
    let pool = ThreadPoolBuilder::new().num_threads(arguments.threads).observer(Handle(recorder.clone())).build()?;
    pool.enter(|worker| sort(worker, &mut lines));
    let mut longest = vec![0; lines.len().div_ceil(PIECE)];
    pool.scope(|s| {
        for (longest, piece) in longest.iter_mut().zip(lines.chunks(PIECE)) {
            s.spawn(move |_| *longest = piece.iter().map(|line| line.chars().count()).max().unwrap_or(0));
        }
    });
    pool.shutdown(); // every span has ended when this returns

    let events = recorder.events.lock().unwrap();
    let mut trace: Vec<Value> = events.iter().filter_map(|&(time, worker, event)| entry(time, worker, event)).collect();
    let threads = pool.current_num_threads();
    for worker in 0..pool.worker_stats().len() {
        let name = if worker < threads { format!("worker {worker}") } else { format!("guest {}", worker - threads) };
        trace.push(json!({ "ph": "M", "name": "thread_name", "pid": 1, "tid": worker, "args": { "name": name } }));
    }
    let place = arguments.trace.display();
    let mut file = BufWriter::new(fs::File::create(&arguments.trace).with_context(|| format!("{place}"))?);
    serde_json::to_writer(&mut file, &json!({ "traceEvents": trace }))?;
    file.flush()?;
    let longest = longest.into_iter().max().unwrap_or(0);
    println!("{} lines, the longest of {longest} characters", lines.len());
    println!("{} events in {place}: open it in https://ui.perfetto.dev", trace.len());
    println!("{:?}", pool.stats());
    Ok(())
}
