//! A line server on mio: an epoll loop by hand, with the pool's completions as one more descriptor.
//!
//! ```text
//! cargo run --release --example line_server_mio [FILE [SECONDS [normal|nice|batch|idle]]]
//! ```
//!
//! It serves a client of its own, which measures pings without and with load, prints the result, and ends.

mod line_server;

use std::collections::HashMap;
use std::future::Future as _;
use std::io::{self, Read as _, Write as _};
use std::os::fd::AsRawFd as _;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Instant;

use line_server::{BUDGET, HEARTBEAT, Heartbeat, Plan, sha256};
use mio::net::{TcpListener, TcpStream};
use mio::unix::SourceFd;
use mio::{Events, Interest, Token};
use reveille::bridge::Pipe;
use reveille::bridge::offload::{Execute, Offload, Task};

static DONE: AtomicBool = AtomicBool::new(false);

const LISTENER: Token = Token(0);
const POOL: Token = Token(1);
const FIRST_CLIENT: usize = 2;

struct Client {
    stream: TcpStream,
    /// Bytes of a request that is not complete.
    request: Vec<u8>,
    /// The file that the pool hashes for it.
    heavy: Option<Task<io::Result<String>>>,
    /// Woken when that is done.
    waker: Waker,
}

/// Clients whose task is done. The completions are drained on the loop, so this is filled there.
#[derive(Default)]
struct Finished(Mutex<Vec<Token>>);

struct WakeClient(Arc<Finished>, Token);

impl Wake for WakeClient {
    fn wake(self: Arc<Self>) {
        self.0.0.lock().expect("never poisoned").push(self.1);
    }
}

fn main() -> anyhow::Result<()> {
    let plan = Plan::from_arguments();
    let mut poll = mio::Poll::new()?;
    let (offload, mut completions) = line_server::offload(plan.schedule, Pipe::new()?);
    let descriptor = completions.signal().as_raw_fd();
    poll.registry().register(&mut SourceFd(&descriptor), POOL, Interest::READABLE)?;

    let mut listener = TcpListener::bind(([127, 0, 0, 1], 0).into())?;
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    let client = line_server::client(listener.local_addr()?, plan, &DONE);

    let finished = Arc::new(Finished::default());
    let mut clients = HashMap::new();
    let mut next = FIRST_CLIENT;
    let mut heart = Heartbeat::default();
    let mut due = Instant::now() + HEARTBEAT;
    let mut events = Events::with_capacity(64);
    while !DONE.load(Ordering::Acquire) {
        match poll.poll(&mut events, Some(due.saturating_duration_since(Instant::now()))) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            outcome => outcome?,
        }
        if Instant::now() >= due {
            heart.beat(due);
            due = Instant::now() + HEARTBEAT;
        }
        for event in &events {
            match event.token() {
                LISTENER => accept(&listener, &poll, &mut clients, &mut next, &finished)?,
                POOL => {
                    completions.drain(BUDGET)?;
                }
                token => serve(&mut clients, token, &offload),
            }
        }
        let done = std::mem::take(&mut *finished.0.lock().expect("never poisoned"));
        for token in done {
            serve(&mut clients, token, &offload);
        }
    }
    client.join().expect("the client asserts what it gets");
    heart.print();
    println!("signals sent by the workers: {}", offload.edges());
    Ok(())
}

fn accept(
    listener: &TcpListener,
    poll: &mio::Poll,
    clients: &mut HashMap<Token, Client>,
    next: &mut usize,
    finished: &Arc<Finished>,
) -> io::Result<()> {
    loop {
        match listener.accept() {
            Ok((mut stream, _)) => {
                let token = Token(*next);
                *next += 1;
                stream.set_nodelay(true)?;
                poll.registry().register(&mut stream, token, Interest::READABLE)?;
                let waker = Arc::new(WakeClient(finished.clone(), token)).into();
                clients.insert(token, Client { stream, request: Vec::new(), heavy: None, waker });
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}

/// Does what can be done for a client; forgets one that went away, which cancels its task.
fn serve<E: Execute>(clients: &mut HashMap<Token, Client>, token: Token, offload: &Offload<E, Pipe>) {
    if let Some(client) = clients.get_mut(&token) {
        if client.serve(offload).is_err() {
            clients.remove(&token);
        }
    }
}

impl Client {
    fn serve<E: Execute>(&mut self, offload: &Offload<E, Pipe>) -> io::Result<()> {
        let mut bytes = [0; 4096];
        loop {
            match self.stream.read(&mut bytes) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(count) => self.request.extend(&bytes[..count]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        loop {
            if let Some(task) = &mut self.heavy {
                match Pin::new(task).poll(&mut Context::from_waker(&self.waker)) {
                    Poll::Pending => return Ok(()),
                    Poll::Ready(outcome) => {
                        self.heavy = None;
                        match outcome.map_err(io::Error::other).and_then(|digest| digest) {
                            Ok(digest) => self.answer(&digest)?,
                            Err(error) => self.answer(&format!("error: {error}"))?,
                        }
                    }
                }
            }
            let Some(end) = self.request.iter().position(|byte| *byte == b'\n') else { return Ok(()) };
            let line = self.request.drain(..=end).collect::<Vec<_>>();
            match String::from_utf8_lossy(&line).trim_end().split_once(' ') {
                None if line == b"ping\n" => self.answer("pong")?,
                Some(("sha256", path)) => {
                    let path = path.to_owned();
                    self.heavy = Some(offload.run(move || sha256::of_file(&path)));
                }
                _ => self.answer("error: ping, or sha256 PATH")?,
            }
        }
    }

    /// Answers are short, so a full socket means a client that does not read.
    fn answer(&mut self, answer: &str) -> io::Result<()> {
        self.stream.write_all(format!("{answer}\n").as_bytes())
    }
}
