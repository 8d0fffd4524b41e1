//! Claims about `reveille-deque`.
//!
//! Items are numbers from 1 on: an empty slot reads as 0, so that an item which nobody pushed gives itself away.

use loom::sync::Arc;
use loom::thread;
use reveille_futex::sync::atomic::{AtomicUsize, Ordering, fence};
use reveille_loom_tests::Check;

use super::subject::{Block, Deque, Full, Growable, Injector, Inline, Steal};

/// What a thread has taken.
type Taken = Vec<usize>;

/// `1..=count` have been taken, each once.
fn assert_each_once(mut taken: Taken, count: usize) {
    taken.sort_unstable();
    assert_eq!(taken, Vec::from_iter(1..=count), "each item is taken once");
}

/// One steal; a retry is an answer too, because the model explores it.
macro_rules! steal {
    ($deque:expr, $taken:expr) => {
        if let Steal::Success(item) = $deque.stealer().steal() {
            $taken.push(item);
        }
    };
}

/// A thief gets what was pushed, not what was in the slot before.
pub fn steal_returns_what_was_pushed(check: Check) {
    check.run(|| {
        let deque = Arc::new(Deque::<usize, Inline<2>>::new());
        let thief = thread::spawn({
            let deque = deque.clone();
            move || {
                let mut taken = Taken::new();
                steal!(deque, taken);
                taken
            }
        });
        let worker = deque.claim().unwrap();
        worker.try_push(1).unwrap();
        worker.try_push(2).unwrap();
        let kept = worker.pop();
        let taken = thief.join().unwrap();
        assert!(taken.iter().all(|&item| item != 0), "the slot was written");
        assert!(kept == Some(2) || taken == [2], "the newest is the owner's");
    });
}

/// The owner pops both of two items while one thief tries to take both: every item goes to one of them.
pub fn pop_and_steal_never_take_the_same_item(check: Check) {
    check.run(|| {
        let deque = Arc::new(Deque::<usize, Inline<2>>::new());
        let worker = deque.claim().unwrap();
        worker.try_push(1).unwrap();
        worker.try_push(2).unwrap();
        let thief = thread::spawn({
            let deque = deque.clone();
            move || {
                let mut taken = Taken::new();
                steal!(deque, taken);
                steal!(deque, taken);
                taken
            }
        });
        let mut taken = Taken::new();
        taken.extend(worker.pop());
        taken.extend(worker.pop());
        taken.extend(thief.join().unwrap());
        taken.extend(worker.pop());
        assert_each_once(taken, 2);
    });
}

/// A thief that is told "empty" may go to sleep on it: it is never told so while an item is there.
pub fn empty_means_that_nothing_is_there(check: Check) {
    check.run(|| {
        let deque = Arc::new(Deque::<usize, Inline<2>>::new());
        let worker = deque.claim().unwrap();
        worker.try_push(1).unwrap();
        worker.try_push(2).unwrap();
        let other = thread::spawn({
            let deque = deque.clone();
            move || deque.stealer().steal()
        });
        let mine = deque.stealer().steal();
        // Two items, and each of the two takes one at the most.
        let outcomes = [mine, other.join().unwrap()];
        assert!(outcomes.iter().all(|steal| !steal.is_empty()), "an item is overlooked");
    });
}

/// The owner and two thieves of one steal each share two items.
pub fn two_thieves_and_the_owner_share_two_items(check: Check) {
    check.run(|| {
        let deque = Arc::new(Deque::<usize, Inline<2>>::new());
        let worker = deque.claim().unwrap();
        worker.try_push(1).unwrap();
        worker.try_push(2).unwrap();
        let thief = |deque: Arc<Deque<usize, Inline<2>>>| {
            move || {
                let mut taken = Taken::new();
                steal!(deque, taken);
                taken
            }
        };
        let thieves = [thread::spawn(thief(deque.clone())), thread::spawn(thief(deque.clone()))];
        let mut taken = Taken::new();
        taken.extend(worker.pop());
        taken.extend(worker.pop());
        for thief in thieves {
            taken.extend(thief.join().unwrap());
        }
        taken.extend(worker.pop());
        assert_each_once(taken, 2);
    });
}

/// One item, one owner, one thief: one of them gets it.
pub fn the_last_item_is_taken_once(check: Check) {
    check.run(|| {
        let deque = Arc::new(Deque::<usize, Inline<1>>::new());
        let worker = deque.claim().unwrap();
        worker.try_push(1).unwrap();
        let thief = thread::spawn({
            let deque = deque.clone();
            move || {
                let mut taken = Taken::new();
                steal!(deque, taken);
                taken
            }
        });
        let mut taken = Taken::new();
        taken.extend(worker.pop());
        // The slot is used again: a thief that read it too early must not keep what it read.
        while worker.try_push(2).is_err() {}
        taken.extend(thief.join().unwrap());
        taken.extend(worker.pop());
        taken.extend(worker.pop());
        assert_each_once(taken, 2);
    });
}

