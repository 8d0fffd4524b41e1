//! Claims about `reveille-pool`: the join stack, the wake path, the signal.

use std::ptr::NonNull;

use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::thread;
use reveille_futex::sync::atomic::{AtomicU32, AtomicUsize, Ordering, fence};
use reveille_futex::{Os, asym, model};
use reveille_latch::CoreLatch;
use reveille_loom_tests::{Check, Place};

use reveille_futex as futex;

use super::subject::protocol::{
    Injector, Job, JoinStack, Joined, Lifecycle, Parked, Signal, Sleep, Slot, Task, TaskRef, heavy,
};
use super::subject::{Pool, State, Worker};

// ---- the join stack

/// A task of a join: data that its owner stores before the fork, and how often it ran.
struct TestTask {
    data: UnsafeCell<u32>,
    runs: AtomicU32,
}

impl TestTask {
    fn new() -> Self {
        TestTask { data: UnsafeCell::new(0), runs: AtomicU32::new(0) }
    }

    /// Runs the task: takes its data, which loom takes for a race if the fork does not happen before.
    fn run(&self) {
        self.data.with_mut(|data| {
            // SAFETY: whoever has the slot is alone here; loom checks it.
            let data = unsafe { &mut *data };
            assert_eq!(*data, 7, "a task ran that is not the one that was forked");
            *data = 0;
        });
        assert_eq!(self.runs.fetch_add(1, Ordering::Relaxed), 0, "a task ran twice");
    }
}

/// One worker's join stack, and as many tasks.
struct Stack {
    tasks: Vec<TestTask>,
    slots: Vec<Slot<TestTask>>,
    stack: JoinStack<TestTask>,
}

impl Stack {
    fn new(tasks: usize, eager: bool) -> Arc<Self> {
        Stack::of_capacity(tasks, tasks, eager)
    }

    fn of_capacity(capacity: usize, tasks: usize, eager: bool) -> Arc<Self> {
        let this = Arc::new(Stack {
            tasks: (0..tasks).map(|_| TestTask::new()).collect(),
            slots: (0..=capacity).map(|_| Slot::new()).collect(),
            stack: JoinStack::new(),
        });
        // SAFETY: the slots live as long as the stack, and nobody uses it yet.
        unsafe { this.stack.attach(this.slots.as_ptr(), capacity, eager) };
        this
    }

    /// Forks a task, as `Worker::join` does; returns whether it told the sleepers.
    fn fork(&self, task: usize) -> (*const Slot<TestTask>, bool) {
        let task = &self.tasks[task];
        // SAFETY: not shared yet.
        task.data.with_mut(|data| unsafe { *data = 7 });
        // SAFETY: every fork here is followed by its join.
        let slot = unsafe { self.stack.fork((&raw const *task).cast_mut()) };
        let wanted = self.stack.is_wanted(slot);
        (slot, wanted && !self.stack.take_back_if_full(slot) && self.stack.publish())
    }

    /// Forks and joins a task that finds the stack full, as `Worker::join` does.
    fn run_beyond_the_capacity(&self, task: usize) {
        let task = &self.tasks[task];
        // SAFETY: not shared.
        task.data.with_mut(|data| unsafe { *data = 7 });
        // SAFETY: taken back below.
        let slot = unsafe { self.stack.fork((&raw const *task).cast_mut()) };
        assert!(self.stack.is_wanted(slot) && self.stack.take_back_if_full(slot), "the stack is full");
        self.stack.publish();
        task.run();
    }

    /// Joins it: runs it here, or waits for the thief.
    fn join(&self, task: usize, slot: *const Slot<TestTask>) {
        let task = &self.tasks[task];
        if self.stack.pop(slot) || self.stack.reclaim(slot) == Joined::Mine {
            task.run();
        } else {
            // SAFETY: slots live as long as the stack.
            unsafe { &*slot }.done.block::<Os>();
            self.stack.retire(slot);
        }
        assert_eq!(task.runs.swap(0, Ordering::Relaxed), 1, "a task ran not once when its join ended");
    }

    fn fork_and_join(&self, task: usize) {
        let (slot, _) = self.fork(task);
        self.join(task, slot);
    }

