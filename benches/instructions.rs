//! Instructions per operation, which no other program on the machine can disturb. `cargo bench --bench instructions`
//!
//! This program runs itself under valgrind's cachegrind, once doing an operation `n` times
//! and once doing it `2 n` times; the difference by `n` is what one costs, start-up and all else cancelled. One thread
//! works; what a second one would do to the caches is not in it, and a locked instruction counts as one. Every operation has
//! the loop around it, the same for all of a row.
//!
//! Without valgrind it says so, and measures nothing.

mod common;

use std::collections::VecDeque;
use std::env;
use std::hint::black_box;
use std::num::NonZero;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex};

use common::Bench;
use common::peers::{
    CHILI, CHILI_EVERY, CROSSBEAM_LIFO, CROSSBEAM_PARKER, EVENT_LISTENER, FLUME, FORTE, OURS, OURS_FREE, PARKING_LOT,
    RAYON, SEQUENTIAL, ST3, TOKIO_MPSC,
};

/// Does an operation so many times.
type Program = fn(u64);

/// Joins of a call of `depth` of so many levels.
const LEVELS: u32 = 7;
const FORKS: f64 = 127.0;

struct Operation {
    row: &'static str,
    name: &'static str,
    program: Program,
    /// Operations in one turn of the program.
    parts: f64,
    is_peer: bool,
}

const fn contestant(row: &'static str, name: &'static str, program: Program) -> Operation {
    Operation { row, name, program, parts: 1.0, is_peer: true }
}

const fn fork(name: &'static str, program: Program) -> Operation {
    Operation { row: FORK, name, program, parts: FORKS, is_peer: true }
}

const FORK: &str = "fork that nobody steals";
const PUSH_POP: &str = "deque, push and pop, 8 below";
const STEAL: &str = "deque, push and steal";
const SIGNAL: &str = "signal, nobody asleep, and the wait that takes it";
const COUNT_DOWN: &str = "latch, count_down";
const PUBLISH: &str = "bridge, publish and drain, 64 at a time";

