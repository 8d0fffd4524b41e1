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
        self.map_reduce(range, grain, |piece| piece.for_each(&f), |(), ()| ());
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
        ByHalves { map: &map, reduce: &reduce, grain: grain.max(1) }.of(self, range)
    }
}

/// A reduction: its pieces, halved until they are as long as the grain. A type of its own, so that a half is three words, and
/// in the module of the join's closures, so that the compiler sees both at once.
struct ByHalves<'a, M, R> {
    map: &'a M,
    reduce: &'a R,
    grain: usize,
}

impl<M, R> ByHalves<'_, M, R> {
    fn of<P, T>(&self, worker: &Worker<P>, range: Range<usize>) -> T
    where
        P: Platform,
        M: Fn(Range<usize>) -> T + Sync,
        R: Fn(T, T) -> T + Sync,
        T: Send,
    {
        if range.len() <= self.grain {
            return (self.map)(range);
        }
        let middle = range.start + range.len() / 2;
        let (left, right) = (range.start..middle, middle..range.end);
        let (left, right) = worker.join(move |w| self.of(w, left), move |w| self.of(w, right));
        (self.reduce)(left, right)
    }
}
