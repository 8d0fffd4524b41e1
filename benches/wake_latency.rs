//! From the signal to the running thread. `cargo bench --bench wake_latency`
//!
//! | row | what is timed |
//! |---|---|
//! | nobody asleep | a signal that nobody waits for |
//! | call | the signal, while the waiter sleeps |
//! | until it runs | from before the signal until the waiter has returned from its wait |
//! | round trip | from before the signal until the signaller, who then sleeps, has got one back |
//! | against the idle gap | until it runs, when the waiter has slept for 10 us to 10 ms: quantiles and histogram |
//!
//! Both threads on one processor, or each on its own, or where the scheduler puts them. A waiter is given the gap to fall
//! asleep in; waiters of all contestants sleep at once when the kernel says so, none spins first.

mod common;
#[path = "common/signals.rs"]
mod signals;

use std::hint::{black_box, spin_loop};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use common::peers::{ATOMIC_WAIT, CROSSBEAM_PARKER, EVENT_LISTENER, PARKING_LOT};
use common::target::at_most;
use common::{Bench, time};
use signals::{
    AtomicWait, Crossbeam, Descriptors, EMPTY, EventListener, OurFutex, Ours, ParkingLot, RawFutex, SET, Signal, Spin,
    StdCondvar, StdPark, UnderTheLock,
};

macro_rules! contestants {
    ($row:expr, |$kind:ident| $round:expr) => {
        contestants!($row, |$kind| $round;
            "reveille CoreLatch" => Ours, "reveille futex" => OurFutex, "raw futex" => RawFutex,
            "std park" => StdPark, CROSSBEAM_PARKER => Crossbeam, "std Mutex, Condvar" => StdCondvar,
            "std Condvar, notified under the lock" => UnderTheLock, PARKING_LOT => ParkingLot,
            EVENT_LISTENER => EventListener, ATOMIC_WAIT => AtomicWait,
            "eventfd" => Descriptors<false>, "pipe" => Descriptors<true>)
    };
    ($row:expr, |$kind:ident| $round:expr; $($name:expr => $type:ty),*) => {
        $row$(.contestant($name, { type $kind = $type; $round }))*
    };
}

fn main() {
    let bench = Bench::new("wake_latency, ns");
    nobody_asleep(&bench);
    yielding(&bench);
    for place in [Place::OneCpu, Place::TwoCpus, Place::Free] {
        asleep(&bench, place);
    }
    against_gap(&bench);
    bench.finish();
}

fn nobody_asleep(bench: &Bench) {
    fn round<S: Signal>(n: u64) -> f64 {
        let signal = S::new();
        signal.attach();
        time(n, |_| black_box(&signal).signal())
    }
    contestants!(bench.row("nobody asleep: signal"), |Kind| round::<Kind>)
        .beside("spinning", round::<Spin>)
        .beside("one swap, the limit", |n| {
            let word = AtomicU32::new(EMPTY);
            time(n, |_| _ = black_box(black_box(&word).swap(SET, Ordering::Release)))
        })
        .target(at_most(1.05).times("one swap, the limit"))
        .target(at_most(5.5))
        .run(4_000);
}

/// Not a contest: what a thread pays to ask whether somebody else wants the processor.
fn yielding(bench: &Bench) {
    bench
        .row("yield, nobody else wants the CPU")
        .beside("std yield_now", |n| time(n, |_| thread::yield_now()))
        .run(1_000);
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    OneCpu,
    TwoCpus,
    Free,
}

/// Puts the calling thread on one processor, where the system can.
fn pin(cpu: usize) {
    // SAFETY: a set of processors is a bit mask, for which zero is a value.
    let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    // SAFETY: `cpu` is 0 or 1.
    unsafe { libc::CPU_SET(cpu, &mut set) };
    // SAFETY: the set lives during the call.
    unsafe { libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &raw const set) };
}

/// Nanoseconds from just before the signal.
struct Trip {
    call: u64,
    until: u64,
    round: u64,
}

