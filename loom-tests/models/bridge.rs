//! Claims about `reveille-bridge`.

use std::future::poll_fn;
use std::task::Poll;
use std::vec::Vec;

use loom::future::block_on;
use loom::sync::Arc;
use loom::thread;
use reveille_futex::model;
use reveille_futex::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use reveille_futex::sync::cell::UnsafeCell;
use reveille_futex::{Deadline, Os};
use reveille_loom_tests::{Check, Notes, spawn};

use super::subject::{Boxed, Bridge, Budget, Chain, Parker, Phase, PublishError, Signal, WakerSignal};

/// An item that loom watches: reading it unordered with its writing is an error.
struct Item(UnsafeCell<u32>);

// SAFETY: owned by one thread at a time.
unsafe impl Send for Item {}

fn item(number: u32) -> Boxed<Item> {
    let item = Item(UnsafeCell::new(0));
    // SAFETY: not shared yet.
    item.0.with_mut(|place| unsafe { *place = number });
    Boxed::new(item)
}

fn number(item: Boxed<Item>) -> u32 {
    // SAFETY: owned.
    item.0.with(|place| unsafe { *place })
}

type Parked = Bridge<Boxed<Item>, Parker>;
type Awaited = Bridge<Boxed<Item>, WakerSignal>;

/// A thread that has no other events: what it gets until the bridge is closed, or until it has `enough`.
fn collect(bridge: &Parked, enough: usize) -> Vec<u32> {
    let mut receiver = bridge.attach().unwrap();
    let mut got = Vec::new();
    while got.len() < enough && receiver.drain(Budget::ALL, |item| got.push(number(item))).is_ok() {
        if got.len() < enough {
            receiver.wait_until(Deadline::NEVER);
        }
    }
    let late = receiver.close_now().map(number).collect::<Vec<_>>();
    assert!(late.is_empty(), "everything was drained");
    got
}

/// Two publishers and a loop that sleeps when it finds nothing: it gets both items, and sees what is in them.
// full tier
pub fn publish_is_never_lost(check: Check) {
    check.run(|| {
        let bridge = Arc::new(Parked::new(Parker::new()));
        let publishers = [1, 2].map(|n| spawn(&bridge, move |bridge| bridge.try_publish(0, item(n)).unwrap()));
        let mut got = collect(&bridge, 2);
        got.sort_unstable();
        assert_eq!(got, [1, 2]);
        for publisher in publishers {
            publisher.join().unwrap();
        }
        assert!(bridge.edges() <= 2);
    });
}

/// One publisher and a loop that sleeps: the item wakes it.
pub fn publish_wakes_a_sleeping_loop(check: Check) {
    check.run(|| {
        let bridge = Arc::new(Parked::new(Parker::new()));
        let publisher = spawn(&bridge, |bridge| bridge.try_publish(0, item(1)).unwrap());
        assert_eq!(collect(&bridge, 1), [1]);
        publisher.join().unwrap();
    });
}

/// A loop that sleeps is told of a close, and gets what was published before.
pub fn close_ends_a_sleeping_loop(check: Check) {
    check.run(|| {
        let bridge = Arc::new(Parked::new(Parker::new()));
        let publisher = spawn(&bridge, move |bridge| {
            bridge.try_publish(0, item(1)).unwrap();
            assert!(bridge.close());
            assert!(bridge.try_publish(0, item(2)).is_err());
        });
        assert_eq!(collect(&bridge, usize::MAX), [1]);
        publisher.join().unwrap();
    });
}

/// A worker that sleeps for room is woken by a drain.
pub fn credits_wake_a_worker(check: Check) {
    check.run(|| {
        let bridge = Arc::new(Parked::bounded(1, Parker::new()));
        let mut receiver = bridge.attach().unwrap();
        bridge.try_publish(0, item(1)).unwrap();
        let worker = spawn(&bridge, |bridge| bridge.publish(0, item(2)).unwrap());
        receiver.drain(Budget::items(1), drop).unwrap();
        worker.join().unwrap();
        assert_eq!(receiver.close_now().map(number).collect::<Vec<_>>(), [2]);
    });
}

