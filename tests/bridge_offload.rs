//! Closures on the pool, their results awaited on a tokio loop of one thread.
#![cfg(feature = "std")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc;

use reveille::bridge::offload::{Completions, Execute, Job, Offload, TaskError};
use reveille::bridge::{Boxed, Bridge, Budget, WakerSignal};
use reveille::{ThreadPool, ThreadPoolBuilder};

fn offload(threads: usize) -> (Offload<impl Execute>, Completions) {
    let pool: ThreadPool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    Offload::new(move |job: Job| pool.spawn(move || job.run()).detach(), WakerSignal::new())
}

fn run_on_a_loop<F: Future<Output = ()>>(test: F) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(tokio::task::LocalSet::new().run_until(test));
}

#[test]
fn a_result_comes_to_the_loop() {
    let (offload, completions) = offload(2);
    run_on_a_loop(async {
        tokio::task::spawn_local(completions.drive(Budget::items(8)));
        let tasks: Vec<_> = (0..100_u64).map(|i| offload.run(move || i * i)).collect();
        let mut sum = 0;
        for task in tasks {
            sum += task.await.unwrap();
        }
        assert_eq!(sum, (0..100).map(|i| i * i).sum());
    });
}

#[test]
fn a_panic_is_carried() {
    let (offload, completions) = offload(1);
    run_on_a_loop(async {
        tokio::task::spawn_local(completions.drive(Budget::ALL));
        let Err(TaskError::Panicked(payload)) = offload.run(|| panic!("carried")).await else { panic!("it did not") };
        let never: &str = payload.into_inner().downcast_ref::<&str>().copied().unwrap();
        assert_eq!(never, "carried");
        assert_eq!(offload.run(|| 7).await.unwrap(), 7, "the worker goes on");
    });
}

#[test]
fn a_drop_cancels_what_has_not_started() {
    let (offload, completions) = offload(1);
    run_on_a_loop(async {
        tokio::task::spawn_local(completions.drive(Budget::ALL));
        let (open, gate) = mpsc::channel::<()>();
        let first = offload.run(move || gate.recv().unwrap()); // the only worker waits
        let ran = Arc::new(AtomicBool::new(false));
        let second = offload.run({
            let ran = ran.clone();
            move || ran.store(true, Ordering::Relaxed)
        });
        drop(second);
        open.send(()).unwrap();
        first.await.unwrap();
        offload.run(|| ()).await.unwrap(); // after both
        assert!(!ran.load(Ordering::Relaxed), "cancelled");
        assert_eq!(Arc::strong_count(&ran), 1, "its closure is dropped");
    });
}

#[test]
fn many_completions_are_one_wake() {
    const TASKS: usize = 100;
    let (offload, mut completions) = offload(2);
    let tasks: Vec<_> = (0..TASKS).map(|i| offload.run(move || i)).collect();
    while !tasks.iter().all(|task| task.is_finished()) {
        std::thread::yield_now(); // the loop is busy elsewhere
    }
    while completions.is_held() {
        completions.drain(Budget::ALL).unwrap();
    }
    // The loop drained perhaps between a result and its publication, at most once per worker.
    assert!(offload.edges() <= 3, "{} signals", offload.edges());
}

#[test]
fn a_dropped_job_is_an_error() {
    let (offload, completions) = Offload::new(|job: Job| drop(job), WakerSignal::new());
    run_on_a_loop(async {
        tokio::task::spawn_local(completions.drive(Budget::ALL));
        assert!(matches!(offload.run(|| 1).await, Err(TaskError::Abandoned)));
    });
}

#[test]
fn results_come_also_when_the_loops_end_is_gone() {
    let (offload, completions) = offload(1);
    drop(completions);
    let ran = Arc::new(AtomicU32::new(0));
    run_on_a_loop(async {
        let counter = ran.clone();
        assert_eq!(offload.run(move || counter.fetch_add(1, Ordering::Relaxed)).await.unwrap(), 0);
    });
}

/// The waker that a signal has taken is gone when the budget ends before the items do: the task is woken all the same.
#[test]
fn a_poll_that_leaves_items_wakes_its_task_again() {
    struct Wakes(AtomicU32);

    impl std::task::Wake for Wakes {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    static INBOX: Bridge<Boxed<u32>, WakerSignal> = Bridge::new(WakerSignal::new());
    let wakes = Arc::new(Wakes(AtomicU32::new(0)));
    let waker = std::task::Waker::from(wakes.clone());
    let mut context = std::task::Context::from_waker(&waker);
    let mut inbox = INBOX.attach().unwrap();
    assert!(inbox.poll_drain(&mut context, Budget::items(2), drop).is_pending());
    for item in 0..5 {
        INBOX.try_publish(0, Boxed::new(item)).unwrap();
    }
    for (before, more) in [(1, true), (2, true), (3, false)] {
        assert_eq!(wakes.0.load(Ordering::Relaxed), before);
        match inbox.poll_drain(&mut context, Budget::items(2), drop) {
            std::task::Poll::Ready(Ok(drained)) => assert_eq!(drained.more, more),
            other => panic!("{other:?}"),
        }
    }
}
