//! Whether this thread is unwinding: known with `std`, never otherwise.

pub(crate) use imp::panicking;

#[cfg(feature = "std")]
mod imp {
    pub(crate) fn panicking() -> bool {
        std::thread::panicking()
    }
}

#[cfg(not(feature = "std"))]
mod imp {
    pub(crate) fn panicking() -> bool {
        false
    }
}