/// Two items of one publisher arrive in order, and an item is never delivered twice.
pub fn publish_keeps_the_order_of_a_publisher(check: Check) {
    check.run(|| {
        let bridge = Arc::new(Parked::new(Parker::new()));
        let publisher = spawn(&bridge, move |bridge| {
            bridge.try_publish(0, item(1)).unwrap();
            let chain: Chain<_> = [2, 3].map(item).into_iter().collect();
            bridge.publish_chain(0, chain).unwrap();
        });
        assert_eq!(collect(&bridge, 3), [1, 2, 3]);
        publisher.join().unwrap();
    });
}

/// A drain whose budget did not suffice makes the loop come back, beside a publisher who comes at the same time.
pub fn drain_rearms_itself(check: Check) {
    check.run(|| {
        let bridge = Arc::new(Parked::new(Parker::new()));
        let publisher = spawn(&bridge, move |bridge| {
            bridge.try_publish(0, item(1)).unwrap();
            bridge.try_publish(0, item(2)).unwrap();
        });
        let mut receiver = bridge.attach().unwrap();
        let mut got = Vec::new();
        while got.len() < 2 {
            receiver.wait_until(Deadline::NEVER);
            receiver.drain(Budget::items(1), |item| got.push(number(item))).unwrap();
        }
        assert_eq!(got, [1, 2]);
        publisher.join().unwrap();
    });
}

/// A close beside a publication: the item is delivered or handed back, and the loop comes to its end.
// full tier
pub fn close_loses_no_item(check: Check) {
    check.run(|| {
        let bridge = Arc::new(Parked::new(Parker::new()));
        let publisher = spawn(&bridge, move |bridge| match bridge.try_publish(0, item(1)) {
            Ok(()) => true,
            Err(PublishError::Closed(item)) => {
                assert_eq!(number(item), 1);
                false
            }
            Err(other) => panic!("{other}"),
        });
        let closer = spawn(&bridge, move |bridge| assert!(bridge.close()));
        let got = collect(&bridge, usize::MAX);
        let accepted = publisher.join().unwrap();
        assert_eq!(got.len(), usize::from(accepted), "an accepted item is delivered");
        assert_eq!(bridge.phase(), Phase::Closed);
        closer.join().unwrap();
    });
}

/// `close_now` hands back what was accepted, and the publisher has the rest.
pub fn close_now_hands_items_back(check: Check) {
    check.run(|| {
        let bridge = Arc::new(Parked::new(Parker::new()));
        let publisher =
            spawn(&bridge, move |bridge| (1..=2).filter(|n| bridge.try_publish(0, item(*n)).is_ok()).count());
        let mut receiver = bridge.attach().unwrap();
        let got = receiver.close_now().map(number).collect::<Vec<_>>();
        let accepted = publisher.join().unwrap();
        assert_eq!(got.len(), accepted, "an accepted item is handed back");
        assert!(got.is_sorted());
        assert!(receiver.drain(Budget::ALL, drop).is_err(), "drained twice");
    });
}

/// A signal that belongs to the loop and may be freed once retired.
#[derive(Default)]
struct Handle {
    retired: AtomicBool,
    place: UnsafeCellSync,
}

struct UnsafeCellSync(UnsafeCell<u32>);

// SAFETY: loom watches it.
unsafe impl Sync for UnsafeCellSync {}

impl Default for UnsafeCellSync {
    fn default() -> Self {
        UnsafeCellSync(UnsafeCell::new(0))
    }
}

impl Signal for Handle {
    fn signal(&self) {
        // SAFETY: reads; loom reports it if it is unordered with the write in `retire`.
        self.place.0.with(|place| unsafe { *place });
        assert!(!self.retired.load(Ordering::Relaxed), "signal through a closed descriptor");
    }

