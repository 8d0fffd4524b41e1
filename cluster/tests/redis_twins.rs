//! The mistakes of REGRESSIONS.md, each made once and seen to hang or to release early; then ours in the same place.
//!
//! A wrong variant is what people write first: a counter, or a set and a counter, and a message when it is full. Steps are
//! made in the order that hurts, by hand or by the proxy; what hangs is bounded by a deadline.

mod common;

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use ::redis::{Commands as _, Connection};
use common::proxy::{Fault, Proxy};
use common::{LONG, RedisServer, SHORT, bare, client, least_late, naive};
use reveille_cluster::redis::Server;
use reveille_cluster::{Error, Group as _, OnRunning, Options, Outcome, Recorded, WaitError};

fn add_event(connection: &mut Connection, stream: &str, fields: &[(&str, String)]) {
    let _: String = ::redis::cmd("XADD").arg(stream).arg("*").arg(fields).query(connection).unwrap();
}

/// Whether the naive producer is let go; if not, it hangs.
fn hears(connection: &mut Connection, after_subscribing: impl FnOnce()) -> bool {
    naive::hears(connection, SHORT, after_subscribing)
}

fn times_out_without(wait: Result<reveille_cluster::Report, WaitError>, tasks: &[&str]) {
    let Err(WaitError::Timeout { missing }) = wait else { panic!("not a timeout") };
    assert_eq!(missing, tasks);
}

/// Ours, where the decisive message comes between the look and the subscription: the read of events is held up in the
/// network until the last task is complete.
fn ours_while_the_subscription_is_held_up(server: &RedisServer) {
    let proxy = Proxy::start(server.address());
    let mut group = Server::new(proxy.url()).unwrap().create("g", ["a"], &Options::new()).unwrap();
    let mut worker = client(server).attach("g").unwrap();
    proxy.plan("XREAD", [Fault::Delay(SHORT)]);
    let start = Instant::now();
    thread::scope(|s| {
        let wait = s.spawn(|| group.wait(LONG));
        while proxy.planned() > 0 {
            thread::yield_now(); // the look was answered "open", the read of events is on its way
        }
        worker.complete("a", Outcome::done("")).unwrap();
        assert!(wait.join().unwrap().is_ok());
    });
    assert!(start.elapsed() < LONG / 2, "not by the last look, when the time is up");
}

#[test]
fn twin_r8_the_waiting_producer_counts_itself() {
    let server = RedisServer::start();
    let mut connection = bare(&server);
    // Three tasks, and a producer that takes its own arrival for one of three.
    naive::complete(&mut connection, 3);
    naive::complete(&mut connection, 3);
    let released = hears(&mut bare(&server), || naive::complete(&mut connection, 3));
    assert!(released, "with the third task unfinished");

    let mut group = client(&server).create("g", ["a", "b", "c"], &Options::new()).unwrap();
    group.complete("a", Outcome::done("")).unwrap();
    group.complete("b", Outcome::done("")).unwrap();
    times_out_without(group.wait(SHORT), &["c"]);
}

#[test]
fn twin_r9_check_then_subscribe() {
    let server = RedisServer::start();
    let (mut producer, mut worker) = (bare(&server), bare(&server));
    assert!(naive::count(&mut producer) < 1, "so the producer is going to subscribe");
    naive::complete(&mut worker, 1);
    assert!(!hears(&mut producer, || {}), "all is done, and the producer hangs");

    ours_while_the_subscription_is_held_up(&server);
}

#[test]
fn twin_r10_subscription_not_acknowledged() {
    let server = RedisServer::start();
    let proxy = Proxy::start(server.address());
    proxy.plan("SUBSCRIBE", [Fault::Delay(SHORT)]);
    let mut subscription = TcpStream::connect(proxy.url().trim_start_matches("redis://")).unwrap();
    subscription.write_all(b"*2\r\n$9\r\nSUBSCRIBE\r\n$4\r\ndone\r\n").unwrap();
    // Sent is not subscribed. The count is read on another connection, which is faster.
    assert!(naive::count(&mut bare(&server)) < 1);
    while proxy.planned() > 0 {
        thread::yield_now();
    }
    naive::complete(&mut bare(&server), 1);
    let mut acknowledged = [0; 31];
    subscription.read_exact(&mut acknowledged).unwrap();
    assert!(acknowledged.starts_with(b"*3\r\n$9\r\nsubscribe"));
    subscription.set_read_timeout(Some(SHORT)).unwrap();
    assert!(subscription.read_exact(&mut [0; 8]).is_err(), "the message came before the subscription");

    ours_while_the_subscription_is_held_up(&server);
}

