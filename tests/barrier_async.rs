//! Barriers that tasks and threads share.

use std::future::{Future, IntoFuture};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread;

use reveille::barrier::{ArriveError, Barrier};

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
fn tasks_and_threads_meet() {
    let barrier = Barrier::new(3);
    thread::scope(|s| {
        for _ in 0..2 {
            s.spawn(|| {
                for _ in 0..300 {
                    block_on(pin!(barrier.wait_async())).unwrap();
                }
            });
        }
        for phase in 0..300 {
            assert_eq!(barrier.wait().generation(), phase);
        }
    });
}

/// A future dropped after each number of polls takes its arrival back, so nobody is counted twice.
#[test]
fn a_dropped_future_withdraws() {
    let barrier = Barrier::new(2);
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    for polls in 0..4 {
        let mut future = Box::pin(barrier.arrive().unwrap().into_future());
        for _ in 0..polls {
            assert!(future.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        }
        assert_eq!(barrier.arrived(), 1);
        drop(future);
        assert_eq!((barrier.arrived(), barrier.generation()), (0, polls));
        let other = barrier.arrive().unwrap();
        assert!(barrier.wait().is_leader());
        other.wait().unwrap();
    }
}

#[test]
fn a_future_is_told_of_a_break_and_polls_once_more_after_the_phase() {
    let barrier = Barrier::new(2);
    thread::scope(|s| {
        let task = s.spawn(|| block_on(pin!(barrier.wait_async())));
        while barrier.arrived() == 0 {
            thread::yield_now();
        }
        barrier.break_with(4);
        let Err(ArriveError::Broken(broken)) = task.join().unwrap() else { panic!("it is broken") };
        assert_eq!(broken.code(), 4);
    });
    barrier.try_reset().unwrap();
    // Dropped between the end of the phase and the next poll: the phase has counted it, nothing is taken back.
    let waker = Waker::noop();
    let mut future = Box::pin(barrier.arrive().unwrap().into_future());
    assert!(matches!(future.as_mut().poll(&mut Context::from_waker(waker)), Poll::Pending));
    barrier.wait();
    drop(future);
    assert_eq!(barrier.arrived(), 0);
}