    /// Steals one task, if there is one to be had, and runs it.
    fn steal_and_run(&self) {
        self.run_claimed(self.stack.steal());
    }

    fn run_claimed(&self, claimed: Option<(*const Slot<TestTask>, *mut TestTask)>) {
        if let Some((slot, task)) = claimed {
            assert!(!task.is_null(), "a claimed slot without its task");
            // SAFETY: a claimed task is live until its slot is done.
            unsafe { &*task }.run();
            // SAFETY: slots live as long as the stack.
            let done = unsafe { &raw const (*slot).done };
            // SAFETY: as above.
            assert!(!unsafe { Signal::set::<Os>(done) }, "the owner blocks on the signal itself");
        }
    }

    fn steal_and_run_two(&self) {
        self.steal_and_run();
        self.steal_and_run();
    }

    /// What a searcher does that sees private tasks only.
    fn force_and_run_two(&self) {
        self.stack.force::<Os>();
        self.steal_and_run_two();
    }

    /// Runs `owner` while each of so many other threads does `other`.
    fn beside(this: &Arc<Self>, others: usize, other: fn(&Stack), owner: impl FnOnce()) {
        let others: Vec<_> = (0..others)
            .map(|_| {
                let stack = this.clone();
                thread::spawn(move || other(&stack))
            })
            .collect();
        owner();
        for thread in others {
            thread.join().unwrap();
        }
    }
}

fn nested_forks(check: Check, eager: bool, thieves: usize) {
    check.run(move || {
        let stack = Stack::new(2, eager);
        Stack::beside(&stack, thieves, Stack::steal_and_run, || {
            let (outer, _) = stack.fork(0);
            stack.fork_and_join(1);
            stack.join(0, outer);
        });
    });
}

/// Two nested forks and a thief: each task runs once, with its data, before its join ends.
pub fn join_stack_runs_each_nested_task_once(check: Check) {
    nested_forks(check, false, 1);
}

/// The same with two thieves.
pub fn join_stack_two_thieves_never_share_a_task(check: Check) {
    nested_forks(check, false, 2);
}

/// The same where every fork is published at once.
pub fn join_stack_eager_runs_each_nested_task_once(check: Check) {
    nested_forks(check, true, 1);
}

/// The owner takes the oldest of its own tasks in the midst of its joins, as a first half does that yields, while a thief is
/// at it: each task runs once, before its join ends.
pub fn join_stack_owner_takes_its_own_oldest_task(check: Check) {
    check.run(|| {
        let stack = Stack::new(2, false);
        let thief = thread::spawn({
            let stack = stack.clone();
            move || stack.steal_and_run()
        });
        let (outer, _) = stack.fork(0);
        let (inner, _) = stack.fork(1);
        if stack.stack.has_private() && !stack.stack.has_public() {
            stack.stack.publish();
        }
        stack.run_claimed(stack.stack.take_oldest());
        stack.join(1, inner);
        stack.join(0, outer);
        thief.join().unwrap();
    });
}

/// A slot is reused by the next fork only when nobody can still claim or read the one before.
pub fn join_stack_reuses_a_slot_only_after_its_join(check: Check) {
    check.run(|| {
        let stack = Stack::new(1, false);
        Stack::beside(&stack, 1, Stack::steal_and_run_two, || {
            stack.fork_and_join(0);
            stack.fork_and_join(0);
        });
    });
}

/// The same where the slot's next task is another one: a thief runs the one that it claimed.
pub fn join_stack_reuses_a_slot_for_another_task(check: Check) {
    check.run(|| {
        let stack = Stack::new(2, false);
        Stack::beside(&stack, 1, Stack::steal_and_run, || {
            stack.fork_and_join(0);
            stack.fork_and_join(1);
        });
    });
}

/// A searcher that forces private tasks out, and a thief, never get a task that the owner runs.
pub fn join_stack_forced_exposure_never_duplicates_a_task(check: Check) {
    check.run(|| {
        let stack = Stack::new(3, false);
        Stack::beside(&stack, 1, Stack::force_and_run_two, || {
            let (first, _) = stack.fork(0);
            stack.fork_and_join(1);
            stack.join(0, first);
        });
    });
}

