//! The step that runs once per phase, when everybody has arrived and nobody has been let go.

/// What a barrier does at the end of each phase.
///
/// Implemented for every `FnMut()`. Its panic breaks the barrier for all.
pub trait Completion {
    /// Whether there is anything to run.
    #[doc(hidden)]
    const RUNS: bool = true;

    /// Called by the last party to arrive, before any is released.
    fn complete(&mut self);
}

impl<F: FnMut()> Completion for F {
    fn complete(&mut self) {
        self();
    }
}

/// Nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoCompletion;

impl Completion for NoCompletion {
    const RUNS: bool = false;

    fn complete(&mut self) {}
}
