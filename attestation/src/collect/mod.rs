//! Collectors: evidence from the hardware of this machine (feature `collect`).
//!
//! | from | through | written from |
//! |---|---|---|
//! | NVIDIA GPUs | NVML, loaded at run time | NVML API reference |
//! | Intel TDX | `/sys/kernel/config/tsm/report` | `Documentation/ABI/testing/configfs-tsm-report` |
//! | AMD SEV-SNP | the same, or `/dev/sev-guest` on older kernels | the same, `Documentation/virt/coco/sev-guest.rst` |
//!
//! On a machine without, every collector says exactly what is missing. That refusal is what tests see: **no collector
//! has run on hardware in confidential mode yet**. Nothing here is trusted by a verifier, so a fault costs a refusal.
//!
//! NVSwitches answer through NVIDIA's NSCQ library, which is not part of the driver's public interface; machines under
//! protected PCIe are verified, but not collected, by this version.

use std::path::PathBuf;

use thiserror::Error;

use crate::{
    bounded::{BoundError, Bytes, Fixed, List},
    context::WorkContext,
    evidence::{
        HardwareEvidence,
        hardware::{self, CpuEvidence, CpuQuote, GpuDevice, HardwareError, Parts},
    },
    identity::ed25519,
};

mod ffi;
mod quote;

pub use quote::{ConfigfsTsm, SEV_GUEST_DEVICE, SevGuest, TSM_DIRECTORY};

/// Why no evidence was collected: what is missing, and how to get it.
#[derive(Debug, Error)]
pub enum CollectError {
    /// NVIDIA's management library is not installed.
    #[error("nvml: {library} cannot be loaded ({cause}); install NVIDIA's driver on this machine")]
    NvmlMissing {
        /// The library.
        library: &'static str,
        /// What the loader says.
        cause: String,
    },
    /// The library lacks a function: the driver is too old.
    #[error("nvml: {function} is missing ({cause}); confidential computing needs driver 535.86 or newer")]
    NvmlFunction {
        /// The function.
        function: &'static str,
        /// What the loader says.
        cause: String,
    },
    /// A function failed.
    #[error("nvml: {function} failed with status {status} (nvmlReturn_t)")]
    NvmlStatus {
        /// The function.
        function: &'static str,
        /// Its status.
        status: i32,
    },
    /// A function states a size that its buffer cannot have.
    #[error("nvml: {function} states {got} bytes, expected 1 to {max}")]
    NvmlSize {
        /// The function.
        function: &'static str,
        /// Size of the buffer.
        max: usize,
        /// Size stated.
        got: usize,
    },
    /// The driver's confidential mode is off.
    #[error("nvml: confidential computing is off; turn it on with NVIDIA's gpu-admin-tools and reboot the guest")]
    ConfidentialOff,
    /// The driver is in a mode in which debuggers see everything.
    #[error("nvml: confidential computing is in DevTools mode, in which memory is readable; turn it off")]
    DevToolsMode,
    /// No GPU.
    #[error("nvml: no GPU is visible to this machine")]
    NoGpu,
    /// The kernel offers no quotes.
    #[error(
        "{path}: not there; a confidential virtual machine with Linux 6.7 or newer and CONFIG_TSM_REPORTS is needed (mount -t configfs none /sys/kernel/config)"
    )]
    TsmMissing {
        /// The directory.
        path: PathBuf,
    },
    /// The device is not there.
    #[error("{path}: not there; an SEV-SNP guest with the module sev-guest is needed")]
    SevGuestMissing {
        /// The device file.
        path: PathBuf,
    },
    /// A file of the kernel's interface cannot be used.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// Another process changed the request.
    #[error("{path}: generation {got}, expected {expected}; another process wrote to the same request, try again")]
    Interference {
        /// The request's directory.
        path: PathBuf,
        /// Writes made here.
        expected: u64,
        /// Writes that the kernel counted.
        got: u64,
    },
    /// A provider that this crate does not verify.
    #[error("configfs-tsm: provider {got:?}, expected tdx_guest or sev_guest")]
    Provider {
        /// Its name.
        got: String,
    },
    /// The firmware refused.
    #[error("sev-guest: the firmware answered status {status}")]
    SnpStatus {
        /// Status of MSG_REPORT_RSP.
        status: u32,
    },
    /// The host gave no certificate of the signing key.
    #[error("sev-guest: the host gave no VCEK or VLEK certificate; give the one from AMD's key server")]
    SnpCertificateMissing,
    /// More bytes than evidence may hold.
    #[error("collected {field}: {source}")]
    Bound {
        /// Which part.
        field: &'static str,
        /// The limit.
        source: BoundError,
    },
    /// Nothing to collect from.
    #[error(transparent)]
    Hardware(#[from] HardwareError),
}

