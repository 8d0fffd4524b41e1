//! Every backend that this machine can run, whichever is the chosen one, passes the conformance suite.

use std::marker::PhantomData;
use std::thread;
use std::time::Duration;

use super::backend::{Linux, call::Raw};
use super::*;
use crate::Spin;
use crate::conformance::{Options, Suite};
use crate::testing::{Chaos, Counting, FakeClock};

/// A backend as a platform, as [`Os`] is one.
struct Through<B>(PhantomData<fn() -> B>);

// SAFETY: as for `Os`.
unsafe impl<B: Backend> Platform for Through<B> {
    fn wait(word: &AtomicU32, expected: u32, deadline: Deadline) -> WaitOutcome {
        guard::wait::<B>(Scope::Private, word, expected, deadline)
    }

    fn wake(word: *const AtomicU32, count: NonZeroU32) -> Option<u32> {
        guard::wake::<B>(Scope::Private, word, count)
    }

    fn now() -> Deadline {
        B::now()
    }

    fn yield_now() {
        B::yield_now();
    }

    fn heavy_fence() -> bool {
        B::heavy_fence()
    }
}

fn conforms<P: Platform>(options: Options) {
    // Other programs run too: what is measured here is whether a wake is lost, not how long it takes.
    let suite = Suite::<P>::new(options.late(Duration::from_secs(10)).patience(Duration::from_secs(60)));
    thread::scope(|s| {
        for _ in 0..2 {
            s.spawn(|| suite.follow().unwrap());
        }
        suite.lead(2).unwrap();
    });
}

#[test]
fn raw_linux_conforms() {
    conforms::<Through<Linux<Raw>>>(Options::quick());
    assert!(guard::probe::<Linux<Raw>>(true).is_ok());
}

#[cfg(feature = "libc")]
#[test]
fn libc_linux_conforms() {
    use super::backend::call::Libc;
    conforms::<Through<Linux<Libc>>>(Options::quick());
    assert!(guard::probe::<Linux<Libc>>(true).is_ok());
    let (a, b) = (Linux::<Raw>::now(), Linux::<Libc>::now());
    assert!(a <= b && b <= Linux::<Raw>::now(), "both read the same clock");
}

#[cfg(feature = "libc")]
#[test]
fn pthread_table_conforms() {
    use super::backend::pthread::Pthread;
    conforms::<Through<Pthread>>(Options::quick());
    let capabilities = guard::probe::<Pthread>(false).unwrap();
    assert!(!capabilities.heavy_fence);
}

#[test]
fn test_platforms_conform() {
    conforms::<Chaos<63>>(Options::quick());
    conforms::<Counting<63, Chaos<62>>>(Options::quick());
    conforms::<FakeClock<63>>(Options::quick().untimed());
}

#[test]
fn spinning_conforms() {
    struct SystemClock;
    impl crate::Clock for SystemClock {
        fn now() -> Deadline {
            Os::now()
        }
    }
    /// On a system the processor is somebody else's too.
    struct Polite;
    // SAFETY: `Spin` keeps the contract.
    unsafe impl Platform for Polite {
        fn wait(word: &AtomicU32, expected: u32, deadline: Deadline) -> WaitOutcome {
            Os::yield_now();
            Spin::<SystemClock>::wait(word, expected, deadline)
        }
        fn wake(word: *const AtomicU32, count: NonZeroU32) -> Option<u32> {
            Spin::<SystemClock>::wake(word, count)
        }
        fn now() -> Deadline {
            Spin::<SystemClock>::now()
        }
        fn yield_now() {
            Os::yield_now();
        }
        fn heavy_fence() -> bool {
            Spin::<SystemClock>::heavy_fence()
        }
    }
    conforms::<Polite>(Options::quick());
}

#[test]
fn shared_words_conform_between_threads() {
    conforms::<crate::shared::Shared>(Options::quick());
}