/// The owner grows while a thief steals: the thief reads the old buffer or the new one, never a half-written one.
pub fn growth_keeps_the_items(check: Check) {
    check.run(|| {
        let deque = Arc::new(Deque::<usize, Growable>::growable());
        let thief = thread::spawn({
            let deque = deque.clone();
            move || {
                let mut taken = Taken::new();
                steal!(deque, taken);
                steal!(deque, taken);
                taken
            }
        });
        let worker = deque.claim().unwrap();
        for item in 1..=3 {
            worker.try_push(item).unwrap();
        }
        let mut taken = thief.join().unwrap();
        while let Some(item) = worker.pop() {
            taken.push(item);
        }
        assert_each_once(taken, 3);
    });
}

/// A full deque gives the item back, and is as full as it says.
pub fn a_full_deque_gives_the_item_back(check: Check) {
    check.run(|| {
        let deque = Deque::<usize, Inline<2>>::new();
        let worker = deque.claim().unwrap();
        assert_eq!([1, 2, 3].map(|item| worker.try_push(item)), [Ok(()), Ok(()), Err(Full(3))]);
        assert_eq!([worker.pop(), worker.pop(), worker.pop()], [Some(2), Some(1), None], "what was pushed");
    });
}

/// Growing keeps what is there and what comes after, also when the items lie across the end of the buffer.
pub fn growth_moves_the_owner_to_the_new_buffer(check: Check) {
    check.run(|| {
        let deque = Deque::<usize, Growable>::growable();
        let worker = deque.claim().unwrap();
        for item in 1..=5 {
            worker.try_push(item).unwrap();
        }
        let items = Taken::from_iter(core::iter::from_fn(|| worker.pop()));
        assert_eq!(items, [5, 4, 3, 2, 1], "what was pushed");
    });
}

/// The same for a block that the owner donates, with a thief at work.
pub fn a_donated_block_keeps_the_items(check: Check) {
    check.run(|| {
        // Leaked: the threads of a model cannot borrow.
        let (small, large) = (Box::leak(Box::new(Block::<usize, 1>::new())), Box::leak(Box::new(Block::<usize, 4>::new())));
        let deque = Arc::new(Deque::donated(small));
        let thief = thread::spawn({
            let deque = deque.clone();
            move || {
                let mut taken = Taken::new();
                steal!(deque, taken);
                steal!(deque, taken);
                taken
            }
        });
        let worker = deque.claim().unwrap();
        worker.try_push(1).unwrap();
        worker.donate(large).unwrap();
        worker.try_push(2).unwrap();
        worker.try_push(3).unwrap();
        let mut taken = thief.join().unwrap();
        taken.extend(core::iter::from_fn(|| worker.pop()));
        assert_each_once(taken, 3);
    });
}

/// A pop that finds all items stolen finds nothing, wherever the indices start.
pub fn pop_of_an_emptied_deque_is_none(check: Check) {
    check.run(|| {
        for start in [0, 1, u64::MAX - 1, u64::MAX] {
            let deque = Deque::<usize, Inline<2>>::new().starting_at(start);
            let worker = deque.claim().unwrap();
            worker.try_push(1).unwrap();
            worker.try_push(2).unwrap();
            assert_eq!(deque.stealer().steal(), Steal::Success(1));
            assert_eq!(deque.stealer().steal(), Steal::Success(2));
            assert_eq!(worker.pop(), None, "all items were stolen");
            assert_eq!(deque.stealer().steal(), Steal::Empty, "and the deque is empty");
        }
    });
}

/// There is one owner at a time, and the next one finds what the one before left.
pub fn a_claim_excludes_others_and_hands_the_items_on(check: Check) {
    check.run(|| {
        let deque = Arc::new(Deque::<usize, Inline<4>>::new());
        let owners = Arc::new(AtomicUsize::new(0));
        let owner = |deque: Arc<Deque<usize, Inline<4>>>, owners: Arc<AtomicUsize>| {
            move || {
                let mut pushed = 0;
                for _ in 0..2 {
                    let Some(worker) = deque.claim() else { continue };
                    assert_eq!(owners.fetch_add(1, Ordering::Relaxed), 0, "one owner at a time");
                    worker.try_push(1).unwrap();
                    pushed += 1;
                    owners.fetch_sub(1, Ordering::Relaxed);
                }
                pushed
            }
        };
        let other = thread::spawn(owner(deque.clone(), owners.clone()));
        let pushed = owner(deque.clone(), owners)() + other.join().unwrap();
        let worker = deque.claim().expect("both claims were given back");
        let items = Taken::from_iter(core::iter::from_fn(|| worker.pop()));
        assert_eq!(items, vec![1; pushed], "what both pushed");
    });
}

