//! Claims about the wake path.

use loom::sync::Arc;
use loom::thread;
use reveille_futex::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use reveille_futex::{Os, model};
use reveille_latch::CoreLatch;
use reveille_loom_tests::{Check, spawn};

use super::subject::protocol::{Parked, Signal, Sleep};

/// A pool reduced to what sleeps: workers that take jobs from one counter.
struct Sleepers<const N: usize> {
    sleep: Sleep,
    latches: [CoreLatch; N],
    jobs: AtomicUsize,
    closed: AtomicU32,
    /// Written by the posters, read by whoever takes the job.
    done: AtomicUsize,
}

impl<const N: usize> Sleepers<N> {
    fn new() -> Arc<Self> {
        Arc::new(Sleepers {
            sleep: Sleep::new(),
            latches: core::array::from_fn(|_| CoreLatch::new()),
            jobs: AtomicUsize::new(0),
            closed: AtomicU32::new(0),
            done: AtomicUsize::new(0),
        })
    }

    fn post(&self) {
        self.jobs.fetch_add(1, Ordering::Release);
        self.posted();
    }

    /// As `Core::posted`, with room for everybody.
    fn posted(&self) {
        if self.sleep.post().is_some() {
            self.sleep.wake_any(self.latches.iter());
        }
    }

    fn take(&self) -> bool {
        // A failed look must be able to read an old value: a load first, as a search has.
        let mut jobs = self.jobs.load(Ordering::Relaxed);
        while jobs > 0 {
            match self.jobs.compare_exchange(jobs, jobs - 1, Ordering::Acquire, Ordering::Relaxed) {
                Ok(_) => return true,
                Err(now) => jobs = now,
            }
        }
        false
    }

    fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed) != 0
    }

    fn close(&self) {
        self.closed.swap(1, Ordering::Relaxed);
        for latch in &self.latches {
            self.sleep.wake(latch);
        }
    }

    /// Serves as worker `me` until it has done `quota` jobs or the pool closes.
    fn serve(&self, me: usize, quota: usize) {
        for _ in 0..quota {
            if !self.next(me) {
                return;
            }
            self.done.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The steps of `Worker::next_work`, in its order, without the rounds before the announcement.
    fn next(&self, me: usize) -> bool {
        self.sleep.start_search();
        loop {
            let snapshot = self.sleep.announce();
            if self.take() {
                let left = self.sleep.end_search();
                if left.idle() > 0 && self.jobs.load(Ordering::Relaxed) > 0 {
                    self.posted();
                }
                return true;
            }
            if self.is_closed() {
                self.sleep.end_search();
                return false;
            }
            let parked = self.sleep.park(&self.latches[me], snapshot, || true);
            assert!(matches!(parked, Parked::Slept | Parked::Stayed));
        }
    }
}

/// `N` workers, of which this thread is one, do `jobs` jobs each; one poster posts them all.
fn wake_path<const N: usize>(check: Check, jobs: usize) {
    check.run(move || {
        let pool = Sleepers::<N>::new();
        let workers: Vec<_> = (1..N).map(|me| spawn(&pool, move |pool| pool.serve(me, jobs))).collect();
        let poster = spawn(&pool, move |pool| (0..N * jobs).for_each(|_| pool.post()));
        pool.serve(0, jobs);
        for thread in workers.into_iter().chain([poster]) {
            thread.join().unwrap();
        }
        assert_eq!(pool.done.load(Ordering::Relaxed), N * jobs);
        let left = pool.sleep.counts();
        assert_eq!((left.searching(), left.sleeping()), (0, 0), "everybody left, and nobody is counted");
    });
}

/// One worker, one poster, two jobs: no job is posted past a worker that goes to sleep.
pub fn wake_path_one_worker_never_sleeps_over_a_job(check: Check) {
    wake_path::<1>(check, 2);
}

/// Two workers, one poster, a job for each: no job is posted past workers that go to sleep.
pub fn wake_path_two_workers_never_sleep_over_a_job(check: Check) {
    wake_path::<2>(check, 1);
}

/// A close reaches a worker before, during and after it goes to sleep.
pub fn wake_path_a_close_reaches_every_worker(check: Check) {
    check.run(|| {
        let pool = Sleepers::<1>::new();
        let closer = spawn(&pool, |pool| pool.close());
        pool.serve(0, 1);
        closer.join().unwrap();
        assert_eq!(pool.done.load(Ordering::Relaxed), 0);
    });
}

/// A worker that watches an event sleeps until the event, or new work, and hears of either.
pub fn wake_path_a_watched_signal_wakes_its_worker(check: Check) {
    check.run(|| {
        let pool = Sleepers::<1>::new();
        let signal = Arc::new((Signal::new(), AtomicU32::new(0)));
        let setter = thread::spawn({
            let (pool, signal) = (pool.clone(), signal.clone());
            move || {
                signal.1.store(7, Ordering::Relaxed);
                // SAFETY: the signal is shared.
                if unsafe { Signal::set::<Os>(&raw const signal.0) } {
                    pool.sleep.wake(&pool.latches[0]);
                }
            }
        });
        let interrupter = thread::spawn(model::interrupt);
        pool.sleep.start_search();
        while !signal.0.is_done() {
            let snapshot = pool.sleep.announce();
            pool.sleep.park(&pool.latches[0], snapshot, || signal.0.watch());
        }
        pool.sleep.end_search();
        assert_eq!(signal.1.load(Ordering::Relaxed), 7, "what the setter did");
        setter.join().unwrap();
        interrupter.join().unwrap();
        assert_eq!(pool.sleep.counts().sleeping(), 0, "counted once");
    });
}
