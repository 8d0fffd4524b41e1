//! What a program can observe: which closure runs where, in which order, what becomes of panics, how pools end.
//!
//! The same file runs on rayon-core and on what takes its place.

mod current_thread;
mod ends;
mod orders;
mod panics;
mod places;
mod waiting;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::thread::{self, ThreadId};

use rayon_core::{ThreadPool, ThreadPoolBuilder};

fn pool(threads: usize) -> ThreadPool {
    ThreadPoolBuilder::new().num_threads(threads).build().unwrap()
}

fn ids(pool: &ThreadPool) -> Vec<ThreadId> {
    pool.broadcast(|_| thread::current().id())
}

fn here() -> ThreadId {
    thread::current().id()
}

/// The payload of `f`'s panic, which is a `&str`.
fn panic_of<R>(f: impl FnOnce() -> R) -> Option<&'static str> {
    catch_unwind(AssertUnwindSafe(f)).err().and_then(|payload| payload.downcast_ref().copied())
}

fn throw(what: &'static str) -> ! {
    resume_unwind(Box::new(what)) // no message on the screen
}
