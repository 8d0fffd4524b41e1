//! `ThreadPoolBuilder`: rayon's settings, handed on to the pool's own builder.

use std::any::Any;
use std::{env, fmt, io, thread};

use reveille_pool::ThreadBuilder;

use crate::{ThreadPool, ThreadPoolBuildError, global};

/// Settings of a [`ThreadPool`], or of the global pool.
///
/// ```
/// let pool = rayon_core::ThreadPoolBuilder::new().num_threads(2).thread_name(|i| format!("rayon-{i}")).build().unwrap();
/// assert!(pool.install(|| std::thread::current().name().unwrap().starts_with("rayon-")));
/// ```
pub struct ThreadPoolBuilder<S = DefaultSpawn> {
    threads: usize,
    /// All other settings.
    pool: reveille_pool::ThreadPoolBuilder,
    spawn: S,
}

impl Default for ThreadPoolBuilder {
    fn default() -> Self {
        ThreadPoolBuilder { threads: 0, pool: reveille_pool::ThreadPoolBuilder::new(), spawn: DefaultSpawn }
    }
}

impl ThreadPoolBuilder {
    /// Default settings.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes a pool that lives while `with_pool` runs, on threads that may borrow from the caller: `wrapper` runs on each of
    /// them, and has to call [`ThreadBuilder::run`].
    ///
    /// ```
    /// let text = String::from("borrowed");
    /// let length = rayon_core::ThreadPoolBuilder::new()
    ///     .num_threads(2)
    ///     .build_scoped(|thread| thread.run(), |pool| pool.install(|| text.len()));
    /// assert_eq!(length.unwrap(), 8);
    /// ```
    ///
    /// # Errors
    ///
    /// As [`build`](Self::build).
    pub fn build_scoped<W, F, R>(self, wrapper: W, with_pool: F) -> Result<R, ThreadPoolBuildError>
    where
        W: Fn(ThreadBuilder) + Sync,
        F: FnOnce(&ThreadPool) -> R,
    {
        Ok(self.settings().build_scoped(wrapper, |pool| with_pool(ThreadPool::of(pool)))?)
    }
}

impl<S: ThreadSpawn> ThreadPoolBuilder<S> {
    /// Makes a pool.
    ///
    /// # Errors
    ///
    /// A thread could not be started, or the current one was asked for and works for another pool.
    pub fn build(mut self) -> Result<ThreadPool, ThreadPoolBuildError> {
        let settings = self.take_settings().guest_seats(0); // callers from outside wait for a thread
        Ok(ThreadPool::new_of(settings.build_with(|thread| self.spawn.spawn(thread))?))
    }

    /// Makes the global pool, and returns when all of its threads run.
    ///
    /// # Errors
    ///
    /// As [`build`](Self::build); or there is one already, by this call or because it was wanted before.
    pub fn build_global(mut self) -> Result<(), ThreadPoolBuildError> {
        self.take_settings().build_global_with(|thread| self.spawn.spawn(thread))?;
        global::pool().broadcast(|_| ());
        Ok(())
    }
}

impl<S> ThreadPoolBuilder<S> {
    /// What the pool's own builder is told.
    pub(crate) fn settings(mut self) -> reveille_pool::ThreadPoolBuilder {
        self.take_settings()
    }

    fn take_settings(&mut self) -> reveille_pool::ThreadPoolBuilder {
        let threads = threads_of(self.threads, |name| env::var(name).ok()).min(crate::max_num_threads());
        std::mem::take(&mut self.pool).num_threads(threads)
    }

    fn set(mut self, set: impl FnOnce(reveille_pool::ThreadPoolBuilder) -> reveille_pool::ThreadPoolBuilder) -> Self {
        self.pool = set(self.pool);
        self
    }

    /// Starts the pool's threads by `spawn`, which has to see to it that [`ThreadBuilder::run`] is called on each.
    ///
    /// ```
    /// let pool = rayon_core::ThreadPoolBuilder::new()
    ///     .num_threads(2)
    ///     .spawn_handler(|thread| {
    ///         std::thread::spawn(|| thread.run());
    ///         Ok(())
    ///     })
    ///     .build()
    ///     .unwrap();
    /// assert_eq!(pool.broadcast(|context| context.index()), [0, 1]);
    /// ```
    pub fn spawn_handler<F>(self, spawn: F) -> ThreadPoolBuilder<CustomSpawn<F>>
    where
        F: FnMut(ThreadBuilder) -> io::Result<()>,
    {
        ThreadPoolBuilder { threads: self.threads, pool: self.pool, spawn: CustomSpawn(spawn) }
    }

