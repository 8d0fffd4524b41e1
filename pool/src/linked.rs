//! What only some programs need, and others are linked without: queued tasks, and the end of a pool.
//!
//! A program that only joins has no task in a queue, and one whose pool serves for ever does not close it. On a core of 32 bits
//! without an operating system the code for both is reached only through a pointer: the first task that is queued, or the first
//! shutdown, stores it, and who does neither is linked without what it points to. Everywhere else the way is a constant, and
//! calls through it are direct.
//!
//! *Nothing is overlooked.* The pointer is stored before the task is queued, and before the state says that the pool drains.
//! So whatever orders a look at the queue or at the state behind the push or the drain orders the look at the pointer too: the
//! wake path's fences (M1, M11) or the owner's program order (M28). Who sees the pointer too late would have seen the queue
//! empty. Model `linked_a_sleeper_finds_the_way_to_a_queue`.

use reveille_deque::Steal;
use reveille_futex::Platform;

use crate::Worker;
use crate::job::TaskRef;
use crate::seat::Seat;
use crate::shared::Core;

/// What workers do with queued tasks.
pub(crate) struct Queues<P: Platform> {
    /// The owner takes one of its own.
    pub(crate) own: fn(&Worker<P>) -> Option<TaskRef<P>>,
    /// A thief takes the oldest of a seat.
    pub(crate) steal: fn(&Seat<P>) -> Steal<TaskRef<P>>,
    /// Any worker takes what came from outside.
    pub(crate) injected: fn(&Worker<P>) -> Option<TaskRef<P>>,
    /// The owner leaves its seat.
    pub(crate) leave: fn(&Worker<P>),
}

impl<P: Platform> Linked for Queues<P> {
    const ALL: &'static Self = &Queues {
        own: Worker::queued_task,
        steal: |victim| victim.tasks.stealer().steal(),
        injected: Worker::take_injected,
        leave: Worker::leave_tasks,
    };
}

/// What workers do with a pool that ends.
pub(crate) struct Ending<P: Platform> {
    /// A worker asks whether it may go home.
    pub(crate) is_done: fn(&Worker<P>) -> bool,
    /// An owner has left its seat.
    pub(crate) left: fn(&Core<P>),
}

impl<P: Platform> Linked for Ending<P> {
    const ALL: &'static Self = &Ending { is_done: Worker::may_go_home, left: Core::left_while_draining };
}

/// A table of functions that a pointer leads to.
pub trait Linked: Sized + 'static {
    /// The one table.
    const ALL: &'static Self;
}

#[cfg(not(all(target_os = "none", target_pointer_width = "32")))]
pub(crate) use always::Way;
#[cfg(any(loom, all(target_os = "none", target_pointer_width = "32")))]
pub use late::Late;
#[cfg(all(target_os = "none", target_pointer_width = "32"))]
pub(crate) use late::Late as Way;

#[cfg(not(all(target_os = "none", target_pointer_width = "32")))]
mod always {
    use core::marker::PhantomData;

    use super::Linked;

    /// A constant.
    pub(crate) struct Way<T: Linked>(PhantomData<&'static T>);

    impl<T: Linked> Way<T> {
        pub(crate) const fn new() -> Self {
            Way(PhantomData)
        }

        /// Does what may bring the need for the table.
        #[inline(always)]
        pub(crate) fn before<R>(&self, need: impl FnOnce() -> R) -> R {
            need()
        }

        /// The table, if anybody may need it.
        #[inline(always)]
        pub(crate) fn get(&self) -> Option<&'static T> {
            Some(T::ALL)
        }
    }
}

/// In models too, apart from the pool.
#[cfg(any(loom, all(target_os = "none", target_pointer_width = "32")))]
mod late {
    use core::fmt;
    use core::ptr;

    use reveille_futex::const_unless_loom;
    use reveille_futex::sync::atomic::{AtomicPtr, Ordering};

    use super::Linked;

    /// Null, or the one table. Stores only: whoever stores, it is the same pointer.
    pub struct Late<T: Linked>(AtomicPtr<T>);

    impl<T: Linked> Late<T> {
        const_unless_loom! {
            /// No way yet.
            pub const fn new() -> Self {
                Late(AtomicPtr::new(ptr::null_mut()))
            }
        }

        /// Does what may bring the need for the table, the wake of those who sleep over it included.
        #[inline]
        pub fn before<R>(&self, need: impl FnOnce() -> R) -> R {
            // Relaxed: what it leads to is constant, and what orders a look behind `need` orders this store too (M28).
            self.0.store(ptr::from_ref(T::ALL).cast_mut(), Ordering::Relaxed);
            need()
        }

        /// The table, if anybody may need it.
        #[inline]
        pub fn get(&self) -> Option<&'static T> {
            // Relaxed: as above.
            let table = self.0.load(Ordering::Relaxed);
            // SAFETY: null, or a constant.
            unsafe { table.as_ref() }
        }
    }

    impl<T: Linked> fmt::Debug for Late<T> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.debug_struct("Late").finish_non_exhaustive()
        }
    }
}
