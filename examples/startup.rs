//! The start-up gate and the drain of a service, on latches.
//!
//! ```text
//! cargo run --example startup -- [CONFIG] [--break COMPONENT]
//! ```
//!
//! CONFIG lists the components, one `name seconds-to-start` per line; without it there are four. Each starts on its own
//! thread. The gate is a countdown latch with poisoning: it opens when all have reported, and says whether one has failed,
//! by an error or by a panic. Requests are served only behind a good gate; at the end a wait group drains them, with a
//! deadline, before the components are told to stop.
//!
//! With `--break NAME` that component panics while it starts: the exit status is 1, the waiter is told, nobody hangs.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use reveille::latch::{CountdownLatch, Latch, WaitError, WaitGroup};

const DEFAULT: &str = "config 0.01\ndatabase 0.05\ncache 0.02\nlistener 0.03\n";
const GATE: Duration = Duration::from_secs(10);
const DRAIN: Duration = Duration::from_secs(5);

struct Service {
    /// Counted down by each component; poisoned by one that fails.
    gate: CountdownLatch,
    /// Set when components shall stop.
    stop: Latch,
    /// The requests in flight.
    requests: WaitGroup,
    served: AtomicU32,
    log: Mutex<Vec<String>>,
}

impl Service {
    fn say(&self, text: String) {
        println!("{text}");
        self.log.lock().unwrap_or_else(|e| e.into_inner()).push(text);
    }

    /// One component: starts, reports, works until it is told to stop.
    fn component(&self, name: &str, seconds: f64, breaks: bool) {
        let ready = self.gate.guard(); // a panic from here on poisons the gate
        thread::sleep(Duration::from_secs_f64(seconds));
        if breaks {
            panic!("{name}: no route to host");
        }
        self.say(format!("{name} ready"));
        drop(ready);
        self.stop.wait();
        self.say(format!("{name} stopped"));
    }
}

fn main() -> ExitCode {
    let (mut text, mut broken) = (DEFAULT.to_owned(), None);
    let mut arguments = env::args().skip(1);
    while let Some(argument) = arguments.next() {
        if argument == "--break" {
            broken = arguments.next();
        } else {
            match fs::read_to_string(&argument) {
                Ok(read) => text = read,
                Err(error) => {
                    eprintln!("{argument}: {error}");
                    return ExitCode::FAILURE;
                }
            }
        }
    }
    let components: BTreeMap<&str, f64> = text
        .lines()
        .filter_map(|line| line.split_once(' '))
        .filter_map(|(name, seconds)| Some((name, seconds.trim().parse().ok()?)))
        .collect();
    if components.is_empty() {
        eprintln!("no components");
        return ExitCode::FAILURE;
    }

    let service = Service {
        gate: CountdownLatch::new(components.len() as u32),
        stop: Latch::new(),
        requests: WaitGroup::new(),
        served: AtomicU32::new(0),
        log: Mutex::new(Vec::new()),
    };
    let start = Instant::now();
    let healthy = thread::scope(|s| {
        let service = &service;
        let handles: Vec<_> = components
            .iter()
            .map(|(&name, &seconds)| {
                let breaks = broken.as_deref() == Some(name);
                s.spawn(move || service.component(name, seconds, breaks))
            })
            .collect();
        let gate = service.gate.wait_timeout(GATE);
        match gate {
            Ok(()) => {
                service.say(format!("all {} ready after {:.0?}", components.len(), start.elapsed()));
                for _ in 0..100 {
                    let request = service.requests.enter(); // before the thread exists, so that the drain sees it
                    s.spawn(move || {
                        let _request = request;
                        service.served.fetch_add(1, Ordering::Relaxed);
                    });
                }
                match service.requests.wait_timeout(DRAIN) {
                    Ok(()) => service.say(format!("drained: {} requests", service.served.load(Ordering::Relaxed))),
                    Err(error) => service.say(format!("not drained: {error}")),
                }
            }
            Err(WaitError::Poisoned) => service.say("a component failed: not serving".to_owned()),
            Err(WaitError::TimedOut) => {
                service.say(format!("{} components are not ready: not serving", service.gate.count()));
            }
        }
        service.stop.set();
        let panics = handles.into_iter().filter_map(|handle| handle.join().err()).count();
        gate.is_ok() && panics == 0
    });
    let served = service.served.load(Ordering::Relaxed);
    let lines = service.log.lock().map_or(0, |log| log.len());
    assert_eq!(healthy, served == 100, "requests are served behind a good gate only");
    assert!(lines > components.len());
    if healthy { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
