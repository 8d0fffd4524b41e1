//! Without threads of its own a pool spawns scope tasks only: they are of one class, and nobody gets mail.

use core::marker::PhantomData;

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
