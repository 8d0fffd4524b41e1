//! The bridge as workers and a loop use it. `BRIDGE_ITEMS` sizes the stress (default 10^6 items).
#![cfg(all(feature = "std", target_os = "linux"))]

use std::env;
use std::os::fd::AsRawFd as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use reveille::bridge::{
    Attached, Boxed, Bridge, Budget, Chain, Closed, EventFd, Node, Parker, Phase, Pipe, PublishError, Signal,
};
use reveille::futex::Deadline;
use reveille::futex::testing::Counting;

fn items() -> u64 {
    env::var("BRIDGE_ITEMS").map_or(1_000_000, |n| n.parse().expect("BRIDGE_ITEMS is a number"))
}

/// An event counter that adds up what the kernel counted: one for each write.
struct Summed {
    fd: EventFd,
    writes: AtomicU64,
}

impl Signal for Summed {
    fn signal(&self) {
        self.fd.signal();
    }

    fn acknowledge(&self) {
        self.writes.fetch_add(self.fd.take(), Ordering::Relaxed);
    }
}

/// Blocks until the descriptor is readable.
fn wait_readable(fd: &impl std::os::fd::AsFd) {
    let mut poll = libc::pollfd { fd: fd.as_fd().as_raw_fd(), events: libc::POLLIN, revents: 0 };
    // SAFETY: one entry.
    unsafe { libc::poll(&raw mut poll, 1, -1) };
}

#[test]
fn none_lost_none_twice_in_order_and_one_write_per_edge() {
    const PRODUCERS: u64 = 4;
    const LANES: usize = 2;
    type Mail = Bridge<Boxed<(u64, usize, u64)>, Summed, LANES>;
    let each = items() / PRODUCERS;
    let signal = Summed { fd: EventFd::new().unwrap(), writes: AtomicU64::new(0) };
    let bridge = Arc::new(Mail::bounded(4096, signal));
    let mut receiver = Bridge::attach_to(bridge.clone()).unwrap();
    let producers: Vec<_> = (0..PRODUCERS)
        .map(|who| {
            let bridge = bridge.clone();
            thread::spawn(move || {
                for i in 0..each {
                    let lane = (i % 3 == 0) as usize;
                    bridge.publish(lane, Boxed::new((who, lane, i))).unwrap();
                }
            })
        })
        .collect();
    let mut next = [[None; LANES]; PRODUCERS as usize];
    let mut sum = 0;
    let mut count = 0;
    while count < each * PRODUCERS {
        wait_readable(&bridge.signal().fd);
        let budget = Budget { time: Some(Duration::from_millis(5)), ..Budget::items(256) };
        receiver
            .drain(budget, |item| {
                let (who, lane, i) = item.into_inner();
                let last = &mut next[who as usize][lane];
                assert!(*last < Some(i), "producer {who} lane {lane}: {i} after {last:?}");
                *last = Some(i);
                sum += i;
                count += 1;
            })
            .unwrap();
    }
    assert_eq!(count, each * PRODUCERS);
    assert_eq!(sum, PRODUCERS * (each * (each - 1) / 2), "each once");
    producers.into_iter().for_each(|p| p.join().unwrap());
    receiver.drain(Budget::ALL, |_| panic!("one too many")).unwrap();
    let writes = bridge.signal().writes.load(Ordering::Relaxed);
    println!("{count} items, {} edges, {writes} writes", bridge.edges());
    assert_eq!(writes, bridge.edges() as u64, "a write per edge, not per item");
    assert!(writes < count, "fewer writes than items");
}

#[test]
fn many_items_while_the_loop_is_busy_are_one_signal() {
    type Platform = Counting<3>;
    let bridge: Bridge<Boxed<u32>, Parker<Platform>, 1, Platform> = Bridge::new(Parker::new_on());
    let mut receiver = bridge.attach().unwrap();
    Platform::reset();
    for i in 0..1_000 {
        bridge.try_publish(0, Boxed::new(i)).unwrap();
    }
    assert_eq!(bridge.edges(), 1);
    assert_eq!(Platform::counts().blocking_calls(), 0, "nobody sleeps, so no system call");
    assert_eq!(receiver.drain(Budget::ALL, drop).unwrap().items, 1_000);
    assert!(!receiver.wait(Duration::from_millis(1)), "nothing is left");
}