/// A set against duplicates, and a counter beside it, as two commands.
fn set_and_counter(connection: &mut Connection, task: &str, total: i64, increment_anyway: bool) {
    let new: i64 = connection.sadd("seen", task).unwrap();
    if new == 1 || increment_anyway {
        naive::complete(connection, total);
    }
}

#[test]
fn twin_r11_counter_incremented_for_a_duplicate() {
    let server = RedisServer::start();
    let mut connection = bare(&server);
    let released = hears(&mut bare(&server), || {
        set_and_counter(&mut connection, "a", 2, true);
        set_and_counter(&mut connection, "a", 2, true);
    });
    assert!(released, "with b unfinished");

    let mut group = client(&server).create("g", ["a", "b"], &Options::new()).unwrap();
    assert_eq!(group.complete("a", Outcome::done("")).unwrap(), Recorded::First { remaining: 1 });
    assert_eq!(group.complete("a", Outcome::done("")).unwrap(), Recorded::Duplicate);
    times_out_without(group.wait(SHORT), &["b"]);
}

#[test]
fn twin_r12_crash_between_insert_and_increment() {
    let server = RedisServer::start();
    let mut connection = bare(&server);
    let released = hears(&mut bare(&server), || {
        let _: i64 = connection.sadd("seen", "a").unwrap();
        // Here the worker dies. The task is delivered again, to another one, which finds it done.
        set_and_counter(&mut connection, "a", 1, false);
    });
    assert!(!released, "all is done, and the producer hangs");

    // One script: whether the connection is cut before or after it, the other worker finds all of it or nothing.
    let proxy = Proxy::start(server.address());
    for (fault, second) in
        [(Fault::CutBefore, Recorded::First { remaining: 0 }), (Fault::CutAfter, Recorded::Duplicate)]
    {
        let mut group = client(&server).create("g", ["a"], &Options::new()).unwrap();
        let mut dying = Server::new(proxy.url()).unwrap().patience(Duration::from_secs(1)).attach("g").unwrap();
        proxy.plan("EVAL", [fault; 64]);
        assert!(matches!(dying.complete("a", Outcome::done("")), Err(Error::Unreachable(_))), "it knows nothing");
        assert_eq!(group.complete("a", Outcome::done("")).unwrap(), second);
        assert!(group.wait(LONG).is_ok());
        proxy.plan("", []);
    }
}

#[test]
fn twin_c1_message_without_a_generation() {
    let server = RedisServer::start();
    let (mut first, mut second) = (bare(&server), bare(&server));
    // The last worker of the first run has counted, but is held up before it says so.
    assert_eq!(first.incr::<_, _, i64>("count", 1).unwrap(), 1);
    naive::reset(&mut second); // the next run of the same name
    assert!(hears(&mut second, || naive::publish(&mut first, "complete")), "released with nothing done");

    let mut first = client(&server).create("g", ["a"], &Options::new()).unwrap();
    first.complete("a", Outcome::done("")).unwrap();
    let mut second = client(&server).create("g", ["a"], &Options::new()).unwrap();
    thread::scope(|s| {
        let wait = s.spawn(|| second.wait(SHORT * 2));
        let mut late = bare(&server);
        let event = [("epoch", first.epoch().to_string()), ("state", "complete".to_owned())];
        add_event(&mut late, "reveille:{g}:events", &event);
        times_out_without(wait.join().unwrap(), &["a"]);
    });
}

#[test]
fn twin_c2_straggler_counts_in_the_next_run() {
    let server = RedisServer::start();
    let mut straggler = bare(&server);
    naive::reset(&mut bare(&server)); // the next run of the same name, of one task
    assert!(hears(&mut bare(&server), || naive::complete(&mut straggler, 1)), "released with nothing done");

    let mut straggler = client(&server).create("g", ["a"], &Options::new()).unwrap();
    let mut second = client(&server).create("g", ["a"], &Options::new()).unwrap();
    assert_eq!(straggler.complete("a", Outcome::done("")).unwrap(), Recorded::Stale);
    times_out_without(second.wait(SHORT), &["a"]);
}

