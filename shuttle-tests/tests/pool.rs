//! Claims about a pool of eight workers. See the crate's documentation for how they are checked.
#![cfg(shuttle)]

use reveille_futex::sync::atomic::{AtomicU32, Ordering};
use reveille_futex::{wait, wake_all};
use reveille_pool::Worker;
use reveille_shuttle_tests::{CAPACITY, GUESTS, LONG, SHORT, TestPool, WORKERS, check, pause};
use shuttle::thread;

/// The workers and one caller: a meeting of so many needs every thread there is.
const PARTIES: u32 = WORKERS as u32 + 1;

/// Posts to the last free worker.
const ROUNDS: usize = 32;

/// Sums `[from, to)` by halves: as many joins as numbers, less one.
fn sum(worker: &Worker, from: u32, to: u32) -> u32 {
    if to - from == 1 {
        return from;
    }
    let middle = from.midpoint(to);
    let (left, right) = worker.join(|w| sum(w, from, middle), |w| sum(w, middle, to));
    left + right
}

/// Joins `depth` times inside the first half, and runs `f` there.
fn inside<R: Send>(worker: &Worker, depth: u32, f: impl FnOnce(&Worker) -> R + Send) -> (R, u32) {
    // By reference: the closure's type would otherwise grow with every level.
    fn go(worker: &Worker, depth: u32, f: &mut dyn FnMut(&Worker)) -> u32 {
        if depth == 0 {
            f(worker);
            return 0;
        }
        let (below, one) = worker.join(|w| go(w, depth - 1, f), |_| 1);
        below + one
    }
    let (mut f, mut result) = (Some(f), None);
    let joined = go(worker, depth, &mut |w| result = f.take().map(|f| f(w)));
    (result.expect("it ran"), joined)
}

/// A count that threads wait for. Blocked for ever is a deadlock, which ends the execution.
struct Meeting(AtomicU32);

impl Meeting {
    const fn new() -> Self {
        Meeting(AtomicU32::new(0))
    }

    fn arrive(&self) {
        self.0.fetch_add(1, Ordering::AcqRel);
        wake_all(&raw const self.0);
    }

    fn wait_for(&self, count: u32) {
        loop {
            let now = self.0.load(Ordering::Acquire);
            if now >= count {
                return;
            }
            wait(&self.0, now);
        }
    }
}

/// A join that needs two threads: the first half waits for the second.
fn join_of_two_threads(worker: &Worker) {
    let met = Meeting::new();
    worker.join(|_| met.wait_for(1), |_| met.arrive());
}

fn enter<R>(pool: &'static TestPool, f: impl FnOnce(&Worker) -> R) -> R {
    pool.enter(f).expect("there is a seat for every guest")
}

#[test]
fn nested_joins_compute_what_their_sequence_would() {
    check("nested_joins_compute_what_their_sequence_would", |execution| {
        let total = execution.with_pool(|pool| enter(pool, |worker| sum(worker, 0, 24)));
        assert_eq!(total, 24 * 23 / 2);
    });
}

#[test]
fn joins_deeper_than_the_capacity_compute_too() {
    check("joins_deeper_than_the_capacity_compute_too", |execution| {
        let (total, joined) = execution.with_pool(|pool| enter(pool, |worker| inside(worker, 12, |w| sum(w, 0, 4))));
        assert_eq!((total, joined), (6, 12));
    });
}

/// The fork that finds the stack full stands in the spare slot for a moment, where a searcher must not publish it.
#[test]
fn a_fork_that_finds_the_stack_full_runs_its_second_half_once() {
    check("a_fork_that_finds_the_stack_full_runs_its_second_half_once", |execution| {
        let ran = execution.with_pool(|pool| {
            let ran = AtomicU32::new(0);
            enter(pool, |worker| {
                inside(worker, CAPACITY as u32, |w| {
                    for _ in 0..32 {
                        w.join(|_| (), |_| ran.fetch_add(1, Ordering::Relaxed));
                    }
                })
            });
            ran.load(Ordering::Relaxed)
        });
        assert_eq!(ran, 32);
    });
}

#[test]
fn a_first_half_that_waits_for_the_second_gets_it() {
    check("a_first_half_that_waits_for_the_second_gets_it", |execution| {
        execution.with_pool(|pool| enter(pool, join_of_two_threads));
    });
}

#[test]
fn a_first_half_deep_in_private_work_that_waits_for_the_second_gets_it() {
    check("a_first_half_deep_in_private_work_that_waits_for_the_second_gets_it", |execution| {
        execution.with_pool(|pool| enter(pool, |worker| inside(worker, 7, join_of_two_threads)));
    });
}

#[test]
fn as_many_scope_tasks_as_threads_can_meet() {
    check("as_many_scope_tasks_as_threads_can_meet", |execution| {
        execution.with_pool(|pool| {
            let met = Meeting::new();
            enter(pool, |worker| {
                worker.scope(|scope| {
                    for _ in 0..PARTIES {
                        scope.spawn_on(worker, |_, _| {
                            met.arrive();
                            met.wait_for(PARTIES);
                        });
                    }
                });
            });
        });
    });
}

