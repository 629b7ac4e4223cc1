//! Setups with progress, and made smaller where that is needed: what only a prover does.

use attestation::hex;
use prover::srs::generate::development;
use prover::srs::{lagrange, saved};
use verifier::cli::{Chosen, SetupOptions, Store};
use verifier::setup::{Setup, VerifierSetup};

use crate::error::{CeremonyError, CliError};
use crate::files::{self, Existing};
use crate::output::Output;

/// The accepted setup for circuits of 2^k rows.
pub(super) fn obtain(options: &SetupOptions, chosen: Chosen, k: u32, output: &Output) -> Result<Setup, CliError> {
    match chosen {
        Chosen::Development => development_setup(k, output),
        Chosen::Ceremony(id) => {
            let store = options.store()?;
            reduce(&store, store.smallest(id, k)?, k, output)
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
    let store = Store::standard()?;
    reduce(&store, store.smallest(*id, k)?, k, output)
}

/// A setup's identifier, and a word about it if it is the insecure one.
pub(super) fn setup_name(id: &[u8; 32]) -> String {
    let name = if *id == VerifierSetup::development().id() { " (development, insecure)" } else { "" };
    format!("{}{name}", hex::encode(id))
}

/// Keeps a setup.
pub(super) fn keep(store: &Store, setup: &Setup) -> Result<std::path::PathBuf, CliError> {
    let path = store.path(&setup.id(), setup.k());
    let failed = |source| CliError::Write { path: store.folder().clone(), source };
    std::fs::create_dir_all(store.folder()).map_err(failed)?;
    files::write(&path, &saved::to_bytes(setup), Existing::Replace)?;
    Ok(path)
}

/// The same setup for circuits of 2^k rows; if that is new, it is kept.
pub(super) fn reduce(store: &Store, setup: Setup, k: u32, output: &Output) -> Result<Setup, CliError> {
    if setup.k() == k {
        return Ok(setup);
    }
    if let Some(kept) = store.load(&setup.id(), k)? {
        return Ok(kept);
    }
    let progress = output.progress(&format!("computing the Lagrange basis for 2^{k} rows"));
    let small = CeremonyError::Small { expected: k, got: setup.k() };
    let setup = lagrange::reduce(&setup, k, &|done, total| progress.set(done, total)).ok_or(small)?;
    progress.finish();
    keep(store, &setup)?;
    Ok(setup)
}
