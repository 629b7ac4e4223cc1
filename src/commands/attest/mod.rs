//! `assay attest`: evidence of hardware, made on a machine that has it and judged anywhere, offline.

use std::path::{Path, PathBuf};

use attestation::evidence::{EVIDENCE_BYTES_MAX, Evidence};
use attestation::policy::{POLICY_TOML_BYTES_MAX, Policy};
use clap::{Args, Subcommand};
use verifier::judgement::standard_policy;

use crate::error::{CliError, FormatError};
use crate::files;
use crate::output::{Done, Output};

mod collateral;
mod inspect;
mod policy;
mod report;
mod source;
mod vendor;
mod verify;

pub(super) use report::Interface;

/// Collect evidence of hardware, and judge it offline
#[derive(Debug, Subcommand)]
pub(crate) enum Attest {
    Report(report::Report),
    Verify(verify::Verify),
    Inspect(inspect::Inspect),
    Policy(policy::PolicyCommand),
    Collateral(collateral::CollateralCommand),
}

impl Attest {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Report(_) => "attest report",
            Self::Verify(_) => "attest verify",
            Self::Inspect(_) => "attest inspect",
            Self::Policy(_) => "attest policy",
            Self::Collateral(_) => "attest collateral",
        }
    }
}

pub(super) fn run(command: &Attest, output: &Output) -> Result<Done, CliError> {
    match command {
        Attest::Report(arguments) => report::run(arguments, output),
        Attest::Verify(arguments) => verify::run(arguments, output),
        Attest::Inspect(arguments) => inspect::run(arguments, output),
        Attest::Policy(arguments) => policy::run(arguments, output),
        Attest::Collateral(arguments) => collateral::run(arguments, output),
    }
}

/// Which policy judges.
#[derive(Debug, Args)]
struct PolicyOptions {
    /// Policy in TOML [default: the project's own; `assay attest policy` prints it]
    #[arg(long, value_name = "FILE", help_heading = "Trust")]
    policy: Option<PathBuf>,
}

impl PolicyOptions {
    fn read(&self) -> Result<Policy, CliError> {
        match &self.policy {
            Some(path) => read_policy(path),
            None => Ok(standard_policy()),
        }
    }
}

fn read_policy(path: &Path) -> Result<Policy, CliError> {
    let bytes = files::read(path, "policy", POLICY_TOML_BYTES_MAX as u64)?;
    let text = String::from_utf8(bytes).map_err(|_| CliError::format(path, FormatError::Text))?;
    Policy::from_toml(&text).map_err(|error| CliError::format(path, FormatError::Policy(error)))
}

/// Evidence that is alone in its file.
pub(super) fn read_evidence(path: &Path) -> Result<Evidence, CliError> {
    let bytes = files::read(path, "evidence", EVIDENCE_BYTES_MAX as u64)?;
    Evidence::from_bytes(&bytes).map_err(|error| CliError::format(path, error))
}
