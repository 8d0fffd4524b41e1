//! The contestants of `wake_latency`: how one thread tells another that something has happened.

use std::fs::File;
use std::hint::spin_loop;
use std::io::{Read as _, Write as _};
use std::os::fd::FromRawFd as _;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Condvar, Mutex, OnceLock};
use std::thread::{self, Thread};

use crossbeam_utils::sync::{Parker, Unparker};
use event_listener::{Event, Listener as _};
use reveille::futex;
use reveille::latch::CoreLatch;

/// A signal that is taken by the wait it ends. One thread waits, and says so first.
pub(crate) trait Signal: Send + Sync {
    fn new() -> Self;
    /// On the thread that will wait.
    fn attach(&self) {}
    fn signal(&self);
    /// Takes a signal, or sleeps until there is one.
    fn wait(&self);
}

pub(crate) struct Ours(CoreLatch);

impl Signal for Ours {
    fn new() -> Self {
        Ours(CoreLatch::new())
    }

    fn signal(&self) {
        self.0.set();
    }

    fn wait(&self) {
        self.0.wait();
        self.0.reset();
    }
}

/// Our futex layer under the same word as the raw one.
pub(crate) struct OurFutex(AtomicU32);

pub(crate) const EMPTY: u32 = 0;
pub(crate) const SET: u32 = 1;
pub(crate) const ASLEEP: u32 = 2;

impl Signal for OurFutex {
    fn new() -> Self {
        OurFutex(AtomicU32::new(EMPTY))
    }

    fn signal(&self) {
        if self.0.swap(SET, Ordering::Release) == ASLEEP {
            futex::wake_one(&raw const self.0);
        }
    }

    fn wait(&self) {
        take(&self.0, |word| _ = futex::wait(word, ASLEEP));
    }
}

fn take(word: &AtomicU32, sleep: impl Fn(&AtomicU32)) {
    loop {
        if word.compare_exchange(SET, EMPTY, Ordering::Acquire, Ordering::Relaxed).is_ok() {
            return;
        }
        let _ = word.compare_exchange(EMPTY, ASLEEP, Ordering::Relaxed, Ordering::Relaxed);
        sleep(word);
        let _ = word.compare_exchange(ASLEEP, EMPTY, Ordering::Relaxed, Ordering::Relaxed);
    }
}

/// The system call by itself.
pub(crate) struct RawFutex(AtomicU32);

impl Signal for RawFutex {
    fn new() -> Self {
        RawFutex(AtomicU32::new(EMPTY))
    }

    fn signal(&self) {
        if self.0.swap(SET, Ordering::Release) == ASLEEP {
            let operation = libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG;
            // SAFETY: a wake reads nothing; the address is that of a live word.
            unsafe { libc::syscall(libc::SYS_futex, self.0.as_ptr(), operation, 1) };
        }
    }

    fn wait(&self) {
        take(&self.0, |word| {
            let operation = libc::FUTEX_WAIT | libc::FUTEX_PRIVATE_FLAG;
            let forever = std::ptr::null::<libc::timespec>();
            // SAFETY: the word lives while this call waits on it, and there is no timeout to read.
            unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), operation, ASLEEP, forever) };
        });
    }
}

/// The crate has no word that says who sleeps: it makes the call every time.
pub(crate) struct AtomicWait(AtomicU32);

impl Signal for AtomicWait {
    fn new() -> Self {
        AtomicWait(AtomicU32::new(EMPTY))
    }

    fn signal(&self) {
        self.0.store(SET, Ordering::Release);
        atomic_wait::wake_one(&raw const self.0);
    }

    fn wait(&self) {
        while self.0.swap(EMPTY, Ordering::Acquire) == EMPTY {
            atomic_wait::wait(&self.0, EMPTY);
        }
    }
}

pub(crate) struct StdPark(OnceLock<Thread>, AtomicBool);

impl Signal for StdPark {
    fn new() -> Self {
        StdPark(OnceLock::new(), AtomicBool::new(false))
    }

    fn attach(&self) {
        let _ = self.0.set(thread::current());
    }

    fn signal(&self) {
        self.1.store(true, Ordering::Release);
        self.0.get().expect("attached").unpark();
    }

