//! Progress of long stages, on the standard error.
//!
//! On a terminal a bar that disappears when its stage ends; elsewhere one line when a stage starts.

use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

const BAR: &str = "{spinner} {msg} [{bar:28}] {percent:>3} %  {elapsed}";
const SPINNER: &str = "{spinner} {msg}  {elapsed}";
const TICK: Duration = Duration::from_millis(120);

/// One stage.
pub(crate) struct Progress {
    started: Instant,
    bar: ProgressBar,
}

impl Progress {
    /// Starts a stage.
    pub(crate) fn start(stage: &str, quiet: bool) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let bar = if terminal && !quiet { ProgressBar::new_spinner() } else { ProgressBar::hidden() };
        bar.set_message(stage.to_owned());
        if let Ok(style) = ProgressStyle::with_template(SPINNER) {
            bar.set_style(style);
        }
        if terminal && !quiet {
            bar.enable_steady_tick(TICK);
        } else if !quiet {
            verifier::cli::say(&format!("{stage} ..."));
        }
        Self { started: Instant::now(), bar }
    }

    /// Tells how much is done.
    pub(crate) fn set(&self, done: usize, total: usize) {
        if self.bar.length() != Some(total as u64) {
            self.bar.set_length(total as u64);
            if let Ok(style) = ProgressStyle::with_template(BAR) {
                self.bar.set_style(style.progress_chars("=> "));
            }
        }
        self.bar.set_position(done as u64);
    }

    /// Ends the stage.
    pub(crate) fn finish(self) -> Duration {
        self.bar.finish_and_clear();
        self.started.elapsed()
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
