//! The deque against crossbeam-deque and st3. `cargo bench --bench deque`
//!
//! | row | what is timed |
//! |---|---|
//! | push+pop | the owner puts one item in and takes it out, with none or eight below it |
//! | push, pop | the owner puts 512 items in, then takes them out |
//! | steal | the owner's thread steals what it pushed, one by one: the cost without cache misses |
//! | batch | the same, about half at a time; what it pops of that is not timed |
//! | hand-off | the owner pushes, another thread steals, one by one or half at a time |
//! | injector | push and steal by one thread |

mod common;

use std::collections::VecDeque;
use std::hint::{black_box, spin_loop};
use std::thread;
use std::time::{Duration, Instant};

use common::peers::{CROSSBEAM_FIFO, CROSSBEAM_INJECTOR, CROSSBEAM_LIFO, ST3};
use common::target::at_most;
use common::{Bench, per, time};
use reveille::deque::{Deque, Injector, Inline, Steal, Worker};

/// Items of a bulk row; also the capacity of the fixed deques, twice.
const BULK: u64 = 512;
const ROOM: usize = 1024;
/// Looks at an empty or full deque before the CPU is given away.
const PATIENCE: u32 = 100;

/// What all contestants can do.
trait Queue {
    type Thief: Thief;
    fn push(&self, item: usize) -> bool;
    fn pop(&self) -> Option<usize>;
    fn len(&self) -> usize;
    fn thief(&self) -> Self::Thief;
}

/// What all thieves can do. `own` is a deque of the same kind.
trait Thief: Send {
    type Own;
    fn own() -> Self::Own;
    /// One item.
    fn one(&self, own: &Self::Own) -> Option<usize>;
    /// About half the items; one of them is returned, the others are in `own`.
    fn half(&self, own: &Self::Own) -> Option<usize>;
    fn pop(own: &Self::Own) -> Option<usize>;
}

impl Queue for Worker<usize> {
    type Thief = reveille::deque::Stealer<usize>;

    fn push(&self, item: usize) -> bool {
        Worker::push(self, item);
        true
    }

    fn pop(&self) -> Option<usize> {
        Worker::pop(self)
    }

    fn len(&self) -> usize {
        Worker::len(self)
    }

    fn thief(&self) -> Self::Thief {
        self.stealer()
    }
}

impl Thief for reveille::deque::Stealer<usize> {
    type Own = Worker<usize>;

    fn own() -> Self::Own {
        Worker::new_lifo()
    }

    fn one(&self, _own: &Self::Own) -> Option<usize> {
        self.steal().success()
    }

    fn half(&self, own: &Self::Own) -> Option<usize> {
        self.steal_batch_and_pop(own).success()
    }

    fn pop(own: &Self::Own) -> Option<usize> {
        own.pop()
    }
}

type Fixed = Deque<usize, Inline<ROOM>>;

impl<'a> Queue for Worker<usize, reveille::deque::Claim<'a, usize, Inline<ROOM>>> {
    type Thief = reveille::deque::Stealer<usize, &'a Fixed>;

    fn push(&self, item: usize) -> bool {
        self.try_push(item).is_ok()
    }

    fn pop(&self) -> Option<usize> {
        Worker::pop(self)
    }

    fn len(&self) -> usize {
        Worker::len(self)
    }

    fn thief(&self) -> Self::Thief {
        self.stealer()
    }
}

impl Thief for reveille::deque::Stealer<usize, &Fixed> {
    type Own = Worker<usize>;

    fn own() -> Self::Own {
        Worker::new_lifo()
    }

    fn one(&self, _own: &Self::Own) -> Option<usize> {
        self.steal().success()
    }

    fn half(&self, own: &Self::Own) -> Option<usize> {
        self.steal_batch_and_pop(own).success()
    }

    fn pop(own: &Self::Own) -> Option<usize> {
        own.pop()
    }
}

impl Queue for crossbeam_deque::Worker<usize> {
    type Thief = crossbeam_deque::Stealer<usize>;

    fn push(&self, item: usize) -> bool {
        crossbeam_deque::Worker::push(self, item);
        true
    }

    fn pop(&self) -> Option<usize> {
        crossbeam_deque::Worker::pop(self)
    }

    fn len(&self) -> usize {
        crossbeam_deque::Worker::len(self)
    }

    fn thief(&self) -> Self::Thief {
        self.stealer()
    }
}

impl Thief for crossbeam_deque::Stealer<usize> {
    type Own = crossbeam_deque::Worker<usize>;

    fn own() -> Self::Own {
        crossbeam_deque::Worker::new_lifo()
    }

    fn one(&self, _own: &Self::Own) -> Option<usize> {
        self.steal().success()
    }

    fn half(&self, own: &Self::Own) -> Option<usize> {
        self.steal_batch_and_pop(own).success()
    }

