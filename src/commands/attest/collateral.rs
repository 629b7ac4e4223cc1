//! `assay attest collateral`: puts vendors' documents into one file. Nothing is fetched and nothing is trusted: documents
//! are judged when evidence is.

use std::path::{Path, PathBuf};

use attestation::appraisal::{COLLATERAL_BYTES_MAX, Collateral};
use attestation::bounded::Bytes;
use attestation::evidence::nvidia::requirements::ManifestDocument;
use attestation::evidence::nvidia::token::{KEY_SET_BYTES_MAX, TOKEN_BYTES_MAX, TokenEvidence};
use attestation::evidence::sev_snp::{CERTIFICATE_BYTES_MAX, CRL_BYTES_MAX, SnpCollateral};
use attestation::evidence::tdx::TdxCollateral;
use clap::Args;
use serde_json::json;
use verifier::cli::CheckError;

use crate::error::{CliError, FormatError};
use crate::files::{self, Existing};
use crate::output::{Done, Output, bytes as size, name};

const DOCUMENT_BYTES_MAX: u64 = 1 << 20;

/// Assemble vendors' documents into one file
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  assay attest collateral --out gpu.collateral --rim NV_GPU_DRIVER_GH100_550.90.07=driver.xml --ocsp leaf.ocsp\n  assay attest collateral --out cpu.collateral --tdx pccs.json"
)]
pub(crate) struct CollateralCommand {
    /// Where to write it; an existing file is never overwritten
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Reference manifest of an NVIDIA device, by its id
    #[arg(long, value_name = "ID=FILE", help_heading = "NVIDIA", value_parser = identified)]
    rim: Vec<(String, PathBuf)>,
    /// OCSP response (DER)
    #[arg(long, value_name = "FILE", help_heading = "NVIDIA")]
    ocsp: Vec<PathBuf>,
    /// Revocation list (DER)
    #[arg(long, value_name = "FILE", help_heading = "NVIDIA")]
    crl: Vec<PathBuf>,
    /// Token of NVIDIA's attestation service and the key set in force when it was issued, for a device without manifests
    #[arg(long, value_name = "TOKEN=KEYS", help_heading = "NVIDIA", value_parser = keyed)]
    token: Vec<(PathBuf, PathBuf)>,
    /// Intel's documents in JSON, as PCCS clients write them
    #[arg(long, value_name = "FILE", help_heading = "Intel TDX")]
    tdx: Option<PathBuf>,
    /// AMD's ASK or ASVK certificate (DER)
    #[arg(long, value_name = "FILE", requires = "ark", help_heading = "AMD SEV-SNP")]
    ask: Option<PathBuf>,
    /// AMD's ARK certificate (DER)
    #[arg(long, value_name = "FILE", requires = "ask", help_heading = "AMD SEV-SNP")]
    ark: Option<PathBuf>,
    /// Revocation list of the ARK (DER)
    #[arg(long, value_name = "FILE", requires = "ark", help_heading = "AMD SEV-SNP")]
    snp_crl: Option<PathBuf>,
}

fn identified(text: &str) -> Result<(String, PathBuf), String> {
    match text.split_once('=') {
        Some((id, path)) if !id.is_empty() && !path.is_empty() => Ok((id.to_owned(), PathBuf::from(path))),
        _ => Err("expected ID=FILE".to_owned()),
    }
}

fn keyed(text: &str) -> Result<(PathBuf, PathBuf), String> {
    match text.split_once('=') {
        Some((token, keys)) if !token.is_empty() && !keys.is_empty() => Ok((PathBuf::from(token), PathBuf::from(keys))),
        _ => Err("expected TOKEN=KEYS, two files in JSON".to_owned()),
    }
}

pub(super) fn run(arguments: &CollateralCommand, output: &Output) -> Result<Done, CliError> {
    files::check_writable(&arguments.out, Existing::Keep)?;
    let document = |path: &PathBuf| files::read(path, "document", DOCUMENT_BYTES_MAX);
    let mut collateral = Collateral::default();
    for (id, path) in &arguments.rim {
        collateral.nvidia.manifests.push(ManifestDocument { id: id.clone(), document: document(path)? });
    }
    collateral.nvidia.ocsp_responses = arguments.ocsp.iter().map(document).collect::<Result<_, _>>()?;
    collateral.nvidia.revocation_lists = arguments.crl.iter().map(document).collect::<Result<_, _>>()?;
    for (token, keys) in &arguments.token {
        let token = files::read(token, "token", TOKEN_BYTES_MAX as u64)?;
        let key_set = files::read(keys, "key set", KEY_SET_BYTES_MAX as u64)?;
        collateral.nvidia.tokens.push(TokenEvidence { token, key_set });
    }
    if let Some(path) = &arguments.tdx {
        let read = TdxCollateral::from_pccs_json(&document(path)?);
        collateral.tdx = Some(read.map_err(|error| CliError::format(path, FormatError::Tdx(Box::new(error))))?);
    }
    if let (Some(ask), Some(ark)) = (&arguments.ask, &arguments.ark) {
        collateral.sev_snp = Some(SnpCollateral {
            ask: bounded::<CERTIFICATE_BYTES_MAX>(ask)?,
            ark: bounded::<CERTIFICATE_BYTES_MAX>(ark)?,
            crl: arguments.snp_crl.as_deref().map(bounded::<CRL_BYTES_MAX>).transpose()?,
        });
    }
    let content = collateral.to_bytes();
    if content.len() > COLLATERAL_BYTES_MAX {
        let (max, got) = (COLLATERAL_BYTES_MAX as u64, content.len().to_string());
        return Err(CheckError::TooLarge { path: arguments.out.clone(), what: "collateral", max, got }.into());
    }
    files::write(&arguments.out, &content, Existing::Keep)?;
    output.heading(&format!("collateral {}", name(&arguments.out)));
    output.field("file", size(content.len() as u64));
    output.field(
        "NVIDIA",
        format!(
            "{} manifests, {} OCSP responses, {} revocation lists, {} tokens",
            collateral.nvidia.manifests.len(),
            collateral.nvidia.ocsp_responses.len(),
            collateral.nvidia.revocation_lists.len(),
            collateral.nvidia.tokens.len()
        ),
    );
    let given = |is_given: bool| if is_given { "given" } else { "none" };
    output.field("Intel TDX", given(collateral.tdx.is_some()));
    output.field("AMD SEV-SNP", given(collateral.sev_snp.is_some()));
    Ok(Done::ok(json!({
        "file": name(&arguments.out),
        "bytes": content.len(),
        "manifests": arguments.rim.iter().map(|(id, _)| id).collect::<Vec<_>>(),
        "tokens": collateral.nvidia.tokens.len(),
        "tdx": collateral.tdx.is_some(),
        "sev_snp": collateral.sev_snp.is_some(),
    })))
}

fn bounded<const MAX: usize>(path: &Path) -> Result<Bytes<MAX>, CliError> {
    let bytes = files::read(path, "document", MAX as u64)?;
    let got = bytes.len().to_string();
    let refused = CheckError::TooLarge { path: path.to_owned(), what: "document", max: MAX as u64, got };
    Bytes::new(bytes).map_err(|_| refused.into())
}
