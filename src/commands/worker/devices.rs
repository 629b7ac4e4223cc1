//! The devices of this machine that attest a worker's jobs.

use std::path::PathBuf;
use std::sync::Mutex;

use ::worker::hardware::{DeviceAttester, DeviceError};
use attestation::collect::{GpuSource, Nvml, QuoteSource, collect};
use attestation::context::WorkContext;
use attestation::evidence::HardwareEvidence;
use attestation::evidence::sev_snp::CERTIFICATE_BYTES_MAX;
use attestation::identity::ed25519;
use attestation::identity::keystore::fresh_seed;
use clap::Args;

use verifier::cli::read_collateral;

use crate::commands::attest::Interface;
use crate::error::CliError;
use crate::files;

/// Which devices attest.
#[derive(Debug, Args)]
pub(super) struct DeviceOptions {
    /// Have every NVIDIA GPU of this machine attest each job; the worker must be bound to them, see `assay chain tx
    /// bind-device`
    #[arg(long, help_heading = "Attestation")]
    attest_gpu: bool,
    /// Have this machine's processor quote each job
    #[arg(long, value_name = "INTERFACE", help_heading = "Attestation")]
    attest_cpu: Option<Interface>,
    /// Vendors' documents that go with the evidence, see `assay attest collateral`; read for every job, so write fresh ones over it
    #[arg(long, value_name = "FILE", help_heading = "Attestation")]
    collateral: Option<PathBuf>,
    /// Certificate (DER) of an AMD chip's key, where the host gives none
    #[arg(long, value_name = "FILE", requires = "attest_cpu", help_heading = "Attestation")]
    vcek: Option<PathBuf>,
}

/// Devices that were found, and the key of this run that quotes vouch for; it never leaves the memory.
struct Devices {
    // The vendors' interfaces answer one request at a time.
    sources: Mutex<Sources>,
    session_key: ed25519::SigningKey,
    collateral: Option<PathBuf>,
    /// The documents last read.
    documents: Mutex<Vec<u8>>,
}

struct Sources {
    gpus: Option<Nvml>,
    quotes: Option<Box<dyn QuoteSource + Send>>,
}

impl DeviceOptions {
    /// The devices asked for, opened.
    pub(super) fn open(&self) -> Result<Option<impl DeviceAttester + use<>>, CliError> {
        let Self { attest_gpu, attest_cpu, collateral, vcek } = self;
        if !attest_gpu && attest_cpu.is_none() {
            return match collateral {
                Some(_) => Err(CliError::usage("--collateral goes with --attest-gpu or --attest-cpu".to_owned())),
                None => Ok(None),
            };
        }
        let missing = |error| CliError::Collect(Box::new(error));
        let certificate = vcek.as_deref().map(|path| files::read(path, "certificate", CERTIFICATE_BYTES_MAX as u64));
        let certificate = certificate.transpose()?;
        let quotes = attest_cpu.map(|interface| interface.open(certificate)).transpose()?;
        let gpus = attest_gpu.then(Nvml::open).transpose().map_err(missing)?;
        let documents = collateral.as_deref().map(read_collateral).transpose()?.unwrap_or_default();
        let seed = fresh_seed().map_err(CliError::SessionKey)?;
        Ok(Some(Devices {
            sources: Mutex::new(Sources { gpus, quotes }),
            session_key: ed25519::SigningKey::from_seed(&seed),
            collateral: collateral.clone(),
            documents: Mutex::new(documents.to_bytes()),
        }))
    }
}

impl std::fmt::Debug for Devices {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Devices").field("session", &self.session_key.public_key()).finish_non_exhaustive()
    }
}

impl DeviceAttester for Devices {
    fn attest(&self, context: &WorkContext) -> Result<HardwareEvidence, DeviceError> {
        let sources = self.sources.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let gpus = sources.gpus.as_ref().map(|source| -> &dyn GpuSource { source });
        let key = self.session_key.public_key();
        let quotes =
            sources.quotes.as_deref().map(|source| -> (&ed25519::PublicKey, &dyn QuoteSource) { (&key, source) });
        Ok(collect(context, gpus, quotes)?)
    }

    fn collateral(&self) -> Vec<u8> {
        let mut documents = self.documents.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        match self.collateral.as_deref().map(read_collateral).transpose() {
            Ok(None) => {}
            Ok(Some(fresh)) => *documents = fresh.to_bytes(),
            // A job that is done is worth more with older documents than lost.
            Err(error) => tracing::warn!(%error, "the collateral last read goes with the evidence"),
        }
        documents.clone()
    }

    fn session_key(&self) -> Option<&ed25519::SigningKey> {
        Some(&self.session_key)
    }
}
