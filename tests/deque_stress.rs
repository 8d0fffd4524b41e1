//! Threads on every kind of deque: what goes in comes out once, and each thief gets items in the order of pushing.
//!
//! `REVEILLE_STRESS` is the number of items of each run, small by default.

use std::ops::Range;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use reveille::deque::{Block, Deque, Full, Handle, Injector, Inline, Slot, Steal, Stealer, Worker};

const THIEVES: usize = 2;

fn items() -> u32 {
    std::env::var("REVEILLE_STRESS").ok().and_then(|n| n.parse().ok()).unwrap_or(20_000)
}

/// Boxed, so that an item taken twice is freed twice, and one that is lost leaks: the sanitizers see either.
type Item = Box<u32>;

/// All of `range`, each once.
fn assert_each_once(mut taken: Vec<u32>, range: Range<u32>) {
    taken.sort_unstable();
    assert!(taken.iter().copied().eq(range), "each item is taken once");
}

/// How a thief steals.
#[derive(Clone, Copy)]
enum How {
    Single,
    Batch,
}

fn steal<H: Handle<Item>>(how: How, stealer: &Stealer<Item, H>, own: &Worker<Item>, taken: &mut Vec<u32>) -> bool {
    let stolen = match how {
        How::Single => stealer.steal(),
        How::Batch => stealer.steal_batch_and_pop(own),
    };
    let retry = stolen.is_retry();
    let first = taken.len();
    taken.extend(stolen.success().map(|item| *item));
    taken.extend(std::iter::from_fn(|| own.pop()).map(|item| *item));
    // A thief takes the oldest, so what it takes later was pushed later; a batch comes newest first from a LIFO deque.
    taken[first..].sort_unstable();
    retry || taken.len() > first
}

/// The owner pushes `items()` and pops now and then, in a pattern that keeps the deque nearly empty, where owner and
/// thieves meet; the thieves steal until it is done.
fn race<H>(worker: Worker<Item, H>, how: How, mut full: impl FnMut(&Worker<Item, H>))
where
    H: Handle<Item>,
    H::Shared: Send,
{
    let (done, start) = (AtomicBool::new(false), Barrier::new(THIEVES + 1));
    let count = items();
    let mut all = thread::scope(|scope| {
        let thieves: Vec<_> = (0..THIEVES)
            .map(|_| {
                let stealer = worker.stealer();
                let (done, start) = (&done, &start);
                scope.spawn(move || {
                    let (mut taken, own) = (Vec::new(), Worker::new_fifo());
                    start.wait();
                    loop {
                        let last = done.load(Ordering::Acquire);
                        if !steal(how, &stealer, &own, &mut taken) {
                            if last {
                                return taken;
                            }
                            thread::yield_now();
                        }
                    }
                })
            })
            .collect();
        start.wait();
        let mut taken = Vec::new();
        let mut next = 0;
        while next < count {
            for _ in 0..1 + next % 4 {
                if next == count {
                    break;
                }
                let mut item = Box::new(next);
                while let Err(Full(back)) = worker.try_push(item) {
                    item = back;
                    full(&worker);
                    taken.extend(worker.pop().map(|item| *item));
                }
                next += 1;
            }
            for _ in 0..next % 3 {
                taken.extend(worker.pop().map(|item| *item));
            }
        }
        taken.extend(std::iter::from_fn(|| worker.pop()).map(|item| *item));
        done.store(true, Ordering::Release);
        for thief in thieves {
            let stolen = thief.join().expect("no thief panics");
            assert!(stolen.is_sorted(), "a thief takes the oldest");
            taken.extend(stolen);
        }
        taken
    });
    all.extend(std::iter::from_fn(|| worker.pop()).map(|item| *item));
    assert_each_once(all, 0..count);
}

#[test]
fn inline() {
    for how in [How::Single, How::Batch] {
        let (lifo, fifo): (Deque<Item, Inline<4>>, _) = (Deque::new(), Deque::<Item, Inline<4>>::new_fifo());
        race(lifo.claim().unwrap(), how, |_| ());
        race(fifo.claim().unwrap(), how, |_| ());
        // The same again where the indices wrap.
        let wraps = Deque::<Item, Inline<2>>::new().starting_at(u64::MAX - 100);
        race(wraps.claim().unwrap(), how, |_| ());
    }
}

#[test]
fn borrowed() {
    let mut slots = [const { Slot::<Item>::new() }; 8];
    let mut deque = Deque::borrowed(&mut slots).expect("a power of two");
    race(deque.split().0, How::Single, |_| ());
    race(deque.split().0, How::Batch, |_| ());
}

#[test]
fn growable() {
    for how in [How::Single, How::Batch] {
        race(Worker::new_lifo(), how, |_| unreachable!("it grows"));
        race(Worker::new_fifo(), how, |_| unreachable!("it grows"));
    }
}

