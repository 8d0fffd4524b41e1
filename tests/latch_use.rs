//! Latches as a program uses them, from threads and from async code.

use std::future::Future;
use std::panic::{self, AssertUnwindSafe};
use std::pin::Pin;
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::{Duration, Instant};

use reveille::futex::testing::{Chaos, Counting};
use reveille::latch::{AddError, CountdownLatch, Latch, Poisoned, Underflow, WaitError, WaitGroup};

/// Rounds of a stress loop: `REVEILLE_STRESS`, small by default.
fn rounds(default: u32) -> u32 {
    std::env::var("REVEILLE_STRESS").ok().and_then(|n| n.parse().ok()).unwrap_or(default)
}

#[test]
fn nobody_asleep_means_no_call() {
    type Mine = Counting<20>;
    let latch = Latch::<Mine>::new_on();
    let count = CountdownLatch::<Mine>::new_on(3);
    let group = WaitGroup::<Mine>::new_on();
    assert!(latch.set());
    latch.wait();
    for _ in 0..3 {
        count.count_down().unwrap();
    }
    count.wait().unwrap();
    drop([group.enter(), group.enter()]);
    group.wait().unwrap();
    let counts = Mine::counts();
    assert_eq!((counts.waits, counts.wakes, counts.yields), (0, 0, 0));
    // The counters do count.
    let closed = CountdownLatch::<Mine>::new_on(1);
    assert_eq!(closed.wait_timeout(Duration::from_millis(5)), Err(WaitError::TimedOut));
    closed.count_down().unwrap();
    assert!(Mine::counts().waits > 0 && Mine::counts().wakes == 1);
}

#[test]
fn misuse_is_an_error() {
    let mut latch = CountdownLatch::new(2);
    assert_eq!(latch.count_down_by(3), Err(Underflow));
    assert_eq!(latch.count(), 2);
    assert_eq!(latch.try_add(CountdownLatch::<reveille::futex::Os>::MAX), Err(AddError::Overflow));
    assert_eq!(latch.try_add(1), Ok(()));
    assert_eq!(latch.count_down_by(3), Ok(true));
    assert_eq!(latch.count_down(), Err(Underflow));
    assert_eq!(latch.count_down_by(0), Ok(false));
    assert_eq!(latch.try_add(1), Err(AddError::Released));
    assert!(latch.is_released());
    latch.reset(1);
    assert!(!latch.is_released());
    assert!(panic::catch_unwind(|| CountdownLatch::new(u32::MAX)).is_err());
}

#[test]
fn a_panic_poisons_instead_of_hanging() {
    let latch = CountdownLatch::new(2);
    let group = WaitGroup::new();
    let member = group.enter();
    thread::scope(|s| {
        let latch = &latch;
        let bad = s.spawn(move || {
            let (_count, _member) = (latch.guard(), member);
            panic::resume_unwind(Box::new("quiet"));
        });
        s.spawn(|| drop(latch.guard()));
        assert_eq!(latch.wait(), Err(Poisoned));
        assert_eq!(latch.wait_timeout(Duration::from_secs(5)), Err(WaitError::Poisoned));
        assert_eq!(group.wait(), Err(Poisoned));
        assert!(bad.join().is_err());
    });
    group.clear_poison();
    assert_eq!(group.wait(), Ok(()));
}

#[test]
fn a_timeout_comes_in_time_and_leaves_everything_usable() {
    let (latch, count, group) = (Latch::new(), CountdownLatch::new(1), WaitGroup::new());
    let member = group.enter();
    let start = Instant::now();
    assert!(!latch.wait_timeout(Duration::from_millis(20)));
    assert_eq!(count.wait_timeout(Duration::from_millis(20)), Err(WaitError::TimedOut));
    assert_eq!(group.wait_timeout(Duration::from_millis(20)), Err(WaitError::TimedOut));
    assert!(start.elapsed() >= Duration::from_millis(60));
    assert!(!latch.wait_timeout(Duration::ZERO));
    thread::scope(|s| {
        s.spawn(|| {
            latch.set();
            count.count_down().unwrap();
            drop(member);
        });
        assert!(latch.wait_timeout(Duration::from_secs(60)));
        assert_eq!(count.wait_timeout(Duration::from_secs(60)), Ok(()));
        assert_eq!(group.wait_timeout(Duration::MAX), Ok(()));
    });
}

