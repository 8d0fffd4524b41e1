//! Loops and reductions over index ranges, by recursive joins.

use core::ops::Range;

use reveille_futex::Platform;

use crate::Worker;

impl<P: Platform> Worker<P> {
    /// Calls `f` for every index of `range`, perhaps in parallel, in pieces of at most `grain` indices.
    ///
    /// A grain of 0 counts as 1. Within a piece the order is ascending. Allocates nothing. Blocks, orders memory and
    /// panics as [`join`](Self::join) does.
    ///
    /// ```
    /// use core::sync::atomic::{AtomicUsize, Ordering};
    /// use reveille_pool::Pool;
    ///
    /// static POOL: Pool<1, 32> = Pool::new();
    /// let sum = AtomicUsize::new(0);
    /// POOL.enter(|w| w.for_each(0..100, 8, |i| { sum.fetch_add(i, Ordering::Relaxed); })).unwrap();
    /// assert_eq!(sum.into_inner(), 4950);
    /// ```
    pub fn for_each<F>(&self, range: Range<usize>, grain: usize, f: F)
    where
        F: Fn(usize) + Sync,
    {
        self.for_each_piece(range, grain.max(1), &f);
    }

    fn for_each_piece<F>(&self, range: Range<usize>, grain: usize, f: &F)
    where
        F: Fn(usize) + Sync,
    {
        match halves(&range, grain) {
            None => range.for_each(f),
            Some((left, right)) => {
                self.join(|w| w.for_each_piece(left, grain, f), |w| w.for_each_piece(right, grain, f));
            }
        }
    }

    /// Maps pieces of at most `grain` indices and reduces the results in order, perhaps in parallel.
    ///
    /// `reduce` need not be commutative. A grain of 0 counts as 1; an empty range maps once, to an empty piece. Allocates
    /// nothing. Blocks, orders memory and panics as [`join`](Self::join) does.
    ///
    /// ```
    /// use reveille_pool::Pool;
    ///
    /// static POOL: Pool<1, 32> = Pool::new();
    /// let numbers: Vec<u64> = (0..1_000).collect();
    /// let sum = POOL.enter(|w| w.map_reduce(0..1_000, 64, |r| numbers[r].iter().sum(), |a: u64, b| a + b));
    /// assert_eq!(sum.unwrap(), 499_500);
    /// ```
    pub fn map_reduce<M, R, T>(&self, range: Range<usize>, grain: usize, map: M, reduce: R) -> T
    where
        M: Fn(Range<usize>) -> T + Sync,
        R: Fn(T, T) -> T + Sync,
        T: Send,
    {
        self.map_reduce_piece(range, grain.max(1), &map, &reduce)
    }

    fn map_reduce_piece<M, R, T>(&self, range: Range<usize>, grain: usize, map: &M, reduce: &R) -> T
    where
        M: Fn(Range<usize>) -> T + Sync,
        R: Fn(T, T) -> T + Sync,
        T: Send,
    {
        match halves(&range, grain) {
            None => map(range),
            Some((left, right)) => {
                let (left, right) = self.join(
                    |w| w.map_reduce_piece(left, grain, map, reduce),
                    |w| w.map_reduce_piece(right, grain, map, reduce),
                );
                reduce(left, right)
            }
        }
    }
}

/// Splits a range that is longer than the grain.
fn halves(range: &Range<usize>, grain: usize) -> Option<(Range<usize>, Range<usize>)> {
    if range.len() <= grain {
        return None;
    }
    let middle = range.start + range.len() / 2;
    Some((range.start..middle, middle..range.end))
}
