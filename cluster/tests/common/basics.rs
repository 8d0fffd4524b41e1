//! What the tests of every place share: times, sizes, and processes.
#![allow(dead_code, reason = "each test program uses a part of it")]

use std::env;
use std::fmt::Display;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// A wait that ends by its timeout has failed: everything here happens within a fraction of it.
pub(crate) const LONG: Duration = Duration::from_secs(30);

/// For what must not happen.
pub(crate) const SHORT: Duration = Duration::from_millis(200);

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
pub(crate) struct Process {
    child: Child,
    lines: mpsc::Receiver<String>,
}

impl Process {
    pub(crate) fn start(test: &str, variables: &[(&str, &str)]) -> Self {
        let mut command = Command::new(env::current_exe().expect("this program"));
        command.args([test, "--exact", "--ignored", "--nocapture", "--test-threads", "1"]);
        command.envs(variables.iter().copied()).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("this program starts again");
        let output = BufReader::new(child.stdout.take().expect("it is piped"));
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            // Whatever else is printed comes from the test harness.
            let said =
                output.lines().map_while(Result::ok).filter_map(|line| Some(line.split_once(SAYS)?.1.to_owned()));
            said.take_while(|line| sender.send(line.clone()).is_ok()).for_each(drop);
        });
        Process { child, lines }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// The next thing that it says.
    pub(crate) fn hear(&self) -> String {
        self.try_hear(LONG).expect("it says something")
    }

    pub(crate) fn try_hear(&self, timeout: Duration) -> Option<String> {
        self.lines.recv_timeout(timeout).ok()
    }

    /// Tells it something.
    pub(crate) fn tell(&mut self, line: &str) {
        let input = self.child.stdin.as_mut().expect("it is piped");
        writeln!(input, "{line}").expect("it listens");
    }

    /// Whether it ended, and well.
    pub(crate) fn ended(&mut self) -> Option<bool> {
        self.child.try_wait().expect("it is a child").map(|status| status.success())
    }

    /// Kills it at once, like the system does when memory is short.
    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

const SAYS: &str = "child says: ";

/// In such a process: tells the parent something.
pub(crate) fn say(line: impl Display) {
    println!("{SAYS}{line}");
}

/// In such a process: waits for the parent to say something.
pub(crate) fn listen() -> String {
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).expect("the parent lives");
    line.trim().to_owned()
}

/// What the parent told this process.
pub(crate) fn told(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| panic!("this test is run by others, with {name}"))
}
