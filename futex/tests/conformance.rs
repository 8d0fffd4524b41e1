//! The built-in platform passes the conformance suite, and an independent futex agrees with what the suite demands.
//!
//! `REVEILLE_HAND_OFFS` is the number of turns, 5,000 by default; the project's claim is for a million. `REVEILLE_LATE_MS`
//! is the bound for timeouts, ten seconds by default, because other programs run too; the claim for an idle machine is 20.

use std::env;
use std::thread;
use std::time::Duration;

use reveille_futex::conformance::{Options, Report, Suite};
use reveille_futex::testing::Chaos;
use reveille_futex::{Os, Platform};

fn number(variable: &str, otherwise: u32) -> u32 {
    env::var(variable).map_or(otherwise, |text| text.parse().expect("a number"))
}

fn options() -> Options {
    Options::quick()
        .hand_offs(number("REVEILLE_HAND_OFFS", 5_000))
        .late(Duration::from_millis(number("REVEILLE_LATE_MS", 10_000).into()))
        .patience(Duration::from_secs(60))
}

fn run<P: Platform>(options: Options) -> Report {
    let suite = Suite::<P>::new(options);
    thread::scope(|s| {
        for _ in 0..3 {
            s.spawn(|| suite.follow().unwrap());
        }
        suite.lead(3).unwrap()
    })
}

#[test]
fn the_built_in_platform_conforms() {
    println!("{:?}", reveille_futex::probe().unwrap());
    let report = run::<Os>(options());
    println!("{} hand-offs, timeouts late by {:?} at best", report.hand_offs, report.late);
}

#[test]
fn chaos_conforms() {
    run::<Chaos<0>>(options());
}

#[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd", target_vendor = "apple"))]
#[test]
fn shared_words_conform_within_one_process() {
    run::<reveille_futex::shared::Shared>(options());
}

/// An independent implementation, as an oracle for what the suite demands. It has no deadlines and no outcomes, so it runs
/// the part without a clock.
#[cfg(target_os = "linux")]
mod oracle {
    use std::num::NonZeroU32;

    use reveille_futex::{AtomicU32, Deadline, Os, Platform, WaitOutcome};

    struct Peer;

    // SAFETY: its `wait` is the kernel's compare-and-block, its wakes use the address as a key.
    unsafe impl Platform for Peer {
        fn wait(word: &AtomicU32, expected: u32, deadline: Deadline) -> WaitOutcome {
            if deadline.is_never() {
                atomic_wait::wait(word, expected);
            }
            WaitOutcome::Returned
        }

        fn wake(word: *const AtomicU32, count: NonZeroU32) -> Option<u32> {
            if count == NonZeroU32::MIN {
                atomic_wait::wake_one(word);
            } else {
                atomic_wait::wake_all(word);
            }
            None
        }

        fn now() -> Deadline {
            Os::now()
        }

        fn yield_now() {
            Os::yield_now();
        }

        fn heavy_fence() -> bool {
            false
        }
    }

    #[test]
    fn an_independent_futex_conforms() {
        super::run::<Peer>(super::options().untimed());
    }
}
