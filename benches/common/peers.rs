//! The contestants' names. Each says which version it is; `tests/bench_peers.rs` holds them against Cargo.lock.
//!
//! What comes with the compiler or the system (std, pthread, the kernel's calls) has the version that the machine line says.
#![allow(dead_code, reason = "each benchmark uses a part of it")]

macro_rules! peers {
    ($($name:ident = $label:literal, $package:literal $version:literal $(, $variant:literal)?;)*) => {
        $(pub(crate) const $name: &str = concat!($label, " ", $version $(, ", ", $variant)?);)*

        /// Package and version of each.
        pub(crate) const ALL: &[(&str, &str)] = &[$(($package, $version)),*];
    };
}

peers! {
    ASYNC_CHANNEL = "async-channel", "async-channel" "2.5.0";
    ASYNC_CHANNEL_EDGE = "async-channel", "async-channel" "2.5.0", "edge flag by hand";
    ATOMIC_WAIT = "atomic-wait", "atomic-wait" "1.1.0";
    CHILI = "chili", "chili" "0.2.1";
    // The option with which it looks at its heartbeat at every join, and so never runs one in sequence.
    CHILI_EVERY = "chili", "chili" "0.2.1", "every join a job";
    CHILI_MIRRORED = "chili", "chili" "0.2.1", "mirrored";
    CROSSBEAM_FIFO = "crossbeam-deque", "crossbeam-deque" "0.8.8", "fifo";
    CROSSBEAM_GROUP = "crossbeam WaitGroup", "crossbeam-utils" "0.8.23";
    CROSSBEAM_INJECTOR = "crossbeam-deque", "crossbeam-deque" "0.8.8", "injector";
    CROSSBEAM_LIFO = "crossbeam-deque", "crossbeam-deque" "0.8.8", "lifo";
    CROSSBEAM_PARKER = "crossbeam Parker", "crossbeam-utils" "0.8.23";
    EVENT_LISTENER = "event-listener", "event-listener" "5.4.2";
    FLUME = "flume", "flume" "0.12.0";
    FLUME_EDGE = "flume", "flume" "0.12.0", "edge flag by hand";
    FORTE = "forte", "forte" "1.0.0-alpha.4";
    FORTE_MIRRORED = "forte", "forte" "1.0.0-alpha.4", "mirrored";
    HURDLES = "hurdles", "hurdles" "1.0.1";
    PARKING_LOT = "parking_lot", "parking_lot" "0.12.5";
    RAYON = "rayon", "rayon" "1.12.0";
    RAYON_ITERATORS = "rayon", "rayon" "1.12.0", "iterators";
    SPIN = "spin", "spin" "0.10.1";
    ST3 = "st3", "st3" "0.4.1", "lifo";
    TOKIO = "tokio", "tokio" "1.54.1";
    TOKIO_MPSC = "tokio mpsc", "tokio" "1.54.1";
    TOKIO_MPSC_EDGE = "tokio mpsc", "tokio" "1.54.1", "edge flag by hand";
}

pub(crate) const OURS: &str = "reveille";
pub(crate) const OURS_FREE: &str = "reveille, free join";
pub(crate) const SEQUENTIAL: &str = "sequential";
pub(crate) const STD_SCOPE: &str = "std thread::scope";
