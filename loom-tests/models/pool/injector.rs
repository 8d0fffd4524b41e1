//! Claims about the injector.

use std::iter;
use std::ptr::NonNull;

use loom::sync::Arc;
use reveille_futex::Os;
use reveille_latch::CoreLatch;
use reveille_loom_tests::{Check, spawn};

use super::subject::Worker;
use super::subject::protocol::{Injector, Job, Sleep, Task, TaskRef};

/// A queued task: what the pool needs, and a number.
#[repr(C)]
struct Queued {
    task: Task<Os>,
    number: usize,
}

impl Queued {
    fn new(number: usize) -> Box<Self> {
        /// # Safety
        ///
        /// Never called.
        unsafe fn run(_: NonNull<Job<Os>>, _: &Worker<Os>) {
            unreachable!("the model only queues");
        }

        Box::new(Queued { task: Task::new(run), number })
    }

    fn push(&mut self, injector: &Injector<Os>) {
        // SAFETY: live for the model; each is queued once.
        injector.push(unsafe { TaskRef::new(NonNull::from(self).cast()) });
    }

    fn number(task: TaskRef<Os>) -> usize {
        // SAFETY: the tasks are live for the model, and this one's.
        unsafe { task.as_ptr().cast::<Queued>().as_ref() }.number
    }
}

/// Two takers share the tasks that were pushed: none is lost, and none is taken twice.
pub fn injector_takers_get_each_task_once(check: Check) {
    fn take_two(injector: &Injector<Os>) -> Vec<usize> {
        (0..2).filter_map(|_| injector.take(|| {})).map(Queued::number).collect()
    }

    check.run(|| {
        let injector = Arc::new(Injector::<Os>::new());
        let mut tasks: Vec<_> = (0..2).map(Queued::new).collect();
        let taker = spawn(&injector, take_two);
        for task in &mut tasks {
            task.push(&injector);
        }
        let mut taken = take_two(&injector);
        taken.extend(taker.join().unwrap());
        taken.extend(iter::from_fn(|| injector.take(|| {})).map(Queued::number));
        taken.sort_unstable();
        assert_eq!(taken, [0, 1], "each task once");
    });
}

/// A taker finds the tasks of one thread in the order in which they were pushed, those that come while it takes included.
pub fn injector_keeps_the_order_of_arrival(check: Check) {
    check.run(|| {
        let injector = Arc::new(Injector::<Os>::new());
        let mut tasks: Vec<_> = (0..3).map(Queued::new).collect();
        tasks[0].push(&injector);
        let taker = spawn(&injector, |injector| {
            let taken = (0..3).filter_map(|_| injector.take(|| {}));
            taken.map(Queued::number).collect::<Vec<_>>()
        });
        tasks[1..].iter_mut().for_each(|task| task.push(&injector));
        let mut taken = taker.join().unwrap();
        taken.extend(iter::from_fn(|| injector.take(|| {})).map(Queued::number));
        assert_eq!(taken, [0, 1, 2]);
    });
}

/// Two workers, one task for each.
struct Workers {
    injector: Injector<Os>,
    sleep: Sleep,
    latches: [CoreLatch; 2],
}

impl Workers {
    fn new() -> Self {
        Workers { injector: Injector::new(), sleep: Sleep::new(), latches: [CoreLatch::new(), CoreLatch::new()] }
    }

    fn post(&self) {
        if self.sleep.post().is_some() {
            self.sleep.wake_any(self.latches.iter());
        }
    }

    fn take(&self) -> bool {
        self.injector.take(|| self.post()).is_some()
    }

    /// Searches and sleeps as a worker does, until it finds a task.
    fn search(&self, latch: &CoreLatch) {
        self.sleep.start_search();
        loop {
            let snapshot = self.sleep.announce();
            if self.take() {
                break;
            }
            self.sleep.park(latch, snapshot, || true);
        }
        if self.sleep.end_search().idle() > 0 && !self.injector.is_empty() {
            self.post();
        }
    }

    /// One comes from its work and takes a task, the other one searches; nobody pushes any more.
    fn share(self) {
        let workers = Arc::new(self);
        let other = spawn(&workers, |workers| workers.search(&workers.latches[1]));
        if !workers.take() {
            workers.search(&workers.latches[0]);
        }
        other.join().unwrap();
        assert!(workers.injector.is_empty());
    }
}

/// A worker that comes while another one takes goes to sleep, and is woken for the task that is left.
pub fn injector_tells_who_came_in_vain(check: Check) {
    check.run(|| {
        let workers = Workers::new();
        let mut tasks: Vec<_> = (0..3).map(Queued::new).collect();
        tasks.iter_mut().for_each(|task| task.push(&workers.injector));
        assert!(workers.take(), "moves the other two, so that nobody has a reason to tell but the mark");
        workers.share();
    });
}

/// While a worker moves what has arrived, nothing is in either chain: who sees that and sleeps is woken.
pub fn injector_tells_of_what_was_moved(check: Check) {
    check.run(|| {
        let workers = Workers::new();
        let mut tasks: Vec<_> = (0..2).map(Queued::new).collect();
        tasks.iter_mut().for_each(|task| task.push(&workers.injector));
        workers.share();
    });
}

/// The task that was pushed while one worker took and another came in vain is somebody's too.
pub fn injector_tells_of_what_arrives_meanwhile(check: Check) {
    check.run(|| {
        let workers = Workers::new();
        let mut tasks: Vec<_> = (0..3).map(Queued::new).collect();
        tasks[..2].iter_mut().for_each(|task| task.push(&workers.injector));
        assert!(workers.take(), "moves the other one");
        let workers = Arc::new(workers);
        let busy = spawn(&workers, |workers| {
            if !workers.take() {
                workers.search(&workers.latches[0]);
            }
        });
        let searcher = spawn(&workers, |workers| workers.search(&workers.latches[1]));
        tasks[2].push(&workers.injector);
        workers.post();
        busy.join().unwrap();
        searcher.join().unwrap();
        assert!(workers.injector.is_empty());
    });
}

/// Two workers sleep or search while two tasks are pushed: each finds one, whoever of them is told.
pub fn injector_each_worker_finds_a_task(check: Check) {
    check.run(|| {
        let workers = Arc::new(Workers::new());
        let mut tasks: Vec<_> = (0..2).map(Queued::new).collect();
        let searchers = [0, 1].map(|index| spawn(&workers, move |workers| workers.search(&workers.latches[index])));
        for task in &mut tasks {
            task.push(&workers.injector);
            workers.post();
        }
        searchers.into_iter().for_each(|searcher| searcher.join().unwrap());
        assert!(workers.injector.is_empty());
    });
}