    fn pop(own: &Self::Own) -> Option<usize> {
        own.pop()
    }
}

impl Queue for st3::lifo::Worker<usize> {
    type Thief = st3::lifo::Stealer<usize>;

    fn push(&self, item: usize) -> bool {
        st3::lifo::Worker::push(self, item).is_ok()
    }

    fn pop(&self) -> Option<usize> {
        st3::lifo::Worker::pop(self)
    }

    fn len(&self) -> usize {
        ROOM - self.spare_capacity()
    }

    fn thief(&self) -> Self::Thief {
        self.stealer()
    }
}

impl Thief for st3::lifo::Stealer<usize> {
    type Own = st3::lifo::Worker<usize>;

    fn own() -> Self::Own {
        st3::lifo::Worker::new(ROOM)
    }

    fn one(&self, own: &Self::Own) -> Option<usize> {
        self.steal_and_pop(own, |_| 1).ok().map(|(item, _)| item)
    }

    fn half(&self, own: &Self::Own) -> Option<usize> {
        self.steal_and_pop(own, |items| items.div_ceil(2).min(32)).ok().map(|(item, _)| item)
    }

    fn pop(own: &Self::Own) -> Option<usize> {
        own.pop()
    }
}

fn push_pop(queue: &impl Queue, count: u64) -> f64 {
    time(count, |i| {
        queue.push(black_box(i as usize));
        black_box(queue.pop());
    })
}

/// Per item, of the pushes alone or the pops alone.
fn bulk(queue: &impl Queue, count: u64, pushes: bool) -> f64 {
    let mut nanos = 0.0;
    let rounds = count.div_ceil(BULK);
    for _ in 0..rounds {
        let push = time(BULK, |i| {
            queue.push(black_box(i as usize));
        });
        let pop = time(BULK, |_| {
            black_box(queue.pop());
        });
        nanos += if pushes { push } else { pop };
    }
    nanos / rounds as f64
}

/// Per item, of the steals alone.
fn steal<Q: Queue>(queue: &Q, count: u64, half: bool) -> f64 {
    let (thief, own) = (queue.thief(), Q::Thief::own());
    let mut nanos = 0.0;
    let rounds = count.div_ceil(BULK);
    for _ in 0..rounds {
        for i in 0..BULK {
            queue.push(i as usize);
        }
        let mut stolen = 0;
        let mut elapsed = Duration::ZERO;
        loop {
            let start = Instant::now();
            let item = if half {
                thief.half(&own)
            } else {
                // As many as a batch has, so that the clock costs both rows the same.
                (1..32).for_each(|_| stolen += u64::from(black_box(thief.one(&own)).is_some()));
                thief.one(&own)
            };
            elapsed += start.elapsed();
            if black_box(item).is_none() {
                break;
            }
            stolen += 1;
            while black_box(Q::Thief::pop(&own)).is_some() {
                stolen += 1;
            }
        }
        nanos += per(elapsed, BULK);
        assert_eq!(stolen, BULK);
    }
    nanos / rounds as f64
}

/// Spins a while, then gives the CPU away: others may need it.
fn wait(patience: &mut u32) {
    if *patience > 0 {
        *patience -= 1;
        spin_loop();
    } else {
        *patience = PATIENCE;
        thread::yield_now();
    }
}

/// Per item, from the first push until the thief has the last one.
fn hand_off<Q: Queue>(queue: &Q, count: u64, half: bool) -> f64 {
    let thief = queue.thief();
    thread::scope(|scope| {
        let start = Instant::now();
        let thief = scope.spawn(move || {
            let own = Q::Thief::own();
            let mut left = count;
            let mut patience = PATIENCE;
            while left > 0 {
                match if half { thief.half(&own) } else { thief.one(&own) } {
                    Some(item) => {
                        patience = PATIENCE;
                        black_box(item);
                        left -= 1;
                        while let Some(item) = Q::Thief::pop(&own) {
                            black_box(item);
                            left -= 1;
                        }
                    }
                    None => wait(&mut patience),
                }
            }
        });
        let mut patience = PATIENCE;
        for i in 0..count {
            while queue.len() >= ROOM || !queue.push(i as usize) {
                wait(&mut patience);
            }
        }
        thief.join().expect("the thief does not panic");
        per(start.elapsed(), count)
    })
}

