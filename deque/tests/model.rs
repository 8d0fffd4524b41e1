//! Every storage and flavour of the deque against a queue that is obviously right, one operation at a time.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::prelude::*;
use reveille_deque::{Block, Deque, Full, Growable, Handle, Injector, Inline, Slot, Steal, Storage, Worker};

/// An item that counts its drops, so that a lost one and one that was dropped twice show.
#[derive(Debug)]
struct Counted {
    id: u32,
    drops: Arc<AtomicUsize>,
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.drops.fetch_add(1, Ordering::Relaxed);
    }
}

type Item = Box<Counted>;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Flavor {
    Lifo,
    Fifo,
}

#[derive(Clone, Copy, Debug)]
enum Operation {
    Push,
    PushAlone,
    Pop,
    Steal,
    Batch { limit: usize },
    BatchAndPop { limit: usize },
    PopOther,
    Donate,
    NewOwner,
}

fn operations() -> impl Strategy<Value = Vec<Operation>> {
    use Operation::{Batch, BatchAndPop, Donate, NewOwner, Pop, PopOther, Push, PushAlone, Steal};
    let limit = || prop_oneof![Just(1), Just(2), Just(3), Just(32)];
    let operation = prop_oneof![
        6 => Just(Push),
        2 => Just(PushAlone),
        4 => Just(Pop),
        3 => Just(Steal),
        1 => limit().prop_map(|limit| Batch { limit }),
        1 => limit().prop_map(|limit| BatchAndPop { limit }),
        1 => Just(PopOther),
        1 => Just(Donate),
        1 => Just(NewOwner),
    ];
    prop::collection::vec(operation, 0..120)
}

fn flavor() -> impl Strategy<Value = Flavor> {
    prop_oneof![Just(Flavor::Lifo), Just(Flavor::Fifo)]
}

/// Where indices start: at zero, and where they wrap, also as 32-bit numbers and as signed ones.
fn start() -> impl Strategy<Value = u64> {
    prop_oneof![
        Just(0),
        (0..8_u64).prop_map(|below| u64::MAX - below),
        (0..8_u64).prop_map(|below| u64::from(u32::MAX) - below),
        (0..8_u64).prop_map(|below| i64::MAX as u64 - below),
    ]
}

/// A queue that is obviously right.
struct Oracle {
    items: VecDeque<u32>,
    flavor: Flavor,
    capacity: usize,
}

impl Oracle {
    fn pop(&mut self) -> Option<u32> {
        match self.flavor {
            Flavor::Lifo => self.items.pop_back(),
            Flavor::Fifo => self.items.pop_front(),
        }
    }

    /// What a batch does: the returned item, if `pop`, and whether anything was there.
    fn batch_to(&mut self, other: &mut Oracle, limit: usize, pop: bool) -> (Option<u32>, bool) {
        if self.items.is_empty() {
            return (None, false);
        }
        let share = self.items.len().div_ceil(2).min(limit);
        let kept = (share - usize::from(pop)).min(other.capacity - other.items.len());
        let mut stolen: VecDeque<u32> = self.items.drain(..kept + usize::from(pop)).collect();
        let popped = match self.flavor {
            _ if !pop => None,
            Flavor::Lifo => stolen.pop_back(),
            Flavor::Fifo => stolen.pop_front(),
        };
        if self.flavor == other.flavor {
            other.items.extend(stolen);
        } else {
            other.items.extend(stolen.into_iter().rev());
        }
        (popped, true)
    }
}

