//! Logs of long-running commands, on the standard error.
//!
//! They are plain text everywhere: no colours, so `NO_COLOR` has nothing to turn off. Values are written with their
//! control characters escaped, which is the subscriber's own habit.

use clap::Args;
use tracing_subscriber::EnvFilter;

use crate::error::CliError;

const VARIABLE: &str = "RUST_LOG";
const STANDARD: &str = "info";

/// What is logged.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Logs")]
pub(crate) struct LogOptions {
    /// What to log to the standard error: a level, or a list such as warn,chain=debug; RUST_LOG without it, else info
    #[arg(long, value_name = "FILTER")]
    log_filter: Option<String>,
}

impl LogOptions {
    /// Starts logging; later calls in the same process change nothing.
    pub(crate) fn start(&self) -> Result<(), CliError> {
        let from_variable = || std::env::var(VARIABLE).ok().filter(|text| !text.is_empty());
        let text = self.log_filter.clone().or_else(from_variable).unwrap_or_else(|| STANDARD.to_owned());
        let filter = EnvFilter::try_new(&text)
            .map_err(|error| CliError::LogFilter { text: text.clone(), reason: error.to_string() })?;
        let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false);
        // A subscriber that is there already keeps logging.
        let _ = subscriber.with_writer(std::io::stderr).try_init();
        Ok(())
    }
}
