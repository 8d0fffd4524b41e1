//! Panics wherever one can happen: the first one reaches the caller, nothing leaks, and the pool works after.

use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicIsize, AtomicUsize, Ordering};

use reveille::pool::Priority;
use reveille::{ThreadPool, ThreadPoolBuilder, Worker};

/// Rounds of a stress loop: `REVEILLE_STRESS`, small by default.
fn rounds(default: usize) -> usize {
    std::env::var("REVEILLE_STRESS").ok().and_then(|n| n.parse().ok()).unwrap_or(default)
}

/// Counts how many of its kind live: in closures, results and payloads.
#[derive(Debug)]
struct Token(Arc<AtomicIsize>);

impl Token {
    fn new(live: &Arc<AtomicIsize>) -> Self {
        live.fetch_add(1, Ordering::Relaxed);
        Token(live.clone())
    }
}

impl Drop for Token {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A result whose drop panics, once its token is counted out.
struct Bomb(Token);

impl Drop for Bomb {
    fn drop(&mut self) {
        throw(&self.0.0, "drop");
    }
}

/// Panics without a message on the terminal.
fn throw(live: &Arc<AtomicIsize>, name: &'static str) -> ! {
    panic::resume_unwind(Box::new((name, Token::new(live))))
}

fn caught<R>(f: impl FnOnce() -> R) -> Option<&'static str> {
    let payload = panic::catch_unwind(AssertUnwindSafe(f)).err()?;
    payload.downcast_ref::<(&str, Token)>().map(|payload| payload.0)
}

fn fib(worker: &Worker, n: u64) -> u64 {
    if n < 2 {
        return n;
    }
    let (a, b) = worker.join(|w| fib(w, n - 1), |w| fib(w, n - 2));
    a + b
}

fn pool(threads: usize, unheard: &Arc<AtomicUsize>) -> ThreadPool {
    let unheard = unheard.clone();
    ThreadPoolBuilder::new()
        .num_threads(threads)
        .panic_handler(move |payload| {
            drop(payload);
            unheard.fetch_add(1, Ordering::Relaxed);
        })
        .build()
        .unwrap()
}

/// A tree of joins in which every leaf whose number is a multiple of `every` panics.
fn tree(w: &Worker, live: &Arc<AtomicIsize>, from: usize, to: usize, every: usize) -> Token {
    if to - from == 1 {
        if from % every == 0 {
            throw(live, "leaf");
        }
        return Token::new(live);
    }
    let middle = from.midpoint(to);
    let (kept, there) = (Token::new(live), Token::new(live));
    let (a, b) =
        w.join(move |w| (tree(w, live, from, middle, every), kept), move |w| (tree(w, live, middle, to, every), there));
    drop(b);
    a.0
}

#[test]
fn a_storm_of_panics_leaks_nothing_and_the_pool_works_after() {
    let live = Arc::new(AtomicIsize::new(0));
    let unheard = Arc::new(AtomicUsize::new(0));
    let pool = pool(4, &unheard);
    let shallow = ThreadPoolBuilder::new().num_threads(1).join_capacity(2).build().unwrap();
    let live = &live;
    let quiet = |when: &str| assert_eq!(live.load(Ordering::Relaxed), 0, "leaked after {when}");

    for round in 0..rounds(200) {
        let name = caught(|| pool.enter(|w| w.join(|_| throw(live, "a"), |_| Token::new(live))));
        assert_eq!(name, Some("a"));
        quiet("a");
        assert_eq!(caught(|| pool.enter(|w| w.join(|_| Token::new(live), |_| throw(live, "b")))), Some("b"));
        quiet("b");
        assert_eq!(caught(|| pool.enter(|w| w.join(|_| throw(live, "a"), |_| throw(live, "b")))), Some("a"));
        quiet("both");

        // Across threads for certain: the first half waits until the second one runs elsewhere.
        let begun = AtomicBool::new(false);
        let wait = || {
            while !begun.load(Ordering::Acquire) {
                std::thread::yield_now();
            }
        };
        let elsewhere = |_: &Worker| {
            begun.store(true, Ordering::Release);
            throw(live, "elsewhere")
        };
        assert_eq!(caught(|| pool.enter(|w| w.join(|_| wait(), elsewhere))), Some("elsewhere"));
        quiet("a stolen half");

        // The result of b is dropped while a's panic unwinds: its own panic goes nowhere, and does not abort.
        assert_eq!(caught(|| pool.enter(|w| w.join(|_| throw(live, "a"), |_| Bomb(Token::new(live))))), Some("a"));
        quiet("a drop of b's result");
        assert_eq!(caught(|| pool.enter(|w| drop(w.join(|_| (), |_| Bomb(Token::new(live)))))), Some("drop"));
        quiet("a drop of the results");

        // Deeper than the join stack, where both sides run in sequence.
        let both = |w: &Worker| w.join(|_| throw(live, "a"), |_| throw(live, "b"));
        assert_eq!(caught(|| shallow.enter(|w| w.join(|w| w.join(both, |_| ()), |_| Token::new(live)))), Some("a"));
        quiet("a join beyond the capacity");

        // Deep, on several workers at once.
        assert_eq!(caught(|| pool.enter(|w| tree(w, live, 1, 257, 7 + round % 50))), Some("leaf"));
        quiet("a tree");

        // Of many panics in a scope one resumes, and every task runs.
        let ran = AtomicUsize::new(0);
        let name = caught(|| {
            pool.scope(|s| {
                for i in 0..32 {
                    let ran = &ran;
                    s.spawn(move |_| {
                        ran.fetch_add(1, Ordering::Relaxed);
                        if i % 3 == 0 {
                            throw(live, "task");
                        }
                    });
                }
            });
        });
        assert_eq!((name, ran.into_inner()), (Some("task"), 32));
        quiet("a scope");
        assert_eq!(caught(|| pool.scope(|s| s.spawn(|_| throw(live, "nested")))), Some("nested"));
        let name = caught(|| {
            pool.scope(|s| {
                s.spawn(|_| throw(live, "task"));
                throw(live, "body")
            })
        });
        assert_eq!(name, Some("body"), "the body's own panic comes first");
        quiet("a scope's body");

        assert_eq!(caught(|| pool.broadcast(|_| throw(live, "everywhere"))), Some("everywhere"));
        quiet("a broadcast");

        // Spawned, with and without somebody who asks.
        for priority in [Priority::High, Priority::Normal, Priority::Low] {
            let (here, heard) = (live.clone(), unheard.load(Ordering::Relaxed));
            let handle = pool.spawn_with(priority, move || throw(&here, "spawned"));
            assert_eq!(
                caught(|| handle.join().unwrap_or_else(|payload| panic::resume_unwind(payload))),
                Some("spawned")
            );
            assert_eq!(unheard.load(Ordering::Relaxed), heard);
            let here = live.clone();
            pool.spawn_with(priority, move || throw(&here, "detached")).detach();
            while unheard.load(Ordering::Relaxed) == heard {
                std::thread::yield_now();
            }
        }
    }
    assert_eq!(pool.enter(|w| fib(w, 15)), 610);
    assert!(pool.stats().steals > 0, "no panic crossed a thread");
    pool.shutdown();
    quiet("everything");
}
