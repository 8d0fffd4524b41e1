//! Groups between processes and machines against what people write first. `cargo bench -p reveille-cluster --features redis,shm`
//!
//! One `redis-server` of our own on this machine, so that what is measured is the protocol and not a network. *Naive* is a
//! counter and a message, `INCR` and pub/sub: it counts duplicates, hangs after a crash, and lets stragglers in
//! (`tests/redis_twins.rs`); one that does not needs a set at least.
//!
//! | row | what is timed |
//! |---|---|
//! | completion | one completion, by one worker |
//! | completions of four | one completion, by four workers at the same time |
//! | queue | getting a task and completing it, by one worker |
//! | wake | from the last completion until the producer, who sleeps, goes on |
//! | phase in shared memory | two members that wait for each other |

#[path = "../../benches/common/mod.rs"]
mod common;
#[path = "../tests/common/naive.rs"]
mod naive;
#[path = "../tests/common/server.rs"]
mod server;

use std::cell::RefCell;
use std::sync::{Barrier, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use ::redis::{Commands as _, Connection};
use common::{Bench, per, time, time_of};
use reveille_cluster::redis::Server;
use reveille_cluster::shm::{self, Config};
use reveille_cluster::{Group as _, Options, Outcome, Taken, Worker as _, local};
use server::RedisServer;

const LONG: Duration = Duration::from_secs(60);
const WORKERS: u64 = 4;

fn names(count: u64) -> impl Iterator<Item = String> {
    (0..count).map(|n| n.to_string())
}

fn bare(server: &RedisServer) -> Connection {
    ::redis::Client::open(server.url()).unwrap().get_connection().unwrap()
}

/// A group of `count` tasks without a queue, which is what the naive barrier has.
fn plain(there: &Server, count: u64) -> reveille_cluster::redis::Group {
    there.create("bench", names(count), &Options::new().queue(false)).unwrap()
}

/// A set against duplicates and a counter, together in a transaction: the least that survives a crash.
fn set_and_counter(connection: &mut Connection, task: &str) {
    let mut both = ::redis::pipe();
    both.atomic().sadd("seen", task).scard("seen");
    let (_new, _count): (i64, i64) = both.query(connection).unwrap();
}

fn completion(bench: &Bench, server: &RedisServer, there: &Server) {
    let connection = RefCell::new(bare(server));
    bench
        .row("completion")
        .contestant("reveille", |n| {
            let mut group = plain(there, n);
            let ids: Vec<_> = names(n).collect();
            time(n, |i| _ = group.complete(&ids[i as usize], Outcome::done("")).unwrap())
        })
        .contestant("naive, INCR", |n| {
            naive::reset(&mut connection.borrow_mut());
            time(n, |_| naive::complete(&mut connection.borrow_mut(), i64::MAX))
        })
        .contestant("SADD and SCARD in MULTI", |n| {
            let _: i64 = connection.borrow_mut().del("seen").unwrap();
            let ids: Vec<_> = names(n).collect();
            time(n, |i| set_and_counter(&mut connection.borrow_mut(), &ids[i as usize]))
        })
        .run(5_000);
}

/// Nanoseconds per call when several workers call at the same time; each prepares first.
fn by_four<C: FnMut(u64)>(count: u64, prepare: impl Fn(u64) -> C + Sync) -> f64 {
    let (each, ready) = (count.div_ceil(WORKERS), Barrier::new(WORKERS as usize + 1));
    let start = thread::scope(|s| {
        for worker in 0..WORKERS {
            let (prepare, ready) = (&prepare, &ready);
            s.spawn(move || {
                let mut call = prepare(worker);
                ready.wait();
                (worker * each..(worker + 1) * each).for_each(&mut call);
            });
        }
        ready.wait();
        Instant::now()
    });
    per(start.elapsed(), each * WORKERS)
}

fn completions_of_four(bench: &Bench, server: &RedisServer, there: &Server) {
    bench
        .row("completions of four")
        .contestant("reveille", |n| {
            let _group = plain(there, n.next_multiple_of(WORKERS));
            by_four(n, |_| {
                let mut group = there.attach("bench").unwrap();
                move |i| _ = group.complete(&i.to_string(), Outcome::done("")).unwrap()
            })
        })
        .contestant("naive, INCR", |n| {
            naive::reset(&mut bare(server));
            by_four(n, |_| {
                let mut connection = bare(server);
                move |_| naive::complete(&mut connection, i64::MAX)
            })
        })
        .contestant("SADD and SCARD in MULTI", |n| {
            let _: i64 = bare(server).del("seen").unwrap();
            by_four(n, |_| {
                let mut connection = bare(server);
                move |i| set_and_counter(&mut connection, &i.to_string())
            })
        })
        .run(10_000);
}

fn queue(bench: &Bench, server: &RedisServer, there: &Server) {
    let connection = RefCell::new(bare(server));
    bench
        .row("queue")
        .contestant("reveille", |n| {
            let _group = there.create("queue", names(n), &Options::new()).unwrap();
            let mut worker = there.worker("queue").unwrap();
            time(n, |_| {
                let Taken::Task(lease) = worker.take(LONG).unwrap() else { panic!("no task") };
                worker.complete(&lease, Outcome::done("")).unwrap();
            })
        })
        .contestant("naive, LPOP and INCR", |n| {
            let mut connection = connection.borrow_mut();
            let _: i64 = connection.del("tasks").unwrap();
            let _: i64 = connection.rpush("tasks", names(n).collect::<Vec<_>>()).unwrap();
            naive::reset(&mut connection);
            time(n, |_| {
                let _task: String = connection.lpop("tasks", None).unwrap();
                naive::complete(&mut connection, i64::MAX);
            })
        })
        .contestant("reveille, in process", |n| {
            let place = local::Place::new();
            let _group = place.create("queue", names(n), &Options::new()).unwrap();
            let mut worker = place.worker("queue");
            time(n, |_| {
                let Taken::Task(lease) = worker.take(LONG).unwrap() else { panic!("no task") };
                worker.complete(&lease, Outcome::done("")).unwrap();
            })
        })
        .run(3_000);
}

/// Long enough that the producer sleeps.
const ASLEEP: Duration = Duration::from_millis(2);

/// From when a worker begins to complete the last task until the producer goes on, which runs in a thread of its own and says
/// when. `begin` makes a run and returns the producer's wait, which says when it is ready to be told; `complete` is the
/// worker's call.
fn wake<W: FnOnce(Box<dyn FnOnce()>) + Send>(
    count: u64,
    mut begin: impl FnMut() -> W,
    mut complete: impl FnMut(),
) -> f64 {
    time_of(count, |_| {
        let wait = begin();
        let ((ready, is_ready), (sender, woken)) = (mpsc::channel(), mpsc::channel());
        thread::scope(|s| {
            s.spawn(move || {
                wait(Box::new(move || ready.send(()).unwrap()));
                sender.send(Instant::now()).unwrap();
            });
            is_ready.recv().unwrap();
            thread::sleep(ASLEEP);
            let start = Instant::now();
            complete();
            woken.recv().unwrap().duration_since(start).as_nanos() as u64
        })
    })
}

fn wakes(bench: &Bench, server: &RedisServer, there: &Server) {
    let connection = RefCell::new(bare(server));
    let worker = RefCell::new(there.worker("wake").unwrap());
    bench
        .row("wake")
        .contestant("reveille", |n| {
            let lease = RefCell::new(None);
            let begin = || {
                let mut group = there.create("wake", ["last"], &Options::new()).unwrap();
                let Taken::Task(task) = worker.borrow_mut().take(LONG).unwrap() else { panic!("no task") };
                *lease.borrow_mut() = Some(task);
                move |ready: Box<dyn FnOnce()>| {
                    ready(); // whatever comes before the wait is not lost
                    group.wait(LONG).unwrap();
                }
            };
            wake(n, begin, || {
                let lease = lease.borrow_mut().take().unwrap();
                worker.borrow_mut().complete(&lease, Outcome::done("")).unwrap();
            })
        })
        .contestant("naive, pub/sub", |n| {
            let begin = || {
                naive::reset(&mut connection.borrow_mut());
                let mut subscriber = bare(server);
                move |ready: Box<dyn FnOnce()>| assert!(naive::hears(&mut subscriber, LONG, ready))
            };
            wake(n, begin, || naive::complete(&mut connection.borrow_mut(), 1))
        })
        .run(100);
}

fn phases(bench: &Bench) {
    let region = shm::create_anonymous(&Config::new(2)).unwrap();
    let members = [0, 1].map(|name| {
        let mut member = shm::attach(region.path(), LONG).unwrap();
        member.join(name).unwrap();
        RefCell::new(member)
    });
    let [here, there] = &members;
    bench
        .row("phase in shared memory")
        .contestant("reveille", |n| {
            let (mut here, mut there) = (here.borrow_mut(), there.borrow_mut());
            let (here, there) = (&mut *here, &mut *there);
            thread::scope(|s| {
                s.spawn(move || (0..n).for_each(|_| _ = there.arrive_and_wait(LONG).unwrap()));
                time(n, |_| _ = here.arrive_and_wait(LONG).unwrap())
            })
        })
        .contestant("std, in one process", |n| {
            let barrier = Barrier::new(2);
            thread::scope(|s| {
                s.spawn(|| (0..n).for_each(|_| _ = barrier.wait()));
                time(n, |_| _ = barrier.wait())
            })
        })
        .run(20_000);
}

fn main() {
    let server = RedisServer::start();
    let there = Server::new(server.url()).unwrap();
    let bench = Bench::new("cluster, ns");
    completion(&bench, &server, &there);
    completions_of_four(&bench, &server, &there);
    queue(&bench, &server, &there);
    wakes(&bench, &server, &there);
    phases(&bench);
    bench.finish();
}
