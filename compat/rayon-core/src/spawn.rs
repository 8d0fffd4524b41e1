//! Tasks that borrow nothing.

use crate::global;

/// Queues a task on the current thread's pool, or on the global one. Of its own tasks a thread runs the newest first.
///
/// ```
/// let (send, receive) = std::sync::mpsc::channel();
/// rayon_core::spawn(move || send.send(1).unwrap());
/// assert_eq!(receive.recv(), Ok(1));
/// ```
pub fn spawn<F>(func: F)
where
    F: FnOnce() + Send + 'static,
{
    global::ensure();
    reveille_pool::spawn_detached(func);
}

/// [`spawn`], of tasks that keep the order in which a thread spawns them.
pub fn spawn_fifo<F>(func: F)
where
    F: FnOnce() + Send + 'static,
{
    global::ensure();
    reveille_pool::spawn_detached_fifo(func);
}
