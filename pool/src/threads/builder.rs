//! How a pool of threads is made.

use core::fmt;

use std::any::Any;
use std::boxed::Box;
use std::io;
use std::string::String;
use std::thread;

use super::inner::{Hook, PanicHandler};
use crate::events::Observer;
use crate::idle_policy::IdlePolicy;
use crate::sleep::counters::MAX_SEATS;

/// The environment variable that sets the number of threads where the program does not.
const THREADS_VARIABLE: &str = "REVEILLE_NUM_THREADS";

/// The most threads that a pool can have: the other half of the seats is for guests.
pub(super) const MOST_THREADS: usize = MAX_SEATS / 2;

/// Settings of a [`ThreadPool`](crate::ThreadPool).
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
    pub(super) guests: Option<usize>,
    pub(super) resident: bool,
    pub(super) oldest_first: bool,
    pub(super) capacity: Option<usize>,
    pub(super) stack_size: Option<usize>,
    pub(super) name: Option<Box<dyn FnMut(usize) -> String>>,
    pub(super) start: Option<Hook>,
    pub(super) exit: Option<Hook>,
    pub(super) panic: Option<PanicHandler>,
    pub(super) idle: IdlePolicy,
    pub(super) observer: Option<Box<dyn Observer>>,
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

    /// How many callers from outside may work at once in [`enter`](crate::ThreadPool::enter), 8 by default; the next one waits for a
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

    pub(super) fn threads_or_default(&self) -> usize {
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
