//! A real `redis-server` of one's own, on a free port of the loopback interface.
#![allow(dead_code, reason = "not every program that has a server kills it")]

use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// How long a server may take to start.
const START: Duration = Duration::from_secs(20);

/// A running server. Killed when dropped, and its files are removed.
pub(crate) struct RedisServer {
    child: Child,
    port: u16,
    folder: tempfile::TempDir,
    arguments: Vec<String>,
}

impl RedisServer {
    /// A server that keeps nothing on disk.
    ///
    /// # Panics
    ///
    /// If it does not start: a test that needs a server fails without one, it does not skip.
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    /// A server with further arguments, such as `--appendonly yes`.
    pub(crate) fn start_with(arguments: &[&str]) -> Self {
        Self::try_start_with(arguments).unwrap_or_else(|error| {
            panic!("redis-server does not start: {error}; on Debian it is the package redis-server")
        })
    }

    pub(crate) fn try_start_with(arguments: &[&str]) -> io::Result<Self> {
        let folder = tempfile::tempdir()?;
        let arguments: Vec<_> = arguments.iter().map(|&argument| argument.to_owned()).collect();
        let mut tries = 0;
        loop {
            // Somebody else may take the port before the server does.
            let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
            match launch(port, &folder, &arguments) {
                Ok(child) => return Ok(RedisServer { child, port, folder, arguments }),
                Err(error) if tries == 3 || error.kind() == io::ErrorKind::NotFound => return Err(error),
                Err(_) => tries += 1,
            }
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://{}", self.address())
    }

    /// Kills the server, as a power failure would.
    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Starts it again on the same port, with what it has on disk.
    pub(crate) fn start_again(&mut self) {
        self.kill();
        self.child = launch(self.port, &self.folder, &self.arguments).expect("it has started before");
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts a server and waits until it says that it is ready. In its own words, in a file of its own: somebody else's server
/// may have got the port, and would answer as well.
fn launch(port: u16, folder: &tempfile::TempDir, arguments: &[String]) -> io::Result<Child> {
    let log = folder.path().join("log");
    let _ = fs::remove_file(&log); // of the start before
    let mut child = Command::new("redis-server")
        .args(["--bind", "127.0.0.1", "--port", &port.to_string(), "--save", "", "--logfile", "log"])
        .args(arguments)
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let end = Instant::now() + START;
    while Instant::now() < end {
        if fs::read_to_string(&log).is_ok_and(|log| log.contains("Ready to accept connections")) {
            return Ok(child);
        }
        if let Some(status) = child.try_wait()? {
            return Err(io::Error::other(format!("redis-server ended: {status}")));
        }
        thread::sleep(Duration::from_millis(5));
    }
    let _ = child.kill();
    let _ = child.wait();
    Err(io::Error::new(io::ErrorKind::TimedOut, "redis-server does not get ready"))
}
