//! Which machine this is, how fast it is just now, and who else uses it.

use std::env;
use std::fs;
use std::hint::black_box;
use std::process::Command;

use super::clock::time;

/// Processor, its number, kernel, compiler, and the C library whose barriers and mutexes compete.
pub(crate) fn describe() -> String {
    let field = |text: &str, name: &str| {
        let line = text.lines().find(|line| line.starts_with(name))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    let cpu = fs::read_to_string("/proc/cpuinfo").ok().and_then(|text| field(&text, "model name"));
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let cpus = std::thread::available_parallelism().map_or(0, usize::from);
    let cpu = cpu.unwrap_or_else(|| "unknown processor".to_owned());
    let mut line = format!("{cpu}, {cpus} CPUs, {} {} {}", env::consts::OS, kernel.trim(), env::consts::ARCH);
    let answers = [("rustc", "--version"), ("getconf", "GNU_LIBC_VERSION")].map(|(program, argument)| {
        let output = Command::new(program).arg(argument).output().ok().filter(|output| output.status.success());
        output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    });
    for answer in answers.into_iter().flatten() {
        line.push_str(", ");
        line.push_str(&answer);
    }
    line
}

/// The control: work that depends on nothing but the speed of the processor.
pub(crate) fn control() -> f64 {
    let mut state = black_box(1_u64);
    let nanos = time(20_000, |i| state = state.wrapping_mul(6_364_136_223_846_793_005).rotate_left(17) ^ i);
    black_box(state);
    nanos
}

/// Time that the CPUs spent, as the kernel counts it.
pub(crate) struct Jiffies {
    all: u64,
    busy: u64,
    stolen: u64,
    own: u64,
}

/// Per cent of all CPUs.
pub(crate) struct Shares {
    pub(crate) own: f64,
    pub(crate) others: f64,
    pub(crate) stolen: f64,
}

impl Jiffies {
    /// None where there is no `/proc`.
    pub(crate) fn now() -> Option<Self> {
        let stat = fs::read_to_string("/proc/stat").ok()?;
        let cpu: Vec<u64> = stat.lines().next()?.split_whitespace().skip(1).filter_map(|n| n.parse().ok()).collect();
        let own = fs::read_to_string("/proc/self/stat").ok()?;
        let own: Vec<&str> = own.rsplit_once(')')?.1.split_whitespace().collect();
        // utime, stime, and those of children that have ended.
        let own = own.get(11..15)?.iter().map(|n| n.parse::<u64>().unwrap_or(0)).sum();
        // user, nice, system, idle, iowait, irq, softirq, steal
        let all = cpu.iter().take(8).sum();
        let idle = cpu.get(3)? + cpu.get(4)?;
        let stolen = cpu.get(7).copied().unwrap_or(0);
        Some(Jiffies { all, busy: all - idle - stolen, stolen, own })
    }

    /// What was spent since; none if the clock has not ticked.
    pub(crate) fn since(&self) -> Option<Shares> {
        let now = Jiffies::now()?;
        let all = now.all.checked_sub(self.all).filter(|all| *all > 0)?;
        let share = |part: u64| 100.0 * part as f64 / all as f64;
        let busy = now.busy.saturating_sub(self.busy);
        let own = now.own.saturating_sub(self.own).min(busy);
        let stolen = now.stolen.saturating_sub(self.stolen);
        Some(Shares { own: share(own), others: share(busy - own), stolen: share(stolen) })
    }
}