/// What a runtime checks before it sleeps: fence, then `is_empty`, against push, fence, look for sleepers.
pub fn a_sleeper_or_the_poster_sees_the_other(check: Check) {
    check.run(|| {
        let shared = Arc::new((Deque::<usize, Inline<2>>::new(), AtomicUsize::new(0)));
        let sleeper = thread::spawn({
            let shared = shared.clone();
            move || {
                shared.1.store(1, Ordering::Relaxed);
                fence(Ordering::SeqCst);
                shared.0.is_empty()
            }
        });
        shared.0.claim().unwrap().try_push(1).unwrap();
        fence(Ordering::SeqCst);
        let wakes = shared.1.load(Ordering::Relaxed) == 1;
        let sleeps = sleeper.join().unwrap();
        assert!(wakes || !sleeps, "somebody sleeps on an item");
    });
}

/// A thief that takes several items from a LIFO deque, one after the other, never takes one that the owner pops.
pub fn batch_from_a_lifo_owner_takes_each_item_once(check: Check) {
    check.run(|| {
        let deque = Arc::new(Deque::<usize, Inline<4>>::new());
        let worker = deque.claim().unwrap();
        for item in 1..=3 {
            worker.try_push(item).unwrap();
        }
        let thief = thread::spawn({
            let deque = deque.clone();
            move || {
                let own = Deque::<usize, Inline<2>>::new();
                let own = own.claim().unwrap();
                let _ = deque.stealer().steal_batch(&own);
                Taken::from_iter(core::iter::from_fn(|| own.pop()))
            }
        });
        let mut taken = Taken::new();
        taken.extend(worker.pop());
        taken.extend(worker.pop());
        taken.extend(thief.join().unwrap());
        taken.extend(worker.pop());
        assert_each_once(taken, 3);
    });
}

/// A batch from a FIFO deque, in one step, against the owner's pop and push.
pub fn batch_from_a_fifo_owner_takes_each_item_once(check: Check) {
    check.run(|| {
        let deque = Arc::new(Deque::<usize, Inline<4>>::new_fifo());
        let worker = deque.claim().unwrap();
        for item in 1..=3 {
            worker.try_push(item).unwrap();
        }
        let thief = thread::spawn({
            let deque = deque.clone();
            move || {
                let own = Deque::<usize, Inline<2>>::new();
                let own = own.claim().unwrap();
                let mut taken = Taken::from_iter(deque.stealer().steal_batch_and_pop(&own).success());
                taken.extend(core::iter::from_fn(|| own.pop()));
                assert!(taken.is_sorted(), "oldest first: {taken:?}");
                taken
            }
        });
        let mut taken = Taken::new();
        taken.extend(worker.pop());
        worker.try_push(4).unwrap();
        taken.extend(worker.pop());
        taken.extend(thief.join().unwrap());
        taken.extend(core::iter::from_fn(|| worker.pop()));
        assert_each_once(taken, 4);
    });
}

/// The thief's deque may be robbed while a batch enters it: only whole items are seen there.
pub fn a_batch_is_published_to_other_thieves(check: Check) {
    check.run(|| {
        let from = Deque::<usize, Inline<2>>::new_fifo();
        let own = Arc::new(Deque::<usize, Inline<2>>::new());
        let robber = thread::spawn({
            let own = own.clone();
            move || {
                let mut taken = Taken::new();
                steal!(own, taken);
                steal!(own, taken);
                taken
            }
        });
        let worker = from.claim().unwrap();
        worker.try_push(1).unwrap();
        worker.try_push(2).unwrap();
        let thief = own.claim().unwrap();
        let _ = from.stealer().steal_batch(&thief);
        let _ = from.stealer().steal_batch(&thief);
        let mut taken = Taken::from_iter(core::iter::from_fn(|| thief.pop()));
        taken.extend(robber.join().unwrap());
        taken.extend(core::iter::from_fn(|| thief.pop()));
        assert_each_once(taken, 2);
    });
}

/// Two threads push, a third steals: nothing is lost, and nothing twice.
pub fn injector_hands_each_item_to_one_thief(check: Check) {
    check.run(|| {
        let queue = Arc::new(Injector::<usize>::new());
        let pusher = thread::spawn({
            let queue = queue.clone();
            move || queue.push(1)
        });
        let thief = thread::spawn({
            let queue = queue.clone();
            move || Taken::from_iter(queue.steal().success())
        });
        queue.push(2);
        pusher.join().unwrap();
        let mut taken = thief.join().unwrap();
        assert_eq!(taken.len() + queue.len(), 2, "the length counts what is left");
        taken.extend(core::iter::from_fn(|| queue.steal().success()));
        assert!(queue.is_empty());
        assert_each_once(taken, 2);
    });
}