#[test]
fn as_many_injected_tasks_as_threads_can_meet() {
    check("as_many_injected_tasks_as_threads_can_meet", |execution| {
        execution.with_pool(|pool| {
            let met = Meeting::new();
            enter(pool, |worker| {
                worker.scope(|scope| {
                    for _ in 0..PARTIES {
                        scope.spawn(|_| {
                            met.arrive();
                            met.wait_for(PARTIES);
                        });
                    }
                });
            });
        });
    });
}

#[test]
fn nested_joins_can_meet_on_every_thread() {
    fn meet(worker: &Worker, met: &Meeting, parties: u32) {
        if parties == 1 {
            met.arrive();
            met.wait_for(PARTIES);
            return;
        }
        let half = parties / 2;
        worker.join(|w| meet(w, met, half), |w| meet(w, met, parties - half));
    }
    check("nested_joins_can_meet_on_every_thread", |execution| {
        execution.with_pool(|pool| {
            let met = Meeting::new();
            enter(pool, |worker| meet(worker, &met, PARTIES));
        });
    });
}

#[test]
fn scope_tasks_that_spawn_more_all_run_once() {
    check("scope_tasks_that_spawn_more_all_run_once", |execution| {
        let ran = execution.with_pool(|pool| {
            let ran = AtomicU32::new(0);
            enter(pool, |worker| {
                worker.scope(|scope| {
                    for _ in 0..4 {
                        scope.spawn_on(worker, |worker, scope| {
                            ran.fetch_add(1, Ordering::Relaxed);
                            scope.spawn(|_| {
                                ran.fetch_add(1, Ordering::Relaxed);
                            });
                            ran.fetch_add(sum(worker, 0, 3), Ordering::Relaxed);
                        });
                    }
                });
            });
            ran.load(Ordering::Relaxed)
        });
        assert_eq!(ran, 4 * (2 + 3));
    });
}

#[test]
fn callers_from_outside_find_help_while_workers_fall_asleep() {
    check("callers_from_outside_find_help_while_workers_fall_asleep", |execution| {
        execution.with_pool(|pool| {
            let call = move || {
                for _ in 0..3 {
                    enter(pool, join_of_two_threads);
                    pause(LONG);
                }
            };
            let callers: Vec<_> = (0..GUESTS).map(|_| thread::spawn(call)).collect();
            for caller in callers {
                caller.join().expect("the caller returns");
            }
        });
    });
}

/// All workers but one are busy, so that a post which that one does not hear of is heard by nobody.
#[test]
fn the_last_free_worker_hears_of_every_post() {
    check("the_last_free_worker_hears_of_every_post", |execution| {
        execution.with_pool(|pool| {
            let (busy, over) = (Meeting::new(), Meeting::new());
            enter(pool, |worker| {
                worker.scope(|scope| {
                    for _ in 1..WORKERS {
                        scope.spawn_on(worker, |_, _| {
                            busy.arrive();
                            over.wait_for(1);
                        });
                    }
                    busy.wait_for(WORKERS as u32 - 1);
                    for _ in 0..ROUNDS {
                        join_of_two_threads(worker);
                        pause(SHORT);
                    }
                    over.arrive();
                });
            });
        });
    });
}

/// The jobs event counter has one bit here: two steps bring it back to a sleeper's snapshot.
#[test]
fn posts_are_not_lost_when_the_event_counter_rolls_over() {
    check("posts_are_not_lost_when_the_event_counter_rolls_over", |execution| {
        execution.with_pool(|pool| {
            let met = Meeting::new();
            // Every task posts the next, and stays until the last has come: each post needs a worker that may be on
            // its way to sleep.
            fn next(worker: &Worker, met: &Meeting, parties: u32) {
                if parties == 0 {
                    return;
                }
                pause(LONG);
                worker.join(
                    |_| {
                        met.arrive();
                        met.wait_for(PARTIES);
                    },
                    |w| next(w, met, parties - 1),
                );
            }
            enter(pool, |worker| next(worker, &met, PARTIES));
        });
    });
}

#[test]
fn shutdown_finishes_accepted_work_and_everybody_leaves() {
    check("shutdown_finishes_accepted_work_and_everybody_leaves", |execution| {
        execution.with_pool(|pool| {
            let call = move || {
                let ran = AtomicU32::new(0);
                let total = enter(pool, |worker| {
                    worker.scope(|scope| {
                        for _ in 0..3 {
                            scope.spawn_on(worker, |_, scope| {
                                scope.spawn(|_| {
                                    ran.fetch_add(1, Ordering::Relaxed);
                                });
                            });
                        }
                    });
                    sum(worker, 0, 6)
                });
                (ran.load(Ordering::Relaxed), total)
            };
            let callers: Vec<_> = (0..GUESTS).map(|_| thread::spawn(call)).collect();
            pause(LONG);
            pool.shutdown();
            for caller in callers {
                assert_eq!(caller.join().expect("the caller returns"), (3, 15));
            }
        });
    });
}
