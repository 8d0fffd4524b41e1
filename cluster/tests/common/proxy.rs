//! A proxy between a client and a server that delays, cuts, swallows and duplicates.
//!
//! It knows enough of the protocol to count requests and replies: each request is a whole array of strings, and each has one
//! reply. What it is to do is a word per request, taken from a list; without a word it passes everything on.

use std::collections::VecDeque;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// What happens to one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    /// The request is sent on after this.
    Delay(Duration),
    /// The connection is cut before the server gets the request.
    CutBefore,
    /// The server gets the request; the connection is cut before the reply.
    CutAfter,
    /// The server gets the request twice; the client gets the first reply.
    Twice,
    /// The server gets the request; the reply never comes, and the connection stays.
    Swallow,
    /// The server does not get the request, and the connection stays.
    Lose,
}

#[derive(Default)]
struct Script {
    /// What happens to requests of this command.
    command: Vec<u8>,
    faults: VecDeque<Fault>,
}

/// A running proxy. Stops when dropped.
pub(crate) struct Proxy {
    address: SocketAddr,
    script: Arc<Mutex<Script>>,
    refuses: Arc<AtomicBool>,
    requests: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
    listener: Option<JoinHandle<()>>,
}

impl Proxy {
    pub(crate) fn start(server: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let (script, stop) = (Arc::<Mutex<Script>>::default(), Arc::<AtomicBool>::default());
        let (refuses, requests) = (Arc::<AtomicBool>::default(), Arc::<AtomicUsize>::default());
        let thread = thread::spawn({
            let (script, stop, refuses, requests) = (script.clone(), stop.clone(), refuses.clone(), requests.clone());
            move || {
                for client in listener.incoming() {
                    if stop.load(Ordering::Acquire) {
                        break;
                    }
                    let Ok(client) = client else { continue };
                    if refuses.load(Ordering::Acquire) {
                        continue; // dropped: cut
                    }
                    let (script, requests) = (script.clone(), requests.clone());
                    thread::spawn(move || {
                        let _ = serve(&client, server, &script, &requests);
                        let _ = client.shutdown(Shutdown::Both);
                    });
                }
            }
        });
        Proxy { address, script, refuses, requests, stop, listener: Some(thread) }
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://{}", self.address)
    }

    /// From now on: what happens to the next requests of `command`, one after the other, whatever the connection.
    pub(crate) fn plan(&self, command: &str, faults: impl IntoIterator<Item = Fault>) {
        let mut script = self.script.lock().unwrap();
        *script = Script { command: command.as_bytes().to_owned(), faults: faults.into_iter().collect() };
    }

    /// How many faults have not happened yet.
    pub(crate) fn planned(&self) -> usize {
        self.script.lock().unwrap().faults.len()
    }

    /// Whether new connections are cut at once.
    pub(crate) fn refuse(&self, refuses: bool) {
        self.refuses.store(refuses, Ordering::Release);
    }

    /// Requests so far.
    pub(crate) fn requests(&self) -> usize {
        self.requests.load(Ordering::Relaxed)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.listener.take() {
            let _ = thread.join();
        }
    }
}

/// One connection, until it ends or is cut.
fn serve(client: &TcpStream, server: SocketAddr, script: &Mutex<Script>, requests: &AtomicUsize) -> io::Result<()> {
    let server = TcpStream::connect(server)?;
    server.set_nodelay(true)?;
    client.set_nodelay(true)?;
    let (mut from_client, mut from_server) = (BufReader::new(client), BufReader::new(&server));
    let (mut to_client, mut to_server) = (client, &server);
    loop {
        let mut request = Vec::new();
        read_frame(&mut from_client, &mut request)?;
        requests.fetch_add(1, Ordering::Relaxed);
        let fault = {
            let mut script = script.lock().unwrap();
            // The first line of the request is its length, the second that of the command.
            let is_meant =
                request.split(|&byte| byte == b'\n').nth(2).is_some_and(|line| line.starts_with(&script.command));
            if is_meant { script.faults.pop_front().unwrap_or(Fault::None) } else { Fault::None }
        };
        match fault {
            Fault::CutBefore => return Ok(()),
            Fault::Lose => return until_it_gives_up(&mut from_client),
            Fault::Delay(delay) => thread::sleep(delay),
            _ => {}
        }
        to_server.write_all(&request)?;
        let mut reply = Vec::new();
        read_frame(&mut from_server, &mut reply)?;
        match fault {
            Fault::CutAfter => return Ok(()),
            Fault::Twice => {
                to_server.write_all(&request)?;
                read_frame(&mut from_server, &mut Vec::new())?;
            }
            Fault::Swallow => return until_it_gives_up(&mut from_client),
            _ => {}
        }
        to_client.write_all(&reply)?;
    }
}

fn until_it_gives_up(client: &mut impl io::Read) -> io::Result<()> {
    io::copy(client, &mut io::sink()).map(|_| ())
}

/// Reads one value of the protocol, with all that is in it.
fn read_frame(from: &mut impl BufReadBytes, into: &mut Vec<u8>) -> io::Result<()> {
    let start = into.len();
    if from.line(into)? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let line = std::str::from_utf8(&into[start + 1..]).map_err(io::Error::other)?.trim();
    let count: i64 = line.parse().unwrap_or(0);
    match into[start] {
        b'$' if count >= 0 => from.exactly(count as usize + 2, into),
        b'*' => (0..count).try_for_each(|_| read_frame(from, into)),
        _ => Ok(()),
    }
}

trait BufReadBytes {
    fn line(&mut self, into: &mut Vec<u8>) -> io::Result<usize>;
    fn exactly(&mut self, count: usize, into: &mut Vec<u8>) -> io::Result<()>;
}

impl<R: io::Read> BufReadBytes for BufReader<R> {
    fn line(&mut self, into: &mut Vec<u8>) -> io::Result<usize> {
        self.read_until(b'\n', into)
    }

    fn exactly(&mut self, count: usize, into: &mut Vec<u8>) -> io::Result<()> {
        let start = into.len();
        into.resize(start + count, 0);
        self.read_exact(&mut into[start..])
    }
}
