//! A list of wakers without allocation: the entries lie in the futures that wait.
//!
//! ```text
//!   WakerList.head -> Entry -> Entry -> null      `slot` of each entry points at the pointer that points at it
//!   notify_all:  head' -> Entry -> Entry -> null  the same chain on the notifier's stack; `head` is null
//! ```
//!
//! *Invariant.* Links and wakers are touched only under the lock that the list's address selects from a static table. The
//! lock is not part of the list, so a notifier can publish that the list's owner may be freed, and still hand the entries
//! back to their futures one by one. Wakers are called, cloned and dropped outside the lock.
//!
//! The lock is held for a few instructions, and a contender spins; so an interrupt must not use a list that the code it
//! interrupts uses.
//!
//! *Paid for by those who wait.* A notifier reaches the lock and the walk only through a pointer that the first registration
//! of the program stores (`linked`), so a program without futures is linked without them. Whoever acquires the flag that
//! `confirm` raised also sees the pointer (R19).
//!
//! Checked through its users: the async models of `loom-tests/models`.

use core::cell::UnsafeCell;
use core::fmt;
use core::marker::PhantomPinned;
use core::pin::Pin;
use core::ptr;
use core::task::Waker;

use crate::Platform;

/// The wakers of everyone who waits for one event.
#[repr(transparent)]
pub struct WakerList {
    head: UnsafeCell<*mut Links>,
}

/// A place in a [`WakerList`], part of the future that waits.
///
/// Whoever embeds one removes it (see [`WakerList::remove`]) before it is dropped.
pub struct Entry {
    links: UnsafeCell<Links>,
    _pinned: PhantomPinned,
}

struct Links {
    next: *mut Links,
    /// The pointer that points here; null while not in a list.
    slot: *mut *mut Links,
    waker: Option<Waker>,
}

// SAFETY: everything inside is touched only under the lock; a waker may move between threads.
unsafe impl Send for WakerList {}
// SAFETY: as above.
unsafe impl Sync for WakerList {}
// SAFETY: as above.
unsafe impl Send for Entry {}
// SAFETY: as above.
unsafe impl Sync for Entry {}

impl Entry {
    /// An entry in no list.
    pub const fn new() -> Self {
        let links = Links { next: ptr::null_mut(), slot: ptr::null_mut(), waker: None };
        Self { links: UnsafeCell::new(links), _pinned: PhantomPinned }
    }
}

impl WakerList {
    /// An empty list.
    pub const fn new() -> Self {
        Self { head: UnsafeCell::new(ptr::null_mut()) }
    }

    /// Puts `waker` into the list, in place of the one that the entry had, unless `confirm` says no. `confirm` runs under
    /// the lock: an event that it does not see yet finds the entry.
    ///
    /// Returns what `confirm` said. It tells the notifiers, by a release or before a `fence(SeqCst)`, that the list may hold
    /// somebody.
    ///
    /// # Safety
    ///
    /// The entry is used with this list only, and [`remove`](Self::remove) is called before it is dropped.
    pub unsafe fn register<P: Platform>(
        &self,
        entry: Pin<&Entry>,
        waker: &Waker,
        confirm: impl FnOnce() -> bool,
    ) -> bool {
        let waker = waker.clone();
        let links = entry.links.get();
        let before;
        let confirmed;
        linked::store(); // before `confirm`, which sends notifiers here
        {
            let _lock = lock::acquire(self.address(), P::yield_now);
            confirmed = confirm();
            if confirmed {
                // SAFETY: the lock is held.
                unsafe {
                    push(self.head.get(), links);
                }
            }
            // SAFETY: the lock is held; the entry is live.
            let place = unsafe { &mut (*links).waker };
            before = if confirmed { place.replace(waker) } else { place.take() };
        }
        drop(before);
        confirmed
    }

    /// Takes the entry out of the list, if it is in it. Afterwards no notifier touches it.
    ///
    /// # Safety
    ///
    /// The entry is used with this list only.
    pub unsafe fn remove<P: Platform>(&self, entry: Pin<&Entry>) {
        let links = entry.links.get();
        let before;
        {
            let _lock = lock::acquire(self.address(), P::yield_now);
            // SAFETY: the lock is held.
            unsafe { unlink(links) };
            // SAFETY: the lock is held; the entry is live.
            before = unsafe { &mut (*links).waker }.take();
        }
        drop(before);
    }

    /// Takes the whole list, calls `publish` under the lock, then wakes every waker that was in the list. The caller has read
    /// that the list may hold somebody: with acquire, or behind a `fence(SeqCst)`.
    ///
    /// # Safety
    ///
    /// `this` points to a live list until `publish` returns. It may be freed from then on.
    pub unsafe fn notify_all<P: Platform>(this: *const Self, publish: &mut dyn FnMut()) {
        match linked::load() {
            // SAFETY: the caller's promise.
            Some(notify) => unsafe { notify(this, publish, P::yield_now) },
            None => publish(), // nobody has ever been in a list
        }
    }

    fn address(&self) -> usize {
        ptr::from_ref(self).addr()
    }
}

impl Default for WakerList {
    fn default() -> Self {
        Self::new()
    }
}

impl Default for Entry {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for WakerList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WakerList").finish_non_exhaustive()
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry").finish_non_exhaustive()
    }
}

/// [`WakerList::notify_all`] on a platform that yields so.
///
/// # Safety
///
/// As there.
unsafe fn notify_all(this: *const WakerList, publish: &mut dyn FnMut(), yield_now: fn()) {
    let address = this.addr();
    let taken = UnsafeCell::new(ptr::null_mut());
    {
        let _lock = lock::acquire(address, yield_now);
        // SAFETY: the list is live until `publish`.
        let head = unsafe { &raw const (*this).head };
        // SAFETY: as above; the lock is held.
        unsafe { adopt(UnsafeCell::raw_get(head), taken.get()) };
        publish();
    }
    // Goes on with the others if a waker panics: they point into this frame.
    let rest = Rest { head: &taken, address, yield_now };
    rest.wake();
}

