//! How the system schedules a pool's threads beside an event loop.

use std::time::Duration;

/// What a worker asks the system for at its start. None needs a privilege.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Schedule {
    /// Like everybody: a loop that wakes waits until a worker's turn is over.
    Normal,
    /// The least share. A worker still finishes the turn that it has begun.
    Nice,
    /// The least share, and no hurry.
    Batch,
    /// Only when nobody else wants the processor: whoever wakes runs at once.
    Idle,
}

impl Schedule {
    pub(crate) const NAMES: [&'static str; 4] = ["normal", "nice", "batch", "idle"];
    const ALL: [Schedule; 4] = [Schedule::Normal, Schedule::Nice, Schedule::Batch, Schedule::Idle];

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|schedule| schedule.name() == name)
    }

    pub(crate) fn name(self) -> &'static str {
        Self::NAMES[self as usize]
    }

    /// For the calling thread.
    #[cfg(target_os = "linux")]
    pub(crate) fn apply(self) {
        let policy = match self {
            Schedule::Normal | Schedule::Nice => libc::SCHED_OTHER,
            Schedule::Batch => libc::SCHED_BATCH,
            Schedule::Idle => libc::SCHED_IDLE,
        };
        let parameters = libc::sched_param { sched_priority: 0 };
        // SAFETY: zero is the calling thread; the parameters live during the call.
        let refused = unsafe { libc::sched_setscheduler(0, policy, &raw const parameters) };
        assert_eq!(refused, 0, "every thread may give way");
        if matches!(self, Schedule::Nice | Schedule::Batch) {
            // SAFETY: takes numbers only; zero is the calling thread.
            let refused = unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, 19) };
            assert_eq!(refused, 0, "every thread may give way");
        }
    }

    /// Elsewhere all threads are equal.
    #[cfg(not(target_os = "linux"))]
    pub(crate) fn apply(self) {}
}

/// What the process has used so far; zero where nobody says it.
pub(crate) fn processor_time() -> Duration {
    #[cfg(unix)]
    {
        let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: room for the answer.
        let refused = unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &raw mut now) };
        if refused == 0 {
            return Duration::new(now.tv_sec as u64, now.tv_nsec as u32);
        }
    }
    Duration::ZERO
}