fn main() {
    let bench = Bench::new("deque, ns");
    let fixed = Fixed::new();

    for below in [0, 8] {
        let title = if below == 0 { "push+pop, was empty".to_owned() } else { format!("push+pop, {below} below") };
        let ours = fixed.claim().expect("one owner at a time");
        let growable = Worker::new_lifo();
        let fifo = Worker::new_fifo();
        let theirs = crossbeam_deque::Worker::new_lifo();
        let their_fifo = crossbeam_deque::Worker::new_fifo();
        let st3 = st3::lifo::Worker::new(ROOM);
        let mut floor = VecDeque::with_capacity(ROOM);
        for i in 0..below {
            Queue::push(&ours, i);
            growable.push(i);
            fifo.push(i);
            theirs.push(i);
            their_fifo.push(i);
            Queue::push(&st3, i);
            floor.push_back(i);
        }
        bench
            .row(&title)
            .contestant("reveille, inline", |n| push_pop(&ours, n))
            .contestant("reveille, growable", |n| push_pop(&growable, n))
            .contestant("reveille, fifo", |n| push_pop(&fifo, n))
            .contestant(CROSSBEAM_LIFO, |n| push_pop(&theirs, n))
            .contestant(CROSSBEAM_FIFO, |n| push_pop(&their_fifo, n))
            .contestant(ST3, |n| push_pop(&st3, n))
            .beside("VecDeque, the floor", |n| {
                time(n, |i| {
                    floor.push_back(black_box(i as usize));
                    black_box(floor.pop_back());
                })
            })
            .target(at_most(6.5))
            .target(at_most(2.0).note("by the asymmetric barrier"))
            .run(200_000);
        while ours.pop().is_some() {}
    }

    for pushes in [true, false] {
        let ours = fixed.claim().expect("one owner at a time");
        let growable = Worker::new_lifo();
        let theirs = crossbeam_deque::Worker::new_lifo();
        let st3 = st3::lifo::Worker::new(ROOM);
        let mut row = bench
            .row(if pushes { "push x512" } else { "pop x512" })
            .contestant("reveille, inline", |n| bulk(&ours, n, pushes))
            .contestant("reveille, growable", |n| bulk(&growable, n, pushes))
            .contestant(CROSSBEAM_LIFO, |n| bulk(&theirs, n, pushes))
            .contestant(ST3, |n| bulk(&st3, n, pushes));
        if pushes {
            row = row.target(at_most(0.9));
        }
        row.run(200_000);
    }

    for half in [false, true] {
        let ours = fixed.claim().expect("one owner at a time");
        let growable = Worker::new_lifo();
        let fifo = Worker::new_fifo();
        let theirs = crossbeam_deque::Worker::new_lifo();
        let their_fifo = crossbeam_deque::Worker::new_fifo();
        let st3 = st3::lifo::Worker::new(ROOM);
        bench
            .row(if half { "batch, same thread, per item" } else { "steal, same thread" })
            .contestant("reveille, inline", |n| steal(&ours, n, half))
            .contestant("reveille, growable", |n| steal(&growable, n, half))
            .contestant("reveille, fifo", |n| steal(&fifo, n, half))
            .contestant(CROSSBEAM_LIFO, |n| steal(&theirs, n, half))
            .contestant(CROSSBEAM_FIFO, |n| steal(&their_fifo, n, half))
            .contestant(ST3, |n| steal(&st3, n, half))
            .target(if half { at_most(7.0).by("reveille, fifo") } else { at_most(1.0).times(ST3) })
            .run(200_000);
    }

    for half in [false, true] {
        let ours = fixed.claim().expect("one owner at a time");
        let growable = Worker::new_lifo();
        let fifo = Worker::new_fifo();
        let theirs = crossbeam_deque::Worker::new_lifo();
        let their_fifo = crossbeam_deque::Worker::new_fifo();
        let st3 = st3::lifo::Worker::new(ROOM);
        bench
            .row(if half { "hand-off, half at a time, per item" } else { "hand-off, one thief, per item" })
            .contestant("reveille, inline", |n| hand_off(&ours, n, half))
            .contestant("reveille, growable", |n| hand_off(&growable, n, half))
            .contestant("reveille, fifo", |n| hand_off(&fifo, n, half))
            .contestant(CROSSBEAM_LIFO, |n| hand_off(&theirs, n, half))
            .contestant(CROSSBEAM_FIFO, |n| hand_off(&their_fifo, n, half))
            .contestant(ST3, |n| hand_off(&st3, n, half))
            .target(if half { at_most(7.0).by("reveille, fifo") } else { at_most(1.0).times(ST3) })
            .run(100_000);
    }

    let ours = Injector::new();
    let theirs = crossbeam_deque::Injector::new();
    bench
        .row("injector, push+steal")
        .contestant("reveille", |n| {
            time(n, |i| {
                ours.push(black_box(i as usize));
                black_box(matches!(ours.steal(), Steal::Success(_)));
            })
        })
        .contestant(CROSSBEAM_INJECTOR, |n| {
            time(n, |i| {
                theirs.push(black_box(i as usize));
                black_box(theirs.steal().is_success());
            })
        })
        .run(200_000);
    bench.finish();
}