    fn retire(&self) {
        assert!(!self.retired.swap(true, Ordering::Relaxed), "retired twice");
        // SAFETY: the last one out.
        self.place.0.with_mut(|place| unsafe { *place = 1 });
    }
}

/// The signal is retired once, after its last use, by whoever is the last one out.
// full tier
pub fn signal_is_retired_after_the_last_use(check: Check) {
    check.run(|| {
        let bridge = Arc::new(Bridge::<Boxed<Item>, Handle>::new(Handle::default()));
        let publishers = [1, 2].map(|n| {
            spawn(&bridge, move |bridge| {
                let _ = bridge.try_publish(0, item(n));
            })
        });
        let mut receiver = bridge.attach().unwrap();
        let _ = receiver.drain(Budget::ALL, drop);
        drop(receiver.close_now());
        for publisher in publishers {
            publisher.join().unwrap();
        }
        assert!(bridge.signal().retired.load(Ordering::Relaxed));
    });
}

/// The same where somebody else closes the bridge, and the loop finishes it: whoever told of the close may be the last one out.
pub fn signal_is_retired_after_it_has_told_of_a_close(check: Check) {
    check.run(|| {
        let bridge = Arc::new(Bridge::<Boxed<Item>, Handle>::new(Handle::default()));
        let closer = spawn(&bridge, |bridge| assert!(bridge.close()));
        let mut receiver = bridge.attach().unwrap();
        while receiver.drain(Budget::ALL, drop).is_ok() {
            thread::yield_now();
        }
        closer.join().unwrap();
        assert!(bridge.signal().retired.load(Ordering::Relaxed));
    });
}

/// Two workers sleep for room, one drain makes room for both: both go on.
// full tier
pub fn credits_wake_as_many_as_they_are(check: Check) {
    check.run(|| {
        let bridge = Arc::new(Parked::bounded(2, Parker::new()));
        let mut receiver = bridge.attach().unwrap();
        bridge.try_publish(0, item(1)).unwrap();
        bridge.try_publish(0, item(2)).unwrap();
        assert!(matches!(bridge.try_publish(0, item(3)), Err(PublishError::Full(_))));
        let workers = [3, 4].map(|n| spawn(&bridge, move |bridge| bridge.publish(0, item(n)).unwrap()));
        let drained = receiver.drain(Budget::ALL, drop).unwrap();
        assert_eq!(drained.items, 2);
        for worker in workers {
            worker.join().unwrap();
        }
        assert_eq!(bridge.in_flight(), Some(2));
        assert_eq!(receiver.close_now().map(number).sum::<u32>(), 7);
    });
}

/// A worker that sleeps for room is woken by room, by a close, or by its deadline, and keeps its item otherwise.
pub fn credits_end_every_wait(check: Check) {
    check.run(|| {
        let bridge = Arc::new(Parked::bounded(1, Parker::new()));
        let mut receiver = bridge.attach().unwrap();
        bridge.try_publish(0, item(1)).unwrap();
        let worker =
            spawn(&bridge, move |bridge| match bridge.publish_until(0, item(2), Deadline::from_nanos(1_000)) {
                Ok(()) => true,
                Err(error) => {
                    assert!(error.is_full() || error.is_closed());
                    assert_eq!(number(error.into_inner()), 2);
                    false
                }
            });
        let disturber = thread::spawn(|| {
            model::interrupt();
            model::expire();
        });
        let got = receiver.close_now().map(number).collect::<Vec<_>>();
        assert_eq!(got, [1]);
        assert!(!worker.join().unwrap(), "there was never room");
        disturber.join().unwrap();
    });
}

/// A task that waits for room is woken by room.
pub fn credits_wake_a_task(check: Check) {
    check.run(|| {
        let bridge = Arc::new(Parked::bounded(1, Parker::new()));
        bridge.try_publish(0, item(1)).unwrap();
        let task = spawn(&bridge, move |bridge| block_on(bridge.publish_async(0, item(2))).unwrap());
        let mut receiver = bridge.attach().unwrap();
        receiver.drain(Budget::items(1), drop).unwrap();
        task.join().unwrap();
        assert_eq!(receiver.close_now().map(number).collect::<Vec<_>>(), [2]);
    });
}

