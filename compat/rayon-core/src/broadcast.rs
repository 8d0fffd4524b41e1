//! One call on every thread.

use std::fmt;
use std::marker::PhantomData;

use reveille_pool::Worker;

use crate::global;

/// Calls `op` on every thread of the current thread's pool, or of the global one, and returns the results in their order.
///
/// ```
/// let numbers = rayon_core::broadcast(|context| context.index());
/// assert_eq!(numbers, Vec::from_iter(0..rayon_core::current_num_threads()));
/// ```
pub fn broadcast<OP, R>(op: OP) -> Vec<R>
where
    OP: Fn(BroadcastContext<'_>) -> R + Sync,
    R: Send,
{
    global::ensure();
    reveille_pool::broadcast(|worker| op(BroadcastContext::of(worker)))
}

/// [`broadcast`], of a closure that borrows nothing. Does not wait.
pub fn spawn_broadcast<OP>(op: OP)
where
    OP: Fn(BroadcastContext<'_>) + Send + Sync + 'static,
{
    global::ensure();
    reveille_pool::spawn_broadcast(move |worker| op(BroadcastContext::of(worker)));
}

/// What a broadcast closure is told.
pub struct BroadcastContext<'a> {
    worker: &'a Worker,
    /// Invariant in `'a`, as rayon's.
    invariant: PhantomData<&'a mut dyn Fn()>,
}

impl<'a> BroadcastContext<'a> {
    pub(crate) fn of(worker: &'a Worker) -> Self {
        BroadcastContext { worker, invariant: PhantomData }
    }

    /// The number of the thread in its pool.
    #[inline]
    pub fn index(&self) -> usize {
        self.worker.index()
    }

    /// How many threads the pool has.
    #[inline]
    pub fn num_threads(&self) -> usize {
        self.worker.num_threads()
    }
}

impl fmt::Debug for BroadcastContext<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BroadcastContext")
            .field("index", &self.index())
            .field("num_threads", &self.num_threads())
            .finish_non_exhaustive()
    }
}
