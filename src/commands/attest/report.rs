//! `assay attest report`: collects evidence on this machine, or says what is missing.

use std::path::{Path, PathBuf};

use attestation::collect::{
    ConfigfsTsm, GpuSource, Nvml, QuoteSource, SEV_GUEST_DEVICE, SevGuest, TSM_DIRECTORY, collect,
};
use attestation::evidence::Evidence;
use attestation::evidence::sev_snp::CERTIFICATE_BYTES_MAX;
use attestation::hex;
use attestation::identity::ed25519;
use clap::{Args, ValueEnum};
use serde_json::json;
use verifier::cli::read_context;

use crate::error::CliError;
use crate::files::{self, Existing};
use crate::output::{Done, Output, bytes as size, name};

/// Collect evidence for a work context from this machine's hardware
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  assay attest report --context work.json --out work.evidence --gpu\n  assay attest report --context work.json --out work.evidence --gpu --cpu tsm --session-key 0x5e.."
)]
pub(crate) struct Report {
    /// Work context in JSON
    #[arg(long, value_name = "FILE")]
    context: PathBuf,
    /// Where to write the evidence; an existing file is never overwritten
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Ask every NVIDIA GPU of this machine
    #[arg(long, required_unless_present = "cpu")]
    gpu: bool,
    /// Ask this machine's processor for a quote
    #[arg(long, requires = "session_key")]
    cpu: Option<Interface>,
    /// Ed25519 public key that the quote shall vouch for
    #[arg(long, value_name = "KEY")]
    session_key: Option<String>,
    /// Certificate (DER) of an AMD chip's key, where the host gives none
    #[arg(long, value_name = "FILE")]
    vcek: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(in crate::commands) enum Interface {
    /// The kernel's configfs-tsm: Intel TDX or AMD SEV-SNP
    Tsm,
    /// The device of SEV-SNP guests on older kernels; needs --vcek
    SevGuest,
}

impl Interface {
    /// Opens it. `certificate` is that of an AMD chip's key, in DER.
    pub(in crate::commands) fn open(
        self,
        certificate: Option<Vec<u8>>,
    ) -> Result<Box<dyn QuoteSource + Send>, CliError> {
        let missing = |error| CliError::Collect(Box::new(error));
        match (self, certificate) {
            (Self::Tsm, certificate) => {
                let source = ConfigfsTsm::open(TSM_DIRECTORY).map_err(missing)?;
                Ok(match certificate {
                    Some(der) => Box::new(source.with_certificate(der)),
                    None => Box::new(source),
                })
            }
            (Self::SevGuest, Some(der)) => {
                Ok(Box::new(SevGuest::open(Path::new(SEV_GUEST_DEVICE), der).map_err(missing)?))
            }
            (Self::SevGuest, None) => {
                Err(CliError::usage("sev-guest needs the certificate of the chip's key: --vcek FILE".to_owned()))
            }
        }
    }
}

pub(super) fn run(arguments: &Report, output: &Output) -> Result<Done, CliError> {
    let context = read_context(&arguments.context)?;
    files::check_writable(&arguments.out, Existing::Keep)?;
    let key: Option<ed25519::PublicKey> = match &arguments.session_key {
        Some(text) => Some(text.parse().map_err(|error| CliError::usage(format!("--session-key: {error}")))?),
        None => None,
    };
    let missing = |error| CliError::Collect(Box::new(error));
    let certificate = match &arguments.vcek {
        Some(path) => Some(files::read(path, "certificate", CERTIFICATE_BYTES_MAX as u64)?),
        None => None,
    };
    let quotes = match arguments.cpu {
        Some(interface) => Some(interface.open(certificate)?),
        None => None,
    };
    let gpus = if arguments.gpu { Some(Nvml::open().map_err(missing)?) } else { None };
    let gpus = gpus.as_ref().map(|source| -> &dyn GpuSource { source });
    let quotes = quotes.as_deref().map(|source| -> &dyn QuoteSource { source });
    let cpu = key.as_ref().zip(quotes);
    let evidence = Evidence::Hardware(collect(&context, gpus, cpu).map_err(missing)?);
    let content = evidence.to_bytes();
    files::write(&arguments.out, &content, Existing::Keep)?;
    output.heading(&format!("evidence {}", name(&arguments.out)));
    output.field("kind", evidence.kind().to_string());
    output.field("file", size(content.len() as u64));
    output.field("made for", hex::encode(&context.digest()));
    Ok(Done::ok(json!({
        "file": name(&arguments.out),
        "kind": evidence.kind(),
        "digest": hex::encode(&evidence.digest()),
        "context_digest": hex::encode(&context.digest()),
    })))
}
