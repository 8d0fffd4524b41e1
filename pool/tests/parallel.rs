//! Loops and reductions against the ranges that they divide, on one worker.

use std::ops::Range;
use std::sync::Mutex;

use proptest::prelude::*;
use reveille_pool::{Pool, Worker};

/// One pool for each test: tests do not wait for each other.
static POOLS: [Pool<1, 32>; 3] = [const { Pool::new() }; 3];

/// Runs `f` on the only worker of a pool.
fn enter<R>(pool: usize, f: impl FnOnce(&Worker) -> R) -> R {
    POOLS[pool].enter(f).unwrap_or_else(|_| panic!("the test is its only worker"))
}

/// Ranges at both ends of the numbers.
fn range() -> impl Strategy<Value = Range<usize>> {
    (any::<bool>(), 0..50_usize, 0..200_usize).prop_map(|(high, offset, len)| {
        let start = if high { usize::MAX - offset - len } else { offset };
        start..start + len
    })
}

proptest! {
    #[test]
    fn a_loop_calls_for_each_index_once_and_in_order_on_one_worker(range in range(), grain in 0..40_usize) {
        let called = Mutex::new(Vec::new());
        enter(0, |worker| worker.for_each(range.clone(), grain, |index| called.lock().unwrap().push(index)));
        prop_assert!(called.into_inner().unwrap().into_iter().eq(range));
    }

    /// The pieces are the range, in order, none of them longer than the grain, nor empty if there is something.
    #[test]
    fn a_reduction_joins_its_pieces_in_order(range in range(), grain in 0..40_usize) {
        let most = grain.max(1);
        let pieces = enter(1, |worker| {
            let join = |mut left: Vec<_>, right: Vec<_>| {
                left.extend(right);
                left
            };
            worker.map_reduce(range.clone(), grain, |piece| vec![piece], join)
        });
        prop_assert!(pieces.iter().all(|piece| piece.len() <= most));
        prop_assert!(range.is_empty() || pieces.iter().all(|piece| !piece.is_empty()));
        prop_assert_eq!(range.len() <= most, pieces.len() == 1, "no more pieces than needed");
        prop_assert!(pieces.into_iter().flatten().eq(range));
    }

    /// Halves of halves: as many levels of forks as the logarithm of the number of pieces, so that a join stack is enough.
    #[test]
    fn a_reduction_is_as_deep_as_the_logarithm_of_its_pieces(range in range(), grain in 1..40_usize) {
        let depth = enter(2, |worker| worker.map_reduce(range.clone(), grain, |_| 0, |left: u32, right| 1 + left.max(right)));
        prop_assert_eq!(depth, range.len().div_ceil(grain).max(1).next_power_of_two().ilog2());
    }
}