#[test]
fn spurious_returns_open_nothing() {
    type Wild = Chaos<20>;
    for _ in 0..rounds(200) {
        let latch = CountdownLatch::<Wild>::new_on(3);
        let sum = AtomicU32::new(0);
        thread::scope(|s| {
            for _ in 0..3 {
                s.spawn(|| {
                    sum.fetch_add(1, Ordering::Relaxed);
                    latch.count_down().unwrap();
                });
            }
            latch.wait().unwrap();
            assert_eq!(sum.load(Ordering::Relaxed), 3);
        });
    }
}

/// The waiter frees the latch at once; the workers know only the address.
#[test]
fn a_latch_is_freed_as_soon_as_it_opens() {
    struct Shared(*const CountdownLatch);
    // SAFETY: the latch lives until both have counted down.
    unsafe impl Send for Shared {}
    impl Shared {
        fn count_down(self) {
            // SAFETY: as above; this is one of the two counts.
            unsafe { CountdownLatch::count_down_raw(self.0) }.unwrap();
        }
    }
    for _ in 0..rounds(500) {
        let latch = Box::new(CountdownLatch::new(2));
        let workers = [(); 2].map(|()| {
            let shared = Shared(ptr::from_ref(&*latch));
            thread::spawn(move || shared.count_down())
        });
        latch.wait().unwrap();
        drop(latch);
        for worker in workers {
            worker.join().unwrap();
        }
    }
}

struct Unpark(thread::Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn block_on<F: Future>(mut future: Pin<&mut F>) -> F::Output {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
        thread::park();
    }
}

#[test]
fn every_future_is_woken_and_dropping_some_disturbs_none() {
    let latch = CountdownLatch::new(1);
    thread::scope(|s| {
        for i in 0..40 {
            let latch = &latch;
            s.spawn(move || {
                let waker = Waker::from(Arc::new(Unpark(thread::current())));
                // Dropped after none, one, two or three polls.
                let mut dropped = Box::pin(latch.wait_async());
                for _ in 0..i % 4 {
                    let _ = dropped.as_mut().poll(&mut Context::from_waker(&waker));
                }
                drop(dropped);
                block_on(Box::pin(latch.wait_async()).as_mut()).unwrap();
            });
        }
        thread::sleep(Duration::from_millis(5)); // some subscribe before, some after; either way it must end
        latch.count_down().unwrap();
    });
}

#[test]
fn a_waker_that_panics_strands_nobody() {
    struct Bad;
    impl Wake for Bad {
        fn wake(self: Arc<Self>) {
            panic::resume_unwind(Box::new("quiet"));
        }
    }
    let latch = CountdownLatch::new(1);
    let mut good = Box::pin(latch.wait_async());
    let woken = Arc::new(Unpark(thread::current()));
    let good_waker = Waker::from(woken.clone());
    assert!(good.as_mut().poll(&mut Context::from_waker(&good_waker)).is_pending());
    let mut bad = Box::pin(latch.wait_async()); // in front of the list
    assert!(bad.as_mut().poll(&mut Context::from_waker(&Waker::from(Arc::new(Bad)))).is_pending());
    assert!(panic::catch_unwind(AssertUnwindSafe(|| latch.count_down())).is_err());
    assert!(latch.is_released());
    assert_eq!(Arc::strong_count(&woken), 2, "the entry's waker is gone: it was called");
    block_on(good.as_mut()).unwrap();
}
