//! Linux and Android: futex(2) with an absolute monotonic deadline, membarrier(2).
//!
//! A system call goes through libc or is our own instruction ([`call`]); everything else is the same.
//!
//! On 32-bit targets the old call takes a deadline of 32-bit seconds since the machine started, which lasts 68 years. A
//! later deadline, and a kernel built without the old call, get `futex_time64`.

#[path = "linux/call.rs"]
pub(crate) mod call;

use core::marker::PhantomData;
use core::num::NonZeroU32;
use core::ptr;

use self::call::Call;
use super::{Backend, Code, Scope};
use crate::os::guard::Fault;
use crate::sync::atomic::{AtomicU32, Ordering};
use crate::{Deadline, WaitOutcome};

/// Whether the plain numbers of this target's calls take 32-bit seconds.
const OLD_TIME: bool = cfg!(all(
    target_pointer_width = "32",
    not(any(target_arch = "riscv32", target_arch = "x86_64", target_arch = "aarch64", target_arch = "loongarch32"))
));

/// The same number on every 32-bit target.
const FUTEX_TIME64: usize = 422;

const FUTEX_WAKE: usize = 1;
const FUTEX_WAIT_BITSET: usize = 9;
const FUTEX_PRIVATE_FLAG: usize = 128;
/// The futex matches every waiter, not those of one bit.
const MATCH_ANY: usize = u32::MAX as usize;

const MEMBARRIER_CMD_QUERY: usize = 0;
const MEMBARRIER_CMD_PRIVATE_EXPEDITED: usize = 1 << 3;
const MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED: usize = 1 << 4;

const EINTR: Code = 4;
const EAGAIN: Code = 11;
const EFAULT: Code = 14;
const EINVAL: Code = 22;
const ENOSYS: Code = if cfg!(any(target_arch = "mips", target_arch = "mips64")) { 89 } else { 38 };
const ETIMEDOUT: Code = if cfg!(any(target_arch = "mips", target_arch = "mips64")) { 145 } else { 110 };

pub(crate) type Native = Linux<call::Chosen>;

/// The kernel, called by `C`.
pub(crate) struct Linux<C>(PhantomData<C>);

/// The kernel's `timespec`, of either size.
#[repr(C)]
struct Time<T> {
    seconds: T,
    nanos: T,
}

const NANOS_PER_SECOND: u64 = 1_000_000_000;

// SAFETY: the kernel compares the word and queues the thread under one lock that every wake of the address takes
// (futex(2)); a wake only looks the address up. `heavy_fence` is membarrier(2), which promises what is asked for.
unsafe impl<C: Call> Backend for Linux<C> {
    const NAME: &'static str = C::NAME;
    const COUNTS_WAKES: bool = true;