    /// Names each thread by its index.
    pub fn thread_name<F>(self, closure: F) -> Self
    where
        F: FnMut(usize) -> String + 'static,
    {
        self.set(|pool| pool.thread_name(closure))
    }

    /// How many threads; 0, the default, means what `RAYON_NUM_THREADS` says, or else as many as the system offers.
    pub fn num_threads(mut self, num_threads: usize) -> Self {
        self.threads = num_threads;
        self
    }

    /// Makes the current thread the first one of the pool. It runs tasks of others only while it waits for the pool.
    pub fn use_current_thread(self) -> Self {
        self.set(reveille_pool::ThreadPoolBuilder::use_current_thread)
    }

    /// Gets the payload of a panic that nobody waits for: of a spawned task, or of a handler. Without it the process aborts,
    /// and so it does if the handler panics.
    pub fn panic_handler<H>(self, panic_handler: H) -> Self
    where
        H: Fn(Box<dyn Any + Send>) + Send + Sync + 'static,
    {
        self.set(|pool| pool.panic_handler(panic_handler))
    }

    /// The size of each thread's stack, in bytes.
    pub fn stack_size(self, stack_size: usize) -> Self {
        self.set(|pool| pool.stack_size(stack_size))
    }

    /// Runs a thread's own tasks from the oldest on.
    #[deprecated(note = "use `scope_fifo` and `spawn_fifo` for similar effect")]
    pub fn breadth_first(self) -> Self {
        self.set(reveille_pool::ThreadPoolBuilder::breadth_first)
    }

    /// Called on each thread with its index, before it serves.
    pub fn start_handler<H>(self, start_handler: H) -> Self
    where
        H: Fn(usize) + Send + Sync + 'static,
    {
        self.set(|pool| pool.start_handler(start_handler))
    }

    /// Called on each thread with its index, after it has served.
    pub fn exit_handler<H>(self, exit_handler: H) -> Self
    where
        H: Fn(usize) + Send + Sync + 'static,
    {
        self.set(|pool| pool.exit_handler(exit_handler))
    }
}

/// How many threads a builder means, given the environment.
fn threads_of(asked: usize, variable: impl Fn(&str) -> Option<String>) -> usize {
    let number = |name| variable(name).and_then(|value| value.parse::<usize>().ok());
    let wanted = match (asked, number("RAYON_NUM_THREADS")) {
        (0, None) => number("RAYON_RS_NUM_CPUS").unwrap_or(0), // its old name
        (0, Some(threads)) => threads,
        _ => asked,
    };
    match wanted {
        0 => thread::available_parallelism().map_or(1, usize::from),
        threads => threads,
    }
}

impl<S> fmt::Debug for ThreadPoolBuilder<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ThreadPoolBuilder").field("num_threads", &self.threads).finish_non_exhaustive()
    }
}

/// How a pool's threads are started. Not part of the API: it only stands in bounds.
pub trait ThreadSpawn {
    /// Starts a thread that calls [`ThreadBuilder::run`].
    ///
    /// # Errors
    ///
    /// The system's.
    fn spawn(&mut self, thread: ThreadBuilder) -> io::Result<()>;
}

/// Threads of the standard library's.
#[derive(Debug, Default)]
pub struct DefaultSpawn;

impl ThreadSpawn for DefaultSpawn {
    fn spawn(&mut self, thread: ThreadBuilder) -> io::Result<()> {
        thread.thread().spawn(|| thread.run()).map(drop)
    }
}

/// Threads of the program's.
#[derive(Debug)]
pub struct CustomSpawn<F>(F);

impl<F: FnMut(ThreadBuilder) -> io::Result<()>> ThreadSpawn for CustomSpawn<F> {
    fn spawn(&mut self, thread: ThreadBuilder) -> io::Result<()> {
        (self.0)(thread)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_counts_only_where_the_program_does_not() {
        let here = thread::available_parallelism().map_or(1, usize::from);
        let with = |asked, new: &str, old: &str| {
            threads_of(asked, |name| {
                let value = match name {
                    "RAYON_NUM_THREADS" => new,
                    _ => old,
                };
                (!value.is_empty()).then(|| value.to_owned())
            })
        };
        assert_eq!(with(3, "7", "9"), 3);
        assert_eq!(with(0, "7", "9"), 7);
        assert_eq!(with(0, "", "9"), 9);
        assert_eq!(with(0, "seven", "9"), 9, "not a number: as if it were not there");
        assert_eq!(with(0, "0", "9"), here, "0 means what the system offers");
        assert_eq!(with(0, "", "0"), here);
        assert_eq!(with(0, "", ""), here);
    }
}
