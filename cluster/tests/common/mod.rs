//! What the tests on a real server share.
#![allow(dead_code, reason = "each test program uses a part of it")]

pub(crate) mod proxy;
pub(crate) mod server;

use std::env;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

pub(crate) use server::RedisServer;

use reveille_cluster::redis::Server;

/// A wait that ends by its timeout has failed: everything here happens within a fraction of it.
pub(crate) const LONG: Duration = Duration::from_secs(30);

/// For what must not happen.
pub(crate) const SHORT: Duration = Duration::from_millis(200);

/// The client of a server.
pub(crate) fn client(server: &RedisServer) -> Server {
    Server::new(server.url()).expect("an address")
}

/// A bare connection, for a test that looks behind the client, or for a wrong variant.
pub(crate) fn bare(server: &RedisServer) -> ::redis::Connection {
    ::redis::Client::open(server.url()).unwrap().get_connection().unwrap()
}

/// A size that the environment may set: `REVEILLE_CLUSTER_TASKS=100000`.
pub(crate) fn size(name: &str, small: usize) -> usize {
    let text = env::var(format!("REVEILLE_CLUSTER_{name}"));
    text.map_or(small, |text| text.parse().unwrap_or_else(|_| panic!("{text:?} is not a size")))
}

/// How late a wait of `timeout` ends, at best of three: on a machine that others use, any one can be late.
pub(crate) fn least_late(timeout: Duration, mut wait: impl FnMut()) -> Duration {
    let late = (0..3).map(|_| {
        let start = Instant::now();
        wait();
        start.elapsed().checked_sub(timeout).expect("not before the time")
    });
    late.min().expect("three waits")
}

/// Another process: this test program again, running one ignored test. Killed when dropped.
pub(crate) struct Process(pub(crate) Child);

impl Process {
    pub(crate) fn start(test: &str, variables: &[(&str, &str)]) -> Self {
        let mut command = Command::new(env::current_exe().expect("this program"));
        command.args([test, "--exact", "--ignored", "--nocapture", "--test-threads", "1"]);
        command.envs(variables.iter().copied()).stdin(Stdio::piped()).stdout(Stdio::piped());
        Process(command.spawn().expect("this program starts again"))
    }

    /// Kills it at once, like the system does when memory is short.
    pub(crate) fn kill(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// What the parent told this process.
pub(crate) fn told(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| panic!("this test is run by others, with {name}"))
}
