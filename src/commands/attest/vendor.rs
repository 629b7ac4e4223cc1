//! Judging a vendor's file: the device is genuine and answered this challenge. About work it says nothing.

use std::path::Path;

use attestation::appraisal::vendor::{VendorClaims, verify_container, verify_devices, verify_quote};
use attestation::appraisal::{AttestationError, Collateral};
use attestation::bounded::Bytes;
use attestation::evidence::hardware::CpuQuote;
use attestation::evidence::nvidia::chain::CHAIN_BYTES_MAX;
use attestation::evidence::nvidia::container::DeviceEvidence;
use attestation::evidence::sev_snp::{CERTIFICATE_BYTES_MAX, SnpEvidence};
use attestation::evidence::tdx::TdxEvidence;
use attestation::hex;
use attestation::policy::Policy;

use super::source::{VendorFile, VendorOptions};
use verifier::cli::CheckError;

use crate::error::CliError;
use crate::files;

/// What decides, beside the file.
pub(super) struct Judging<'a> {
    pub(super) path: &'a Path,
    pub(super) options: &'a VendorOptions,
    pub(super) collateral: &'a Collateral,
    pub(super) policy: &'a Policy,
    pub(super) at: u64,
}

impl Judging<'_> {
    /// The verdict, or why none can be reached.
    pub(super) fn judge(&self, file: &VendorFile) -> Result<Result<VendorClaims, AttestationError>, CliError> {
        let Judging { path, options, collateral, policy, at } = *self;
        let given = |option: &str, is_given: bool, what: &str| {
            if is_given { Ok(()) } else { Err(CliError::usage(format!("{} needs {what}: {option}", file.name()))) }
        };
        match file {
            VendorFile::Devices(entries) => {
                let nonces = self.nonces(file, entries.len())?;
                let asked: Vec<_> = entries.iter().cloned().zip(nonces).collect();
                Ok(verify_container(&asked, collateral, policy, at))
            }
            VendorFile::Report(report) => {
                given("--chain FILE", options.chain.is_some(), "the chain of the device's key")?;
                let path = options.chain.as_deref().unwrap_or(path);
                let chain = files::read(path, "certificate chain", CHAIN_BYTES_MAX as u64)?;
                let nonces = self.nonces(file, 1)?;
                let evidence = DeviceEvidence { report: report.clone(), chain };
                let devices: Vec<_> = nonces.into_iter().map(|nonce| (evidence.clone(), nonce)).collect();
                Ok(verify_devices(&devices, collateral, policy, at))
            }
            VendorFile::Tdx(quote) => {
                let quote = TdxEvidence { quote: self.bounded(quote, "quote")? };
                Ok(verify_quote(&CpuQuote::Tdx(quote), &self.report_data(file)?, collateral, policy, at))
            }
            VendorFile::SevSnp(report) => {
                given("--vcek FILE", options.vcek.is_some(), "the certificate of its key")?;
                let path = options.vcek.as_deref().unwrap_or(path);
                let certificate = files::read(path, "certificate", CERTIFICATE_BYTES_MAX as u64)?;
                let report = SnpEvidence {
                    report: self.bounded(report, "report")?,
                    certificate: self.bounded(&certificate, "certificate")?,
                };
                Ok(verify_quote(&CpuQuote::SevSnp(report), &self.report_data(file)?, collateral, policy, at))
            }
        }
    }

    fn nonces(&self, file: &VendorFile, devices: usize) -> Result<Vec<[u8; 32]>, CliError> {
        let given: Vec<[u8; 32]> =
            self.options.nonce.iter().map(|text| digits("--nonce", text)).collect::<Result<_, _>>()?;
        match given.as_slice() {
            [] => Err(CliError::usage(format!(
                "{} needs the nonce that was asked, or it may be an old answer: --nonce HEX; `assay attest inspect` \
                 shows what was answered",
                file.name()
            ))),
            [nonce] => Ok(vec![*nonce; devices]),
            nonces if nonces.len() == devices => Ok(given),
            nonces => Err(CliError::usage(format!(
                "--nonce: expected one, or one for each of {devices} devices, got {}",
                nonces.len()
            ))),
        }
    }

    fn report_data(&self, file: &VendorFile) -> Result<[u8; 64], CliError> {
        let Some(text) = &self.options.report_data else {
            let name = file.name();
            return Err(CliError::usage(format!(
                "{name} needs the data that it shall hold: --report-data HEX; `assay attest inspect` shows what it holds"
            )));
        };
        digits("--report-data", text)
    }

    fn bounded<const MAX: usize>(&self, bytes: &[u8], what: &'static str) -> Result<Bytes<MAX>, CliError> {
        let (path, max, got) = (self.path.to_owned(), MAX as u64, bytes.len().to_string());
        Bytes::new(bytes.to_vec()).map_err(|_| CheckError::TooLarge { path, what, max, got }.into())
    }
}

/// Hexadecimal digits as vendors print them, with or without `0x`.
fn digits<const BYTES: usize>(option: &str, text: &str) -> Result<[u8; BYTES], CliError> {
    let digits = text.strip_prefix("0x").unwrap_or(text).to_ascii_lowercase();
    hex::decode(&format!("0x{digits}")).map_err(|error| CliError::usage(format!("{option}: {error}")))
}