/// Wakes a sleeper `n` times. The threads are new ones, so that pinning them leaves no trace.
fn trips<S: Signal>(n: u64, place: Place, gap: Duration) -> Vec<Trip> {
    let (ping, pong, woken) = (S::new(), S::new(), AtomicU64::new(0));
    let start = Instant::now();
    let ready = AtomicBool::new(false);
    let (ping, pong, woken, ready) = (&ping, &pong, &woken, &ready);
    let now = move || start.elapsed().as_nanos() as u64;
    thread::scope(|s| {
        let waiter = move || {
            match place {
                Place::OneCpu => pin(0),
                Place::TwoCpus => pin(1),
                Place::Free => {}
            }
            ping.attach();
            ready.store(true, Ordering::Release);
            for _ in 0..=n {
                ping.wait();
                woken.store(now(), Ordering::Release);
                pong.signal();
            }
        };
        let signaller = move || {
            if place != Place::Free {
                pin(0);
            }
            pong.attach();
            s.spawn(waiter);
            while !ready.load(Ordering::Acquire) {
                thread::yield_now();
            }
            let mut trips = Vec::new();
            for turn in 0..=n {
                // On one processor the waiter needs this one to fall asleep.
                match place {
                    Place::OneCpu => thread::sleep(gap),
                    _ => {
                        let asleep = Instant::now();
                        while asleep.elapsed() < gap {
                            spin_loop();
                        }
                    }
                }
                let before = now();
                ping.signal();
                let call = now() - before;
                pong.wait();
                let round = now() - before;
                let until = woken.load(Ordering::Acquire) - before;
                if turn > 0 {
                    trips.push(Trip { call, until, round }); // the first waits for the thread to start
                }
            }
            trips
        };
        s.spawn(signaller).join().expect("no panic")
    })
}

fn median(mut samples: Vec<u64>) -> f64 {
    samples.sort_unstable();
    samples[samples.len() / 2] as f64
}

fn asleep(bench: &Bench, place: Place) {
    const GAP: Duration = Duration::from_micros(100);
    let title = match place {
        Place::OneCpu => "asleep, same CPU",
        Place::TwoCpus => "asleep, other CPU",
        Place::Free => "asleep, not pinned",
    };
    type Part = fn(&Trip) -> u64;
    let parts: [(&str, Part); 3] = [("call", |t| t.call), ("until it runs", |t| t.until), ("round trip", |t| t.round)];
    for (what, part) in parts {
        let title = format!("{title}: {what}");
        contestants!(bench.row(&title), |Kind| move |n| median(
            trips::<Kind>(n, place, GAP).iter().map(part).collect()
        ))
        .target(at_most(1.05).times("raw futex"))
        .rounds(31)
        .run(50);
    }
}

fn against_gap(bench: &Bench) {
    for micros in [10, 100, 1_000, 10_000_u64] {
        let gap = Duration::from_micros(micros);
        let title = format!("until it runs, other CPU, after {micros} us");
        let wakes = if micros < 10_000 { 50 } else { 10 };
        contestants!(bench.row(&title), |Kind| move |n| {
                let trips = trips::<Kind>(n, Place::TwoCpus, gap);
                median(trips.iter().map(|t| t.until).collect())
            };
            "reveille CoreLatch" => Ours, "raw futex" => RawFutex, "std park" => StdPark,
            "std Mutex, Condvar" => StdCondvar, PARKING_LOT => ParkingLot, EVENT_LISTENER => EventListener)
        .point("ns until a sleeper runs against us asleep", micros as f64)
        .target(at_most(1.05).times("raw futex"))
        .rounds(11)
        .run(wakes);

        let n = bench.size(1_000, 100, 2);
        let n = if micros < 10_000 { n } else { n.min(200) };
        histograms(bench, n, gap);
    }
}

/// How the wakes of each contestant are spread: a median hides the second mode.
fn histograms(bench: &Bench, n: u64, gap: Duration) {
    let title = format!("until it runs, after {} us", gap.as_micros());
    macro_rules! each {
        ($($name:expr => $type:ty),*) => {
            $(bench.histogram(&title, $name, || {
                trips::<$type>(n, Place::TwoCpus, gap).iter().map(|t| t.until).collect()
            });)*
        };
    }
    each!("reveille CoreLatch" => Ours, "raw futex" => RawFutex, "std park" => StdPark, "std Mutex, Condvar" => StdCondvar,
        PARKING_LOT => ParkingLot, EVENT_LISTENER => EventListener, "eventfd" => Descriptors<false>);
}