/// The same while the owner goes down and up again.
pub fn join_stack_forced_exposure_survives_a_descent(check: Check) {
    check.run(|| {
        let stack = Stack::new(2, false);
        // Quiet at first: one public task would be enough for a thief.
        let (first, _) = stack.fork(0);
        Stack::beside(&stack, 1, Stack::force_and_run_two, || {
            stack.fork_and_join(1);
            stack.fork_and_join(1);
            stack.join(0, first);
        });
    });
}

/// The same with a searcher that forces twice: the second time it begins from the word that the owner's reclaim has left.
pub fn join_stack_forced_exposure_begins_after_a_reclaim(check: Check) {
    fn force_twice(stack: &Stack) {
        stack.stack.force::<Os>();
        if stack.stack.force::<Os>() {
            stack.steal_and_run_two();
        }
    }

    check.run(|| {
        let stack = Stack::new(2, false);
        let (first, _) = stack.fork(0);
        Stack::beside(&stack, 1, force_twice, || {
            stack.fork_and_join(1);
            stack.fork_and_join(1);
            stack.join(0, first);
        });
    });
}

/// A task that one searcher has forced out is whole for another one that claims it.
pub fn join_stack_forced_exposure_hands_the_task_on(check: Check) {
    fn force(stack: &Stack) {
        stack.stack.force::<Os>();
    }

    check.bound(2).run(|| {
        let stack = Stack::new(2, false);
        // Quiet at first: one public task would be enough for a thief.
        stack.fork_and_join(0);
        let forcer = thread::spawn({
            let stack = stack.clone();
            move || force(&stack)
        });
        Stack::beside(&stack, 1, Stack::steal_and_run, || stack.fork_and_join(0));
        forcer.join().unwrap();
    });
}

/// A fork that finds the stack full stands in the spare slot for a moment. A searcher that comes just then does not publish it.
pub fn join_stack_forced_exposure_leaves_a_fork_beyond_the_capacity_alone(check: Check) {
    check.run(|| {
        let stack = Stack::of_capacity(1, 2, false);
        Stack::beside(&stack, 1, Stack::force_and_run_two, || {
            let (fits, _) = stack.fork(0);
            stack.run_beyond_the_capacity(1);
            stack.join(0, fits);
        });
    });
}

/// A worker that asks everybody and then finds no task goes to sleep in peace: the owner's next fork goes slow.
pub fn join_stack_hides_no_task_from_a_sleeper(check: Check) {
    check.run(|| {
        let stack = Stack::new(2, false);
        // The request from the start has been served: forks are private from now on.
        stack.fork_and_join(0);
        let sleeper = thread::spawn({
            let stack = stack.clone();
            move || {
                stack.stack.ask();
                heavy::<Os>();
                stack.stack.has_private() || stack.stack.has_public()
            }
        });
        let (slot, told) = stack.fork(0);
        let seen = sleeper.join().unwrap();
        assert!(told || seen, "hidden: the owner told nobody, and the sleeper saw nothing");
        stack.join(0, slot);
    });
}

/// A request that arrives while the owner publishes is kept, or what it asked for is there.
pub fn join_stack_keeps_a_request(check: Check) {
    check.run(|| {
        let stack = Stack::new(2, false);
        let thief = thread::spawn({
            let stack = stack.clone();
            move || stack.steal_and_run()
        });
        let (first, _) = stack.fork(0);
        let (second, _) = stack.fork(1);
        thief.join().unwrap();
        assert!(
            stack.stack.is_asked() || stack.stack.has_public(),
            "nothing is public, and the owner does not know that it is wanted"
        );
        stack.join(1, second);
        stack.join(0, first);
    });
}

// ---- the wake path

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
        self.sleep.posted(|_| Some(self.latches.iter()));
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
                    self.sleep.posted(|_| Some(self.latches.iter()));
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
        let workers: Vec<_> = (1..N)
            .map(|me| {
                let pool = pool.clone();
                thread::spawn(move || pool.serve(me, jobs))
            })
            .collect();
        let poster = thread::spawn({
            let pool = pool.clone();
            move || (0..N * jobs).for_each(|_| pool.post())
        });
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
        let closer = thread::spawn({
            let pool = pool.clone();
            move || pool.close()
        });
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