/// Items of one thread keep their order, whether they go the short way or through the inbox.
pub fn injector_keeps_the_order_of_each_thread(check: Check) {
    check.run(|| {
        let queue = Arc::new(Injector::<usize>::new());
        let pusher = thread::spawn({
            let queue = queue.clone();
            move || {
                queue.push(1);
                queue.push(2);
            }
        });
        queue.push(3);
        queue.push(4);
        pusher.join().unwrap();
        let taken = Taken::from_iter(core::iter::from_fn(|| queue.steal().success()));
        let place = |item| taken.iter().position(|&taken| taken == item).expect("nothing is lost");
        assert!(place(1) < place(2) && place(3) < place(4), "each thread's order: {taken:?}");
    });
}

/// An item that was pushed before is not overlooked while a third thread moves it from the inbox to the deque.
pub fn injector_is_never_empty_with_an_item_in_it(check: Check) {
    check.run(|| {
        let queue = Arc::new(Injector::<usize>::new());
        let pusher = thread::spawn({
            let queue = queue.clone();
            move || queue.push(1)
        });
        let looker = thread::spawn({
            let queue = queue.clone();
            move || {
                queue.push(2);
                assert!(!queue.is_empty(), "an item is overlooked");
                let stolen = queue.steal();
                assert!(!stolen.is_empty(), "an item is overlooked");
                stolen.is_success()
            }
        });
        queue.push(3);
        pusher.join().unwrap();
        let stolen = looker.join().unwrap();
        assert_eq!(queue.len() + usize::from(stolen), 3);
    });
}

/// A steal does not overlook an item that a third thread is moving from the inbox to the deque.
pub fn injector_steal_finds_an_item_on_its_way(check: Check) {
    check.run(|| {
        let queue = Arc::new(Injector::<usize>::new());
        let pusher = thread::spawn({
            let queue = queue.clone();
            move || queue.push(1)
        });
        let thief = thread::spawn({
            let queue = queue.clone();
            move || {
                queue.push(2);
                assert!(!queue.steal().is_empty(), "an item is overlooked");
            }
        });
        queue.push(3);
        pusher.join().unwrap();
        thief.join().unwrap();
    });
}

/// Three items, the owner and two thieves, one of whom takes half: every item goes to one of them.
pub fn owner_thief_and_batch_share_three_items(check: Check) {
    check.run(|| {
        let deque = Arc::new(Deque::<usize, Inline<4>>::new());
        let worker = deque.claim().unwrap();
        for item in 1..=3 {
            worker.try_push(item).unwrap();
        }
        let batch = thread::spawn({
            let deque = deque.clone();
            move || {
                let own = Deque::<usize, Inline<2>>::new();
                let own = own.claim().unwrap();
                let stolen = deque.stealer().steal_batch(&own);
                let taken = Taken::from_iter(core::iter::from_fn(|| own.pop()));
                assert_eq!(!taken.is_empty(), stolen == Steal::Success(()), "a success gives items");
                taken
            }
        });
        let thief = thread::spawn({
            let deque = deque.clone();
            move || {
                let mut taken = Taken::new();
                steal!(deque, taken);
                taken
            }
        });
        let mut taken = Taken::new();
        taken.extend(worker.pop());
        taken.extend(worker.pop());
        taken.extend(batch.join().unwrap());
        taken.extend(thief.join().unwrap());
        taken.extend(core::iter::from_fn(|| worker.pop()));
        assert_each_once(taken, 3);
    });
}

/// Growth from a full buffer while two thieves steal, and the owner pops what is left.
pub fn growth_keeps_the_items_from_two_thieves(check: Check) {
    check.run(|| {
        let deque = Arc::new(Deque::<usize, Growable>::growable());
        let worker = deque.claim().unwrap();
        worker.try_push(1).unwrap();
        let thief = |deque: Arc<Deque<usize, Growable>>| {
            move || {
                let mut taken = Taken::new();
                steal!(deque, taken);
                taken
            }
        };
        let thieves = [thread::spawn(thief(deque.clone())), thread::spawn(thief(deque.clone()))];
        worker.try_push(2).unwrap();
        worker.try_push(3).unwrap();
        let mut taken = Taken::from_iter(worker.pop());
        for thief in thieves {
            taken.extend(thief.join().unwrap());
        }
        taken.extend(core::iter::from_fn(|| worker.pop()));
        assert_each_once(taken, 3);
    });
}