/// Something that has GPUs.
pub trait GpuSource {
    /// How many.
    ///
    /// # Errors
    /// [`CollectError`].
    fn count(&self) -> Result<u32, CollectError>;

    /// The answer of GPU number `index` to `nonce`.
    ///
    /// # Errors
    /// [`CollectError`].
    fn answer(&self, index: u32, nonce: &[u8; 32]) -> Result<GpuDevice, CollectError>;
}

/// Something that quotes.
pub trait QuoteSource {
    /// A quote that holds `report_data`.
    ///
    /// # Errors
    /// [`CollectError`].
    fn quote(&self, report_data: &[u8; 64]) -> Result<CpuQuote, CollectError>;
}

/// The GPUs of this machine.
pub struct Nvml(ffi::Nvml);

impl Nvml {
    /// Loads NVIDIA's library and checks that confidential computing is on and DevTools mode off.
    ///
    /// # Errors
    /// [`CollectError`]: the library, a function, a mode, or GPUs are missing.
    pub fn open() -> Result<Self, CollectError> {
        let nvml = ffi::Nvml::open()?;
        let state = nvml.state()?;
        if !state.is_on {
            return Err(CollectError::ConfidentialOff);
        }
        if state.is_dev_tools {
            return Err(CollectError::DevToolsMode);
        }
        Ok(Self(nvml))
    }
}

impl GpuSource for Nvml {
    fn count(&self) -> Result<u32, CollectError> {
        match self.0.count()? {
            0 => Err(CollectError::NoGpu),
            count => Ok(count),
        }
    }

    fn answer(&self, index: u32, nonce: &[u8; 32]) -> Result<GpuDevice, CollectError> {
        let report = Bytes::new(self.0.report(index, nonce)?);
        let chain = self.0.chain(index)?;
        // A C string in PEM: whatever follows the last line end is padding.
        let end = chain.iter().position(|byte| *byte == 0).unwrap_or(chain.len());
        let chain = Bytes::new(chain.get(..end).unwrap_or_default());
        let bound = |field| move |source| CollectError::Bound { field, source };
        Ok(GpuDevice { report: report.map_err(bound("report"))?, chain: chain.map_err(bound("chain"))? })
    }
}

/// Collects evidence for one context: every GPU answers its nonce, then the processor quotes the answers.
///
/// `device_id` is what was registered for this set of devices ([`hardware::device_id`]).
///
/// # Errors
/// [`CollectError`].
pub fn collect(
    context: &WorkContext,
    gpus: Option<&dyn GpuSource>,
    cpu: Option<(&ed25519::PublicKey, &dyn QuoteSource)>,
) -> Result<HardwareEvidence, CollectError> {
    let devices = match gpus {
        Some(source) => (0..source.count()?)
            .map(|index| source.answer(index, &context.gpu_nonce(index)))
            .collect::<Result<_, _>>()?,
        None => Vec::new(),
    };
    let devices = List::new(devices).map_err(|source| CollectError::Bound { field: "devices", source })?;
    let cpu = match cpu {
        Some((session_key, source)) => {
            let quote = source.quote(&hardware::report_data(context, session_key, &devices))?;
            Some(CpuEvidence { session_key: *session_key, quote })
        }
        None => None,
    };
    let parts = Parts { context_digest: Fixed(context.digest()), device_id: Fixed(context.device_id), devices, cpu };
    Ok(HardwareEvidence::new(parts)?)
}
