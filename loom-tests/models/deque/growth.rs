//! Claims about growth.

use loom::sync::Arc;
use reveille_loom_tests::Check;

use super::subject::{Block, Deque, Growable};
use super::taken::{Taken, assert_each_once, thief};

/// The owner grows while a thief steals: the thief reads the old buffer or the new one, never a half-written one.
pub fn growth_keeps_the_items(check: Check) {
    check.run(|| {
        let deque = Arc::new(Deque::<usize, Growable>::growable());
        let thief = thief(&deque, 2);
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
        let (small, large) =
            (Box::leak(Box::new(Block::<usize, 1>::new())), Box::leak(Box::new(Block::<usize, 4>::new())));
        let deque = Arc::new(Deque::donated(small));
        let thief = thief(&deque, 2);
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

/// Growth from a full buffer while two thieves steal, and the owner pops what is left.
pub fn growth_keeps_the_items_from_two_thieves(check: Check) {
    check.run(|| {
        let deque = Arc::new(Deque::<usize, Growable>::growable());
        let worker = deque.claim().unwrap();
        worker.try_push(1).unwrap();
        let thieves = [thief(&deque, 1), thief(&deque, 1)];
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
