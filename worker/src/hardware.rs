//! What a worker says about its machine, which nobody else can check, and the devices of it that attest themselves.

use std::fmt;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use attestation::context::WorkContext;
use attestation::evidence::software::{self, HOST_BYTES_MAX};
use attestation::evidence::{Attester as _, AttesterError, Evidence, HardwareEvidence, SoftwareAttester};
use attestation::hash::derive;
use attestation::identity::{ed25519, ml_dsa};
use attestation::receipt::{
    DeviceKind, HARDWARE_BYTES_MAX, HardwareTier, Metadata, ReceiptError, Session, SignedReceipt, UtilisationProfile,
    WorkReceipt,
};
use attestation::text::{Text, TextError};
use chain::types::{HardwareProfile, Hash};

use crate::executor::Device;

const EXECUTABLE_CONTEXT: &str = "assay 2026 executable v1";

/// Why a machine cannot be described.
#[derive(Debug, thiserror::Error)]
pub enum HardwareError {
    /// The executable, whose hash evidence names.
    #[error("cannot read this program's own file, whose hash goes into evidence: {0}")]
    Executable(#[source] std::io::Error),
    /// A name that is too long or holds control characters.
    #[error("{what}: {source}")]
    Name {
        /// Which one.
        what: &'static str,
        /// What is wrong with it.
        source: TextError,
    },
}

/// Why nothing was signed.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// The context is another worker's or device's.
    #[error(transparent)]
    Evidence(#[from] AttesterError),
    /// The devices gave no evidence.
    #[error("this machine's devices gave no evidence: {0}")]
    Devices(#[source] DeviceError),
    /// The receipt is none.
    #[error(transparent)]
    Receipt(#[from] ReceiptError),
}

/// What devices say when they give no evidence.
pub type DeviceError = Box<dyn std::error::Error + Send + Sync>;

/// Devices of this machine that attest themselves.
pub trait DeviceAttester: fmt::Debug + Send + Sync {
    /// What they show for a context.
    ///
    /// # Errors
    /// Whatever keeps them from it.
    fn attest(&self, context: &WorkContext) -> Result<HardwareEvidence, DeviceError>;

    /// The vendors' documents that a verifier of it needs, encoded; fresh ones may take the place of older ones between
    /// jobs.
    fn collateral(&self) -> Vec<u8>;

    /// The key that a processor's quote vouches for, if one quotes.
    fn session_key(&self) -> Option<&ed25519::SigningKey>;
}

/// A worker's machine.
#[derive(Clone, Debug)]
pub struct Hardware {
    devices: Option<Arc<dyn DeviceAttester>>,
    device: Device,
    executable: Hash,
    name: Text<HARDWARE_BYTES_MAX>,
    host: Text<HOST_BYTES_MAX>,
}

/// What a run adds to its context.
#[derive(Clone, Copy, Debug)]
pub struct RunFigures {
    /// Tensor hash of the output.
    pub output_hash: Hash,
    /// Units of the job.
    pub units: u64,
    /// Tokens in and out, 0 for a model that is not billed by tokens.
    pub tokens: (u64, u64),
    /// Class of speed that the worker is registered with.
    pub tier: HardwareTier,
    /// How long the run took, milliseconds.
    pub elapsed_ms: u64,
    /// When it ended by the chain's time, milliseconds since the epoch; see [`crate::clock`].
    pub completed_at: u64,
}

impl Hardware {
    /// This machine. `host` is what evidence calls it: receipts are public, so it need not be its real name.
    ///
    /// # Errors
    /// [`HardwareError`].
    pub fn this_machine(device: Device, host: &str) -> Result<Self, HardwareError> {
        let file = std::env::current_exe().and_then(std::fs::read).map_err(HardwareError::Executable)?;
        let name = match device {
            Device::Cpu => format!("{} processor", std::env::consts::ARCH),
            Device::Cuda(_) => "NVIDIA GPU".to_owned(),
        };
        let text = |what| move |source| HardwareError::Name { what, source };
        Ok(Self {
            devices: None,
            device,
            executable: derive(EXECUTABLE_CONTEXT, &[&file]),
            name: Text::new(name).map_err(text("hardware"))?,
            host: Text::new(host).map_err(text("host"))?,
        })
    }

    /// The device that runs models.
    #[must_use]
    pub fn device(&self) -> Device {
        self.device
    }

    /// What it calls its hardware.
    #[must_use]
    pub fn name(&self) -> &str {
        self.name.as_str()
    }

    /// Hash of the running executable.
    #[must_use]
    pub fn executable(&self) -> &Hash {
        &self.executable
    }

    /// What a worker on it registers: the lowest class of speed, until its speed is measured.
    #[must_use]
    pub fn profile(&self) -> HardwareProfile {
        HardwareProfile { tier: HardwareTier::Entry, hardware: self.name.clone(), video_memory_mib: 0 }
    }

    /// The same machine, with devices that attest the contexts that name them.
    #[must_use]
    pub fn with_devices(mut self, devices: Arc<dyn DeviceAttester>) -> Self {
        self.devices = Some(devices);
        self
    }

    /// Whether some of its devices attest themselves.
    #[must_use]
    pub fn has_devices(&self) -> bool {
        self.devices.is_some()
    }

    /// The vendors' documents that go with evidence; none with software evidence.
    #[must_use]
    pub fn collateral(&self, evidence: &Evidence) -> Vec<u8> {
        match (&self.devices, evidence.hardware()) {
            (Some(devices), Some(_)) => devices.collateral(),
            _ => Vec::new(),
        }
    }

    /// Evidence for a context: of the devices if the lease names them, of this program if it names none.
    ///
    /// # Errors
    /// [`SignError`]: a context of another worker or device, devices that give no evidence.
    pub fn attest(&self, worker: &ml_dsa::PublicKey, context: &WorkContext) -> Result<Evidence, SignError> {
        match &self.devices {
            Some(devices) if context.device_id != software::device_id(&worker.id()) => {
                devices.attest(context).map(Evidence::Hardware).map_err(SignError::Devices)
            }
            _ => Ok(SoftwareAttester::new(worker, self.executable, self.host.clone()).attest(context)?),
        }
    }

    /// Signs what a run gave, with evidence for its context.
    ///
    /// # Errors
    /// [`SignError`].
    pub fn sign(
        &self,
        worker: &ml_dsa::SigningKey,
        context: &WorkContext,
        run: &RunFigures,
    ) -> Result<(SignedReceipt, Evidence), SignError> {
        let evidence = self.attest(worker.public_key(), context)?;
        // No date is before its lease, and no run takes longer than its lease is old.
        let completed_at = run.completed_at.max(context.timestamp);
        let session_key = evidence.session_key().and(self.devices.as_ref()).and_then(|devices| devices.session_key());
        let count = |tokens: u64| u32::try_from(tokens).unwrap_or(u32::MAX);
        let receipt = WorkReceipt {
            context: *context,
            output_hash: run.output_hash,
            compute_units: run.units,
            metadata: Metadata {
                tokens_in: count(run.tokens.0),
                tokens_out: count(run.tokens.1),
                elapsed_ms: run.elapsed_ms.min(completed_at.saturating_sub(context.timestamp)),
                device: match self.device {
                    Device::Cpu => DeviceKind::Cpu,
                    Device::Cuda(_) => DeviceKind::Cuda,
                },
                tier: run.tier,
                hardware: self.name.clone(),
                utilisation: UtilisationProfile::default(),
            },
            completed_at,
            evidence_digest: evidence.digest(),
            session: session_key.map(|key| Session::sign(key, &context.digest(), &run.output_hash)),
        };
        Ok((SignedReceipt::sign(receipt, worker)?, evidence))
    }
}

/// Milliseconds since the epoch by this machine's clock.
#[must_use]
pub fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
