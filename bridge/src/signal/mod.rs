//! How a loop is told that something is there.

#[cfg(all(feature = "std", any(target_os = "linux", target_os = "android"), not(loom)))]
mod event_fd;
mod parker;
#[cfg(all(feature = "std", unix, not(loom)))]
mod pipe;
mod waker;

#[cfg(all(feature = "std", any(target_os = "linux", target_os = "android"), not(loom)))]
pub use event_fd::EventFd;
pub use parker::Parker;
#[cfg(all(feature = "std", unix, not(loom)))]
pub use pipe::Pipe;
pub use waker::WakerSignal;

/// Makes the loop drain soon.
///
/// A plain function or closure is a signal: one that calls `uv_async_send`, raises a software interrupt, or writes to a
/// socket. [`WakerSignal`] wakes a task of an async runtime, `EventFd` and `Pipe` a loop on descriptors, [`Parker`] a thread
/// that has nothing else to wait for.
///
/// The bridge calls it once for each time that the loop has to be told, from any thread.
pub trait Signal: Sync {
    /// Makes the loop drain soon. Must not block, and must not be lost if the loop is just about to wait.
    fn signal(&self);

    /// The loop has noticed: called by the receiver at the start of each drain.
    fn acknowledge(&self) {}

    /// Nobody is in [`signal`](Self::signal), and nobody will call it again. Called once, by the last thread out, when the
    /// bridge is closed: here a handle that belongs to the loop may be given back.
    fn retire(&self) {}
}

impl<F: Fn() + Sync> Signal for F {
    fn signal(&self) {
        self();
    }
}
