//! The bridge against tokio's mpsc, flume and async-channel with an eventfd. `cargo bench --bench bridge`
//!
//! Every contestant tells an epoll-like loop by one eventfd; what differs is how often. Peers without an edge of their own
//! write once per item, as their users do.
//!
//! | row | what is timed |
//! |---|---|
//! | throughput | two producers, one loop that polls the descriptor and drains; ns per item |
//! | burst | one thread publishes 256 items, then drains them; ns per item |
//! | latency | ping-pong with a thread that sleeps in poll; ns per round trip |
//!
//! The system calls per 1,000 items are counted by wrapping the descriptor, and printed after the rows.

mod common;

use std::os::fd::AsRawFd as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

use common::{Bench, per};
use reveille::bridge::{Boxed, Bridge, Budget, EventFd, Receiver, Signal};

const PRODUCERS: u64 = 2;
const BURST: u64 = 256;

/// A descriptor that counts the system calls on it.
struct Counted {
    fd: EventFd,
    calls: Arc<AtomicU64>,
}

impl Counted {
    fn new(calls: &Arc<AtomicU64>) -> Self {
        Counted { fd: EventFd::new().expect("a descriptor"), calls: calls.clone() }
    }

    fn wait(&self) {
        self.calls.fetch_add(1, Ordering::Relaxed);
        let mut poll = libc::pollfd { fd: self.fd.as_raw_fd(), events: libc::POLLIN, revents: 0 };
        // SAFETY: one entry.
        unsafe { libc::poll(&raw mut poll, 1, -1) };
    }
}

impl Signal for Counted {
    fn signal(&self) {
        self.calls.fetch_add(1, Ordering::Relaxed);
        self.fd.signal();
    }

    fn acknowledge(&self) {
        self.calls.fetch_add(1, Ordering::Relaxed);
        self.fd.take();
    }
}

/// What all contestants can do.
trait Mailbox: Send + Sync + 'static {
    type Inbox: Send;
    fn pair(calls: &Arc<AtomicU64>) -> (Arc<Self>, Self::Inbox);
    fn publish(&self, item: u64);
    fn wait(&self);
    /// Empties it; returns how many there were.
    fn drain(&self, inbox: &mut Self::Inbox) -> u64;
}

type Ours = Bridge<Boxed<u64>, Counted>;

impl Mailbox for Ours {
    type Inbox = Receiver<Arc<Ours>>;

    fn pair(calls: &Arc<AtomicU64>) -> (Arc<Self>, Self::Inbox) {
        let bridge = Arc::new(Ours::new(Counted::new(calls)));
        let receiver = Bridge::attach_to(bridge.clone()).expect("new");
        (bridge, receiver)
    }

    fn publish(&self, item: u64) {
        self.try_publish(0, Boxed::new(item)).expect("open and unbounded");
    }

    fn wait(&self) {
        self.signal().wait();
    }

    fn drain(&self, inbox: &mut Self::Inbox) -> u64 {
        inbox.drain(Budget::ALL, drop).expect("open").items.into()
    }
}

/// A peer's sender with a descriptor beside it.
struct Peer<S> {
    sender: S,
    signal: Counted,
}

macro_rules! peer {
    ($sender:ty, $receiver:ty, $make:expr, $send:ident) => {
        impl Mailbox for Peer<$sender> {
            type Inbox = $receiver;

            fn pair(calls: &Arc<AtomicU64>) -> (Arc<Self>, Self::Inbox) {
                let (sender, receiver) = $make;
                (Arc::new(Peer { sender, signal: Counted::new(calls) }), receiver)
            }

            fn publish(&self, item: u64) {
                self.sender.$send(item).expect("open and unbounded");
                self.signal.signal();
            }

            fn wait(&self) {
                self.signal.wait();
            }

            #[allow(unused_mut, reason = "tokio's receiver is used exclusively, the others are not")]
            fn drain(&self, inbox: &mut Self::Inbox) -> u64 {
                self.signal.acknowledge();
                let mut count = 0;
                while inbox.try_recv().is_ok() {
                    count += 1;
                }
                count
            }
        }
    };
}

