//! How a pool of threads is made.

use core::fmt;

use std::any::Any;
use std::boxed::Box;
use std::io;
use std::string::String;
use std::thread;
use std::vec::Vec;

use super::inner::{Hook, Inner, PanicHandler};
use super::start::ThreadBuilder;
use super::thread_pool::ThreadPool;
use crate::current;
use crate::events::Observer;
use crate::idle_policy::IdlePolicy;
use crate::sleep::counters::MAX_SEATS;
use crate::span::MAX_CAPACITY;

/// How deep joins may nest by default before they run in sequence. The memory is reserved, and used as far as a program
/// gets.
const CAPACITY: usize = 8_192;

/// The environment variable that sets the number of threads where the program does not.
const THREADS_VARIABLE: &str = "REVEILLE_NUM_THREADS";

/// Seats for callers from outside. When all are taken, a caller waits behind the queue instead of working itself.
const GUESTS: usize = 8;

/// The most threads that a pool can have: the other half of the seats is for guests.
pub(super) const MOST_THREADS: usize = MAX_SEATS / 2;

/// Settings of a [`ThreadPool`].
///
/// ```
/// use reveille_pool::ThreadPoolBuilder;
///
/// let pool = ThreadPoolBuilder::new().num_threads(2).thread_name(|i| format!("worker-{i}")).build().unwrap();
/// let (a, b) = pool.install(|| reveille_pool::join(|| 1, || 2));
/// assert_eq!(a + b, 3);
/// ```
#[derive(Default)]
pub struct ThreadPoolBuilder {
    threads: usize,
    guests: Option<usize>,
    resident: bool,
    oldest_first: bool,
    capacity: Option<usize>,
    stack_size: Option<usize>,
    name: Option<Box<dyn FnMut(usize) -> String>>,
    start: Option<Hook>,
    exit: Option<Hook>,
    panic: Option<PanicHandler>,
    idle: IdlePolicy,
    observer: Option<Box<dyn Observer>>,
}

/// Why a pool could not be made.
#[derive(Debug)]
#[non_exhaustive]
pub enum BuildError {
    /// More threads than the pool's counters can count.
    TooManyThreads {
        /// What was asked for.
        threads: usize,
        /// The most there can be.
        most: usize,
    },
    /// A join capacity of zero, or more than a join stack can have.
    Capacity {
        /// What was asked for.
        capacity: usize,
        /// The most there can be.
        most: usize,
    },
    /// The system refused a thread.
    Spawn(io::Error),
    /// The global pool exists already.
    GlobalExists,
    /// The current thread was to be one of the pool's, and works for another pool.
    CurrentThreadWorks,
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BuildError::TooManyThreads { threads, most } => {
                write!(f, "{threads} threads are more than a pool can have: {most}")
            }
            BuildError::Capacity { capacity, most } => write!(f, "a join capacity of {capacity} is not in 1..={most}"),
            BuildError::Spawn(e) => write!(f, "the system refused a thread: {e}"),
            BuildError::GlobalExists => f.write_str("the global pool exists already"),
            BuildError::CurrentThreadWorks => f.write_str("the current thread works for another pool"),
        }
    }
}

impl core::error::Error for BuildError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            BuildError::Spawn(e) => Some(e),
            _ => None,
        }
    }
}

impl ThreadPoolBuilder {
    /// Default settings.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many threads work at once. 0, the default, means `REVEILLE_NUM_THREADS` from the environment if that is a
    /// positive number, and otherwise what the system makes available to this process.
    #[must_use]
    pub fn num_threads(mut self, threads: usize) -> Self {
        self.threads = threads;
        self
    }

    /// How many callers from outside may work at once in [`enter`](ThreadPool::enter), 8 by default; the next one waits for a
    /// thread of the pool. Fewer make an idle thread's search shorter.
    #[must_use]
    pub fn guest_seats(mut self, guests: usize) -> Self {
        self.guests = Some(guests);
        self
    }

    /// Makes the current thread the first of the pool's threads, for as long as it lives: the free functions use this pool on
    /// it, and one thread less is started. The thread runs tasks of others only while it waits for something of the pool's,
    /// or by [`yield_now`](crate::yield_now); the handlers are not called for it. The pool's memory is never freed.
    ///
    /// ```
    /// use reveille_pool::{ThreadPoolBuilder, current_thread_index, join};
    ///
    /// let pool = ThreadPoolBuilder::new().num_threads(2).use_current_thread().build().unwrap();
    /// assert_eq!(current_thread_index(), Some(0));
    /// assert_eq!(join(|| current_thread_index(), || 1), (Some(0), 1));
    /// ```
    #[must_use]
    pub fn use_current_thread(mut self) -> Self {
        self.resident = true;
        self
    }

    /// Workers run the oldest task that they have spawned first, not the newest. The halves of joins keep their order.
    #[must_use]
    pub fn breadth_first(mut self) -> Self {
        self.oldest_first = true;
        self
    }

    /// How deep joins may nest before they run in sequence; 8,192 by default.
    #[must_use]
    pub fn join_capacity(mut self, capacity: usize) -> Self {
        self.capacity = Some(capacity);
        self
    }

