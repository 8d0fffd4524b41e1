//! From what the system answered to a [`Platform`](crate::Platform): errors become a flag and a slower wait, never a panic.
//!
//! ```text
//!   working --- an errno that no caller can cause ---> faulty (for ever)
//!   wait: the system call                              wait: spin, yield, return
//! ```
//!
//! A seccomp filter or an old sandbox can forbid the futex call. A wait that ignored the error would return at once, and
//! its caller's loop would burn the processor at full speed; a panic would unwind out of a latch. Instead the first
//! unexpected error is kept, [`probe`](crate::probe()) reports it, and from then on a wait spins a little, yields, and
//! returns: correct by F2, slow, and polite to the other threads. Wakes go on calling the system, because threads may
//! sleep there since before the fault.

use core::num::NonZeroU32;

use super::backend::{Backend, Code, Scope};
use crate::sync::atomic::{AtomicU32, Ordering};
use crate::sync::hint;
use crate::{Capabilities, Deadline, PlatformError, WaitOutcome};

/// Looks at the word before a faulty wait first yields: about a microsecond, which a wake between running threads takes.
const SPINS: u32 = 32;

/// Yields before a faulty wait returns to its caller's loop.
const YIELDS: u32 = 16;

/// Which call failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Call {
    Wait = 1,
    Wake = 2,
}

/// The first unexpected error of a backend, packed: the call above the low 24 bits, the error number in them; zero is
/// "none". Many writers, read-modify-writes only: the first one wins.
#[derive(Debug)]
pub(super) struct Fault(AtomicU32);

impl Fault {
    const CODE_BITS: u32 = 24;
    const CODE_MASK: u32 = (1 << Self::CODE_BITS) - 1;

    pub(super) const fn none() -> Self {
        Fault(AtomicU32::new(0))
    }

    fn pack(call: Call, code: Code) -> u32 {
        ((call as u32) << Self::CODE_BITS) | (code.unsigned_abs() & Self::CODE_MASK)
    }

    fn unpack(word: u32) -> Option<PlatformError> {
        let call = match word >> Self::CODE_BITS {
            0 => return None,
            1 => "wait",
            _ => "wake",
        };
        Some(PlatformError::new(call, (word & Self::CODE_MASK) as Code))
    }

    #[inline]
    fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed) != 0 // a hint: a thread that sees it late fails its own call
    }

    fn get(&self) -> Option<PlatformError> {
        Self::unpack(self.0.load(Ordering::Relaxed)) // the word is all there is to see
    }

    #[cold]
    fn set(&self, call: Call, code: Code) {
        // Relaxed: nothing is published with it.
        let _ = self.0.compare_exchange(0, Self::pack(call, code), Ordering::Relaxed, Ordering::Relaxed);
    }
}

#[inline]
pub(super) fn wait<B: Backend>(scope: Scope, word: &AtomicU32, expected: u32, deadline: Deadline) -> WaitOutcome {
    if deadline == Deadline::PASSED {
        return poll(word, expected);
    }
    if B::fault().is_set() {
        return wait_without_the_system::<B>(word, expected, deadline);
    }
    match B::wait(scope, word, expected, deadline) {
        Ok(outcome) => outcome,
        Err(code) => {
            B::fault().set(Call::Wait, code);
            WaitOutcome::Returned
        }
    }
}

/// A wait that cannot block needs no system call.
fn poll(word: &AtomicU32, expected: u32) -> WaitOutcome {
    // Relaxed: F3, the caller looks at the word itself.
    if word.load(Ordering::Relaxed) == expected { WaitOutcome::TimedOut } else { WaitOutcome::Mismatch }
}

#[cold]
#[inline(never)]
fn wait_without_the_system<B: Backend>(word: &AtomicU32, expected: u32, deadline: Deadline) -> WaitOutcome {
    for turn in 0..SPINS + YIELDS {
        if word.load(Ordering::Relaxed) != expected {
            return WaitOutcome::Mismatch; // relaxed: F3, the caller looks at the word itself
        }
        if turn < SPINS {
            hint::spin_loop();
        } else {
            B::yield_now();
        }
    }
    if !deadline.is_never() && B::now() >= deadline {
        return WaitOutcome::TimedOut;
    }
    WaitOutcome::Returned
}

#[inline]
pub(super) fn wake<B: Backend>(scope: Scope, word: *const AtomicU32, count: NonZeroU32) -> Option<u32> {
    match B::wake(scope, word.addr(), count) {
        Ok(woken) => woken,
        Err(code) => {
            B::fault().set(Call::Wake, code);
            None
        }
    }
}