#[test]
fn twin_c3_missing_key_read_as_complete() {
    let server = RedisServer::start();
    let mut connection = bare(&server);
    let _: () = connection.set("left", 2).unwrap();
    let complete = |connection: &mut Connection| connection.get::<_, Option<i64>>("left").unwrap().unwrap_or(0) == 0;
    assert!(!complete(&mut connection));
    let _: () = ::redis::cmd("FLUSHALL").query(&mut connection).unwrap();
    assert!(complete(&mut connection), "released with nothing done");

    // Ours, whichever key is gone, whether tasks are complete or not.
    for part in ["meta", "pending", "done", "queue"] {
        for completed in ["", "a", "ab"] {
            let mut group = client(&server).create("g", ["a", "b"], &Options::new()).unwrap();
            for task in completed.chars() {
                group.complete(&task.to_string(), Outcome::done("")).unwrap();
            }
            let there: bool = connection.del(format!("reveille:{{g}}:{part}")).unwrap();
            let waited = group.wait(SHORT);
            match (there, completed) {
                (true, _) => assert!(matches!(waited, Err(WaitError::Vanished)), "{part} {completed}"),
                (false, "ab") => assert!(waited.is_ok(), "all complete: nothing is pending, and nothing queues"),
                (false, _) => times_out_without(waited, &["a", "b"]),
            }
            if there {
                assert!(matches!(group.complete("a", Outcome::done("")), Err(Error::Vanished)));
                assert!(matches!(client(&server).attach("g"), Err(Error::Vanished)));
                let refuse = Options::new().on_running(OnRunning::Refuse);
                assert!(client(&server).create("g", ["a"], &refuse).is_ok(), "what is lost is not busy");
            }
        }
    }
    let mut group = client(&server).create("g", ["a"], &Options::new()).unwrap();
    let wait = thread::spawn(move || group.wait(LONG));
    let _: () = ::redis::cmd("FLUSHALL").query(&mut connection).unwrap();
    assert!(matches!(wait.join().unwrap(), Err(WaitError::Vanished)), "noticed while it waits");
}

/// Waits by looking again and again, each pause twice as long, and takes every error for a timeout.
fn backing_off(connection: &mut Connection, timeout: Duration) -> Result<(), &'static str> {
    let (start, mut pause) = (Instant::now(), Duration::from_millis(10));
    loop {
        match connection.get::<_, Option<i64>>("count") {
            Ok(Some(1)) => return Ok(()),
            Ok(_) if start.elapsed() < timeout => thread::sleep(pause),
            _ => return Err("timed out"),
        }
        pause *= 2;
    }
}

#[test]
fn twin_c4_deadline_overshot_and_errors_called_timeouts() {
    let mut server = RedisServer::start();
    let (mut connection, timeout) = (bare(&server), Duration::from_millis(700));
    let start = Instant::now();
    assert!(backing_off(&mut connection, timeout).is_err());
    assert!(start.elapsed() >= Duration::from_millis(1_270), "almost twice its time"); // 10 + 20 + ... + 640

    let mut group = client(&server).create("g", ["a"], &Options::new()).unwrap();
    let late = least_late(timeout, || times_out_without(group.wait(timeout), &["a"]));
    assert!(late < Duration::from_millis(500), "{late:?} late");

    server.kill();
    assert_eq!(backing_off(&mut connection, timeout), Err("timed out"), "before the time, and that was not it");
    let start = Instant::now();
    let Err(WaitError::Place(Error::Unreachable(_))) = group.wait(timeout) else { panic!("not unreachable") };
    assert!(start.elapsed() >= timeout / 2, "it was tried again");
}

#[test]
fn twin_c5_response_timeout_cuts_the_blocking_read() {
    let server = RedisServer::start();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    // The crate's default is half a second for everything, a blocking read included.
    let mut worker = bare(&server);
    let late = thread::spawn(move || {
        thread::sleep(Duration::from_millis(1_000));
        add_event(&mut worker, "stream", &[("state", "complete".to_owned())]);
    });
    let cut = runtime.block_on(async {
        let mut connection = ::redis::Client::open(server.url()).unwrap().get_multiplexed_async_connection().await?;
        let mut read = ::redis::cmd("XREAD");
        read.arg("BLOCK").arg(10_000).arg("STREAMS").arg("stream").arg("0-0");
        read.query_async::<::redis::Value>(&mut connection).await
    });
    assert!(cut.unwrap_err().is_timeout(), "ended by a timeout that nobody asked for");
    late.join().unwrap();

    let waited = runtime.block_on(async {
        let mut group = client(&server).create_async("g", ["a"], &Options::new()).await.unwrap();
        let mut worker = client(&server).attach("g").unwrap();
        let late = thread::spawn(move || {
            thread::sleep(Duration::from_millis(1_000));
            worker.complete("a", Outcome::done("")).unwrap()
        });
        let waited = group.wait(LONG).await;
        late.join().unwrap();
        waited
    });
    assert!(waited.is_ok());
}
