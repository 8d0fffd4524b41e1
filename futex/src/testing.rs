//! Platforms for tests: [`Chaos`] returns when nobody asked, [`Counting`] proves that a path makes no call, [`FakeClock`]
//! stands still until told otherwise.
//!
//! Each wraps another platform and is a type, as every platform is. Its state is static, so a test names its own copy by
//! a number, `TAG`, below [`TAGS`]: tests that run at the same time use different numbers.
//!
//! ```
//! use reveille_futex::{AtomicU32, Deadline, Os, Platform, testing::Counting};
//!
//! type Mine = Counting<0>;
//! let word = AtomicU32::new(1);
//! Mine::wait(&word, 0, Deadline::NEVER);
//! assert_eq!(Mine::counts().waits, 1);
//! assert_eq!(Mine::counts().wakes, 0);
//! ```
//!
//! They cost nothing where they are not used, so there is no feature to turn on. Under `cfg(loom)` they do not exist: the
//! modelled [`Os`](crate::Os) has spurious returns and timeouts of its own.

mod chaos;
mod counting;
mod fake_clock;

pub use chaos::Chaos;
pub use counting::{Counting, Counts};
pub use fake_clock::FakeClock;

/// How many independent copies of each test platform one program has.
pub const TAGS: usize = 64;
