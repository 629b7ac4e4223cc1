//! Every byte that this program prints: as `assay-verify` prints it, with progress and logs beside it.

use std::io::{self, IsTerminal as _};
use std::ops::Deref;

mod logs;
mod progress;
mod words;

pub(crate) use logs::LogOptions;
pub(crate) use progress::Progress;
pub(crate) use verifier::cli::{Done, OutputOptions, Problem, Tone, name};
pub(crate) use words::{TOKEN, amount, bytes, duration, picture, printable, shape, short, utc, values};

/// Where the program's words go.
pub(crate) struct Output {
    printed: verifier::cli::Output,
    quiet: bool,
}

impl Deref for Output {
    type Target = verifier::cli::Output;

    fn deref(&self) -> &Self::Target {
        &self.printed
    }
}

impl Output {
    /// Text or JSON.
    pub(crate) fn new(json: bool) -> Self {
        Self { printed: verifier::cli::Output::new(json), quiet: false }
    }

    /// The same without progress.
    pub(crate) fn quiet(mut self, quiet: bool) -> Self {
        self.quiet = quiet;
        self
    }

    /// Starts a stage of a long command.
    pub(crate) fn progress(&self, stage: &str) -> Progress {
        Progress::start(stage, self.quiet)
    }

    /// Starts a short stage, which nobody needs to see in a log beside the result.
    pub(crate) fn spinner(&self, stage: &str) -> Progress {
        Progress::start(stage, self.quiet || !io::stderr().is_terminal())
    }
}