    fn wait(&self) {
        while !self.1.swap(false, Ordering::Acquire) {
            thread::park();
        }
    }
}

pub(crate) struct Crossbeam(Mutex<Parker>, Unparker);

impl Signal for Crossbeam {
    fn new() -> Self {
        let parker = Parker::new();
        let unparker = parker.unparker().clone();
        Crossbeam(Mutex::new(parker), unparker)
    }

    fn signal(&self) {
        self.1.unpark();
    }

    fn wait(&self) {
        // Nobody else takes this lock: it is here to make the type shareable.
        self.0.lock().expect("no panic").park();
    }
}

pub(crate) struct StdCondvar(Mutex<bool>, Condvar);

impl Signal for StdCondvar {
    fn new() -> Self {
        StdCondvar(Mutex::new(false), Condvar::new())
    }

    fn signal(&self) {
        *self.0.lock().expect("no panic") = true;
        self.1.notify_one();
    }

    fn wait(&self) {
        let set = self.0.lock().expect("no panic");
        let mut set = self.1.wait_while(set, |set| !*set).expect("no panic");
        *set = false;
    }
}

/// As it is often written: the woken thread runs into the lock.
pub(crate) struct UnderTheLock(StdCondvar);

impl Signal for UnderTheLock {
    fn new() -> Self {
        UnderTheLock(StdCondvar::new())
    }

    fn signal(&self) {
        let mut set = self.0.0.lock().expect("no panic");
        *set = true;
        self.0.1.notify_one();
    }

    fn wait(&self) {
        self.0.wait();
    }
}

pub(crate) struct ParkingLot(parking_lot::Mutex<bool>, parking_lot::Condvar);

impl Signal for ParkingLot {
    fn new() -> Self {
        ParkingLot(parking_lot::Mutex::new(false), parking_lot::Condvar::new())
    }

    fn signal(&self) {
        *self.0.lock() = true;
        self.1.notify_one();
    }

    fn wait(&self) {
        let mut set = self.0.lock();
        self.1.wait_while(&mut set, |set| !*set);
        *set = false;
    }
}

pub(crate) struct EventListener(Event, AtomicBool);

impl Signal for EventListener {
    fn new() -> Self {
        EventListener(Event::new(), AtomicBool::new(false))
    }

    fn signal(&self) {
        self.1.store(true, Ordering::Release);
        self.0.notify(1);
    }

    fn wait(&self) {
        while !self.1.swap(false, Ordering::Acquire) {
            event_listener::listener!(self.0 => listener);
            if self.1.swap(false, Ordering::Acquire) {
                return;
            }
            listener.wait();
        }
    }
}

/// A descriptor to read from and one to write to.
pub(crate) struct Descriptors<const PIPE: bool>(File, File);

impl<const PIPE: bool> Signal for Descriptors<PIPE> {
    fn new() -> Self {
        let mut ends = [0; 2];
        if PIPE {
            // SAFETY: room for two descriptors.
            let made = unsafe { libc::pipe(ends.as_mut_ptr()) };
            assert_eq!(made, 0, "a pipe");
        } else {
            // SAFETY: takes no pointer.
            ends[0] = unsafe { libc::eventfd(0, 0) };
            // SAFETY: as above.
            ends[1] = unsafe { libc::dup(ends[0]) };
            assert!(ends[0] >= 0 && ends[1] >= 0, "an eventfd");
        }
        // SAFETY: a new descriptor, owned by nothing else.
        let read = unsafe { File::from_raw_fd(ends[0]) };
        // SAFETY: as above.
        let write = unsafe { File::from_raw_fd(ends[1]) };
        Descriptors(read, write)
    }

    fn signal(&self) {
        (&self.1).write_all(&1_u64.to_ne_bytes()).expect("written");
    }

    fn wait(&self) {
        (&self.0).read_exact(&mut [0; 8]).expect("read");
    }
}

/// No sleep at all.
pub(crate) struct Spin(AtomicBool);

impl Signal for Spin {
    fn new() -> Self {
        Spin(AtomicBool::new(false))
    }

    fn signal(&self) {
        self.0.store(true, Ordering::Release);
    }

    fn wait(&self) {
        while !self.0.load(Ordering::Acquire) {
            spin_loop();
        }
        self.0.store(false, Ordering::Relaxed);
    }
}