/// Entries that a notifier took and has not woken yet.
struct Rest<'a> {
    head: &'a UnsafeCell<*mut Links>,
    address: usize,
    yield_now: fn(),
}

impl Rest<'_> {
    fn wake(&self) {
        loop {
            let waker = {
                let _lock = lock::acquire(self.address, self.yield_now);
                // SAFETY: the lock is held.
                let first = unsafe { *self.head.get() };
                if first.is_null() {
                    return;
                }
                // SAFETY: the lock is held, so the entry is live: its future unlinks it before it goes.
                unsafe { unlink(first) };
                // SAFETY: as above.
                unsafe { &mut (*first).waker }.take()
            };
            if let Some(waker) = waker {
                waker.wake();
            }
        }
    }
}

impl Drop for Rest<'_> {
    fn drop(&mut self) {
        self.wake();
    }
}

/// # Safety
///
/// The lock is held; `head` and `links` are live.
unsafe fn push(head: *mut *mut Links, links: *mut Links) {
    // SAFETY: the caller's promise; nobody else has a reference while the lock is held.
    let entry = unsafe { &mut *links };
    if !entry.slot.is_null() {
        return;
    }
    // SAFETY: as above.
    entry.next = unsafe { *head };
    entry.slot = head;
    if !entry.next.is_null() {
        // SAFETY: an entry in the list is live.
        unsafe { (*entry.next).slot = &raw mut entry.next };
    }
    // SAFETY: as above.
    unsafe { *head = links };
}

/// # Safety
///
/// The lock is held; `links` is live.
unsafe fn unlink(links: *mut Links) {
    // SAFETY: the caller's promise; nobody else has a reference while the lock is held.
    let entry = unsafe { &mut *links };
    if entry.slot.is_null() {
        return;
    }
    if !entry.next.is_null() {
        // SAFETY: an entry in the list is live.
        unsafe { (*entry.next).slot = entry.slot };
    }
    // SAFETY: the pointer that points at an entry of the list lies in a live entry or a live head.
    unsafe { *entry.slot = entry.next };
    entry.next = ptr::null_mut();
    entry.slot = ptr::null_mut();
}

/// Moves a chain from one head to another.
///
/// # Safety
///
/// The lock is held; both heads are live, and `to` is null.
unsafe fn adopt(from: *mut *mut Links, to: *mut *mut Links) {
    // SAFETY: the caller's promise.
    let first = unsafe { from.replace(ptr::null_mut()) };
    if !first.is_null() {
        // SAFETY: an entry in the list is live.
        unsafe { (*first).slot = to };
    }
    // SAFETY: the caller's promise.
    unsafe { *to = first };
}

/// The way from a notifier to [`notify_all`], which is not there before the first registration.
mod linked {
    use core::ptr;

    use super::WakerList;
    use crate::sync::atomic::{AtomicPtr, Ordering};

    type Notify = unsafe fn(*const WakerList, &mut dyn FnMut(), fn());

    static NOTIFY: Notify = super::notify_all;

    #[cfg(not(loom))]
    static WAY: AtomicPtr<Notify> = AtomicPtr::new(ptr::null_mut());

    #[cfg(loom)]
    loom::lazy_static! {
        static ref WAY: AtomicPtr<Notify> = AtomicPtr::new(ptr::null_mut());
    }

    pub(super) fn store() {
        // Relaxed: the flag that `confirm` raises publishes it. Whoever stores, it is the same pointer.
        WAY.store((&raw const NOTIFY).cast_mut(), Ordering::Relaxed);
    }

    pub(super) fn load() -> Option<Notify> {
        // Relaxed: the caller has acquired what `confirm` released, or both have a fence. Else the pointer could be missing, and
        // a future would sleep for ever (R19).
        // SAFETY: null, or a static.
        unsafe { WAY.load(Ordering::Relaxed).as_ref() }.copied()
    }
}

#[cfg(not(loom))]
mod lock {
    use crate::sync::atomic::{AtomicU32, Ordering};
    use crate::sync::hint;

    const LOCKS: usize = 16;
    const SPINS_BEFORE_YIELD: u32 = 64;

    static TABLE: [AtomicU32; LOCKS] = [const { AtomicU32::new(0) }; LOCKS];

    pub(super) struct Guard(&'static AtomicU32);

    pub(super) fn acquire(address: usize, yield_now: fn()) -> Guard {
        let word = &TABLE[(address >> 4) % LOCKS];
        // Acquire: pairs with the release in `drop`; without it the links of the holder before would not be seen.
        while word.swap(1, Ordering::Acquire) == 1 {
            let mut spins = 0;
            // Relaxed: a hint; the swap decides.
            while word.load(Ordering::Relaxed) == 1 {
                spins += 1;
                if spins < SPINS_BEFORE_YIELD { hint::spin_loop() } else { yield_now() }
            }
        }
        Guard(word)
    }

    impl Drop for Guard {
        fn drop(&mut self) {
            // Release: publishes the links to the next holder.
            self.0.store(0, Ordering::Release);
        }
    }
}

#[cfg(loom)]
mod lock {
    loom::lazy_static! {
        static ref LOCK: loom::sync::Mutex<()> = loom::sync::Mutex::new(());
    }

    pub(super) struct Guard(#[expect(dead_code, reason = "held for its drop")] loom::sync::MutexGuard<'static, ()>);

    pub(super) fn acquire(_address: usize, _yield_now: fn()) -> Guard {
        Guard(LOCK.lock().unwrap())
    }
}
