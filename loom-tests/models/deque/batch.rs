//! Claims about thieves that take several items.

use loom::sync::Arc;
use reveille_loom_tests::{Check, spawn};

use super::subject::{Deque, Inline, Steal};
use super::taken::{Taken, assert_each_once, thief};

type Four = Deque<usize, Inline<4>>;

/// What a thief gets in one batch.
fn take_batch(deque: &Four) -> Taken {
    let own = Deque::<usize, Inline<2>>::new();
    let own = own.claim().unwrap();
    let stolen = deque.stealer().steal_batch(&own);
    let taken = Taken::from_iter(core::iter::from_fn(|| own.pop()));
    assert_eq!(!taken.is_empty(), stolen == Steal::Success(()), "a success gives items");
    taken
}

/// A thief that takes several items from a LIFO deque, one after the other, never takes one that the owner pops.
pub fn batch_from_a_lifo_owner_takes_each_item_once(check: Check) {
    check.run(|| {
        let deque = Arc::new(Four::new());
        let worker = deque.claim().unwrap();
        for item in 1..=3 {
            worker.try_push(item).unwrap();
        }
        let thief = spawn(&deque, take_batch);
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
        let deque = Arc::new(Four::new_fifo());
        let worker = deque.claim().unwrap();
        for item in 1..=3 {
            worker.try_push(item).unwrap();
        }
        let thief = spawn(&deque, move |deque| {
            let own = Deque::<usize, Inline<2>>::new();
            let own = own.claim().unwrap();
            let mut taken = Taken::from_iter(deque.stealer().steal_batch_and_pop(&own).success());
            taken.extend(core::iter::from_fn(|| own.pop()));
            assert!(taken.is_sorted(), "oldest first: {taken:?}");
            taken
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
        let robber = thief(&own, 2);
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

/// Three items, the owner and two thieves, one of whom takes half: every item goes to one of them.
pub fn owner_thief_and_batch_share_three_items(check: Check) {
    check.run(|| {
        let deque = Arc::new(Four::new());
        let worker = deque.claim().unwrap();
        for item in 1..=3 {
            worker.try_push(item).unwrap();
        }
        let batch = spawn(&deque, take_batch);
        let thief = thief(&deque, 1);
        let mut taken = Taken::new();
        taken.extend(worker.pop());
        taken.extend(worker.pop());
        taken.extend(batch.join().unwrap());
        taken.extend(thief.join().unwrap());
        taken.extend(core::iter::from_fn(|| worker.pop()));
        assert_each_once(taken, 3);
    });
}
