//! What the barriers ask of the machine: how many processors, and whether this thread is unwinding.
//!
//! Both are known with `std` only. Without it every group of parties is taken to fit the processors, and no thread unwinds.

use reveille_futex::relax::Budget;

pub(crate) use imp::panicking;

/// A group that fits the processors looks for longer than a phase between running threads takes. Then it offers the
/// processor: on a busy machine the peer may be waiting for this very one. Together that is less than a sleep and a wake. `benches/barrier.rs`: rows "2 threads" and "skewed by 1 ms".
const FITS: Budget = Budget { nanos: 300, yields: 2 };

/// A group that does not fit gains nothing by pausing on a processor that a peer needs: it offers the processor a few
/// times, at half a microsecond each, then sleeps. `benches/barrier.rs`: row "4 threads".
const CROWDED: Budget = Budget { nanos: 0, yields: 8 };

/// How long `parties` parties should look before they sleep.
#[inline]
pub(crate) fn budget(parties: u32) -> Budget {
    if parties <= imp::processors() { FITS } else { CROWDED }
}

#[cfg(all(feature = "std", not(target_os = "none")))]
mod imp {
    use reveille_futex::sync::atomic::Ordering;

    // Not a word of a protocol, so not one of the modelled atomics, which cannot be in a static.
    use core::sync::atomic::AtomicU32;

    /// Zero until it was asked once.
    static PROCESSORS: AtomicU32 = AtomicU32::new(0);

    #[inline]
    pub(crate) fn processors() -> u32 {
        // Relaxed: a number that every thread would find out alike.
        match PROCESSORS.load(Ordering::Relaxed) {
            0 => ask(),
            known => known,
        }
    }

    #[cold]
    fn ask() -> u32 {
        let processors = std::thread::available_parallelism().map_or(1, |n| n.get() as u32);
        PROCESSORS.store(processors, Ordering::Relaxed);
        processors
    }

    pub(crate) fn panicking() -> bool {
        std::thread::panicking()
    }
}

#[cfg(not(all(feature = "std", not(target_os = "none"))))]
mod imp {
    #[inline]
    pub(crate) fn processors() -> u32 {
        u32::MAX
    }

    pub(crate) fn panicking() -> bool {
        false
    }
}
