//! Which worker the current thread is, for the functions that are not given one.

#[cfg(all(feature = "std", not(any(loom, target_os = "none"))))]
mod imp {
    use core::cell::Cell;
    use core::ptr;

    use reveille_futex::{Os, Platform};

    use crate::Worker;
    use crate::shared::Core;

    std::thread_local! {
        static CURRENT: Cell<*const Worker<Os>> = const { Cell::new(ptr::null()) };
    }

    /// The current thread's innermost worker.
    #[inline]
    pub(crate) fn with_worker<R>(f: impl FnOnce(Option<&Worker<Os>>) -> R) -> R {
        let worker = CURRENT.get();
        // SAFETY: set by `scoped` for as long as the worker is borrowed on this thread.
        f(unsafe { worker.as_ref() })
    }

    /// Makes `worker` the current one for as long as this thread lives.
    ///
    /// # Safety
    ///
    /// The worker is this thread's and lives as long.
    pub(crate) unsafe fn settle(worker: &Worker<Os>) {
        CURRENT.set(worker);
    }

    impl Worker {
        /// Calls `f` with the current thread's worker, if it works for a [`ThreadPool`](crate::ThreadPool).
        ///
        /// For a library that wants a worker without asking its callers to pass one on. Costs one thread-local read.
        ///
        /// ```
        /// use reveille_pool::{ThreadPool, Worker};
        ///
        /// let pool = ThreadPool::new().unwrap();
        /// assert!(Worker::with_current(|worker| worker.is_none()));
        /// assert!(pool.enter(|_| Worker::with_current(|worker| worker.is_some())));
        /// ```
        #[inline]
        pub fn with_current<R>(f: impl FnOnce(Option<&Worker>) -> R) -> R {
            with_worker(f)
        }

        /// The number of this worker's thread among the threads of its pool; `None` for a guest.
        pub fn thread_index(&self) -> Option<usize> {
            (self.index() < self.core().thread_seats().len()).then(|| self.index())
        }
    }

    /// Makes `worker` the current one while `f` runs.
    pub(crate) fn scoped<R>(worker: &Worker<Os>, f: impl FnOnce() -> R) -> R {
        struct Restore(*const Worker<Os>);

        impl Drop for Restore {
            fn drop(&mut self) {
                CURRENT.set(self.0);
            }
        }

        let _restore = Restore(CURRENT.replace(worker));
        f()
    }

    /// The current worker, if it belongs to this pool.
    #[inline]
    pub(crate) fn with_worker_of<P: Platform, R>(core: &Core<P>, f: impl FnOnce(Option<&Worker<P>>) -> R) -> R {
        let worker = CURRENT.get();
        if !worker.is_null() {
            // SAFETY: as in `with_worker`.
            let its_core: *const Core<Os> = unsafe { &*worker }.core();
            if ptr::addr_eq(its_core, core) {
                // SAFETY: as above. A core at one address has one type, so `P` is `Os`.
                return f(Some(unsafe { &*worker.cast() }));
            }
        }
        f(None)
    }
}

#[cfg(all(feature = "alloc", not(all(feature = "std", not(any(loom, target_os = "none"))))))]
mod imp {
    use reveille_futex::Platform;

    use crate::Worker;
    use crate::shared::Core;

    /// Without thread-locals, nobody knows.
    #[inline]
    pub(crate) fn with_worker_of<P: Platform, R>(_: &Core<P>, f: impl FnOnce(Option<&Worker<P>>) -> R) -> R {
        f(None)
    }
}

#[cfg(feature = "alloc")]
pub(crate) use imp::*;