const OPERATIONS: &[Operation] = &[
    fork(OURS, |n| {
        let pool = reveille::ThreadPoolBuilder::new().num_threads(1).build().expect("a thread");
        pool.enter(|w| (0..n).for_each(|_| _ = black_box(by_reveille(w, LEVELS))));
    }),
    fork(OURS_FREE, |n| {
        let pool = reveille::ThreadPoolBuilder::new().num_threads(1).build().expect("a thread");
        pool.install(|| (0..n).for_each(|_| _ = black_box(by_reveille_free(LEVELS))));
    }),
    fork(CHILI_EVERY, |n| {
        let pool = chili_of_one();
        let mut scope = pool.scope();
        (0..n).for_each(|_| _ = black_box(by_chili_every(&mut scope, LEVELS)));
    }),
    fork(CHILI, |n| {
        let pool = chili_of_one();
        let mut scope = pool.scope();
        (0..n).for_each(|_| _ = black_box(by_chili(&mut scope, LEVELS)));
    }),
    fork(RAYON, |n| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a thread");
        pool.install(|| (0..n).for_each(|_| _ = black_box(by_rayon(LEVELS))));
    }),
    fork(FORTE, |n| {
        let pool: &forte::ThreadPool = Box::leak(Box::new(forte::ThreadPool::new()));
        pool.with_worker(|w| (0..n).for_each(|_| _ = black_box(by_forte(w, LEVELS))));
    }),
    Operation {
        row: FORK,
        name: SEQUENTIAL,
        program: |n| (0..n).for_each(|_| _ = black_box(in_sequence(LEVELS))),
        parts: FORKS,
        is_peer: false,
    },
    contestant(PUSH_POP, "reveille, growable", |n| {
        let deque = reveille::deque::Worker::new_lifo();
        push_pop(n, |item| deque.push(item), || deque.pop());
    }),
    contestant(PUSH_POP, CROSSBEAM_LIFO, |n| {
        let deque = crossbeam_deque::Worker::new_lifo();
        push_pop(n, |item| deque.push(item), || deque.pop());
    }),
    contestant(PUSH_POP, ST3, |n| {
        let deque = st3::lifo::Worker::new(64);
        push_pop(n, |item| deque.push(item).expect("room"), || deque.pop());
    }),
    Operation {
        row: PUSH_POP,
        name: "VecDeque, the floor",
        program: |n| {
            let deque = std::cell::RefCell::new(VecDeque::with_capacity(64));
            push_pop(n, |item| deque.borrow_mut().push_back(item), || deque.borrow_mut().pop_back());
        },
        parts: 1.0,
        is_peer: false,
    },
    contestant(STEAL, "reveille, growable", |n| {
        let deque = reveille::deque::Worker::new_lifo();
        let thief = deque.stealer();
        push_pop(n, |item| deque.push(item), || thief.steal().success());
    }),
    contestant(STEAL, CROSSBEAM_LIFO, |n| {
        let deque = crossbeam_deque::Worker::new_lifo();
        let thief = deque.stealer();
        push_pop(n, |item| deque.push(item), || thief.steal().success());
    }),
    contestant(STEAL, ST3, |n| {
        let deque = st3::lifo::Worker::new(64);
        let (thief, own) = (deque.stealer(), st3::lifo::Worker::new(64));
        push_pop(
            n,
            |item| deque.push(item).expect("room"),
            || thief.steal_and_pop(&own, |_| 1).ok().map(|(item, _)| item),
        );
    }),
    contestant(SIGNAL, "reveille CoreLatch", |n| {
        let latch = reveille::latch::CoreLatch::new();
        (0..n).for_each(|_| {
            black_box(&latch).set();
            latch.wait();
            latch.reset();
        });
    }),
    contestant(SIGNAL, CROSSBEAM_PARKER, |n| {
        let parker = crossbeam_utils::sync::Parker::new();
        let unparker = parker.unparker().clone();
        (0..n).for_each(|_| {
            black_box(&unparker).unpark();
            parker.park();
        });
    }),
    contestant(SIGNAL, "std park", |n| {
        let here = std::thread::current();
        (0..n).for_each(|_| {
            black_box(&here).unpark();
            std::thread::park();
        });
    }),
    contestant(SIGNAL, "std Mutex, Condvar", |n| {
        let (set, changed) = (Mutex::new(false), Condvar::new());
        (0..n).for_each(|_| {
            *black_box(&set).lock().expect("no panic") = true;
            changed.notify_one();
            *changed.wait_while(set.lock().expect("no panic"), |set| !*set).expect("no panic") = false;
        });
    }),
    contestant(COUNT_DOWN, "reveille CountdownLatch", |n| {
        let latch = reveille::latch::CountdownLatch::new(1 << 20);
        (0..n).for_each(|_| _ = black_box(&latch).count_down());
    }),
    contestant(COUNT_DOWN, EVENT_LISTENER, |n| {
        let (count, event) = (AtomicUsize::new(usize::MAX), event_listener::Event::<()>::new());
        (0..n).for_each(|_| {
            if black_box(&count).fetch_sub(1, Ordering::AcqRel) == 1 {
                event.notify(usize::MAX);
            }
        });
    }),
    contestant(COUNT_DOWN, "std Mutex, Condvar", |n| {
        let latch = (Mutex::new(u64::MAX), Condvar::new());
        (0..n).for_each(|_| {
            let mut count = black_box(&latch).0.lock().expect("no panic");
            *count -= 1;
            if *count == 0 {
                latch.1.notify_all();
            }
        });
    }),
    contestant(COUNT_DOWN, PARKING_LOT, |n| {
        let latch = (parking_lot::Mutex::new(u64::MAX), parking_lot::Condvar::new());
        (0..n).for_each(|_| {
            let mut count = black_box(&latch).0.lock();
            *count -= 1;
            if *count == 0 {
                latch.1.notify_all();
            }
        });
    }),
    contestant(PUBLISH, OURS, |n| {
        use reveille::bridge::{Boxed, Bridge, Budget};
        let bridge: Bridge<Boxed<u64>, fn()> = Bridge::new(|| ());
        let mut receiver = bridge.attach().expect("new");
        in_bursts(
            n,
            |item| bridge.try_publish(0, Boxed::new(item)).expect("open"),
            || _ = receiver.drain(Budget::ALL, drop).expect("open"),
        );
    }),
    contestant(PUBLISH, "reveille, nodes of the publisher", |n| {
        use reveille::bridge::{Bridge, Budget, Node};
        let mut nodes: Vec<Node<u64>> = (0..64).map(Node::new).collect();
        let free = std::cell::RefCell::new(nodes.iter_mut().collect::<Vec<_>>());
        let bridge: Bridge<&mut Node<u64>, fn()> = Bridge::new(|| ());
        let mut receiver = bridge.attach().expect("new");
        in_bursts(
            n,
            |item| {
                let node = free.borrow_mut().pop().expect("as many as a burst has");
                node.value = item;
                bridge.try_publish(0, node).expect("open");
            },
            || _ = receiver.drain(Budget::ALL, |node| free.borrow_mut().push(node)).expect("open"),
        );
    }),
    contestant(PUBLISH, TOKIO_MPSC, |n| {
        let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
        in_bursts(n, |item| sender.send(item).expect("open"), || while receiver.try_recv().is_ok() {});
    }),
    contestant(PUBLISH, FLUME, |n| {
        let (sender, receiver) = flume::unbounded();
        in_bursts(n, |item| sender.send(item).expect("open"), || while receiver.try_recv().is_ok() {});
    }),
];

