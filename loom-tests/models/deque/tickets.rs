//! Claims about items that come with tickets.

use loom::sync::Arc;
use reveille_loom_tests::{Check, spawn};

use super::subject::{Deque, Growable};
use super::taken::{Taken, assert_each_once};

/// Whoever has a ticket gets an item, and one that was pushed, even if it was not this item that the ticket came with.
///
/// The tickets of the first items are the threads' starts: nothing else tells a thread of a push, but what others took before.
pub fn a_ticket_is_worth_an_item(check: Check) {
    fn take(items: &Deque<usize, Growable>) -> usize {
        // SAFETY: each caller comes after a push of its own, and nobody else takes an item.
        unsafe { items.stealer().steal_certain() }
    }

    check.run(|| {
        let items = Arc::new(Deque::<usize, Growable>::growable_fifo());
        let push = |item| {
            // SAFETY: nobody else pushes.
            unsafe { items.pusher() }.try_push(item).unwrap();
        };
        let thieves = [1, 2].map(|item| {
            push(item);
            spawn(&items, take)
        });
        push(3);
        let mut taken = Taken::from([take(&items)]);
        taken.extend(thieves.map(|thief| thief.join().unwrap()));
        assert_each_once(taken, 3);
        assert!(items.is_empty(), "an item without a ticket");
    });
}
