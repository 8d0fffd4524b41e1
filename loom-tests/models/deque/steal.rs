//! Claims about one owner and its thieves.

use loom::sync::Arc;
use reveille_futex::sync::atomic::{AtomicUsize, Ordering, fence};
use reveille_loom_tests::{Check, spawn};

use super::subject::{Deque, Full, Inline, Steal};
use super::taken::{Taken, assert_each_once, thief};

/// A thief gets what was pushed, not what was in the slot before.
pub fn steal_returns_what_was_pushed(check: Check) {
    check.run(|| {
        let deque = Arc::new(Deque::<usize, Inline<2>>::new());
        let thief = thief(&deque, 1);
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
        let thief = thief(&deque, 2);
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
        let other = spawn(&deque, |deque| deque.stealer().steal());
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
        let thieves = [thief(&deque, 1), thief(&deque, 1)];
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
        let thief = thief(&deque, 1);
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

/// A full deque gives the item back, and is as full as it says.
pub fn a_full_deque_gives_the_item_back(check: Check) {
    check.run(|| {
        let deque = Deque::<usize, Inline<2>>::new();
        let worker = deque.claim().unwrap();
        assert_eq!([1, 2, 3].map(|item| worker.try_push(item)), [Ok(()), Ok(()), Err(Full(3))]);
        assert_eq!([worker.pop(), worker.pop(), worker.pop()], [Some(2), Some(1), None], "what was pushed");
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
    type Shared = (Deque<usize, Inline<4>>, AtomicUsize);

    fn claim_twice((deque, owners): &Shared) -> usize {
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

    check.run(|| {
        let shared = Arc::new((Deque::new(), AtomicUsize::new(0)));
        let other = spawn(&shared, claim_twice);
        let pushed = claim_twice(&shared) + other.join().unwrap();
        let worker = shared.0.claim().expect("both claims were given back");
        let items = Taken::from_iter(core::iter::from_fn(|| worker.pop()));
        assert_eq!(items, vec![1; pushed], "what both pushed");
    });
}

/// What a runtime checks before it sleeps: fence, then `is_empty`, against push, fence, look for sleepers.
pub fn a_sleeper_or_the_poster_sees_the_other(check: Check) {
    check.run(|| {
        let shared = Arc::new((Deque::<usize, Inline<2>>::new(), AtomicUsize::new(0)));
        let sleeper = spawn(&shared, move |shared| {
            shared.1.store(1, Ordering::Relaxed);
            fence(Ordering::SeqCst);
            shared.0.is_empty()
        });
        shared.0.claim().unwrap().try_push(1).unwrap();
        fence(Ordering::SeqCst);
        let wakes = shared.1.load(Ordering::Relaxed) == 1;
        let sleeps = sleeper.join().unwrap();
        assert!(wakes || !sleeps, "somebody sleeps on an item");
    });
}