type Tokio = tokio::sync::mpsc::UnboundedSender<u64>;
peer!(Tokio, tokio::sync::mpsc::UnboundedReceiver<u64>, tokio::sync::mpsc::unbounded_channel(), send);
peer!(flume::Sender<u64>, flume::Receiver<u64>, flume::unbounded(), send);
peer!(async_channel::Sender<u64>, async_channel::Receiver<u64>, async_channel::unbounded(), try_send);

fn throughput<M: Mailbox>(count: u64, calls: &Arc<AtomicU64>) -> f64 {
    let (mailbox, mut inbox) = M::pair(calls);
    let each = count.div_ceil(PRODUCERS);
    let start = Instant::now();
    thread::scope(|scope| {
        for _ in 0..PRODUCERS {
            scope.spawn(|| (0..each).for_each(|i| mailbox.publish(i)));
        }
        let mut got = 0;
        while got < each * PRODUCERS {
            mailbox.wait();
            got += mailbox.drain(&mut inbox);
        }
    });
    per(start.elapsed(), each * PRODUCERS)
}

fn burst<M: Mailbox>(count: u64, calls: &Arc<AtomicU64>) -> f64 {
    let (mailbox, mut inbox) = M::pair(calls);
    let rounds = count.div_ceil(BURST);
    let start = Instant::now();
    for _ in 0..rounds {
        (0..BURST).for_each(|i| mailbox.publish(i));
        mailbox.wait();
        assert_eq!(mailbox.drain(&mut inbox), BURST);
    }
    per(start.elapsed(), rounds * BURST)
}

fn latency<M: Mailbox>(count: u64, calls: &Arc<AtomicU64>) -> f64 {
    let (there, mut far) = M::pair(calls);
    let (back, mut near) = M::pair(calls);
    let start = Instant::now();
    thread::scope(|scope| {
        scope.spawn(|| {
            for i in 0..count {
                while there.drain(&mut far) == 0 {
                    there.wait();
                }
                back.publish(i);
            }
        });
        for i in 0..count {
            there.publish(i);
            while back.drain(&mut near) == 0 {
                back.wait();
            }
        }
    });
    per(start.elapsed(), count)
}

/// One contestant of one row, counting calls and items over all rounds.
struct Tally {
    calls: Arc<AtomicU64>,
    items: AtomicU64,
}

impl Tally {
    fn new() -> Self {
        Tally { calls: Arc::default(), items: AtomicU64::new(0) }
    }

    fn count(&self, items: u64, round: fn(u64, &Arc<AtomicU64>) -> f64) -> f64 {
        self.items.fetch_add(items, Ordering::Relaxed);
        round(items, &self.calls)
    }

    fn per_thousand(&self) -> f64 {
        let items = self.items.load(Ordering::Relaxed).max(1);
        self.calls.load(Ordering::Relaxed) as f64 * 1000.0 / items as f64
    }
}

type Round = fn(u64, &Arc<AtomicU64>) -> f64;
const NAMES: [&str; 4] = ["reveille", "tokio mpsc", "flume", "async-channel"];

fn rounds(row: &str) -> [Round; 4] {
    type F = Peer<flume::Sender<u64>>;
    type A = Peer<async_channel::Sender<u64>>;
    match row {
        "throughput" => [throughput::<Ours>, throughput::<Peer<Tokio>>, throughput::<F>, throughput::<A>],
        "burst" => [burst::<Ours>, burst::<Peer<Tokio>>, burst::<F>, burst::<A>],
        _ => [latency::<Ours>, latency::<Peer<Tokio>>, latency::<F>, latency::<A>],
    }
}

fn main() {
    let bench = Bench::new("bridge, ns");
    for (row, work) in [("throughput", 100_000), ("burst", 100_000), ("latency", 2_000)] {
        let tallies = [(); 4].map(|()| Tally::new());
        let mut contestants = bench.row(row);
        for ((name, round), tally) in NAMES.into_iter().zip(rounds(row)).zip(&tallies) {
            contestants = contestants.contestant(name, move |items| tally.count(items, round));
        }
        contestants.run(work);
        println!("system calls on the descriptor per 1,000 items:");
        for (name, tally) in NAMES.iter().zip(&tallies) {
            println!("{name:14} {:.1}", tally.per_thousand());
        }
        println!();
    }
    bench.finish();
}
