//! What the threads of a model share.

use loom::sync::Arc;
use loom::sync::atomic::{AtomicU32, Ordering};
use loom::thread::{self, JoinHandle};

/// Starts a thread that shares `object`.
pub fn spawn<T: 'static, R: 'static>(object: &Arc<T>, body: impl FnOnce(&T) -> R + 'static) -> JoinHandle<R> {
    let object = object.clone();
    thread::spawn(move || body(&object))
}

/// One word per party, written before the party arrives and read by the others after they have passed.
#[derive(Debug)]
pub struct Notes([AtomicU32; 3]);

impl Notes {
    /// Nobody has written anything.
    #[allow(clippy::new_without_default, reason = "loom's atomics exist inside an execution only")]
    pub fn new() -> Self {
        Notes(std::array::from_fn(|_| AtomicU32::new(0)))
    }

    /// Notes the phase that `party` is in.
    pub fn write(&self, party: usize, phase: u32) {
        self.0[party].store(phase, Ordering::Relaxed);
    }

    /// What `party` has noted.
    pub fn read(&self, party: usize) -> u32 {
        self.0[party].load(Ordering::Relaxed)
    }

    /// Checks that each of so many parties has come to `phase`, as far as this thread can see.
    ///
    /// # Panics
    ///
    /// If one has not.
    pub fn check(&self, parties: usize, phase: u32) {
        for party in 0..parties {
            assert!(self.read(party) >= phase, "everybody has arrived, and their data is seen");
        }
    }
}