/// A waiter that blocks on the signal itself is woken, whenever the event comes.
pub fn signal_wakes_a_blocked_waiter(check: Check) {
    check.run(|| {
        let signal = Arc::new(Signal::new());
        let setter = thread::spawn({
            let signal = signal.clone();
            move || {
                // SAFETY: the signal is shared.
                assert!(!unsafe { Signal::set::<Os>(&raw const *signal) }, "nobody watches");
            }
        });
        let interrupter = thread::spawn(model::interrupt);
        signal.block::<Os>();
        assert!(signal.is_done());
        setter.join().unwrap();
        interrupter.join().unwrap();
    });
}

/// The waiter may reuse the memory of a signal as soon as it is done.
pub fn signal_set_is_the_last_access(check: Check) {
    check.run(|| {
        let place = Place::new(Signal::new());
        let setter = thread::spawn({
            let place = place.clone();
            // SAFETY: live until set.
            move || unsafe { Signal::set::<Os>(place.object()) }
        });
        // SAFETY: live until it is built anew.
        unsafe { place.get() }.block::<Os>();
        // SAFETY: the only setter has set it.
        unsafe { place.rebuild(Signal::new()) };
        setter.join().unwrap();
        // SAFETY: as above.
        assert!(!unsafe { place.get() }.is_done(), "the new signal is untouched");
        // SAFETY: nobody else is left.
        unsafe { place.free() };
    });
}

// ---- the injector

/// A queued task: what the pool needs, and a number.
#[repr(C)]
struct Queued {
    task: Task<Os>,
    number: usize,
}

/// Two takers share the tasks that were pushed: none is lost, and none is taken twice.
pub fn injector_takers_get_each_task_once(check: Check) {
    /// # Safety
    ///
    /// Never called.
    unsafe fn run(_: NonNull<Job<Os>>, _: &Worker<Os>) {
        unreachable!("the model only queues");
    }

    fn take(injector: &Injector<Os>) -> Vec<usize> {
        // SAFETY: the tasks are live for the model, and this one's.
        let number = |task: TaskRef<Os>| unsafe { task.as_ptr().cast::<Queued>().as_ref() }.number;
        let mut taken = Vec::new();
        while !injector.is_empty() {
            taken.extend(injector.take().map(number));
        }
        taken
    }

    check.run(|| {
        let injector = Arc::new(Injector::<Os>::new());
        let mut tasks: Vec<_> = (0..2).map(|number| Box::new(Queued { task: Task::new(run), number })).collect();
        let takers: Vec<_> = (0..2)
            .map(|_| {
                let injector = injector.clone();
                thread::spawn(move || take(&injector))
            })
            .collect();
        for task in &mut tasks {
            // SAFETY: live for the model; each is queued once.
            injector.push(unsafe { TaskRef::new(NonNull::from(&mut **task).cast()) });
        }
        let mut taken: Vec<_> = takers.into_iter().flat_map(|taker| taker.join().unwrap()).collect();
        taken.extend(take(&injector));
        taken.sort_unstable();
        assert_eq!(taken, [0, 1], "each task once");
    });
}

// ---- the lifecycle

/// Whoever finds a draining pool drained sees every accepted task in its queue; a submission that is refused sees why.
pub fn lifecycle_drained_means_that_everything_is_queued(check: Check) {
    check.run(|| {
        let shared = Arc::new((Lifecycle::new(), AtomicU32::new(0), AtomicU32::new(0)));
        let submitter = thread::spawn({
            let shared = shared.clone();
            move || {
                let (life, queue, why) = &*shared;
                let admitted = life.count_in(false);
                if admitted {
                    queue.store(7, Ordering::Relaxed);
                } else {
                    assert_eq!(why.load(Ordering::Relaxed), 5, "why it was refused");
                }
                life.count_out();
                admitted
            }
        });
        let (life, queue, why) = &*shared;
        why.store(5, Ordering::Relaxed);
        assert!(life.drain());
        let drained = life.is_drained();
        let queued = queue.load(Ordering::Relaxed) == 7;
        let admitted = submitter.join().unwrap();
        assert!(!drained || queued == admitted, "an accepted task is in its queue");
    });
}