#[test]
fn what_cannot_be_published_comes_back() {
    let bridge: Bridge<Boxed<u32>, Parker> = Bridge::bounded(2, Parker::new());
    let mut receiver = bridge.attach().unwrap();
    assert_eq!(bridge.attach().err(), Some(Attached));
    bridge.try_publish(0, Boxed::new(1)).unwrap();

    let chain: Chain<_> = (2..5).map(Boxed::new).collect();
    let Err(PublishError::Full(chain)) = bridge.publish_chain(0, chain) else { panic!("too long") };
    assert_eq!(chain.len(), 3);

    bridge.try_publish(0, Boxed::new(2)).unwrap();
    let Err(PublishError::Full(item)) = bridge.try_publish(0, Boxed::new(3)) else { panic!("full") };
    // This thread is the loop: it would wait for itself.
    let Err(PublishError::WouldDeadlock(item)) = bridge.publish(0, item) else { panic!("would deadlock") };
    let late = Deadline::after(Duration::from_millis(1));
    let outcome = thread::scope(|s| s.spawn(|| bridge.publish_until(0, item, late)).join().unwrap());
    let Err(PublishError::Full(item)) = outcome else { panic!("time was up") };
    assert_eq!(bridge.in_flight(), Some(2));

    assert!(bridge.close());
    assert!(!bridge.close(), "closed before");
    let Err(PublishError::Closed(item)) = bridge.try_publish(0, item) else { panic!("closed") };
    let Err(PublishError::Closed(item)) = bridge.publish(0, item) else { panic!("closed") };
    assert_eq!(*item, 3);
    assert_eq!(bridge.phase(), Phase::Draining);
    let drained = receiver.drain(Budget::items(1), drop).unwrap();
    assert!(drained.more && !drained.closed);
    assert!(receiver.drain(Budget::ALL, drop).unwrap().closed);
    assert_eq!(receiver.drain(Budget::ALL, drop), Err(Closed), "drained twice");
    assert_eq!(bridge.phase(), Phase::Closed);
}

#[test]
fn a_closed_bridge_hands_back_whatever_comes() {
    use std::task::{Context, Poll, Waker};

    let bridge: Bridge<Boxed<u32>, Parker> = Bridge::bounded(2, Parker::new());
    let mut receiver = bridge.attach().unwrap();
    (0..2).for_each(|i| bridge.try_publish(0, Boxed::new(i)).unwrap());
    // A task on the loop may wait for room: it does not block the thread that makes it.
    let mut waiting = std::pin::pin!(bridge.publish_async(0, Boxed::new(2)));
    let mut context = Context::from_waker(Waker::noop());
    assert!(waiting.as_mut().poll(&mut context).is_pending());

    let unsent: Vec<_> = receiver.close_now().map(Boxed::into_inner).collect();
    assert_eq!(unsent, [0, 1]);
    assert_eq!(bridge.phase(), Phase::Closed);
    let Poll::Ready(Err(PublishError::Closed(item))) = waiting.poll(&mut context) else { panic!("closed meanwhile") };
    assert_eq!(*item, 2);
    let Err(PublishError::Closed(item)) = bridge.try_publish(0, Boxed::new(3)) else { panic!("closed") };
    let Err(PublishError::Closed(item)) = bridge.publish(0, item) else { panic!("closed, and no wait for room") };
    let soon = Deadline::after(Duration::from_millis(1));
    let Err(PublishError::Closed(item)) = bridge.publish_until(0, item, soon) else { panic!("closed") };
    assert_eq!(*item, 3);
    let chain: Chain<_> = (4..7).map(Boxed::new).collect();
    let Err(PublishError::Closed(chain)) = bridge.publish_chain(0, chain) else { panic!("closed") };
    assert_eq!(chain.len(), 3);
    assert_eq!(receiver.close_now().count(), 0, "closed twice");
    assert_eq!(receiver.drain(Budget::ALL, drop), Err(Closed));
    assert_eq!(bridge.attach().err(), Some(Attached), "a closed bridge stays closed");
}

