//! Without threads of its own a pool spawns scope tasks only: they are of one class, and nobody gets mail.

use core::marker::PhantomData;
#[cfg(feature = "alloc")]
use core::ptr::NonNull;

#[cfg(feature = "alloc")]
use alloc::boxed::Box;

use reveille_futex::{Platform, const_unless_loom};

use crate::Worker;
use crate::job::TaskRef;

pub(crate) struct Lanes<P: Platform>(PhantomData<fn(P)>);

impl<P: Platform> Lanes<P> {
    const_unless_loom! {
        pub(crate) const fn new() -> Self {
            Lanes(PhantomData)
        }
    }

    #[inline]
    pub(crate) fn has_mail(&self) -> bool {
        false
    }
}

pub(crate) struct SharedLanes<P: Platform>(PhantomData<fn(P)>);

impl<P: Platform> SharedLanes<P> {
    const_unless_loom! {
        pub(crate) const fn new() -> Self {
            SharedLanes(PhantomData)
        }
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        true
    }
}

impl<P: Platform> Worker<P> {
    #[inline]
    pub(crate) fn open_mail(&self) -> Option<TaskRef<P>> {
        None
    }

    #[inline]
    pub(crate) fn first_choice(&self) -> Option<TaskRef<P>> {
        None
    }

    #[inline]
    pub(crate) fn last_choice(&self) -> Option<TaskRef<P>> {
        None
    }
}

/// Puts a task where it can wait, which is for the caller to undo with [`fetch`].
#[cfg(feature = "alloc")]
#[inline]
pub(crate) fn store<T, P: Platform>(_: Option<&Worker<P>>, task: T) -> NonNull<T> {
    NonNull::from(Box::leak(Box::new(task)))
}

/// Takes a task out of its memory, which is free then.
///
/// # Safety
///
/// [`store`] has put it there, and nobody uses the place after this.
#[cfg(feature = "alloc")]
#[inline]
pub(crate) unsafe fn fetch<T, P: Platform>(_: Option<&Worker<P>>, place: NonNull<T>) -> T {
    // SAFETY: leaked by `store`.
    *unsafe { Box::from_raw(place.as_ptr()) }
}
