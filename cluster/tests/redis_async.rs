//! The client that blocks no thread: producer and workers are tasks of one thread.

mod common;

use std::future::Future;
use std::time::Duration;

use common::proxy::{Fault, Proxy};
use common::{LONG, RedisServer, SHORT, client};
use reveille_cluster::redis::{AsyncWorker, Server};
use reveille_cluster::{Error, Group as _, Options, Outcome, Recorded, Taken, WaitError};

fn block_on<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let tasks = tokio::task::LocalSet::new();
    tasks.block_on(&runtime, future)
}

async fn work_off(mut worker: AsyncWorker) -> usize {
    let mut firsts = 0;
    while let Taken::Task(lease) = worker.take(LONG).await.unwrap() {
        assert!(worker.renew(&lease).await.unwrap());
        let recorded = worker.complete(&lease, Outcome::Done(lease.payload.clone())).await.unwrap();
        firsts += usize::from(matches!(recorded, Recorded::First { .. }));
    }
    firsts
}

#[test]
fn a_producer_and_workers_share_one_thread() {
    let server = RedisServer::start();
    let there = client(&server);
    block_on(async {
        let mut waiting = there.worker_async("g").unwrap();
        let first = tokio::task::spawn_local(async move { waiting.next_run(None, LONG).await.unwrap() });
        tokio::task::yield_now().await;
        let mut group = there.create_async("g", (0..30).map(|n| n.to_string()), &Options::new()).await.unwrap();
        assert_eq!(first.await.unwrap(), Some(group.epoch()));
        assert_eq!(there.attach_async("g").await.unwrap().missing().await.unwrap().len(), 30);
        let workers = [(); 3].map(|()| tokio::task::spawn_local(work_off(there.worker_async("g").unwrap())));
        assert_eq!(group.wait(LONG).await.unwrap().outcomes.len(), 30);
        let mut firsts = 0;
        for worker in workers {
            firsts += worker.await.unwrap();
        }
        assert_eq!(firsts, 30);
        group.discard().await.unwrap();
        assert!(matches!(there.attach_async("g").await, Err(Error::Vanished)));
    });
}

#[test]
fn the_answers_are_those_of_the_blocking_client() {
    let server = RedisServer::start();
    let there = client(&server);
    block_on(async {
        let mut group = there.create_async("g", ["a", "b"], &Options::new()).await.unwrap();
        assert_eq!(group.complete("a", Outcome::done("")).await.unwrap(), Recorded::First { remaining: 1 });
        assert_eq!(group.complete("a", Outcome::done("")).await.unwrap(), Recorded::Duplicate);
        let Err(WaitError::Timeout { missing }) = group.wait(SHORT).await else { panic!("not a timeout") };
        assert_eq!(missing, ["b"]);
        group.cancel("so").await.unwrap();
        assert!(matches!(group.wait(LONG).await, Err(WaitError::Cancelled { reason }) if reason == "so"));
        let mut old = there.create_async("g", ["a"], &Options::new()).await.unwrap();
        let new = there.create_async("g", ["a"], &Options::new()).await.unwrap();
        assert!(matches!(old.wait(LONG).await, Err(WaitError::Superseded { by }) if by == new.epoch()));
        assert_eq!(old.complete("a", Outcome::done("")).await.unwrap(), Recorded::Stale);
    });
}

#[test]
fn a_dropped_future_leaves_nothing_behind() {
    let server = RedisServer::start();
    let there = client(&server);
    block_on(async {
        let mut group = there.create_async("g", ["a", "b"], &Options::new().lease(SHORT)).await.unwrap();
        let mut worker = there.worker_async("g").unwrap();
        // In the middle of a blocking read, and before the answer to a call.
        for pause in [Duration::from_millis(50), Duration::ZERO] {
            let waited = tokio::time::timeout(pause, group.wait(LONG)).await;
            assert!(waited.is_err(), "it was dropped");
            let taken = tokio::time::timeout(pause, worker.take(LONG)).await;
            drop(taken); // perhaps with a task, which is then handed out again
            let lost = tokio::time::timeout(Duration::ZERO, group.complete("a", Outcome::done("lost?"))).await;
            drop(lost);
        }
        assert!(group.missing().await.unwrap().len() <= 2, "the next answer is to this question");
        work_off(worker).await;
        let report = group.wait(LONG).await.unwrap();
        assert_eq!(report.outcomes.keys().collect::<Vec<_>>(), ["a", "b"]);
    });
}

#[test]
fn a_bad_network_only_takes_longer() {
    let server = RedisServer::start();
    let proxy = Proxy::start(server.address());
    let there = Server::new(proxy.url()).unwrap();
    let faults = [Fault::None, Fault::CutAfter, Fault::Twice, Fault::CutBefore, Fault::Delay(Duration::from_millis(2))];
    proxy.plan("EVAL", faults.into_iter().cycle().take(1_000));
    block_on(async {
        let options = Options::new().lease(SHORT).deliveries(1_000);
        let mut group = there.create_async("g", (0..20).map(|n| n.to_string()), &options).await.unwrap();
        let mut worker = there.worker_async("g").unwrap();
        while let Taken::Task(lease) = worker.take(LONG).await.unwrap() {
            worker.complete(&lease, Outcome::done("")).await.unwrap();
        }
        assert_eq!(group.wait(LONG).await.unwrap().outcomes.len(), 20);
    });
    // Nobody answers at all.
    block_on(async {
        let mut group = client(&server).create_async("g", ["a"], &Options::new()).await.unwrap();
        group.complete("a", Outcome::done("")).await.unwrap();
        proxy.plan("", [Fault::Swallow; 1_000]);
        let silent = there.clone().patience(Duration::ZERO).attach_async("g").await;
        assert!(matches!(silent, Err(Error::Unreachable(_))));
    });
    assert!(client(&server).attach("g").unwrap().missing().unwrap().is_empty());
}

#[test]
fn a_group_in_process_can_be_awaited() {
    let place = reveille_cluster::local::Place::new();
    let group = place.create("g", ["a"], &Options::new()).unwrap();
    let mut worker = group.clone();
    block_on(async {
        let wait = tokio::task::spawn_local(async move { group.wait_async().await });
        tokio::task::yield_now().await;
        worker.complete("a", Outcome::done("1")).unwrap();
        assert_eq!(wait.await.unwrap().unwrap().outcomes["a"], Outcome::done("1"));
    });
}
