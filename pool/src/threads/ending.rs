//! The end of a pool.

use std::vec::Vec;

use super::abandoned::UnrunTask;
use super::thread_pool::ThreadPool;
use crate::{Yield, current};

impl ThreadPool {
    /// Refuses further tasks from outside, finishes those that were accepted, and joins the threads.
    ///
    /// Blocks until they are done. Called from one of the pool's own tasks, or on a thread that the pool
    /// [uses](crate::ThreadPoolBuilder::use_current_thread), it does not wait, because it would wait for itself. Callers that are inside [`enter`](Self::enter) finish undisturbed, and later ones work alone.
    pub fn shutdown(&self) {
        if self.inner().core().is_inherited() {
            return; // the threads are the parent's
        }
        self.inner().core().drain();
        if current::with_worker_of(self.inner().core(), |worker| worker.is_some()) {
            return;
        }
        let Some(ending) = self.take_ending() else { return };
        for thread in ending.joins {
            // A thread of the pool does not unwind: it aborts.
            let _ = thread.join();
        }
        self.inner().wait_for_threads();
    }

    /// Refuses further tasks from outside, lets the pool finish those that were accepted, and does not wait, nor does the
    /// drop of the pool after this.
    ///
    /// ```
    /// let pool = reveille_pool::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    /// let (send, receive) = std::sync::mpsc::channel();
    /// let (go_on, may_go_on) = std::sync::mpsc::channel::<()>();
    /// pool.spawn_detached(move || send.send(may_go_on.recv()).unwrap());
    /// pool.detach();
    /// drop(pool);
    /// go_on.send(()).unwrap();
    /// assert_eq!(receive.recv(), Ok(Ok(())));
    /// ```
    pub fn detach(&self) {
        if self.inner().core().is_inherited() {
            return;
        }
        self.inner().core().drain();
        drop(self.take_ending());
    }

    /// [`shutdown`](Self::shutdown), but spawned tasks that have not begun do not run: they are handed back.
    ///
    /// Tasks that have begun are finished, and with them whatever they wait for: their joins and scopes, and the spawned
    /// tasks whose handles they join. What they spawn and do not wait for is handed back too. Blocks as `shutdown` does.
    /// Called from one of the pool's own tasks it does not wait: what is found in no queue then is cancelled when a worker
    /// comes upon it.
    ///
    /// Each task is handed back as a closure: call it to run the task and to complete its handle, or drop it, and the
    /// handle's `join` returns [`Cancelled`](crate::Cancelled).
    ///
    /// ```
    /// let pool = reveille_pool::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    /// let handles: Vec<_> = (0..100).map(|i| pool.spawn(move || i)).collect();
    /// for task in pool.shutdown_now() {
    ///     task(); // here, one after the other
    /// }
    /// assert_eq!(handles.into_iter().map(|handle| handle.join().unwrap()).sum::<i32>(), 4_950);
    /// ```
    pub fn shutdown_now(&self) -> Vec<UnrunTask> {
        self.inner().abandoned.begin();
        self.shutdown();
        current::with_worker_of(self.inner().core(), |worker| {
            if let Some(worker) = worker {
                while worker.run_one() == Yield::Executed {} // sets aside what it finds
            }
        });
        self.inner().abandoned.finish()
    }
}

impl Drop for ThreadPool {
    fn drop(&mut self) {
        self.shutdown();
    }
}