#[test]
fn donated() {
    let (mut one, mut two, mut four) = (Block::<_, 1>::new(), Block::<_, 2>::new(), Block::<_, 4>::new());
    let (mut two, mut four) = (Some(&mut two), Some(&mut four));
    let deque = Deque::donated(&mut one);
    let mut fulls = 0;
    race(deque.claim().unwrap(), How::Single, |worker| {
        fulls += 1;
        if fulls == 100 {
            worker.donate(two.take().expect("once")).expect("it is larger");
        }
        if fulls == 200 {
            worker.donate(four.take().expect("once")).expect("it is larger");
        }
    });
}

/// Many short lives of a growable deque: growth is where old buffers could go wrong.
#[test]
fn growth_under_thieves() {
    for round in 0..(items() / 500).max(4) {
        let worker = Worker::new_lifo();
        let count = 100 + round % 400;
        let start = Barrier::new(THIEVES + 1);
        let all = thread::scope(|scope| {
            let thieves: Vec<_> = (0..THIEVES)
                .map(|_| {
                    let (stealer, start) = (worker.stealer(), &start);
                    scope.spawn(move || {
                        start.wait();
                        let mut taken: Vec<u32> = Vec::new();
                        for _ in 0..count {
                            taken.extend(stealer.steal().success().map(|item: Item| *item));
                        }
                        taken
                    })
                })
                .collect();
            start.wait();
            (0..count).for_each(|id| worker.push(Box::new(id)));
            let mut all: Vec<u32> = Vec::new();
            for thief in thieves {
                all.extend(thief.join().expect("no thief panics"));
            }
            all.extend(std::iter::from_fn(|| worker.pop()).map(|item| *item));
            all
        });
        assert_each_once(all, 0..count);
    }
}

/// The last handle frees the deque, whichever it is.
#[test]
fn thieves_outlive_the_owner() {
    for _ in 0..(items() / 200).max(4) {
        let worker = Worker::new_lifo();
        (0..100).for_each(|id| worker.push(Box::new(id)));
        thread::scope(|scope| {
            for _ in 0..THIEVES {
                let stealer = worker.stealer();
                scope.spawn(move || while stealer.steal().is_success() {});
            }
            drop(worker);
        });
    }
}

#[test]
fn ownership_moves_between_threads() {
    static DEQUE: Deque<Item, Inline<64>> = Deque::new();
    let (taken, count) = (AtomicUsize::new(0), items() / 4);
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let mut left = count;
                while left > 0 {
                    let Some(worker) = DEQUE.claim() else {
                        thread::yield_now();
                        continue;
                    };
                    let full = worker.try_push(Box::new(left)).is_err();
                    left -= u32::from(!full);
                    if full || left % 2 == 0 {
                        taken.fetch_add(usize::from(worker.pop().is_some()), Ordering::Relaxed);
                    }
                }
            });
        }
        scope.spawn(|| {
            for _ in 0..count {
                taken.fetch_add(usize::from(DEQUE.stealer().steal().is_success()), Ordering::Relaxed);
            }
        });
    });
    let left = DEQUE.len();
    while DEQUE.stealer().steal().is_success() {}
    assert_eq!(taken.into_inner() + left, 3 * count as usize);
}

#[test]
fn injector() {
    for how in [How::Single, How::Batch] {
        let (queue, done) = (Injector::<Item>::new(), AtomicUsize::new(0));
        let count = items() / 2;
        let stolen: Vec<Vec<u32>> = thread::scope(|scope| {
            for pusher in 0..2 {
                let (queue, done) = (&queue, &done);
                scope.spawn(move || {
                    (0..count).for_each(|i| queue.push(Box::new(2 * i + pusher)));
                    done.fetch_add(1, Ordering::Release);
                });
            }
            let thieves: Vec<_> = (0..THIEVES)
                .map(|_| {
                    scope.spawn(|| {
                        let (mut taken, own) = (Vec::new(), Worker::new_fifo());
                        loop {
                            let last = done.load(Ordering::Acquire) == 2;
                            let item = match how {
                                How::Single => queue.steal(),
                                How::Batch => queue.steal_batch_and_pop(&own),
                            };
                            match item {
                                Steal::Success(item) => taken.push(*item),
                                Steal::Empty if last => return taken,
                                Steal::Empty | Steal::Retry => thread::yield_now(),
                            }
                            taken.extend(std::iter::from_fn(|| own.pop()).map(|item| *item));
                        }
                    })
                })
                .collect();
            thieves.into_iter().map(|thief| thief.join().expect("no thief panics")).collect()
        });
        for taken in &stolen {
            for pusher in 0..2 {
                assert!(taken.iter().filter(|&item| item % 2 == pusher).is_sorted(), "each pusher's order");
            }
        }
        assert!(queue.is_empty());
        assert_each_once(stolen.concat(), 0..2 * count);
    }
}