/// Whoever sees that a pool drains, or is closed, sees what led to it.
pub fn lifecycle_tells_what_led_to_it(check: Check) {
    check.run(|| {
        let shared = Arc::new((Lifecycle::new(), AtomicU32::new(0)));
        let watcher = thread::spawn({
            let shared = shared.clone();
            move || {
                let led = || shared.1.load(Ordering::Relaxed);
                match shared.0.state() {
                    State::Running => {}
                    State::Draining => assert!(led() >= 1, "what led to the drain"),
                    _ => assert_eq!(led(), 2, "what led to the end"),
                }
                assert!(!shared.0.is_closed() || led() == 2, "what led to the end");
            }
        });
        shared.1.store(1, Ordering::Relaxed);
        assert!(shared.0.drain());
        shared.1.store(2, Ordering::Relaxed);
        assert!(shared.0.close());
        watcher.join().unwrap();
    });
}

// ---- the whole pool

/// A pool of two seats, in memory that outlives the model, as a static would.
fn pool() -> &'static Pool<2, 2> {
    Box::leak(Box::new(Pool::new_on()))
}

/// A first half that blocks until the second half has run: the second half is never hidden from the idle worker.
pub fn pool_first_half_may_wait_for_the_second(check: Check) {
    check.bound(1).run(|| {
        let pool = pool();
        let worker = thread::spawn(|| pool.run_worker(0).unwrap());
        let word = Arc::new(AtomicU32::new(0));
        pool.enter(|w| w.join(|_| block_on(&word), |_| happen(&word))).unwrap();
        pool.shutdown();
        worker.join().unwrap();
    });
}

/// A join ends with both results, whoever ran the second half, and a shutdown ends the worker.
pub fn pool_join_returns_both_results(check: Check) {
    check.bound(1).run(|| {
        let pool = pool();
        let worker = thread::spawn(|| pool.run_worker(0).unwrap());
        let results = pool.enter(|w| w.join(|_| 1, |_| 2)).unwrap();
        assert_eq!(results, (1, 2));
        pool.shutdown();
        worker.join().unwrap();
    });
}

/// Both halves of a join run, and run before it ends, also when the first one panics.
pub fn pool_join_that_panics_runs_both_halves(check: Check) {
    check.run(|| {
        let pool = pool();
        let ran = Arc::new(AtomicU32::new(0));
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            pool.enter(|w| {
                w.join(
                    |_| std::panic::resume_unwind(Box::new(())),
                    |_| {
                        ran.fetch_add(1, Ordering::Relaxed);
                    },
                )
            })
            .unwrap();
        }));
        assert!(panicked.is_err());
        assert_eq!(ran.load(Ordering::Relaxed), 1, "both sides run");
    });
}

/// A first half that runs another task on demand may get its own second half, or a thief does: it runs once.
pub fn pool_first_half_may_run_the_second(check: Check) {
    check.bound(1).run(|| {
        let pool = pool();
        let worker = thread::spawn(|| pool.run_worker(0).unwrap());
        let ran = Arc::new(AtomicU32::new(0));
        pool.enter(|w| {
            w.join(
                |w| {
                    w.run_own();
                },
                |_| {
                    ran.fetch_add(1, Ordering::Relaxed);
                },
            )
        })
        .unwrap();
        assert_eq!(ran.load(Ordering::Relaxed), 1, "once, and before the join ends");
        pool.shutdown();
        worker.join().unwrap();
    });
}

/// The parts of a pool know each other before anybody uses one, whoever comes first.
pub fn pool_is_whole_for_whoever_comes_first(check: Check) {
    check.bound(2).run(|| {
        let pool = pool();
        let visit = || pool.enter(|worker| assert_eq!(worker.num_threads(), 2, "the pool is whole")).unwrap();
        let other = thread::spawn(visit);
        visit();
        other.join().unwrap();
    });
}

