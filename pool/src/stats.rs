//! What a pool has done: counters per worker, each written by its owner alone.

use core::ops::Add;

use reveille_futex::const_unless_loom;
use reveille_futex::sync::atomic::{AtomicUsize, Ordering};

macro_rules! stats {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// What one worker has done since the pool was made, or all of them together.
        ///
        /// The counters are not read at one instant, so two of them need not fit together while the pool works; each only
        /// grows. They wrap with `usize`. Counting costs a load and a store by the worker that owns the counter, and happens
        /// only where a task changes hands or a thread sleeps.
        ///
        /// Many `parks` and `wakes` per job: the work comes in drops, and `IdlePolicy::Search` may serve it better. Many
        /// `exposures`: tasks run long without forking. Few `steals` on a busy pool are a good sign: those were large.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        #[non_exhaustive]
        pub struct WorkerStats {
            $($(#[$doc])* pub $name: u64,)*
        }

        impl Add for WorkerStats {
            type Output = WorkerStats;

            fn add(self, other: WorkerStats) -> WorkerStats {
                WorkerStats { $($name: self.$name + other.$name,)* }
            }
        }

        /// The counters of one seat.
        pub(crate) struct SeatStats {
            $(pub(crate) $name: Count,)*
        }

        impl SeatStats {
            const_unless_loom! {
                pub(crate) const fn new() -> Self {
                    SeatStats { $($name: Count::new(),)* }
                }
            }

            pub(crate) fn read(&self) -> WorkerStats {
                WorkerStats { $($name: self.$name.get(),)* }
            }
        }
    };
}

stats! {
    /// Forks that took the slow way and made tasks public. Forks that stayed private cost nothing and are not counted.
    published,
    /// Tasks of joins taken from another worker.
    steals,
    /// Times this worker made another one's private tasks public.
    exposures,
    /// Spawned and scoped tasks run.
    jobs,
    /// Sleepers woken because of posted work.
    wakes,
    /// Times the worker went to sleep.
    parks,
}

/// A counter with one writer.
pub(crate) struct Count(AtomicUsize);

impl Count {
    const_unless_loom! {
        const fn new() -> Self {
            Count(AtomicUsize::new(0))
        }
    }

    /// Owner only: a load and a store, not a read-modify-write.
    #[inline]
    pub(crate) fn add_one(&self) {
        // loom would explore every reading of a counter that no decision depends on.
        if !cfg!(loom) {
            self.0.store(self.0.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
        }
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed) as u64 // a report
    }
}
