//! How a pool of threads is made.

use core::fmt;

use std::any::Any;
use std::boxed::Box;
use std::io;
use std::string::String;
use std::sync::Arc;
use std::thread;
use std::vec::Vec;

use super::inner::{Hook, Inner, PanicHandler};
use super::thread_pool::ThreadPool;
use crate::current;
use crate::events::Observer;
use crate::idle_policy::IdlePolicy;
use crate::pool::serve_as;
use crate::sleep::counters::MAX_SEATS;
use crate::span::MAX_CAPACITY;

/// How deep joins may nest by default before they run in sequence. The memory is reserved, and used as far as a program
/// gets.
const CAPACITY: usize = 8_192;

/// The environment variable that sets the number of threads where the program does not.
const THREADS_VARIABLE: &str = "REVEILLE_NUM_THREADS";

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

    /// Called on each thread before it serves, with its index: to pin it to a processor, say. If it panics, the process
    /// aborts.
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

    /// Called on each thread after it has served, with its index. If it panics, the process aborts.
    #[must_use]
    pub fn exit_handler(mut self, hook: impl Fn(usize) + Send + Sync + 'static) -> Self {
        self.exit = Some(Box::new(hook));
        self
    }

    /// Gets the payload of a spawned task that panicked after its handle was dropped. Without a handler, or if the handler
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
    pub fn build(mut self) -> Result<ThreadPool, BuildError> {
        let threads = self.threads_or_default();
        let capacity = self.capacity.unwrap_or(CAPACITY.min(MAX_CAPACITY));
        let most = MAX_SEATS / 2; // guests have seats too
        if threads > most {
            return Err(BuildError::TooManyThreads { threads, most });
        }
        if capacity == 0 || capacity > MAX_CAPACITY {
            return Err(BuildError::Capacity { capacity, most: MAX_CAPACITY });
        }
        let inner = Inner::new(threads, capacity, self.start.take(), self.exit.take(), self.panic.take());
        inner.core().idle_policy.set(self.idle);
        if let Some(observer) = self.observer.take() {
            inner.core().events.set(observer);
        }
        let mut pool = ThreadPool::of(inner.clone(), Vec::with_capacity(threads));
        for index in 0..threads {
            let mut thread = thread::Builder::new();
            if let Some(name) = &mut self.name {
                thread = thread.name(name(index));
            }
            if let Some(bytes) = self.stack_size {
                thread = thread.stack_size(bytes);
            }
            let inner = inner.clone();
            // On an error the pool is dropped, which ends the threads that have started.
            pool.add(thread.spawn(move || main(&inner, index)).map_err(BuildError::Spawn)?);
        }
        Ok(pool)
    }

    /// Makes the pool that free functions use outside of any pool.
    ///
    /// # Errors
    ///
    /// As [`build`](Self::build), and [`BuildError::GlobalExists`].
    pub fn build_global(self) -> Result<(), BuildError> {
        super::free::set_global(self.build()?)
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

/// What a thread of the pool does.
fn main(inner: &Arc<Inner>, index: usize) {
    let seat = &inner.seats()[index];
    let occupied = seat.occupy();
    debug_assert!(occupied, "seat {index} is its thread's");
    let bomb = crate::unwind::AbortOnDrop("a thread of the pool panicked outside of any task");
    if let Some(start) = &inner.start {
        start(index);
    }
    serve_as(seat, |worker, serve| current::scoped(worker, serve));
    if let Some(exit) = &inner.exit {
        exit(index);
    }
    core::mem::forget(bomb);
}
