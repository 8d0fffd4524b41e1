//! A thread's part in a pool: from its start to the end of its service.

use core::fmt;

use std::string::String;
use std::sync::Arc;
use std::thread;

use super::inner::Inner;
use crate::pool::serve_as;
use crate::unwind::AbortOnDrop;
use crate::{current, unwind};

/// One thread's place in a pool, for [`ThreadPoolBuilder::build_with`](crate::ThreadPoolBuilder::build_with): whoever has
/// it starts a thread somehow and calls [`run`](Self::run) there.
///
/// If it is dropped, the pool goes on with a thread less.
pub struct ThreadBuilder {
    inner: Arc<Inner>,
    index: usize,
    name: Option<String>,
    stack_size: Option<usize>,
}

impl ThreadBuilder {
    pub(super) fn new(inner: Arc<Inner>, index: usize, name: Option<String>, stack_size: Option<usize>) -> Self {
        ThreadBuilder { inner, index, name, stack_size }
    }

    /// The number of the thread among those of its pool.
    pub fn index(&self) -> usize {
        self.index
    }

    /// What [`thread_name`](crate::ThreadPoolBuilder::thread_name) says.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// What [`stack_size`](crate::ThreadPoolBuilder::stack_size) says.
    pub fn stack_size(&self) -> Option<usize> {
        self.stack_size
    }

    /// A thread of the standard library's with that name and that stack, still to be told what to run.
    ///
    /// ```
    /// let pool = reveille_pool::ThreadPoolBuilder::new()
    ///     .num_threads(1)
    ///     .thread_name(|_| "named".to_owned())
    ///     .build_with(|builder| builder.thread().spawn(|| builder.run()).map(drop))
    ///     .unwrap();
    /// assert_eq!(pool.run_on_thread(|_| std::thread::current().name() == Some("named")), true);
    /// ```
    pub fn thread(&self) -> thread::Builder {
        let mut thread = thread::Builder::new();
        if let Some(name) = &self.name {
            thread = thread.name(name.clone());
        }
        if let Some(bytes) = self.stack_size {
            thread = thread.stack_size(bytes);
        }
        thread
    }

    /// Serves the pool until it has ended.
    ///
    /// Blocks; that is its purpose. If something of the pool's own panics, the process aborts.
    pub fn run(self) {
        let seat = &self.inner.seats()[self.index];
        let occupied = seat.occupy();
        debug_assert!(occupied, "seat {} is its thread's", self.index);
        let bomb = AbortOnDrop("a thread of the pool panicked outside of any task");
        serve_as(seat, |worker, serve| {
            current::scoped(worker, || {
                self.call(self.inner.start.as_deref());
                serve();
                self.call(self.inner.exit.as_deref());
            });
        });
        core::mem::forget(bomb);
    }

    fn call(&self, hook: Option<&(dyn Fn(usize) + Send + Sync)>) {
        let Some(hook) = hook else { return };
        if let Err(payload) = unwind::catch(|| hook(self.index)) {
            self.inner.nobody_waits(payload);
        }
    }
}

impl Drop for ThreadBuilder {
    fn drop(&mut self) {
        self.inner.thread_left();
    }
}

impl fmt::Debug for ThreadBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ThreadBuilder")
            .field("index", &self.index)
            .field("name", &self.name)
            .field("stack_size", &self.stack_size)
            .finish_non_exhaustive()
    }
}