/// Runs the operations on the deque and on the oracle. `donate` makes the deque larger, or says that it cannot.
fn check<S: Storage>(
    deque: &Deque<Item, S>,
    (flavor, capacity): (Flavor, usize),
    other_flavor: Flavor,
    operations: &[Operation],
    drops: &Arc<AtomicUsize>,
    mut donate: impl FnMut(&Worker<Item, reveille_deque::Claim<'_, Item, S>>) -> Option<usize>,
) {
    let mut oracle = Oracle { items: VecDeque::new(), flavor, capacity };
    let mut other_oracle = Oracle { items: VecDeque::new(), flavor: other_flavor, capacity: 4 };
    let other: Deque<Item, Inline<4>> = match other_flavor {
        Flavor::Lifo => Deque::new(),
        Flavor::Fifo => Deque::new_fifo(),
    };
    let other = other.claim().unwrap();
    let mut worker = deque.claim().unwrap();
    let mut made = 0;
    let id = |item: Item| item.id;
    for &operation in operations {
        match operation {
            Operation::Push | Operation::PushAlone => {
                made += 1;
                let item = Box::new(Counted { id: made, drops: drops.clone() });
                let pushed = if matches!(operation, Operation::Push) {
                    worker.try_push(item)
                } else {
                    drop(worker);
                    // SAFETY: this thread alone uses the deque.
                    let pushed = unsafe { deque.pusher() }.try_push(item);
                    worker = deque.claim().unwrap();
                    pushed
                };
                let pushed = pushed.map_err(|Full(item)| id(item));
                if oracle.items.len() < oracle.capacity {
                    assert_eq!(pushed, Ok(()));
                    oracle.items.push_back(made);
                } else {
                    assert_eq!(pushed, Err(made), "the item comes back");
                }
            }
            Operation::Pop => assert_eq!(worker.pop().map(id), oracle.pop()),
            Operation::Steal => {
                let stolen = oracle.items.pop_front().map_or(Steal::Empty, Steal::Success);
                assert_eq!(map(worker.stealer().steal(), id), stolen);
            }
            Operation::Batch { limit } => {
                let (_, found) = oracle.batch_to(&mut other_oracle, limit, false);
                let expected = if found { Steal::Success(()) } else { Steal::Empty };
                assert_eq!(worker.stealer().steal_batch_with_limit(&other, limit), expected);
            }
            Operation::BatchAndPop { limit } => {
                let (popped, _) = oracle.batch_to(&mut other_oracle, limit, true);
                let stolen = worker.stealer().steal_batch_with_limit_and_pop(&other, limit);
                assert_eq!(map(stolen, id), popped.map_or(Steal::Empty, Steal::Success));
            }
            Operation::PopOther => assert_eq!(other.pop().map(id), other_oracle.pop()),
            Operation::Donate => {
                if let Some(capacity) = donate(&worker) {
                    oracle.capacity = capacity;
                }
            }
            Operation::NewOwner => {
                assert!(deque.claim().is_none(), "one owner at a time");
                drop(worker);
                worker = deque.claim().unwrap();
            }
        }
        assert_eq!((deque.len(), deque.is_empty()), (oracle.items.len(), oracle.items.is_empty()));
        assert_eq!(other.len(), other_oracle.items.len());
        let alive = oracle.items.len() + other_oracle.items.len();
        assert_eq!(drops.load(Ordering::Relaxed), made as usize - alive, "nothing is lost or dropped twice");
    }
}

fn map<T, U>(steal: Steal<T>, f: impl FnOnce(T) -> U) -> Steal<U> {
    match steal {
        Steal::Success(item) => Steal::Success(f(item)),
        Steal::Empty => Steal::Empty,
        Steal::Retry => Steal::Retry,
    }
}

/// What was made and not taken is dropped with the deque.
fn check_drops(drops: &Arc<AtomicUsize>, operations: &[Operation]) {
    let is_push = |operation: &&Operation| matches!(operation, Operation::Push | Operation::PushAlone);
    let made = operations.iter().filter(is_push).count();
    assert_eq!(drops.load(Ordering::Relaxed), made, "every item is dropped once");
}

fn inline<const N: usize>(flavor: Flavor, other: Flavor, start: u64, operations: &[Operation]) {
    let drops = Arc::new(AtomicUsize::new(0));
    let deque: Deque<Item, Inline<N>> = match flavor {
        Flavor::Lifo => Deque::new(),
        Flavor::Fifo => Deque::new_fifo(),
    };
    let deque = deque.starting_at(start);
    check(&deque, (flavor, N), other, operations, &drops, |_| None);
    drop(deque);
    check_drops(&drops, operations);
}

proptest! {
    #[test]
    fn inline_deques_do_what_a_queue_does(
        flavor in flavor(), other in flavor(), start in start(), capacity in 0..4, operations in operations()
    ) {
        match capacity {
            0 => inline::<1>(flavor, other, start, &operations),
            1 => inline::<2>(flavor, other, start, &operations),
            2 => inline::<4>(flavor, other, start, &operations),
            _ => inline::<8>(flavor, other, start, &operations),
        }
    }

    #[test]
    fn borrowed_deques_do_what_a_queue_does(
        flavor in flavor(), other in flavor(), start in start(), capacity in 0..4_u32, operations in operations()
    ) {
        let drops = Arc::new(AtomicUsize::new(0));
        let mut slots: Vec<Slot<Item>> = (0..1 << capacity).map(|_| Slot::new()).collect();
        let deque = match flavor {
            Flavor::Lifo => Deque::borrowed(&mut slots),
            Flavor::Fifo => Deque::borrowed_fifo(&mut slots),
        };
        let deque = deque.expect("a power of two").starting_at(start);
        check(&deque, (flavor, 1 << capacity), other, &operations, &drops, |_| None);
        drop(deque);
        check_drops(&drops, &operations);
    }

    #[test]
    fn donated_deques_do_what_a_queue_does(
        flavor in flavor(), other in flavor(), start in start(), operations in operations()
    ) {
        let drops = Arc::new(AtomicUsize::new(0));
        let (mut one, mut again) = (Block::<Item, 1>::new(), Some(Block::<Item, 1>::new()));
        let (mut two, mut eight) = (Block::<Item, 2>::new(), Block::<Item, 8>::new());
        let (mut two, mut eight) = (Some(&mut two), Some(&mut eight));
        let deque = match flavor {
            Flavor::Lifo => Deque::donated(&mut one),
            Flavor::Fifo => Deque::donated_fifo(&mut one),
        };
        let deque = deque.starting_at(start);
        let mut again = again.as_mut();
        check(&deque, (flavor, 1), other, &operations, &drops, |worker| {
            if let Some(block) = again.take() {
                worker.donate(block).expect_err("it is not larger");
                return None;
            }
            if let Some(block) = two.take() {
                worker.donate(block).expect("it is larger");
                return Some(2);
            }
            worker.donate(eight.take()?).expect("it is larger");
            Some(8)
        });
        drop(deque);
        check_drops(&drops, &operations);
    }

    #[test]
    fn growable_deques_do_what_a_queue_does(
        flavor in flavor(), other in flavor(), start in start(),
        before in 0..400_u32, operations in operations()
    ) {
        let drops = Arc::new(AtomicUsize::new(0));
        let deque = match flavor {
            Flavor::Lifo => Deque::growable(),
            Flavor::Fifo => Deque::growable_fifo(),
        };
        let mut deque = deque.starting_at(start);
        {
            // Grows several times, from wherever the items lie in the ring.
            let worker = deque.claim().unwrap();
            for id in 0..before {
                worker.push(Box::new(Counted { id, drops: Arc::default() }));
                if id % 3 == 0 {
                    assert_eq!(worker.stealer().steal().success().map(|item| item.id), Some(id / 3));
                }
            }
            let ids = std::iter::from_fn(|| worker.pop()).map(|item| item.id);
            let left = before.div_ceil(3)..before;
            match flavor {
                Flavor::Lifo => assert!(ids.eq(left.rev())),
                Flavor::Fifo => assert!(ids.eq(left)),
            }
        }
        deque.reclaim();
        check(&deque, (flavor, usize::MAX), other, &operations, &drops, |_| None);
        deque.reclaim();
        drop(deque);
        check_drops(&drops, &operations);
    }

    /// Each push and pop by an owner made for it, and what that one knows of the thieves is as old as can be.
    #[test]
    fn owners_made_for_one_push_do_what_one_owner_does(
        flavor in flavor(), start in start(), operations in proptest::collection::vec(0..8_u8, 0..400)
    ) {
        let deque: Deque<u32, Growable> = match flavor {
            Flavor::Lifo => Deque::growable(),
            Flavor::Fifo => Deque::growable_fifo(),
        };
        let deque = deque.starting_at(start);
        // SAFETY: this thread alone uses the deque.
        let (owner, pusher) = (|| unsafe { deque.owner() }, || unsafe { deque.pusher() });
        let mut oracle = Oracle { items: VecDeque::new(), flavor, capacity: usize::MAX };
        for (id, operation) in (0..).zip(operations) {
            match operation {
                0..4 => {
                    pusher().push(id);
                    oracle.items.push_back(id);
                }
                4 => prop_assert_eq!(pusher().pop(), oracle.pop()),
                5 => prop_assert_eq!(owner().pop(), oracle.pop()),
                // SAFETY: there is an item.
                6 if !oracle.items.is_empty() => prop_assert_eq!(Some(unsafe { deque.stealer().steal_certain() }), oracle.items.pop_front()),
                _ => prop_assert_eq!(deque.stealer().steal().success(), oracle.items.pop_front()),
            }
        }
        prop_assert_eq!(deque.len(), oracle.items.len());
    }

    #[test]
    fn the_injector_does_what_a_queue_does(other in flavor(), operations in operations()) {
        let drops = Arc::new(AtomicUsize::new(0));
        let queue = Injector::new();
        let mut oracle = Oracle { items: VecDeque::new(), flavor: Flavor::Fifo, capacity: usize::MAX };
        let mut other_oracle = Oracle { items: VecDeque::new(), flavor: other, capacity: usize::MAX };
        let other = match other {
            Flavor::Lifo => Worker::new_lifo(),
            Flavor::Fifo => Worker::new_fifo(),
        };
        let mut made = 0;
        let id = |item: Item| item.id;
        for &operation in &operations {
            match operation {
                Operation::Push | Operation::PushAlone => {
                    made += 1;
                    queue.push(Box::new(Counted { id: made, drops: drops.clone() }));
                    oracle.items.push_back(made);
                }
                Operation::Pop | Operation::Steal => {
                    assert_eq!(map(queue.steal(), id), oracle.pop().map_or(Steal::Empty, Steal::Success));
                }
                Operation::Batch { limit } => {
                    let (_, found) = oracle.batch_to(&mut other_oracle, limit, false);
                    let expected = if found { Steal::Success(()) } else { Steal::Empty };
                    assert_eq!(queue.steal_batch_with_limit(&other, limit), expected);
                }
                Operation::BatchAndPop { limit } => {
                    let (popped, _) = oracle.batch_to(&mut other_oracle, limit, true);
                    let stolen = queue.steal_batch_with_limit_and_pop(&other, limit);
                    assert_eq!(map(stolen, id), popped.map_or(Steal::Empty, Steal::Success));
                }
                Operation::PopOther => assert_eq!(other.pop().map(id), other_oracle.pop()),
                Operation::Donate | Operation::NewOwner => {}
            }
            assert_eq!((queue.len(), queue.is_empty()), (oracle.items.len(), oracle.items.is_empty()));
        }
        drop((queue, other));
        check_drops(&drops, &operations);
    }
}

/// A batch to the deque that it comes from moves nothing.
#[test]
fn a_batch_to_itself_moves_nothing() {
    let deque: Deque<u32, Inline<4>> = Deque::new();
    let worker = deque.claim().unwrap();
    assert_eq!(worker.stealer().steal_batch(&worker), Steal::Empty);
    assert_eq!(worker.stealer().steal_batch_and_pop(&worker), Steal::Empty);
    (1..=3).for_each(|item| worker.try_push(item).unwrap());
    assert_eq!(worker.stealer().steal_batch(&worker), Steal::Success(()));
    assert_eq!((worker.len(), worker.pop()), (3, Some(3)), "in the same order");
    assert_eq!(worker.stealer().steal_batch_and_pop(&worker), Steal::Success(2));
    assert_eq!((worker.pop(), worker.pop()), (Some(1), None));
}

/// The deques of one worker, by the handle that it has.
#[test]
fn stealers_outlive_their_worker() {
    let worker = Worker::new_lifo();
    worker.push(Box::new(1));
    let stealer = worker.stealer();
    drop(worker);
    assert_eq!(stealer.clone().steal(), Steal::Success(Box::new(1)));
}

/// A panic in one item's destructor does not keep the others from theirs.
#[test]
fn all_items_are_dropped_though_one_panics() {
    struct Fuse(Arc<AtomicUsize>, bool);
    impl Drop for Fuse {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::Relaxed);
            assert!(!self.1, "the fuse blows");
        }
    }
    let drops = Arc::new(AtomicUsize::new(0));
    let worker = Worker::new_lifo();
    for i in 0..5 {
        worker.push(Box::new(Fuse(drops.clone(), i == 2)));
    }
    let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(worker)));
    assert!(panic.is_err());
    assert_eq!(drops.load(Ordering::Relaxed), 5);
}

fn is_send<T: Send>(_: &T) {}
fn is_sync<T: Sync>(_: &T) {}

#[test]
fn handles_cross_threads_as_their_items_do() {
    fn check<T: reveille_deque::Token + Send, H: Handle<T> + Send + Sync>(worker: &Worker<T, H>)
    where
        H::Shared: Send + Sync,
    {
        is_send(worker);
        is_send(&worker.stealer());
        is_sync(&worker.stealer());
    }
    check(&Worker::<u32>::new_fifo());
    let deque: Deque<Box<u32>, Inline<2>> = Deque::new();
    check(&deque.claim().unwrap());
    is_sync(&Injector::<Box<u32>>::new());
}
