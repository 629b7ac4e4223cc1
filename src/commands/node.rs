//! The node that a command talks to, and the runtime in which it does.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use ::chain::client::Client;
use clap::Args;
use tokio::runtime::Builder;

use super::chain::directory::DataDirectory;
use crate::error::CliError;

/// Where a node listens unless told otherwise.
pub(super) const LISTEN: &str = "127.0.0.1:7373";
/// Longest time to keep trying, seconds.
const TIMEOUT_MAX: u64 = 3600;
/// Between two looks for the address of a node that starts.
const PAUSE: Duration = Duration::from_millis(50);

/// Which node.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Node")]
pub(super) struct NodeOptions {
    /// Its address; without it and --data-dir http://127.0.0.1:7373
    #[arg(long, value_name = "URL", global = true, conflicts_with = "data_dir")]
    node: Option<String>,
    /// Data directory of a node on this machine; its file `address` says where it listens
    #[arg(long, value_name = "DIR", global = true)]
    data_dir: Option<PathBuf>,
    /// Seconds to keep trying while no node answers
    #[arg(long, value_name = "SECONDS", global = true, default_value_t = 5, value_parser = clap::value_parser!(u64).range(0..=TIMEOUT_MAX))]
    timeout: u64,
}

impl NodeOptions {
    /// A client of the node; connects with its first call.
    pub(super) fn client(&self) -> Result<Client, CliError> {
        let patience = Duration::from_secs(self.timeout);
        let url = match (&self.node, &self.data_dir) {
            (Some(url), _) => url.clone(),
            (None, Some(path)) => wait_for_address(&DataDirectory::new(path), patience)?,
            (None, None) => format!("http://{LISTEN}"),
        };
        Ok(Client::new(&url)?.with_patience(patience))
    }

    /// The data directory, if one was named.
    pub(super) fn data_dir(&self) -> Option<&Path> {
        self.data_dir.as_deref()
    }
}

/// The address of a node that may be starting.
fn wait_for_address(directory: &DataDirectory, patience: Duration) -> Result<String, CliError> {
    let start = Instant::now();
    loop {
        match directory.address() {
            Err(CliError::NoAddress { .. }) if start.elapsed() < patience => std::thread::sleep(PAUSE),
            answer => return answer,
        }
    }
}

/// Runs what waits for a node, or is one.
pub(super) fn block_on<T>(work: impl Future<Output = Result<T, CliError>>) -> Result<T, CliError> {
    let runtime = Builder::new_multi_thread().enable_all().build().map_err(CliError::Runtime)?;
    runtime.block_on(work)
}
