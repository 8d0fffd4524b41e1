//! The bridge against tokio's mpsc, flume and async-channel with an eventfd. `cargo bench --bench bridge`
//!
//! Every contestant tells an epoll-like loop by one eventfd; what differs is how often. Peers have no edge of their own, so
//! their users write once per item, or keep a flag by hand: both compete.
//!
//! | row | what is timed |
//! |---|---|
//! | throughput | two producers, one loop that polls the descriptor and drains; ns per item |
//! | burst | one thread publishes 256 items, then drains them; ns per item |
//! | latency | ping-pong with a thread that sleeps in poll; ns per round trip |
//! | calls | system calls on the descriptor per 1,000 items or round trips of each of these |

mod common;

use std::os::fd::AsRawFd as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

use common::peers::{ASYNC_CHANNEL, ASYNC_CHANNEL_EDGE, FLUME, FLUME_EDGE, OURS, TOKIO_MPSC, TOKIO_MPSC_EDGE};
use common::{Bench, per};
use reveille::bridge::{Boxed, Bridge, Budget, EventFd, Node, Receiver, Signal};

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

/// A peer's sender with a descriptor beside it, and perhaps a flag that says whether the loop knows already.
struct Peer<S, const FLAG: bool> {
    sender: S,
    told: AtomicBool,
    signal: Counted,
}

macro_rules! peer {
    ($sender:ty, $receiver:ty, $make:expr, $send:ident) => {
        impl<const FLAG: bool> Mailbox for Peer<$sender, FLAG> {
            type Inbox = $receiver;

            fn pair(calls: &Arc<AtomicU64>) -> (Arc<Self>, Self::Inbox) {
                let (sender, receiver) = $make;
                (Arc::new(Peer { sender, told: AtomicBool::new(false), signal: Counted::new(calls) }), receiver)
            }

            fn publish(&self, item: u64) {
                self.sender.$send(item).expect("open and unbounded");
                // AcqRel: a loop that finds the flag clear later finds the item.
                if !FLAG || !self.told.swap(true, Ordering::AcqRel) {
                    self.signal.signal();
                }
            }

            fn wait(&self) {
                self.signal.wait();
            }

            #[allow(unused_mut, reason = "tokio's receiver is used exclusively, the others are not")]
            fn drain(&self, inbox: &mut Self::Inbox) -> u64 {
                self.signal.acknowledge();
                if FLAG {
                    self.told.swap(false, Ordering::AcqRel); // before the items are taken
                }
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

/// The burst with nodes that come back from the loop: no allocation per item.
fn burst_of_nodes(count: u64, calls: &Arc<AtomicU64>) -> f64 {
    let mut nodes: Vec<Node<u64>> = (0..BURST).map(Node::new).collect();
    let mailbox: Bridge<&mut Node<u64>, Counted> = Bridge::new(Counted::new(calls));
    let mut inbox = mailbox.attach().expect("new");
    let mut free: Vec<&mut Node<u64>> = nodes.iter_mut().collect();
    let rounds = count.div_ceil(BURST);
    let start = Instant::now();
    for _ in 0..rounds {
        for node in free.drain(..) {
            mailbox.try_publish(0, node).expect("open and unbounded");
        }
        mailbox.signal().wait();
        inbox.drain(Budget::ALL, |node| free.push(node)).expect("open");
        assert_eq!(free.len() as u64, BURST);
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

type Round = fn(u64, &Arc<AtomicU64>) -> f64;
type Flume<const FLAG: bool> = Peer<flume::Sender<u64>, FLAG>;
type AsyncChannel<const FLAG: bool> = Peer<async_channel::Sender<u64>, FLAG>;

/// The same task for every contestant.
macro_rules! contestants {
    ($task:ident) => {
        [
            (OURS, $task::<Ours> as Round),
            (TOKIO_MPSC, $task::<Peer<Tokio, false>>),
            (TOKIO_MPSC_EDGE, $task::<Peer<Tokio, true>>),
            (FLUME, $task::<Flume<false>>),
            (FLUME_EDGE, $task::<Flume<true>>),
            (ASYNC_CHANNEL, $task::<AsyncChannel<false>>),
            (ASYNC_CHANNEL_EDGE, $task::<AsyncChannel<true>>),
        ]
    };
}

fn main() {
    let bench = Bench::new("bridge, ns");
    let tasks = [
        ("throughput, ns per item", contestants!(throughput), 100_000),
        ("burst, ns per item", contestants!(burst), 100_000),
        ("latency, ns per round trip", contestants!(latency), 2_000),
    ];
    for (title, contestants, work) in tasks {
        let mut row = bench.row(title);
        for (name, round) in contestants {
            row = row.contestant(name, move |items| round(items, &Arc::default()));
        }
        if title.starts_with("burst") {
            row = row.contestant("reveille, nodes of the publisher", |items| burst_of_nodes(items, &Arc::default()));
        }
        row.run(work);
    }
    for (title, contestants, work) in tasks {
        let (task, unit) = title.split_once(", ns per ").expect("as above");
        let title = format!("calls per 1,000 {unit}s, {task}");
        let mut row = bench.row(&title);
        for (name, round) in contestants {
            row = row.contestant(name, move |items| {
                let calls = Arc::default();
                round(items, &calls);
                calls.load(Ordering::Relaxed) as f64 * 1000.0 / items as f64
            });
        }
        row.rounds(11).run(work);
    }
    bench.finish();
}
