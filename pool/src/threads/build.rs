//! From a builder's settings to a pool and its threads.

use std::io;
use std::thread;
use std::vec::Vec;

use super::builder::{BuildError, MOST_THREADS, ThreadPoolBuilder};
use super::free;
use super::inner::Inner;
use super::start::ThreadBuilder;
use super::thread_pool::ThreadPool;
use crate::current;
use crate::sleep::counters::MAX_SEATS;
use crate::span::MAX_CAPACITY;

/// How deep joins may nest by default before they run in sequence. The memory is reserved, and used as far as a program
/// gets.
const CAPACITY: usize = 8_192;

/// Seats for callers from outside. When all are taken, a caller waits behind the queue instead of working itself.
const GUESTS: usize = 8;

impl ThreadPoolBuilder {
    /// Makes the pool and starts its threads.
    ///
    /// # Errors
    ///
    /// [`BuildError`]: settings that cannot work, or a thread that the system refused; threads that had started are gone.
    pub fn build(self) -> Result<ThreadPool, BuildError> {
        let mut handles = Vec::new();
        let built = self.start_threads(|builder| {
            handles.push(builder.thread().spawn(|| builder.run())?);
            Ok(())
        });
        match built {
            Ok(mut pool) => {
                pool.joins(handles);
                Ok(pool)
            }
            Err(e) => {
                for thread in handles {
                    let _ = thread.join(); // the pool is gone, and so are they soon; they do not unwind
                }
                Err(e)
            }
        }
    }

    /// Makes the pool, whose threads `spawn` starts in its own way: each has to call [`ThreadBuilder::run`].
    ///
    /// The end of the pool waits until `run` has returned on all of them; who needs them gone joins them.
    ///
    /// ```
    /// use reveille_pool::ThreadPoolBuilder;
    ///
    /// let pool = ThreadPoolBuilder::new()
    ///     .num_threads(2)
    ///     .build_with(|builder| {
    ///         std::thread::Builder::new().name(format!("own-{}", builder.index())).spawn(|| builder.run())?;
    ///         Ok(())
    ///     })
    ///     .unwrap();
    /// let names = pool.broadcast(|_| std::thread::current().name().map(str::to_owned));
    /// assert_eq!(names, [Some("own-0".to_owned()), Some("own-1".to_owned())]);
    /// ```
    ///
    /// # Errors
    ///
    /// As [`build`](Self::build); an error of `spawn` is [`BuildError::Spawn`], and threads that had started leave on their
    /// own.
    pub fn build_with(self, spawn: impl FnMut(ThreadBuilder) -> io::Result<()>) -> Result<ThreadPool, BuildError> {
        self.start_threads(spawn)
    }

    /// Makes a pool that lives while `f` runs, on threads that may borrow from the caller: `wrapper` runs on each of them, and
    /// has to call [`ThreadBuilder::run`].
    ///
    /// ```
    /// use std::cell::Cell;
    /// use reveille_pool::ThreadPoolBuilder;
    ///
    /// thread_local!(static GREETING: Cell<&'static str> = const { Cell::new("") });
    /// let builder = ThreadPoolBuilder::new().num_threads(2);
    /// let greetings = builder.build_scoped(
    ///     |thread| {
    ///         GREETING.set("hello");
    ///         thread.run();
    ///     },
    ///     |pool| pool.broadcast(|_| GREETING.get()),
    /// );
    /// assert_eq!(greetings.unwrap(), ["hello", "hello"]);
    /// ```
    ///
    /// # Errors
    ///
    /// As [`build`](Self::build).
    pub fn build_scoped<W, F, R>(self, wrapper: W, f: F) -> Result<R, BuildError>
    where
        W: Fn(ThreadBuilder) + Sync,
        F: FnOnce(&ThreadPool) -> R,
    {
        thread::scope(|threads| {
            let pool = self.start_threads(|builder| {
                builder.thread().spawn_scoped(threads, || wrapper(builder))?;
                Ok(())
            })?;
            Ok(f(&pool))
        })
    }

    fn start_threads(
        mut self,
        mut spawn: impl FnMut(ThreadBuilder) -> io::Result<()>,
    ) -> Result<ThreadPool, BuildError> {
        let threads = self.threads_or_default();
        let capacity = self.capacity.unwrap_or(CAPACITY.min(MAX_CAPACITY));
        let guests = self.guests.unwrap_or(GUESTS);
        if threads > MOST_THREADS || guests > MAX_SEATS - threads {
            return Err(BuildError::TooManyThreads { threads: threads.max(guests), most: MOST_THREADS });
        }
        if capacity == 0 || capacity > MAX_CAPACITY {
            return Err(BuildError::Capacity { capacity, most: MAX_CAPACITY });
        }
        if self.resident && current::with_worker(|worker| worker.is_some()) {
            return Err(BuildError::CurrentThreadWorks);
        }
        let inner = Inner::new(threads, guests, capacity, self.start.take(), self.exit.take(), self.panic.take());
        inner.core().idle_policy.set(self.idle);
        if let Some(observer) = self.observer.take() {
            inner.core().events.set(observer);
        }
        if self.oldest_first {
            inner.core().staff.set_oldest_first();
        }
        if self.resident {
            inner.core().staff.set_resident();
        }
        let pool = ThreadPool::of(inner.clone());
        for index in usize::from(self.resident)..threads {
            inner.thread_comes();
            let name = self.name.as_mut().map(|name| name(index));
            let builder = ThreadBuilder::new(inner.clone(), index, name, self.stack_size);
            if let Err(e) = spawn(builder) {
                pool.detach();
                return Err(BuildError::Spawn(e));
            }
        }
        if self.resident {
            inner.settle_first();
        }
        Ok(pool)
    }

    /// Makes the pool that free functions use outside of any pool.
    ///
    /// # Errors
    ///
    /// As [`build`](Self::build), and [`BuildError::GlobalExists`].
    pub fn build_global(self) -> Result<(), BuildError> {
        free::make_global(|| self.build())
    }

    /// [`build_global`](Self::build_global) of what [`build_with`](Self::build_with) makes.
    ///
    /// # Errors
    ///
    /// As [`build_with`](Self::build_with), and [`BuildError::GlobalExists`].
    pub fn build_global_with(self, spawn: impl FnMut(ThreadBuilder) -> io::Result<()>) -> Result<(), BuildError> {
        free::make_global(|| self.build_with(spawn))
    }
}