macro_rules! depth {
    ($name:ident, ($($w:ident: $context:ty)?), $join:expr) => {
        fn $name($($w: $context,)? levels: u32) -> u64 {
            if levels == 0 {
                return black_box(1);
            }
            let (a, b) = $join($($w,)? levels);
            a + b
        }
    };
}

depth!(in_sequence, (), |levels| (in_sequence(levels - 1), in_sequence(levels - 1)));
depth!(by_reveille, (w: &reveille::Worker), |w: &reveille::Worker, levels| {
    w.join(|w| by_reveille(w, levels - 1), |w| by_reveille(w, levels - 1))
});
depth!(by_reveille_free, (), |levels| {
    reveille::join(|| by_reveille_free(levels - 1), || by_reveille_free(levels - 1))
});
depth!(by_chili_every, (w: &mut chili::Scope<'_>), |w: &mut chili::Scope<'_>, levels| {
    w.join_with_heartbeat_every::<1, _, _, _, _>(|w| by_chili_every(w, levels - 1), |w| by_chili_every(w, levels - 1))
});
depth!(by_chili, (w: &mut chili::Scope<'_>), |w: &mut chili::Scope<'_>, levels| {
    w.join(|w| by_chili(w, levels - 1), |w| by_chili(w, levels - 1))
});
depth!(by_rayon, (), |levels| rayon::join(|| by_rayon(levels - 1), || by_rayon(levels - 1)));
depth!(by_forte, (w: &forte::Worker), |w: &forte::Worker, levels| {
    w.join(|w| by_forte(w, levels - 1), |w| by_forte(w, levels - 1))
});

/// One thread, and one for heartbeats.
fn chili_of_one() -> chili::ThreadPool {
    chili::ThreadPool::with_config(chili::Config { thread_count: NonZero::new(1), ..chili::Config::default() })
}

fn push_pop(n: u64, push: impl Fn(usize), pop: impl Fn() -> Option<usize>) {
    (0..8).for_each(&push);
    for i in 0..n {
        push(black_box(i as usize));
        black_box(pop());
    }
}

fn in_bursts(n: u64, publish: impl Fn(u64), mut drain: impl FnMut()) {
    for i in 0..n {
        publish(black_box(i));
        if i % 64 == 63 {
            drain();
        }
    }
}

/// Has this program do an operation so many times under cachegrind; the instructions of all that.
fn count(index: usize, n: u64) -> f64 {
    let program = env::current_exe().expect("a path");
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"]);
    let output = valgrind.arg(program).args(["--operation", &index.to_string(), &n.to_string()]).output();
    let output = output.expect("valgrind was there a moment ago");
    let log = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{log}");
    // ==123== I   refs:      1,234,567
    let line = log.lines().find(|line| line.contains("refs:")).unwrap_or_else(|| panic!("no count in {log}"));
    let digits: String = line.rsplit(':').next().unwrap_or("").chars().filter(char::is_ascii_digit).collect();
    digits.parse().unwrap_or_else(|_| panic!("no number in {line:?}"))
}

fn main() {
    let arguments: Vec<String> = env::args().collect();
    if let [_, flag, index, n] = &arguments[..] {
        if flag == "--operation" {
            let index: usize = index.parse().expect("a number");
            (OPERATIONS[index].program)(n.parse().expect("a number"));
            return;
        }
    }
    let bench = Bench::new("instructions");
    if bench.is_smoke() {
        OPERATIONS.iter().for_each(|operation| (operation.program)(100));
        return bench.finish();
    }
    if !Command::new("valgrind").arg("--version").output().is_ok_and(|output| output.status.success()) {
        println!("NOT MEASURED: there is no valgrind here; on Debian, `apt-get install valgrind`");
        return bench.finish();
    }
    let mut rows: Vec<&str> = OPERATIONS.iter().map(|operation| operation.row).collect();
    rows.dedup();
    for title in rows {
        let mut row = bench.row(title);
        for (index, operation) in OPERATIONS.iter().enumerate().filter(|(_, operation)| operation.row == title) {
            let &Operation { name, parts, is_peer, .. } = operation;
            let per = move |n| (count(index, 2 * n) - count(index, n)) / n as f64 / parts;
            row = if is_peer { row.contestant(name, per) } else { row.beside(name, per) };
        }
        if title == FORK {
            row = row.above(SEQUENTIAL);
        }
        row.rounds(1).run(20_000);
    }
    bench.finish();
}
