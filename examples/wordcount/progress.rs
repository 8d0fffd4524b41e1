//! A progress bar on a terminal, and nothing when the output goes elsewhere.

use std::io::{IsTerminal as _, stderr};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Counts files. Any worker may advance it.
pub(crate) struct Progress(ProgressBar);

impl Progress {
    pub(crate) fn new(what: &'static str, files: usize) -> Self {
        let visible = stderr().is_terminal();
        let target = if visible { ProgressDrawTarget::stderr_with_hz(10) } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(files as u64), target).with_message(what);
        let style = "{msg:>10} [{bar:40}] {pos}/{len} files";
        Self(bar.with_style(ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar())))
    }

    /// Says how many files there are, once that is known.
    pub(crate) fn expect(&self, files: usize) {
        self.0.set_length(files as u64);
    }

    pub(crate) fn advance(&self) {
        if !self.0.is_hidden() {
            self.0.inc(1);
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
