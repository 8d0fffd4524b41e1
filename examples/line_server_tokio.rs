//! A line server on tokio, on one thread: heavy requests go to the pool, and the loop goes on answering pings.
//!
//! ```text
//! cargo run --release --example line_server_tokio [FILE [SECONDS [normal|nice|batch|idle]]]
//! ```
//!
//! It serves a client of its own, which measures pings without and with load, prints the result, and ends.

mod line_server;

use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use line_server::{BUDGET, HEARTBEAT, Heartbeat, Plan, sha256};
use reveille::bridge::WakerSignal;
use reveille::bridge::offload::{Execute, Offload};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{LocalSet, spawn_local};

static DONE: AtomicBool = AtomicBool::new(false);

fn main() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(LocalSet::new().run_until(serve()))
}

async fn serve() -> anyhow::Result<()> {
    let plan = Plan::from_arguments();
    let (offload, completions) = line_server::offload(plan.schedule, WakerSignal::new());
    let offload = Rc::new(offload);
    spawn_local(completions.drive(BUDGET)); // wakes the tasks whose closures are done
    let heartbeat = spawn_local(heartbeat());

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let client = line_server::client(listener.local_addr()?, plan, &DONE);
    while !DONE.load(Ordering::Acquire) {
        let (stream, _) = listener.accept().await?;
        let offload = offload.clone();
        spawn_local(async move {
            let _ = answer(stream, &offload).await; // a client that went away
        });
    }
    client.join().expect("the client asserts what it gets");
    heartbeat.await?.print();
    println!("signals sent by the workers: {}", offload.edges());
    Ok(())
}

async fn answer<E: Execute>(stream: TcpStream, offload: &Offload<E>) -> anyhow::Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    while stream.read_line(&mut line).await? > 0 {
        let answer = match line.trim_end().split_once(' ') {
            None if line.trim_end() == "ping" => "pong".to_owned(),
            Some(("sha256", path)) => {
                let path = path.to_owned();
                match offload.run(move || sha256::of_file(&path)).await? {
                    Ok(digest) => digest,
                    Err(error) => format!("error: {error}"),
                }
            }
            _ => "error: ping, or sha256 PATH".to_owned(),
        };
        stream.get_mut().write_all(format!("{answer}\n").as_bytes()).await?;
        line.clear();
    }
    Ok(())
}

/// The loop's own timer, which shows how late it gets.
async fn heartbeat() -> Heartbeat {
    let mut heart = Heartbeat::default();
    while !DONE.load(Ordering::Relaxed) {
        let due = Instant::now() + HEARTBEAT;
        tokio::time::sleep_until(due.into()).await;
        heart.beat(due);
    }
    heart
}