/// Makes each call once, in the three ways that end at once, and sets the fault if one of them fails.
pub(super) fn probe<B: Backend>(shared: bool) -> Result<Capabilities, PlatformError> {
    let word = AtomicU32::new(0);
    let long_ago = Deadline::from_nanos(1);
    let expectations = [
        (B::wait(Scope::Private, &word, 1, Deadline::NEVER), WaitOutcome::Mismatch),
        (B::wait(Scope::Private, &word, 0, long_ago), WaitOutcome::TimedOut),
    ];
    for (answer, expected) in expectations {
        match answer {
            Ok(outcome) if outcome == expected || outcome == WaitOutcome::Returned => {}
            Ok(_) => B::fault().set(Call::Wait, 0),
            Err(code) => B::fault().set(Call::Wait, code),
        }
    }
    if let Err(code) = B::wake(Scope::Private, (&raw const word).addr(), NonZeroU32::MAX) {
        B::fault().set(Call::Wake, code);
    }
    match B::fault().get() {
        Some(error) => Err(error),
        None => {
            Ok(Capabilities { backend: B::NAME, counts_wakes: B::COUNTS_WAKES, shared, heavy_fence: B::heavy_fence() })
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::string::ToString;
    use std::time::{Duration, Instant};

    const ENOSYS: Code = 38;

    /// A system that has neither wait nor wake.
    struct Refusing;

    // SAFETY: `wait` never answers `Ok`, `wake` does nothing.
    unsafe impl Backend for Refusing {
        const NAME: &'static str = "refusing";
        const COUNTS_WAKES: bool = false;

        fn fault() -> &'static Fault {
            static FAULT: Fault = Fault::none();
            &FAULT
        }

        fn wait(_: Scope, _: &AtomicU32, _: u32, _: Deadline) -> Result<WaitOutcome, Code> {
            assert!(!Self::fault().is_set(), "asked again after the fault");
            Err(ENOSYS)
        }

        fn wake(_: Scope, _: usize, _: NonZeroU32) -> Result<Option<u32>, Code> {
            Err(ENOSYS)
        }

        fn now() -> Deadline {
            <crate::Os as crate::Platform>::now()
        }

        fn yield_now() {
            std::thread::yield_now();
        }

        fn heavy_fence() -> bool {
            false
        }
    }

    #[test]
    fn a_system_that_refuses_is_waited_for_all_the_same() {
        let private = Scope::Private;
        let word = AtomicU32::new(0);
        assert_eq!(wait::<Refusing>(private, &word, 0, Deadline::NEVER), WaitOutcome::Returned);
        assert_eq!(Refusing::fault().get(), Some(PlatformError::new("wait", ENOSYS)));

        // From now on the system is not asked, a change is seen, a deadline is kept, and the first error stays.
        assert_eq!(wait::<Refusing>(private, &word, 1, Deadline::NEVER), WaitOutcome::Mismatch);
        assert_eq!(wait::<Refusing>(private, &word, 0, Deadline::NEVER), WaitOutcome::Returned);
        let (start, timeout) = (Instant::now(), Duration::from_millis(2));
        let deadline = Deadline::after(timeout);
        while wait::<Refusing>(private, &word, 0, deadline) != WaitOutcome::TimedOut {}
        assert!(start.elapsed() >= timeout);
        assert_eq!(wake::<Refusing>(private, &word, NonZeroU32::MIN), None);
        assert_eq!(Refusing::fault().get().map(|error| error.call()), Some("wait"));

        std::thread::scope(|s| {
            s.spawn(|| {
                word.fetch_add(1, Ordering::Release);
                wake::<Refusing>(private, &word, NonZeroU32::MIN);
            });
            while word.load(Ordering::Acquire) == 0 {
                wait::<Refusing>(private, &word, 0, Deadline::NEVER);
            }
        });
    }

    #[test]
    fn a_fault_survives_packing() {
        for (call, name) in [(Call::Wait, "wait"), (Call::Wake, "wake")] {
            for code in [0, 1, ENOSYS, 1460, 0xFF_FFFF] {
                assert_eq!(Fault::unpack(Fault::pack(call, code)), Some(PlatformError::new(name, code)));
            }
        }
        assert_eq!(Fault::unpack(0), None);
        let error = PlatformError::new("wait", ENOSYS);
        assert_eq!(error.to_string(), "the system refused wait: error 38");
    }
}
