//! Which thread this is, as far as that can be told.

/// A number of the calling thread that no other live thread has.
#[cfg(all(feature = "std", not(any(loom, target_os = "none"))))]
pub(crate) fn current() -> Option<usize> {
    std::thread_local!(static HERE: u8 = const { 0 });
    // Gone while the thread's locals are dropped: then nobody knows, and nobody asks.
    HERE.try_with(|here| core::ptr::from_ref(here).addr()).ok()
}

/// Threads have no identity without `std`, and under loom they share one system thread.
#[cfg(not(all(feature = "std", not(any(loom, target_os = "none")))))]
pub(crate) fn current() -> Option<usize> {
    None
}
