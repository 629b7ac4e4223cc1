//! What `assay attest inspect` and `verify` read: evidence, a receipt, or a file of a vendor's own tools.

use std::path::{Path, PathBuf};

use attestation::appraisal::vendor::VendorFormat;
use attestation::evidence::nvidia::container::{self, CONTAINER_BYTES_MAX, ContainerEntry};
use attestation::evidence::{EVIDENCE_BYTES_MAX, Evidence};
use attestation::hex;
use verifier::container::{Kind, MAGIC};
use verifier::receipt::ReceiptFile;

use crate::error::{CliError, FormatError};
use crate::files;

/// A file that holds evidence.
pub(super) enum Source {
    Evidence(Box<Evidence>),
    Receipt(Box<ReceiptFile>),
    Vendor(VendorFile),
}

/// What a vendor's tool wrote.
pub(super) enum VendorFile {
    /// Devices with their chains.
    Devices(Vec<ContainerEntry>),
    /// One device's report.
    Report(Vec<u8>),
    /// A TDX quote.
    Tdx(Vec<u8>),
    /// An SEV-SNP report.
    SevSnp(Vec<u8>),
}

impl VendorFile {
    /// For people.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Devices(_) => "NVIDIA devices, as the vendor's tools write them",
            Self::Report(_) => "NVIDIA attestation report",
            Self::Tdx(_) => "Intel TDX quote",
            Self::SevSnp(_) => "AMD SEV-SNP report",
        }
    }

    fn read(path: &Path, format: VendorFormat, bytes: Vec<u8>) -> Result<Self, CliError> {
        Ok(match format {
            VendorFormat::NvidiaContainer => {
                let entries = container::parse(&bytes);
                Self::Devices(entries.map_err(|error| CliError::format(path, FormatError::Nvidia(error)))?)
            }
            VendorFormat::NvidiaReport => Self::Report(bytes),
            VendorFormat::NvidiaReportText => {
                let digits: String = String::from_utf8_lossy(&bytes).split_ascii_whitespace().collect();
                let report = hex::decode_vec(&format!("0x{}", digits.to_ascii_lowercase()));
                Self::Report(report.map_err(|error| CliError::format(path, FormatError::ReportText(error)))?)
            }
            VendorFormat::TdxQuote => Self::Tdx(bytes),
            VendorFormat::SnpReport => Self::SevSnp(bytes),
        })
    }
}

impl Source {
    pub(super) fn read(path: &Path) -> Result<Self, CliError> {
        let max =
            files::container_bytes_max(Kind::Receipt).max(EVIDENCE_BYTES_MAX as u64).max(CONTAINER_BYTES_MAX as u64);
        let bytes = files::read(path, "evidence or receipt", max)?;
        if bytes.starts_with(&MAGIC) {
            let file = ReceiptFile::from_bytes(&bytes).map_err(|error| CliError::format(path, error))?;
            return Ok(Self::Receipt(Box::new(file)));
        }
        if let Some(format) = VendorFormat::of(&bytes) {
            return VendorFile::read(path, format, bytes).map(Self::Vendor);
        }
        let evidence = Evidence::from_bytes(&bytes).map_err(|error| CliError::format(path, error))?;
        Ok(Self::Evidence(Box::new(evidence)))
    }
}

/// What a vendor's file needs beside it.
#[derive(Debug, clap::Args)]
pub(super) struct VendorOptions {
    /// Nonce that the device was asked, 64 hexadecimal digits; once for all devices, or once for each
    #[arg(long, value_name = "HEX", help_heading = "Vendors' files")]
    pub(super) nonce: Vec<String>,
    /// Certificate chain (PEM) of an NVIDIA report, leaf first
    #[arg(long, value_name = "FILE", help_heading = "Vendors' files")]
    pub(super) chain: Option<PathBuf>,
    /// Report data that a quote shall hold, 128 hexadecimal digits
    #[arg(long, value_name = "HEX", help_heading = "Vendors' files")]
    pub(super) report_data: Option<String>,
    /// Certificate (DER) of the key that signed an AMD report
    #[arg(long, value_name = "FILE", help_heading = "Vendors' files")]
    pub(super) vcek: Option<PathBuf>,
}
