//! What [`probe`](crate::probe()) answers.

use core::fmt;

/// The system refused a call that this crate cannot do without.
///
/// Waits still work from then on, by spinning and yielding.
///
/// ```
/// match reveille_futex::probe() {
///     Ok(capabilities) => assert!(!capabilities.backend.is_empty()),
///     Err(error) => eprintln!("threads will poll instead of sleep: {error}"),
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlatformError {
    call: &'static str,
    code: i32,
}

impl PlatformError {
    #[allow(dead_code, reason = "neither the model nor a platform of the program's own fails")]
    pub(crate) fn new(call: &'static str, code: i32) -> Self {
        PlatformError { call, code }
    }

    /// The call that failed: `"wait"` or `"wake"`.
    pub fn call(&self) -> &'static str {
        self.call
    }

    /// The system's error number; zero if the call succeeded with an answer it must not give.
    pub fn code(&self) -> i32 {
        self.code
    }
}

impl fmt::Display for PlatformError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.code {
            0 => write!(f, "the system's {} does not do what it promises", self.call),
            code => write!(f, "the system refused {}: error {code}", self.call),
        }
    }
}

impl core::error::Error for PlatformError {}

/// What the built-in platform of this machine can do; see [`probe`](crate::probe()).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Capabilities {
    /// The mechanism, for a log: `"linux futex, libc"`.
    pub backend: &'static str,
    /// Whether wakes return how many threads they woke.
    pub counts_wakes: bool,
    /// Whether processes can meet on a word: the module `shared` exists.
    pub shared: bool,
    /// Whether [`Platform::heavy_fence`](crate::Platform::heavy_fence) works.
    pub heavy_fence: bool,
}