    fn fault() -> &'static Fault {
        static FAULT: Fault = Fault::none(); // the kernel is the same, however it is called
        &FAULT
    }

    fn wait(scope: Scope, word: &AtomicU32, expected: u32, deadline: Deadline) -> Result<WaitOutcome, Code> {
        let address = ptr::from_ref(word).expose_provenance();
        let operation = FUTEX_WAIT_BITSET | flag(scope);
        let (seconds, nanos) = (deadline.as_nanos() / NANOS_PER_SECOND, deadline.as_nanos() % NANOS_PER_SECOND);
        let old = Time { seconds: seconds as i32, nanos: nanos as i32 };
        let new = Time { seconds: seconds as i64, nanos: nanos as i64 };
        let futex = |number, limit: *const ()| {
            let limit = if deadline.is_never() { 0 } else { limit.expose_provenance() };
            // SAFETY: `word` is live for the call, and `limit` is null or the address of a time that outlives it, of the
            // size that `number` takes.
            unsafe { C::call(number, [address, operation, expected as usize, limit, 0, MATCH_ANY]) }
        };
        let result = if OLD_TIME {
            let fits = deadline.is_never() || seconds <= i32::MAX as u64;
            let result = if fits { futex(C::FUTEX, (&raw const old).cast()) } else { Err(ENOSYS) };
            result.or_else(|code| if code == ENOSYS { futex(FUTEX_TIME64, (&raw const new).cast()) } else { Err(code) })
        } else {
            futex(C::FUTEX, (&raw const new).cast())
        };
        match result {
            Ok(_) => Ok(WaitOutcome::Returned),
            Err(EAGAIN) => Ok(WaitOutcome::Mismatch), // the word had another value
            Err(ETIMEDOUT) => Ok(WaitOutcome::TimedOut),
            Err(EINTR) => Ok(WaitOutcome::Returned), // a signal
            Err(code) => Err(code),
        }
    }

    fn wake(scope: Scope, address: usize, count: NonZeroU32) -> Result<Option<u32>, Code> {
        let limit = count.get().min(i32::MAX as u32) as usize;
        let arguments = [address, FUTEX_WAKE | flag(scope), limit, 0, 0, 0];
        // SAFETY: a wake reads and writes no memory of ours.
        let mut result = unsafe { C::call(C::FUTEX, arguments) };
        if OLD_TIME && result == Err(ENOSYS) {
            // SAFETY: as above.
            result = unsafe { C::call(FUTEX_TIME64, arguments) };
        }
        match result {
            Ok(woken) => Ok(u32::try_from(woken).ok()),
            Err(EFAULT | EINVAL) => Ok(Some(0)), // no thread can wait there: unmapped, or not a word's address
            Err(code) => Err(code),
        }
    }

    #[inline]
    fn now() -> Deadline {
        C::now()
    }

    #[inline]
    fn yield_now() {
        // SAFETY: takes no arguments; a failure means that nobody else ran.
        let _ = unsafe { C::call(C::SCHED_YIELD, [0; 6]) };
    }

    #[inline]
    fn heavy_fence() -> bool {
        // Relaxed: the answer never changes once it is known, and carries no data; threads that register at the same
        // time get the same one.
        match MEMBARRIER.load(Ordering::Relaxed) {
            YES => membarrier::<C>(MEMBARRIER_CMD_PRIVATE_EXPEDITED),
            NO => false,
            _ => register::<C>(),
        }
    }

    fn has_heavy_fence() -> bool {
        match MEMBARRIER.load(Ordering::Relaxed) {
            YES => membarrier::<C>(MEMBARRIER_CMD_QUERY), // fails if the system has withdrawn the call; interrupts nobody
            NO => false,
            _ => register::<C>(),
        }
    }
}

fn flag(scope: Scope) -> usize {
    match scope {
        Scope::Private => FUTEX_PRIVATE_FLAG,
        Scope::Shared => 0,
    }
}

/// Whether the process is registered for membarrier(2). Many writers, read-modify-writes only, who agree.
static MEMBARRIER: AtomicU32 = AtomicU32::new(UNASKED);

const UNASKED: u32 = 0;
const YES: u32 = 1; // for ever
const NO: u32 = 2; // for ever

#[cold]
fn register<C: Call>() -> bool {
    let registered =
        membarrier::<C>(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED) && membarrier::<C>(MEMBARRIER_CMD_PRIVATE_EXPEDITED);
    // Relaxed: see `heavy_fence`. The exchange keeps the first answer, so that it is the same for ever.
    let answer = if registered { YES } else { NO };
    match MEMBARRIER.compare_exchange(UNASKED, answer, Ordering::Relaxed, Ordering::Relaxed) {
        Ok(_) => registered,
        Err(first) => registered && first == YES,
    }
}

fn membarrier<C: Call>(command: usize) -> bool {
    // SAFETY: the call reads and writes no memory of ours.
    unsafe { C::call(C::MEMBARRIER, [command, 0, 0, 0, 0, 0]) }.is_ok()
}
