//! What only some programs need, and others are linked without.
//!
//! A program that never breaks a barrier need not ask whether one is broken. On a core of 32 bits without an operating system
//! such a question reads a static first, and whoever brings the need about stores it: where the whole program is optimised as
//! one, and nobody in it does, the answer is known, and the code behind the question is dropped. Elsewhere the answer is a
//! constant, yes; in models it is read, as there.
//!
//! *Nothing is overlooked.* The need arises before whatever tells of it, a flag or a task, is published. So what orders a
//! look at that behind its publication orders the look at the need too.
//!
//! Checked through its users: twin `twin_r20_the_break_is_told_before_the_need`.

use crate::sync::atomic::{AtomicBool, Ordering};

/// Whether a need has to arise.
const IS_READ: bool = cfg!(any(loom, all(target_os = "none", target_pointer_width = "32")));

/// Whether anybody may need it. In a static, which [`need!`](crate::need!) makes.
#[derive(Debug)]
pub struct Need(AtomicBool);

#[expect(clippy::new_without_default, reason = "only in statics")]
impl Need {
    // Not by `const_unless_loom!`: a twin compiles this file as a module, where the crate's exported macros have no path.
    /// Nobody does.
    #[cfg(not(loom))]
    pub const fn new() -> Self {
        Need(AtomicBool::new(false))
    }

    /// Nobody does.
    #[cfg(loom)]
    pub fn new() -> Self {
        Need(AtomicBool::new(false))
    }

    /// Before whatever tells of the need.
    #[inline]
    pub fn arises(&self) {
        if IS_READ {
            // Relaxed: what is published next publishes this store too. Whoever stores, it is the same value.
            self.0.store(true, Ordering::Relaxed);
        }
    }

    /// Whether it may have arisen; for whoever has acquired what tells of it.
    #[inline]
    pub fn has_arisen(&self) -> bool {
        !IS_READ || self.0.load(Ordering::Relaxed) // acquired along with the news
    }
}

/// Declares a static [`Need`](need::Need), which loom cannot have as a constant.
#[doc(hidden)]
#[macro_export]
macro_rules! need {
    ($(#[$meta:meta])* pub(crate) static $name:ident) => {
        #[cfg(not(loom))]
        $(#[$meta])*
        pub(crate) static $name: $crate::need::Need = $crate::need::Need::new();
        #[cfg(loom)]
        $crate::sync::lazy_static! {
            $(#[$meta])*
            pub(crate) static ref $name: $crate::need::Need = $crate::need::Need::new();
        }
    };
}
