//! Tasks that borrow nothing.

use super::detached;
use super::handle::{self, JoinHandle};
use super::inner::{Order, Rejected, accepted};
use super::thread_pool::ThreadPool;
use crate::Priority;

impl ThreadPool {
    /// Queues a task that borrows nothing, of normal priority.
    ///
    /// From a worker of this pool it goes to that worker's deque, from elsewhere to the injector; an idle thread is woken if
    /// none is searching. Allocates once. The task inherits nothing from the caller.
    ///
    /// # Panics
    ///
    /// If the pool is shutting down; [`try_spawn`](Self::try_spawn) gives the closure back instead.
    pub fn spawn<F, T>(&self, f: F) -> JoinHandle<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        self.spawn_with(Priority::Normal, f)
    }

    /// [`spawn`](Self::spawn), with a priority.
    ///
    /// ```
    /// use reveille_pool::{Priority, ThreadPoolBuilder};
    ///
    /// let pool = ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    /// let report = pool.spawn_with(Priority::Low, || "later");
    /// let answer = pool.spawn_with(Priority::High, || "now");
    /// assert_eq!((answer.join().unwrap(), report.join().unwrap()), ("now", "later"));
    /// ```
    ///
    /// # Panics
    ///
    /// As [`spawn`](Self::spawn).
    pub fn spawn_with<F, T>(&self, priority: Priority, f: F) -> JoinHandle<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        accepted(self.inner().core(), self.try_spawn_with(priority, f))
    }

    /// [`spawn`](Self::spawn), of tasks that begin in the order in which one worker of the pool spawned them. From outside it
    /// is `spawn`.
    ///
    /// # Panics
    ///
    /// As [`spawn`](Self::spawn).
    pub fn spawn_fifo<F, T>(&self, f: F) -> JoinHandle<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        accepted(self.inner().core(), handle::spawn(self.inner(), Order::Fifo, f))
    }

    /// [`spawn`](Self::spawn) of a task whose end nobody waits for: cheaper than to detach a handle. A panic goes to the panic
    /// handler; without one, the process aborts.
    ///
    /// # Panics
    ///
    /// As [`spawn`](Self::spawn).
    ///
    /// ```
    /// let pool = reveille_pool::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    /// let (send, receive) = std::sync::mpsc::channel();
    /// pool.spawn_detached(move || send.send(1).unwrap());
    /// assert_eq!(receive.recv(), Ok(1));
    /// ```
    pub fn spawn_detached<F>(&self, f: F)
    where
        F: FnOnce() + Send + 'static,
    {
        accepted(self.inner().core(), detached::spawn(self.inner(), Order::By(Priority::Normal), f));
    }

    /// [`spawn_detached`](Self::spawn_detached), with the order of [`spawn_fifo`](Self::spawn_fifo).
    ///
    /// # Panics
    ///
    /// As [`spawn`](Self::spawn).
    pub fn spawn_detached_fifo<F>(&self, f: F)
    where
        F: FnOnce() + Send + 'static,
    {
        accepted(self.inner().core(), detached::spawn(self.inner(), Order::Fifo, f));
    }

    /// [`spawn`](Self::spawn), unless the pool is shutting down.
    ///
    /// # Errors
    ///
    /// [`Rejected`], with the closure.
    pub fn try_spawn<F, T>(&self, f: F) -> Result<JoinHandle<T>, Rejected<F>>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        self.try_spawn_with(Priority::Normal, f)
    }

    /// [`spawn_with`](Self::spawn_with), unless the pool is shutting down.
    ///
    /// # Errors
    ///
    /// [`Rejected`], with the closure.
    pub fn try_spawn_with<F, T>(&self, priority: Priority, f: F) -> Result<JoinHandle<T>, Rejected<F>>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        handle::spawn(self.inner(), Order::By(priority), f).map_err(Rejected)
    }
}
