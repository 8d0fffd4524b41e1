//! What workers do, as it happens, for whoever wants to draw it.
//!
//! Events are told where a worker begins or ends a task, sleeps, or wakes another one; never by a fork or by a join whose
//! task nobody took. Without an observer each of these places reads one constant pointer.

#[cfg(all(feature = "std", not(any(loom, target_os = "none"))))]
mod imp {
    use std::boxed::Box;
    use std::sync::OnceLock;

    use super::{Event, Observer};

    pub(crate) struct Events(OnceLock<Box<dyn Observer>>);

    impl Events {
        pub(crate) const fn new() -> Self {
            Events(OnceLock::new())
        }

        /// Before any worker runs.
        pub(crate) fn set(&self, observer: Box<dyn Observer>) {
            let _ = self.0.set(observer);
        }

        #[inline]
        pub(crate) fn has_observer(&self) -> bool {
            self.0.get().is_some()
        }

        #[inline]
        pub(crate) fn tell(&self, worker: impl FnOnce() -> usize, event: Event) {
            if let Some(observer) = self.0.get() {
                observer.event(worker(), event);
            }
        }
    }
}

#[cfg(not(all(feature = "std", not(any(loom, target_os = "none")))))]
mod imp {
    use super::Event;

    pub(crate) struct Events(());

    impl Events {
        pub(crate) const fn new() -> Self {
            Events(())
        }

        #[inline]
        pub(crate) fn has_observer(&self) -> bool {
            false
        }

        #[inline]
        pub(crate) fn tell(&self, _: impl FnOnce() -> usize, _: Event) {}
    }
}

pub(crate) use imp::Events;

/// What a worker does. The events of one worker come in their order, and begins and ends nest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// It begins a spawned or scoped task, or mail.
    TaskBegin,
    /// That task has ended.
    TaskEnd,
    /// It begins the second half of a join of another worker.
    StealBegin {
        /// Whose join it is.
        victim: usize,
    },
    /// That half has ended.
    StealEnd,
    /// It has found nothing and goes to sleep, unless work arrives at this moment.
    ParkBegin,
    /// It looks for work again.
    ParkEnd,
    /// It has woken another worker for work that it posted.
    Wake,
    /// It has made private tasks of another worker public.
    Exposure {
        /// Whose tasks they are.
        victim: usize,
    },
}

/// Is told what the workers of a pool do.
///
/// It is called on the worker's own thread, between tasks, so it should be quick and take no lock that a task holds. If it
/// panics, the process may abort. Seats of guests are workers too: their numbers follow those of the threads.
///
/// ```
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicUsize, Ordering};
/// use reveille_pool::{Event, Observer, ThreadPoolBuilder};
///
/// struct Tasks(Arc<AtomicUsize>);
///
/// impl Observer for Tasks {
///     fn event(&self, _worker: usize, event: Event) {
///         if event == Event::TaskEnd {
///             self.0.fetch_add(1, Ordering::Relaxed);
///         }
///     }
/// }
///
/// let tasks = Arc::new(AtomicUsize::new(0));
/// let pool = ThreadPoolBuilder::new().num_threads(1).observer(Tasks(tasks.clone())).build().unwrap();
/// pool.spawn(|| ()).join().unwrap();
/// drop(pool);
/// assert_eq!(tasks.load(Ordering::Relaxed), 1);
/// ```
#[cfg_attr(
    not(all(feature = "std", not(any(loom, target_os = "none")))),
    allow(dead_code, reason = "a pool of one's own threads tells nobody yet")
)]
pub trait Observer: Send + Sync + 'static {
    /// `worker` does `event` now.
    fn event(&self, worker: usize, event: Event);
}