/// Two guests of a pool with one seat, one after the other: whoever enters sees its task run once, whoever cannot sees none.
fn two_guests(check: Check, spawn_one: fn(&Worker, &AtomicU32)) {
    check.bound(2).run(move || {
        let pool: &'static Pool<1, 1> = Box::leak(Box::new(Pool::new_on()));
        let visit = move || {
            let ran = AtomicU32::new(0);
            let entered = pool.enter(|worker| spawn_one(worker, &ran));
            assert_eq!(ran.load(Ordering::Relaxed), u32::from(entered.is_ok()), "every task runs once");
        };
        let other = thread::spawn(visit);
        visit();
        other.join().unwrap();
    });
}

/// A seat's next owner goes on where the one before stopped, with its deque and its stack.
pub fn pool_seat_is_handed_on(check: Check) {
    two_guests(check, |worker, ran| {
        worker.scope(|scope| {
            scope.spawn(|_| {
                ran.fetch_add(1, Ordering::Relaxed);
            });
        });
    });
}

/// The same with tasks that go to the seat's own deque.
pub fn pool_seat_is_handed_on_with_its_deque(check: Check) {
    two_guests(check, |worker, ran| {
        worker.scope(|scope| {
            scope.spawn_on(worker, |_, _| {
                ran.fetch_add(1, Ordering::Relaxed);
            });
        });
    });
}

/// A scope returns when its tasks are done, and sees what they did.
pub fn pool_scope_sees_what_its_tasks_did(check: Check) {
    check.bound(1).run(|| {
        let pool = pool();
        let worker = thread::spawn(|| pool.run_worker(0).unwrap());
        let done = Arc::new(AtomicU32::new(0));
        pool.enter(|w| w.scope(|scope| scope.spawn(|_| done.store(7, Ordering::Relaxed)))).unwrap();
        assert_eq!(done.load(Ordering::Relaxed), 7, "what the task did");
        pool.shutdown();
        worker.join().unwrap();
    });
}

/// A pool that is shut down while a guest works in it closes when the guest has left: its worker goes home.
pub fn pool_closes_when_the_last_guest_has_left(check: Check) {
    check.bound(1).run(|| {
        let pool = pool();
        let worker = thread::spawn(|| pool.run_worker(0).unwrap());
        let guest = thread::spawn(|| pool.enter(|_| ()).unwrap());
        pool.shutdown();
        guest.join().unwrap();
        worker.join().unwrap();
    });
}

/// A worker that takes one of two tasks lets another worker know of the second before it runs the first, which waits for it.
// full tier
pub fn pool_passes_the_search_on_before_it_runs(check: Check) {
    check.bound(1).run(|| {
        let pool: &'static Pool<3, 1> = Box::leak(Box::new(Pool::new_on()));
        let workers: Vec<_> = (0..2).map(|seat| thread::spawn(move || pool.run_worker(seat).unwrap())).collect();
        let first = Arc::new(AtomicU32::new(0));
        let second = Arc::new(AtomicU32::new(0));
        pool.enter(|w| {
            w.scope(|s| {
                s.spawn(|_| {
                    block_on(&second);
                    happen(&first);
                });
                s.spawn(|_| happen(&second));
                block_on(&first);
            });
        })
        .unwrap();
        pool.shutdown();
        for worker in workers {
            worker.join().unwrap();
        }
    });
}

fn block_on(word: &AtomicU32) {
    while word.load(Ordering::Acquire) == 0 {
        futex::wait(word, 0);
    }
}

fn happen(word: &AtomicU32) {
    word.fetch_add(1, Ordering::Release);
    futex::wake_all(&raw const *word);
}

/// The barrier that the join stack is built on, as loom sees it.
pub fn asymmetric_barrier_orders_a_store_before_a_load(check: Check) {
    check.run(|| {
        let words = Arc::new((AtomicU32::new(0), AtomicU32::new(0)));
        let rare = thread::spawn({
            let words = words.clone();
            move || {
                words.0.store(1, Ordering::Relaxed);
                assert!(heavy::<Os>());
                words.1.load(Ordering::Relaxed)
            }
        });
        words.1.store(1, Ordering::Relaxed);
        asym::light();
        let here = words.0.load(Ordering::Relaxed);
        let there = rare.join().unwrap();
        assert!(here == 1 || there == 1, "both sides missed the other's store");
        fence(Ordering::SeqCst);
    });
}
