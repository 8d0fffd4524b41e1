//! Claims about a thief that comes back: the look at whom it stole from, before it searches (`Worker::another_of`).

use std::mem;

use loom::sync::Arc;
use loom::thread;
use reveille_futex::sync::atomic::AtomicU32;
use reveille_loom_tests::Check;

use super::subject::Scope;
use super::whole::{block_on, happen, on_pool};

/// Whatever its look finds or misses, nothing is left unrun over it, and it hears of a shutdown.
///
/// The first task is there to be stolen. The second one spawns a third and blocks until that has run. So if the thief gets the
/// second one, the owner has to run the third, awake or asleep; and if not, the thief must.
pub fn pool_thief_that_comes_back_sleeps_over_nothing(check: Check) {
    on_pool::<2, 2>(check, |pool| {
        let scope = |s: &Scope<'_>, w: &_| {
            s.spawn_on(w, |_, _| ());
            let worker = thread::spawn(|| pool.run_worker(0).unwrap());
            s.spawn_on(w, |w, s| {
                let ran = Arc::new(AtomicU32::new(0));
                let third = ran.clone();
                s.spawn_on(w, move |_, _| happen(&third));
                block_on(&ran);
            });
            worker
        };
        let worker = pool.enter(|w| w.scope(|s| scope(s, w))).unwrap();
        pool.shutdown();
        worker.join().unwrap();
    });
}

/// Whoever posts while it looks does not leave the task to it: it may find another one, which waits for that task.
// full tier
pub fn pool_thief_that_comes_back_is_trusted_by_nobody(check: Check) {
    on_pool::<2, 2>(check, |pool| {
        let scope = |s: &Scope<'_>, w: &_| {
            let (first, third) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
            let [stolen, waits, posted] = [&first, &third, &third].map(Arc::clone);
            s.spawn_on(w, move |_, _| happen(&stolen));
            s.spawn_on(w, move |_, _| block_on(&waits));
            let worker = thread::spawn(|| pool.run_worker(0).unwrap());
            block_on(&first); // so that the thief has run it
            // SAFETY: the scope does not end before its second task, which waits for the third, which is spawned here; a spawn
            // does not touch the scope after the task is queued.
            let s: &'static Scope<'static> = unsafe { mem::transmute(s) };
            let poster = thread::spawn(move || s.spawn(move |_| happen(&posted)));
            [worker, poster]
        };
        let [worker, poster] = pool.enter(|w| w.scope(|s| scope(s, w))).unwrap();
        pool.shutdown();
        worker.join().unwrap();
        poster.join().unwrap();
    });
}
