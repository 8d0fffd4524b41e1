//! The event stream of a pool, as a tool uses it.

use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use reveille::pool::{Event, Observer};
use reveille::{ThreadPoolBuilder, Worker};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<(usize, Event)>>>);

impl Observer for Log {
    fn event(&self, worker: usize, event: Event) {
        self.0.lock().unwrap().push((worker, event));
    }
}

fn fib(worker: &Worker, n: u64) -> u64 {
    if n < 2 {
        return n;
    }
    let (a, b) = worker.join(|w| fib(w, n - 1), |w| fib(w, n - 2));
    a + b
}

#[test]
fn events_nest_and_agree_with_the_statistics() {
    let log = Log::default();
    let pool = ThreadPoolBuilder::new().num_threads(2).observer(log.clone()).build().unwrap();
    for _ in 0..20 {
        assert_eq!(pool.enter(|w| fib(w, 18)), 2_584);
        pool.scope(|s| (0..50).for_each(|_| s.spawn(|_| thread::yield_now())));
        thread::sleep(Duration::from_millis(1));
    }
    pool.shutdown();
    let stats = pool.stats();
    let log = log.0.lock().unwrap();
    let count = |wanted: fn(&Event) -> bool| log.iter().filter(|(_, event)| wanted(event)).count() as u64;
    assert_eq!(count(|e| *e == Event::TaskBegin), stats.jobs);
    assert_eq!(count(|e| matches!(e, Event::StealBegin { .. })), stats.steals);
    assert_eq!(count(|e| *e == Event::Wake), stats.wakes);
    assert_eq!(count(|e| matches!(e, Event::Exposure { .. })), stats.exposures);
    assert!(count(|e| *e == Event::ParkBegin) >= stats.parks && stats.parks > 0);
    assert_eq!(stats.jobs, 20 * 50);
    for worker in 0..pool.worker_stats().len() {
        let mut open = Vec::new();
        for (_, event) in log.iter().filter(|(who, _)| *who == worker) {
            let end_of = match event {
                Event::TaskBegin => Some(Event::TaskEnd),
                Event::StealBegin { victim } => {
                    assert_ne!(*victim, worker);
                    Some(Event::StealEnd)
                }
                Event::ParkBegin => Some(Event::ParkEnd),
                _ => None,
            };
            match event {
                Event::TaskEnd | Event::StealEnd | Event::ParkEnd => {
                    assert_eq!(open.pop(), Some(*event), "worker {worker}")
                }
                _ => open.extend(end_of),
            }
        }
        assert_eq!(open, [], "worker {worker}");
    }
}
