//! Other unix systems: a static table of POSIX mutexes and condition variables, chosen by the word's address.
//!
//! ```text
//!   wait: lock the word's bucket; compare; block on its condition    wake: lock; anybody there?; unlock; wake all of them
//! ```
//!
//! The bucket's lock makes comparing and blocking one step against a wake that follows the change of the word: it either
//! comes after the waiter is counted, or the waiter compares after it. Words that share a bucket wake each other's
//! waiters, and so does a wake of one: both are within F2. Nothing is allocated.

use core::cell::UnsafeCell;
use core::mem::MaybeUninit;
use core::num::NonZeroU32;
use core::ptr;

use super::{Backend, Code, Scope};
use crate::os::guard::Fault;
use crate::sync::atomic::{AtomicU32, Ordering};
use crate::{Deadline, WaitOutcome};

#[cfg_attr(test, expect(dead_code, reason = "in tests of another system the table is used by its own name"))]
pub(crate) type Native = Pthread;

/// The table of POSIX objects.
pub(crate) struct Pthread;

/// Words that wait at the same time seldom share one of so many.
const BUCKETS: usize = 64;

const NANOS_PER_SECOND: u64 = 1_000_000_000;

/// Where the threads of some words meet. All but the mutex itself is touched under it.
#[repr(align(64))]
struct Bucket {
    mutex: UnsafeCell<libc::pthread_mutex_t>,
    state: UnsafeCell<State>,
}

struct State {
    /// Initialized by the first waiter: the monotonic clock cannot be chosen in a constant.
    condition: MaybeUninit<libc::pthread_cond_t>,
    initialized: bool,
    waiters: u32,
}

// SAFETY: `mutex` is made for sharing and never moves, since buckets are static; `state` is used under it.
unsafe impl Sync for Bucket {}

static TABLE: [Bucket; BUCKETS] = [const {
    Bucket {
        mutex: UnsafeCell::new(libc::PTHREAD_MUTEX_INITIALIZER),
        state: UnsafeCell::new(State { condition: MaybeUninit::uninit(), initialized: false, waiters: 0 }),
    }
}; BUCKETS];

fn bucket(address: usize) -> &'static Bucket {
    // The middle bits of a multiplicative hash depend on all of the address.
    &TABLE[(address >> 2).wrapping_mul(0x9E37_79B9) >> 16 & (BUCKETS - 1)]
}

/// Zero is success in POSIX.
fn check(code: libc::c_int) -> Result<(), Code> {
    if code == 0 { Ok(()) } else { Err(code) }
}

/// A locked bucket.
struct Locked(&'static Bucket);

impl Locked {
    fn new(bucket: &'static Bucket) -> Result<Self, Code> {
        // SAFETY: the mutex is initialized and static, and no thread locks it twice.
        check(unsafe { libc::pthread_mutex_lock(bucket.mutex.get()) })?;
        Ok(Locked(bucket))
    }

    fn state(&mut self) -> &mut State {
        // SAFETY: the bucket is locked, and the lock is borrowed for as long as the reference.
        unsafe { &mut *self.0.state.get() }
    }

    /// The bucket's condition, initialized at the first call.
    fn condition(&mut self) -> Result<*mut libc::pthread_cond_t, Code> {
        let state = self.state();
        let condition = state.condition.as_mut_ptr();
        if !state.initialized {
            init_monotonic(condition)?;
            state.initialized = true;
        }
        Ok(condition)
    }

    /// Blocks until woken or past the deadline; the bucket is unlocked meanwhile.
    fn block(&mut self, deadline: Deadline) -> Result<WaitOutcome, Code> {
        let condition = self.condition()?;
        let mutex = self.0.mutex.get();
        self.state().waiters += 1;
        let code = if deadline.is_never() {
            // SAFETY: the condition is initialized and static, the mutex is locked by this thread; nothing borrows the
            // state while it is unlocked.
            unsafe { libc::pthread_cond_wait(condition, mutex) }
        } else {
            let limit = timespec(deadline);
            // SAFETY: as above; `limit` outlives the call.
            unsafe { libc::pthread_cond_timedwait(condition, mutex, &raw const limit) }
        };
        self.state().waiters -= 1;
        match code {
            0 => Ok(WaitOutcome::Returned),
            libc::ETIMEDOUT => Ok(WaitOutcome::TimedOut),
            code => Err(code),
        }
    }
}

impl Drop for Locked {
    fn drop(&mut self) {
        // SAFETY: this thread locked it.
        let code = unsafe { libc::pthread_mutex_unlock(self.0.mutex.get()) };
        debug_assert_eq!(code, 0, "unlocking a mutex that is locked");
    }
}

fn init_monotonic(condition: *mut libc::pthread_cond_t) -> Result<(), Code> {
    let mut attributes = MaybeUninit::uninit();
    // SAFETY: the attributes are writable.
    check(unsafe { libc::pthread_condattr_init(attributes.as_mut_ptr()) })?;
    // SAFETY: the attributes are initialized.
    check(unsafe { libc::pthread_condattr_setclock(attributes.as_mut_ptr(), libc::CLOCK_MONOTONIC) })?;
    // SAFETY: the condition is static and not initialized yet, the attributes are.
    check(unsafe { libc::pthread_cond_init(condition, attributes.as_ptr()) })?;
    // SAFETY: initialized above, used no more.
    check(unsafe { libc::pthread_condattr_destroy(attributes.as_mut_ptr()) })
}

/// The deadline, or the last time that fits.
fn timespec(deadline: Deadline) -> libc::timespec {
    let seconds = libc::time_t::try_from(deadline.as_nanos() / NANOS_PER_SECOND).unwrap_or(libc::time_t::MAX);
    libc::timespec { tv_sec: seconds, tv_nsec: (deadline.as_nanos() % NANOS_PER_SECOND) as _ }
}

// SAFETY: comparing and blocking are one step under the bucket's lock, which every wake takes; a wake uses the address
// as a number.
unsafe impl Backend for Pthread {
    const NAME: &'static str = "pthread conditions";
    const COUNTS_WAKES: bool = false;

    fn fault() -> &'static Fault {
        static FAULT: Fault = Fault::none();
        &FAULT
    }

    fn wait(_: Scope, word: &AtomicU32, expected: u32, deadline: Deadline) -> Result<WaitOutcome, Code> {
        let mut bucket = Locked::new(bucket(ptr::from_ref(word).addr()))?;
        // Relaxed: a waker changed the word before it took the lock, which orders it before this.
        if word.load(Ordering::Relaxed) != expected {
            return Ok(WaitOutcome::Mismatch);
        }
        bucket.block(deadline)
    }

    fn wake(_: Scope, address: usize, _: NonZeroU32) -> Result<Option<u32>, Code> {
        let mut bucket = Locked::new(bucket(address))?;
        if bucket.state().waiters == 0 {
            return Ok(Some(0));
        }
        let condition = bucket.condition()?;
        drop(bucket); // or the threads it wakes would block again, on the lock
        // SAFETY: the condition is initialized, since somebody waits, and static.
        check(unsafe { libc::pthread_cond_broadcast(condition) })?;
        Ok(None)
    }

    fn now() -> Deadline {
        let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: `now` is writable.
        unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut now) };
        Deadline::from_nanos(now.tv_sec as u64 * NANOS_PER_SECOND + now.tv_nsec as u64)
    }

    fn yield_now() {
        // SAFETY: takes no arguments.
        unsafe { libc::sched_yield() };
    }

    fn heavy_fence() -> bool {
        false
    }
}
