//! An executor for one boss and one helper, in 70 lines, and its models.
//!
//! The boss puts tasks into a deque and takes them out at the same end; the helper steals at the other one, and sleeps on
//! a latch when there is nothing to steal.
//!
//! ```text
//!   boss                        helper
//!   push task                   reset bell       <- before the search
//!   set bell  ----------------> steal until empty
//!                               wait for bell
//! ```
//!
//! *Invariant.* A task is pushed before the bell is set, and the helper resets the bell before it searches. Set and reset
//! are read-modify-writes of one word, so one comes first: either the reset sees the set, and then the search finds the
//! task, or the set comes after the reset, and then the wait returns at once.
//!
//! Everything concurrent here is made of reveille's layers, which become loom's under `--cfg loom`. So the models in
//! `models.rs` check this crate and not a copy of it.
//!
//! ```
//! use mini_executor_example::Executor;
//! use std::sync::atomic::{AtomicU32, Ordering};
//!
//! static EXECUTOR: Executor<u32, 64> = Executor::new();
//! static SUM: AtomicU32 = AtomicU32::new(0);
//!
//! let add = |task| {
//!     SUM.fetch_add(task, Ordering::Relaxed);
//! };
//! std::thread::scope(|s| {
//!     s.spawn(|| EXECUTOR.help(add));
//!     let boss = EXECUTOR.boss().expect("there is one boss");
//!     for task in 1..=10 {
//!         boss.spawn(task).expect("there is room for 64");
//!     }
//!     boss.finish(add);
//! });
//! assert_eq!(SUM.load(Ordering::Relaxed), 55);
//! ```
#![cfg_attr(not(test), no_std)]

use core::fmt;

use reveille_deque::{Claim, Deque, Full, Inline, Steal, Token, Worker};
use reveille_futex::const_unless_loom;
use reveille_futex::sync::atomic::{AtomicBool, Ordering};
use reveille_futex::sync::hint;
use reveille_latch::CoreLatch;

#[cfg(all(test, loom))]
mod models;

/// Tasks of type `T`, at most `N` of them waiting.
pub struct Executor<T: Token, const N: usize> {
    tasks: Deque<T, Inline<N>>,
    /// Owned by the helper; the boss sets it.
    bell: CoreLatch,
    /// Stored once, by the boss, before it sets the bell for the last time.
    closed: AtomicBool,
}

/// The right to give tasks to an executor.
pub struct Boss<'a, T: Token, const N: usize> {
    tasks: Worker<T, Claim<'a, T, Inline<N>>>,
    executor: &'a Executor<T, N>,
}

impl<T: Token + Send, const N: usize> Executor<T, N> {
    const_unless_loom! {
        /// An executor without tasks.
        pub const fn new() -> Self {
            Self { tasks: Deque::new(), bell: CoreLatch::new(), closed: AtomicBool::new(false) }
        }
    }

    /// Becomes the boss, unless somebody else is.
    pub fn boss(&self) -> Option<Boss<'_, T, N>> {
        Some(Boss { tasks: self.tasks.claim()?, executor: self })
    }

    /// Runs tasks until the boss has finished. Sleeps while there are none. For one thread: the helper.
    pub fn help(&self, mut run: impl FnMut(T)) {
        loop {
            self.bell.reset();
            // Relaxed: the reset has acquired what the boss did before it set the bell.
            let closed = self.closed.load(Ordering::Relaxed);
            self.steal_all(&mut run);
            if closed {
                return; // nothing was pushed after `closed`, and the search came after it
            }
            self.bell.wait();
        }
    }

    fn steal_all(&self, run: &mut impl FnMut(T)) {
        loop {
            match self.tasks.stealer().steal() {
                Steal::Success(task) => run(task),
                Steal::Retry => hint::spin_loop(), // the boss took it: there may be more
                Steal::Empty => return,
            }
        }
    }
}

impl<T: Token + Send, const N: usize> Default for Executor<T, N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Token + Send, const N: usize> Boss<'_, T, N> {
    /// Gives a task to whoever comes first, the helper or [`finish`](Self::finish). A full executor gives it back.
    pub fn spawn(&self, task: T) -> Result<(), Full<T>> {
        self.tasks.try_push(task)?;
        self.executor.bell.set();
        Ok(())
    }

    /// Runs what the helper has not taken, and lets the helper go.
    pub fn finish(self, mut run: impl FnMut(T)) {
        while let Some(task) = self.tasks.pop() {
            run(task);
        }
        // Relaxed: the bell publishes it.
        self.executor.closed.store(true, Ordering::Relaxed);
        self.executor.bell.set();
    }
}

impl<T: Token, const N: usize> fmt::Debug for Executor<T, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Executor").field("bell", &self.bell).finish_non_exhaustive()
    }
}

impl<T: Token, const N: usize> fmt::Debug for Boss<'_, T, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Boss").field("executor", &self.executor).finish_non_exhaustive()
    }
}
