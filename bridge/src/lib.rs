//! A mailbox from worker threads to an event loop.
//!
//! Block in workers, signal the event loop, never the other way round. A worker [publishes](Bridge::publish) items; the
//! loop is told once, when the mailbox goes from idle to pending, and [drains](Receiver::drain) what is there within a
//! budget. The loop never blocks and never polls.
//!
//! ```text
//!   worker --publish--> lane 0..7 ------------+--drain(budget)--> loop
//!     ^                    | idle -> pending  |
//!     |                    `---- Signal ------'
//!     `------------- credits <----------------'
//! ```
//!
//! | signal | loop |
//! |---|---|
//! | [`WakerSignal`] | a task of any async runtime: [`Receiver::poll_drain`], [`Receiver::next`], a `Stream` |
//! | `EventFd`, `Pipe` (feature `std`) | epoll, mio, anything that waits for descriptors |
//! | a function or closure | libuv, Node.js, an interrupt |
//! | [`Parker`] | a thread that waits for nothing else |
//!
//! No allocation anywhere: items are intrusive nodes ([`Parcel`]), or boxes made by the caller. `Bridge::new` is `const`.
//!
#![doc = include_str!("../INTERRUPTS.md")]
#![cfg_attr(not(test), no_std)]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(all(feature = "std", not(target_os = "none")))]
extern crate std;

mod bridge;
mod budget;
mod chain;
mod credits;
mod error;
mod here;
mod hold;
mod lane;
#[cfg(all(feature = "std", not(any(loom, target_os = "none"))))]
pub mod offload;
mod parcel;
mod poll;
mod publish_async;
mod receiver;
mod signal;
mod state;
mod word;

pub use bridge::{Bridge, MAX_LANES, Mailbox};
pub use budget::{Budget, Drained};
pub use chain::Chain;
pub use error::{Attached, Closed, PublishError};
pub use hold::Hold;
#[cfg(feature = "alloc")]
pub use parcel::Boxed;
pub use parcel::{Link, Node, Parcel};
pub use publish_async::PublishAsync;
pub use receiver::{Receiver, Unsent};
#[cfg(all(feature = "std", any(target_os = "linux", target_os = "android"), not(loom)))]
pub use signal::EventFd;
#[cfg(all(feature = "std", unix, not(loom)))]
pub use signal::Pipe;
pub use signal::{Parker, Signal, WakerSignal};
pub use word::Phase;