#[test]
fn a_close_releases_a_worker_that_waits_for_room() {
    let bridge: Bridge<Boxed<u32>, Parker> = Bridge::bounded(1, Parker::new());
    let mut receiver = bridge.attach().unwrap();
    bridge.try_publish(0, Boxed::new(1)).unwrap();
    thread::scope(|s| {
        let worker = s.spawn(|| bridge.publish(0, Boxed::new(2)));
        let unsent: Vec<_> = receiver.close_now().map(Boxed::into_inner).collect();
        assert_eq!(unsent, [1]);
        assert!(worker.join().unwrap().is_err_and(|e| e.is_closed() && *e.into_inner() == 2));
    });
}

#[test]
fn the_lowest_lane_has_its_turn() {
    let bridge: Bridge<Boxed<u32>, fn(), 3> = Bridge::new(|| {});
    let mut receiver = bridge.attach().unwrap();
    for lane in [2, 0, 1] {
        for _ in 0..100 {
            bridge.try_publish(lane, Boxed::new(lane as u32)).unwrap();
        }
    }
    let mut got = Vec::new();
    receiver.drain(Budget::items(32), |item| got.push(item.into_inner())).unwrap();
    let count = |lane| got.iter().filter(|l| **l == lane).count();
    assert_eq!(got[0], 0, "the most urgent first");
    assert_eq!([count(0), count(1), count(2)], [28, 2, 2]);
}

#[test]
fn a_panic_in_a_drain_loses_one_item_and_comes_back() {
    let bridge: Bridge<Boxed<u32>, Parker> = Bridge::bounded(3, Parker::new());
    let mut receiver = bridge.attach().unwrap();
    (0..3).for_each(|i| bridge.try_publish(0, Boxed::new(i)).unwrap());
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let _ = receiver.drain(Budget::ALL, |item| assert!(*item != 1, "one"));
    }));
    assert!(panicked.is_err());
    assert_eq!(bridge.in_flight(), Some(1), "credits of the items that ran");
    assert!(receiver.wait(Duration::MAX), "signalled again");
    let mut got = Vec::new();
    receiver.drain(Budget::ALL, |item| got.push(item.into_inner())).unwrap();
    assert_eq!(got, [2]);
}

#[test]
fn items_are_dropped_with_the_bridge() {
    let item = Arc::new(());
    let bridge: Bridge<Boxed<Arc<()>>, fn()> = Bridge::new(|| {});
    (0..3).for_each(|_| bridge.try_publish(0, Boxed::new(item.clone())).unwrap());
    let mut receiver = bridge.attach().unwrap();
    receiver.drain(Budget::items(1), drop).unwrap();
    bridge.try_publish(0, Boxed::new(item.clone())).unwrap();
    drop(receiver);
    assert_eq!(Arc::strong_count(&item), 1);
    let unattached: Bridge<Boxed<Arc<()>>, fn()> = Bridge::new(|| {});
    unattached.try_publish(0, Boxed::new(item.clone())).unwrap();
    drop(unattached);
    assert_eq!(Arc::strong_count(&item), 1);
}

#[test]
fn nodes_need_no_allocator_and_a_pipe_is_a_signal() {
    let mut nodes = [1, 2, 3].map(Node::new);
    let bridge: Bridge<&mut Node<u32>, Pipe> = Bridge::new(Pipe::new().unwrap());
    let mut receiver = bridge.attach().unwrap();
    thread::scope(|s| {
        s.spawn(|| nodes.iter_mut().for_each(|node| bridge.try_publish(0, node).unwrap()));
        let mut sum = 0;
        while sum < 6 {
            wait_readable(bridge.signal());
            receiver.drain(Budget::ALL, |node| sum += node.value).unwrap();
        }
        assert_eq!(sum, 6);
    });
}
