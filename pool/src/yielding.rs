//! Work on demand: a worker that is in a task of its own runs another one.

use reveille_futex::Platform;

use crate::Worker;
use crate::search::Work;

/// What came of an offer to work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Yield {
    /// A task was run.
    Executed,
    /// There was none.
    Idle,
}

impl<P: Platform> Worker<P> {
    /// Runs one task, wherever in the pool it waits, if there is one.
    ///
    /// For a task that waits for something the pool does not know of: a flag that another task sets, say. The task runs on
    /// top of the caller's stack, and is not interrupted. A panic of a join's or a scope's task goes to its owner. Does not
    /// sleep. When there is nothing else, it is the second half of the oldest join that this worker is in: the first half may
    /// wait for it so.
    ///
    /// ```
    /// use std::sync::atomic::{AtomicBool, Ordering};
    /// use reveille_pool::ThreadPoolBuilder;
    ///
    /// let pool = ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    /// let flag = AtomicBool::new(false);
    /// pool.enter(|worker| {
    ///     worker.scope(|s| {
    ///         s.spawn(|_| flag.store(true, Ordering::Release));
    ///         while !flag.load(Ordering::Acquire) {
    ///             worker.run_one();
    ///         }
    ///     });
    /// });
    /// ```
    pub fn run_one(&self) -> Yield {
        let Some(work) = self.search().or_else(|| self.own_join()) else { return Yield::Idle };
        // Before it runs: a poster may have left this worker's find to it (M20).
        if work.may_have_siblings() {
            self.posted();
        }
        self.run(work);
        Yield::Executed
    }

    /// Runs one task of this worker: its own, its mail, an urgent one, or a half of its own joins, if there is one. Otherwise
    /// as [`run_one`](Self::run_one).
    pub fn run_own(&self) -> Yield {
        let Some(work) = self.own_task().map(Work::Task).or_else(|| self.own_join()) else { return Yield::Idle };
        self.run(work);
        Yield::Executed
    }

    /// Whether this worker has queued tasks that have not run, joins included.
    pub fn has_pending_tasks(&self) -> bool {
        let seat = self.seat();
        !seat.tasks.is_empty() || seat.stack.has_public() || seat.stack.has_private()
    }
}
