//! Tasks that borrow.

use std::fmt;

use reveille_pool::Worker;

use crate::{BroadcastContext, global};

macro_rules! scope_type {
    ($(#[$doc:meta])* $name:ident, $spawn:ident, $(#[$spawn_doc:meta])*) => {
        $(#[$doc])*
        #[repr(transparent)]
        pub struct $name<'scope>(reveille_pool::$name<'scope>);

        impl<'scope> $name<'scope> {
            pub(crate) fn of<'a>(scope: &'a reveille_pool::$name<'scope>) -> &'a Self {
                // SAFETY: `repr(transparent)`.
                unsafe { &*(&raw const *scope).cast() }
            }

            $(#[$spawn_doc])*
            pub fn $spawn<BODY>(&self, body: BODY)
            where
                BODY: FnOnce(&$name<'scope>) + Send + 'scope,
            {
                self.0.$spawn(move |scope| body($name::of(scope)));
            }

            /// Spawns a task for each thread of the pool.
            pub fn spawn_broadcast<BODY>(&self, body: BODY)
            where
                BODY: Fn(&$name<'scope>, BroadcastContext<'_>) + Send + Sync + 'scope,
            {
                self.0.spawn_broadcast(move |scope, worker| body($name::of(scope), BroadcastContext::of(worker)));
            }
        }

        impl fmt::Debug for $name<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

scope_type! {
    /// A place to spawn tasks that may borrow whatever outlives it. Made by [`scope`].
    Scope, spawn,
    /// Spawns a task, which gets the scope to spawn more. Of those that one thread has spawned it runs the newest first.
}

scope_type! {
    /// A [`Scope`] whose tasks keep the order in which a thread spawns them. Made by [`scope_fifo`].
    ScopeFifo, spawn_fifo,
    /// Spawns a task, which gets the scope to spawn more. Of those that one thread has spawned it runs the oldest first.
}

/// Runs `op` on a thread of the current pool, or of the global one, with a scope, and returns when its tasks are done.
///
/// ```
/// let mut numbers = [1, 2, 3];
/// rayon_core::scope(|s| {
///     for n in &mut numbers {
///         s.spawn(|_| *n *= 10);
///     }
/// });
/// assert_eq!(numbers, [10, 20, 30]);
/// ```
pub fn scope<'scope, OP, R>(op: OP) -> R
where
    OP: FnOnce(&Scope<'scope>) -> R + Send,
    R: Send,
{
    global::run(|worker| worker.scope(|scope| op(Scope::of(scope))))
}

/// [`scope`], with tasks that keep the order in which a thread spawns them.
pub fn scope_fifo<'scope, OP, R>(op: OP) -> R
where
    OP: FnOnce(&ScopeFifo<'scope>) -> R + Send,
    R: Send,
{
    global::run(|worker| worker.scope_fifo(|scope| op(ScopeFifo::of(scope))))
}

/// [`scope`], with `op` on this thread, whether it is one of a pool's or not.
pub fn in_place_scope<'scope, OP, R>(op: OP) -> R
where
    OP: FnOnce(&Scope<'scope>) -> R,
{
    let op = |scope: &reveille_pool::Scope<'scope>| op(Scope::of(scope));
    Worker::with_current(|worker| match worker {
        Some(worker) => worker.scope(op),
        None => global::pool().in_place_scope(op),
    })
}

/// [`in_place_scope`], with tasks that keep the order in which a thread spawns them.
pub fn in_place_scope_fifo<'scope, OP, R>(op: OP) -> R
where
    OP: FnOnce(&ScopeFifo<'scope>) -> R,
{
    let op = |scope: &reveille_pool::ScopeFifo<'scope>| op(ScopeFifo::of(scope));
    Worker::with_current(|worker| match worker {
        Some(worker) => worker.scope_fifo(op),
        None => global::pool().in_place_scope_fifo(op),
    })
}
