//! Whether this thread is unwinding: known with `std`, never otherwise.

pub(crate) use imp::panicking;

#[cfg(all(feature = "std", not(target_os = "none")))]
mod imp {
    pub(crate) fn panicking() -> bool {
        std::thread::panicking()
    }
}

#[cfg(not(all(feature = "std", not(target_os = "none"))))]
mod imp {
    pub(crate) fn panicking() -> bool {
        false
    }
}
