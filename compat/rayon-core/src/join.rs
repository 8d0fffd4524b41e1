//! Two halves.

use std::marker::PhantomData;

use reveille_pool::Worker;

use crate::global;

/// Runs `oper_a` and `oper_b`, perhaps in parallel, and returns both results.
///
/// ```
/// assert_eq!(rayon_core::join(|| 1 + 1, || 2 * 2), (2, 4));
/// ```
#[inline]
pub fn join<A, B, RA, RB>(oper_a: A, oper_b: B) -> (RA, RB)
where
    A: FnOnce() -> RA + Send,
    B: FnOnce() -> RB + Send,
    RA: Send,
    RB: Send,
{
    Worker::with_current(|worker| match worker {
        Some(worker) => worker.join_beside(PhantomData::<A>, |_| oper_a(), |_| oper_b()),
        None => cold(|worker| worker.join(|_| oper_a(), |_| oper_b())),
    })
}

/// [`join`](join()) of closures that are told whether they have moved to another thread.
///
/// ```
/// let pool = rayon_core::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
/// let moved = pool.install(|| rayon_core::join_context(|a| a.migrated(), |b| b.migrated()));
/// assert_eq!(moved, (false, false)); // there is no other thread
/// ```
#[inline]
pub fn join_context<A, B, RA, RB>(oper_a: A, oper_b: B) -> (RA, RB)
where
    A: FnOnce(FnContext) -> RA + Send,
    B: FnOnce(FnContext) -> RB + Send,
    RA: Send,
    RB: Send,
{
    Worker::with_current(|worker| match worker {
        Some(worker) => join_of(worker, false, oper_a, oper_b),
        None => cold(|worker| join_of(worker, true, oper_a, oper_b)),
    })
}

/// A join on a worker, whose caller was somewhere else if `moved`.
#[inline(always)]
fn join_of<A, B, RA, RB>(worker: &Worker, moved: bool, oper_a: A, oper_b: B) -> (RA, RB)
where
    A: FnOnce(FnContext) -> RA + Send,
    B: FnOnce(FnContext) -> RB + Send,
    RA: Send,
    RB: Send,
{
    let home = worker.index();
    let a = |_: &Worker| oper_a(FnContext::new(moved));
    worker.join_beside(PhantomData::<A>, a, move |worker| oper_b(FnContext::new(moved || worker.index() != home)))
}

#[cold]
fn cold<R: Send>(f: impl FnOnce(&Worker) -> R + Send) -> R {
    global::pool().run_on_thread(f)
}

/// What a closure of [`join_context`] is told.
#[derive(Debug)]
pub struct FnContext {
    migrated: bool,
    /// Neither `Send` nor `Sync`.
    here: PhantomData<*mut ()>,
}

impl FnContext {
    #[inline]
    fn new(migrated: bool) -> Self {
        FnContext { migrated, here: PhantomData }
    }

    /// Whether the closure runs on another thread than the one that gave it.
    #[inline]
    pub fn migrated(&self) -> bool {
        self.migrated
    }
}
