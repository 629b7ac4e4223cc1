//! Which setup a command works under, and where imported ones are kept.
//!
//! Everybody knows the development setup's secret, so it is used by request only. Setups of ceremonies are named by
//! their identifier and kept in a folder, one file for each size, so that a ceremony's file is read once. Naming one is
//! the statement that nobody knows its secret; a verifier accepts no other.

use std::path::PathBuf;

use attestation::hex;
use clap::Args;
use prover::srs::generate::{K_RANGE, development};
use prover::srs::{lagrange, saved};
use verifier::setup::{Setup, VerifierSetup};

use crate::commands::cache;
use crate::commands::names::Identifier;
use crate::error::{CeremonyError, CliError};
use crate::files::{self, Existing};
use crate::output::Output;

/// Said whenever the development setup is used.
const INSECURE: &str = "development setup: its secret is public, so proofs under it convince nobody";

/// The setup that a command works under.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Trust")]
pub(super) struct SetupOptions {
    /// Work under the imported setup of a ceremony, believing that nobody knows its secret
    #[arg(long, value_name = "0x..", conflicts_with = "accept_insecure_setup")]
    setup_id: Option<Identifier>,
    /// Go on under the development setup, whose secret is public: anybody can forge proofs under it
    #[arg(long)]
    accept_insecure_setup: bool,
    /// Folder of imported setups [default: assay/setups in $XDG_CACHE_HOME or ~/.cache]
    #[arg(long, value_name = "DIR")]
    setup_dir: Option<PathBuf>,
}

/// A setup by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Chosen {
    Development,
    Ceremony([u8; 32]),
}

impl SetupOptions {
    /// The setup that the user accepted; refuses if there is none.
    pub(super) fn accepted(&self) -> Result<Chosen, CliError> {
        match self.named()? {
            Some(chosen) => Ok(chosen),
            None => Err(CliError::InsecureSetup),
        }
    }

    /// The setup that the user accepted, if any.
    pub(super) fn named(&self) -> Result<Option<Chosen>, CliError> {
        match self.setup_id {
            // Its name alone does not say that the user knows what it is.
            Some(Identifier(id)) if id == VerifierSetup::development().id() => Err(CliError::InsecureSetup),
            Some(Identifier(id)) => Ok(Some(Chosen::Ceremony(id))),
            None => Ok(self.accept_insecure_setup.then_some(Chosen::Development)),
        }
    }

    /// The setup for circuits of 2^k rows.
    pub(super) fn obtain(&self, chosen: Chosen, k: u32, output: &Output) -> Result<Setup, CliError> {
        match chosen {
            Chosen::Development => development_setup(k, output),
            Chosen::Ceremony(id) => self.store()?.obtain(id, k, output),
        }
    }

    /// Where imported setups are kept.
    pub(super) fn store(&self) -> Result<Store, CliError> {
        let folder = self.setup_dir.clone().or_else(|| cache::folder("setups")).ok_or(CeremonyError::NoFolder)?;
        Ok(Store { folder })
    }
}

impl Chosen {
    /// Its identifier.
    pub(super) fn id(self) -> [u8; 32] {
        match self {
            Self::Development => VerifierSetup::development().id(),
            Self::Ceremony(id) => id,
        }
    }

    /// Warns if work under it convinces nobody.
    pub(super) fn warn(self, output: &Output) {
        if self == Self::Development {
            output.warn(INSECURE);
        }
    }
}

/// The development setup for circuits of 2^k rows, with progress.
pub(super) fn development_setup(k: u32, output: &Output) -> Result<Setup, CliError> {
    let progress = output.progress(&format!("generating the development setup for 2^{k} rows"));
    let setup = development(k, &|done, total| progress.set(done, total))?;
    progress.finish();
    Ok(setup)
}

/// The setup that somebody's key is under, whether or not anybody should believe in it.
pub(super) fn published_setup(id: &[u8; 32], k: u32, output: &Output) -> Result<Setup, CliError> {
    if *id == VerifierSetup::development().id() {
        return development_setup(k, output);
    }
    let folder = cache::folder("setups").ok_or(CeremonyError::NoFolder)?;
    Store { folder }.obtain(*id, k, output)
}

/// A setup's identifier, and a word about it if it is the insecure one.
pub(super) fn setup_name(id: &[u8; 32]) -> String {
    let name = if *id == VerifierSetup::development().id() { " (development, insecure)" } else { "" };
    format!("{}{name}", hex::encode(id))
}

/// The folder of imported setups.
#[derive(Clone, Debug)]
pub(super) struct Store {
    folder: PathBuf,
}

impl Store {
    /// The file of a setup.
    pub(super) fn path(&self, id: &[u8; 32], k: u32) -> PathBuf {
        self.folder.join(saved::file_name(id, k))
    }

    /// A setup that is kept for circuits of exactly 2^k rows.
    pub(super) fn load(&self, id: &[u8; 32], k: u32) -> Result<Option<Setup>, CliError> {
        let path = self.path(id, k);
        if !path.exists() {
            return Ok(None);
        }
        let mut file = files::open(&path)?;
        let setup = saved::read(&mut file).map_err(|source| CeremonyError::Saved { path: path.clone(), source })?;
        if (setup.id(), setup.k()) != (*id, k) {
            let (got, got_k) = (setup.id(), setup.k());
            return Err(CeremonyError::Swapped { path, expected: *id, expected_k: k, got, got_k }.into());
        }
        Ok(Some(setup))
    }

    /// Keeps a setup.
    pub(super) fn keep(&self, setup: &Setup) -> Result<PathBuf, CliError> {
        let path = self.path(&setup.id(), setup.k());
        let failed = |source| CliError::Write { path: self.folder.clone(), source };
        std::fs::create_dir_all(&self.folder).map_err(failed)?;
        files::write(&path, &saved::to_bytes(setup), Existing::Replace)?;
        Ok(path)
    }

    /// A setup for circuits of 2^k rows, made from a larger one if there is none of that size, and then kept.
    fn obtain(&self, id: [u8; 32], k: u32, output: &Output) -> Result<Setup, CliError> {
        for size in k..=*K_RANGE.end() {
            if let Some(setup) = self.load(&id, size)? {
                return self.reduce(setup, k, output);
            }
        }
        Err(CeremonyError::Absent { id, k, folder: self.folder.clone() }.into())
    }

    /// The same setup for circuits of 2^k rows; if that is new, it is kept.
    pub(super) fn reduce(&self, setup: Setup, k: u32, output: &Output) -> Result<Setup, CliError> {
        if setup.k() == k {
            return Ok(setup);
        }
        if let Some(kept) = self.load(&setup.id(), k)? {
            return Ok(kept);
        }
        let progress = output.progress(&format!("computing the Lagrange basis for 2^{k} rows"));
        let small = CeremonyError::Small { expected: k, got: setup.k() };
        let setup = lagrange::reduce(&setup, k, &|done, total| progress.set(done, total)).ok_or(small)?;
        progress.finish();
        self.keep(&setup)?;
        Ok(setup)
    }
}