/// A task that waits for room is woken by a close, and has its item back.
pub fn credits_release_a_task_on_close(check: Check) {
    check.run(|| {
        let bridge = Arc::new(Parked::bounded(1, Parker::new()));
        bridge.try_publish(0, item(1)).unwrap();
        let task = spawn(&bridge, move |bridge| match block_on(bridge.publish_async(0, item(2))) {
            Err(PublishError::Closed(item)) => assert_eq!(number(item), 2),
            other => panic!("{other:?}"),
        });
        bridge.close();
        task.join().unwrap();
    });
}

/// A task that drains: it gets both items whenever they come, through a waker that it leaves anew with every poll.
pub fn waker_signal_wakes_the_task(check: Check) {
    check.run(|| {
        let bridge = Arc::new(Awaited::new(WakerSignal::new()));
        let publisher = spawn(&bridge, |bridge| [1, 2].map(|n| bridge.try_publish(0, item(n)).unwrap()));
        let mut receiver = bridge.attach().unwrap();
        let mut got = Vec::new();
        block_on(poll_fn(|context| {
            while got.len() < 2 {
                if receiver.poll_drain(context, Budget::ALL, |item| got.push(number(item))).is_pending() {
                    return Poll::Pending;
                }
            }
            Poll::Ready(())
        }));
        assert_eq!(got, [1, 2]);
        publisher.join().unwrap();
    });
}

/// Two threads do something and signal, perhaps at once: the task that leaves its waker, and looks then, sees what both did.
pub fn waker_signal_tells_of_all_that_signal_at_once(check: Check) {
    check.run(|| {
        let shared = Arc::new((Awaited::new(WakerSignal::new()), Notes::new()));
        let others = [0, 1].map(|n| {
            spawn(&shared, move |(bridge, notes)| {
                notes.write(n, 1);
                bridge.signal().signal();
            })
        });
        let (bridge, notes) = &*shared;
        let mut receiver = bridge.attach().unwrap();
        block_on(poll_fn(|context| {
            let drained = receiver.poll_drain(context, Budget::ALL, drop);
            assert!(drained.is_pending(), "nothing was published");
            if notes.read(0) + notes.read(1) < 2 { Poll::Pending } else { Poll::Ready(()) }
        }));
        for other in others {
            other.join().unwrap();
        }
    });
}

/// A task that takes item by item comes to the end of a bridge that is closed meanwhile.
pub fn waker_signal_ends_with_the_bridge(check: Check) {
    check.run(|| {
        let bridge = Arc::new(Awaited::new(WakerSignal::new()));
        let publisher = spawn(&bridge, move |bridge| {
            bridge.try_publish(0, item(1)).unwrap();
            bridge.close();
        });
        let mut receiver = bridge.attach().unwrap();
        let got = block_on(async {
            let mut got = Vec::new();
            while let Some(item) = receiver.next().await {
                got.push(number(item));
            }
            got
        });
        assert_eq!(got, [1]);
        assert_eq!(bridge.phase(), Phase::Closed);
        publisher.join().unwrap();
    });
}

/// The last hold that goes makes the loop ask again.
pub fn hold_keeps_the_loop_until_it_goes(check: Check) {
    use super::subject::Hold;
    check.run(|| {
        let bridge = Arc::new(Parked::new(Parker::<Os>::new()));
        let mut receiver = bridge.attach().unwrap();
        let hold = Hold::new(bridge.clone());
        let data = Arc::new(AtomicU32::new(0));
        let worker = spawn(&data, move |data| {
            data.store(7, Ordering::Relaxed);
            drop(hold);
        });
        while receiver.is_held() {
            receiver.wait_until(Deadline::NEVER);
            receiver.drain(Budget::ALL, drop).unwrap();
        }
        assert_eq!(data.load(Ordering::Relaxed), 7, "data of the holder");
        worker.join().unwrap();
    });
}
