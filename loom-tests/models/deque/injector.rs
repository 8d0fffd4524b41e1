//! Claims about the injector.

use loom::sync::Arc;
use reveille_loom_tests::{Check, spawn};

use super::subject::Injector;
use super::taken::{Taken, assert_each_once};

/// Two threads push, a third steals: nothing is lost, and nothing twice.
pub fn injector_hands_each_item_to_one_thief(check: Check) {
    check.run(|| {
        let queue = Arc::new(Injector::<usize>::new());
        let pusher = spawn(&queue, |queue| queue.push(1));
        let thief = spawn(&queue, move |queue| Taken::from_iter(queue.steal().success()));
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
        let pusher = spawn(&queue, move |queue| {
            queue.push(1);
            queue.push(2);
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
        let pusher = spawn(&queue, |queue| queue.push(1));
        let looker = spawn(&queue, move |queue| {
            queue.push(2);
            assert!(!queue.is_empty(), "an item is overlooked");
            let stolen = queue.steal();
            assert!(!stolen.is_empty(), "an item is overlooked");
            stolen.is_success()
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
        let pusher = spawn(&queue, |queue| queue.push(1));
        let thief = spawn(&queue, move |queue| {
            queue.push(2);
            assert!(!queue.steal().is_empty(), "an item is overlooked");
        });
        queue.push(3);
        pusher.join().unwrap();
        thief.join().unwrap();
    });
}