    /// Names each thread by its index.
    #[must_use]
    pub fn thread_name(mut self, name: impl FnMut(usize) -> String + 'static) -> Self {
        self.name = Some(Box::new(name));
        self
    }

    /// The stack size of each thread, in bytes.
    #[must_use]
    pub fn stack_size(mut self, bytes: usize) -> Self {
        self.stack_size = Some(bytes);
        self
    }

    /// Called on each thread before it serves, with its index: to pin it to a processor, say. A panic goes to the panic
    /// handler.
    ///
    /// On Linux, with the `libc` crate:
    ///
    /// ```
    /// # #[cfg(target_os = "linux")] {
    /// /// Binds the calling thread to one of the processors that it may use.
    /// fn pin(index: usize) {
    ///     // SAFETY: an empty set of processors is all zeroes.
    ///     let (mut may, mut one): (libc::cpu_set_t, libc::cpu_set_t) = unsafe { std::mem::zeroed() };
    ///     // SAFETY: 0 is the calling thread, and each set is as large as it says. A refusal leaves the thread where it was.
    ///     unsafe {
    ///         libc::sched_getaffinity(0, size_of_val(&may), &mut may);
    ///         let allowed: Vec<usize> = (0..libc::CPU_SETSIZE as usize).filter(|cpu| libc::CPU_ISSET(*cpu, &may)).collect();
    ///         if let Some(cpu) = allowed.get(index % allowed.len().max(1)) {
    ///             libc::CPU_SET(*cpu, &mut one);
    ///             libc::sched_setaffinity(0, size_of_val(&one), &one);
    ///         }
    ///     }
    /// }
    ///
    /// let pool = reveille_pool::ThreadPoolBuilder::new().num_threads(2).start_handler(pin).build().unwrap();
    /// # let allowed = pool.broadcast(|_| {
    /// #     let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    /// #     unsafe { libc::sched_getaffinity(0, size_of_val(&set), &mut set) };
    /// #     unsafe { libc::CPU_COUNT(&set) }
    /// # });
    /// # assert_eq!(allowed, [1, 1]);
    /// # }
    /// ```
    #[must_use]
    pub fn start_handler(mut self, hook: impl Fn(usize) + Send + Sync + 'static) -> Self {
        self.start = Some(Box::new(hook));
        self
    }

    /// Called on each thread after it has served, with its index. A panic goes to the panic handler.
    #[must_use]
    pub fn exit_handler(mut self, hook: impl Fn(usize) + Send + Sync + 'static) -> Self {
        self.exit = Some(Box::new(hook));
        self
    }

    /// Gets the payload of a panic that nobody waits for: that of a handler, or of a task that has no handle. Without a handler, or if the handler
    /// panics, the process aborts.
    #[must_use]
    pub fn panic_handler(mut self, handler: impl Fn(Box<dyn Any + Send>) + Send + Sync + 'static) -> Self {
        self.panic = Some(Box::new(handler));
        self
    }

    /// How long a thread without work searches before it sleeps.
    #[must_use]
    pub fn idle_policy(mut self, policy: IdlePolicy) -> Self {
        self.idle = policy;
        self
    }

    /// Is told what the workers do: tasks, steals, sleeps, wakes. `examples/timeline.rs` draws them.
    #[must_use]
    pub fn observer(mut self, observer: impl Observer) -> Self {
        self.observer = Some(Box::new(observer));
        self
    }

    /// Makes the pool and starts its threads.
    ///
    /// # Errors
    ///
    /// [`BuildError`]: settings that cannot work, or a thread that the system refused; threads that had started are gone.
    pub fn build(self) -> Result<ThreadPool, BuildError> {
        let mut handles = Vec::new();
        let built = self.start_threads(|builder| {
            handles.push(named(&builder).spawn(|| builder.run())?);
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
                named(&builder).spawn_scoped(threads, || wrapper(builder))?;
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
            inner.core().set_oldest_first();
        }
        if self.resident {
            inner.core().set_resident();
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
        super::free::make_global(|| self.build())
    }

    /// [`build_global`](Self::build_global) of what [`build_with`](Self::build_with) makes.
    ///
    /// # Errors
    ///
    /// As [`build_with`](Self::build_with), and [`BuildError::GlobalExists`].
    pub fn build_global_with(self, spawn: impl FnMut(ThreadBuilder) -> io::Result<()>) -> Result<(), BuildError> {
        super::free::make_global(|| self.build_with(spawn))
    }

    fn threads_or_default(&self) -> usize {
        if self.threads > 0 {
            return self.threads;
        }
        let wanted = std::env::var(THREADS_VARIABLE).ok().and_then(|n| n.parse().ok()).filter(|n| *n > 0);
        // Respects the affinity mask and the cgroup quota.
        wanted.unwrap_or_else(|| thread::available_parallelism().map_or(1, usize::from))
    }
}

impl fmt::Debug for ThreadPoolBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ThreadPoolBuilder").field("num_threads", &self.threads).finish_non_exhaustive()
    }
}

/// A thread as the builder wants it.
fn named(builder: &ThreadBuilder) -> thread::Builder {
    let mut thread = thread::Builder::new();
    if let Some(name) = builder.name() {
        thread = thread.name(name.into());
    }
    if let Some(bytes) = builder.stack_size() {
        thread = thread.stack_size(bytes);
    }
    thread
}
