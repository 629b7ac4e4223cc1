//! `assay attest inspect`: what evidence says. It never decides anything.

use std::path::PathBuf;

use attestation::evidence::Evidence;
use attestation::evidence::hardware::CpuQuote;
use attestation::evidence::nvidia::report::Report;
use attestation::evidence::sev_snp::report as snp;
use attestation::evidence::tdx::quote;
use attestation::hex;
use clap::Args;
use serde_json::{Value, json};

use super::Source;
use crate::error::CliError;
use crate::output::{Done, Output, bytes as size, name, printable};

/// Show what evidence says; nothing of it is verified
#[derive(Debug, Args)]
pub(crate) struct Inspect {
    /// Evidence, or a receipt that carries it
    file: PathBuf,
}

pub(super) fn run(arguments: &Inspect, output: &Output) -> Result<Done, CliError> {
    let source = Source::read(&arguments.file)?;
    let evidence = source.evidence();
    let nullifier = evidence.nullifier();
    output.heading(&format!("evidence {} (this command checks nothing)", name(&arguments.file)));
    output.field("kind", evidence.kind().to_string());
    output.field("device", hex::encode(&nullifier.device_identity));
    output.field("made for", hex::encode(&nullifier.request_nonce));
    let content = match evidence {
        Evidence::Software(software) => {
            output.field("host", printable(software.host.as_str()));
            Value::Null
        }
        Evidence::Hardware(hardware) => {
            let parts = hardware.parts();
            let devices: Vec<Value> = parts
                .devices
                .as_slice()
                .iter()
                .map(|device| {
                    let (line, value) = gpu(device.report.as_slice());
                    output.field("device report", line);
                    value
                })
                .collect();
            let cpu = parts.cpu.as_ref().map(|cpu| {
                output.field("session key", cpu.session_key.to_string());
                let (line, value) = quoted(&cpu.quote);
                output.field("quote", line);
                value
            });
            json!({ "devices": devices, "cpu": cpu })
        }
        // A build for development knows evidence of synthetic devices, too.
        #[allow(unreachable_patterns, reason = "only the feature synthetic of the library adds a kind")]
        _ => Value::Null,
    };
    Ok(Done::ok(json!({
        "kind": evidence.kind(),
        "nullifier": nullifier,
        "decided": false,
        "content": content,
        "evidence": evidence,
    })))
}

fn gpu(report: &[u8]) -> (String, Value) {
    match Report::parse(report) {
        Ok(parsed) => {
            let opaque = parsed.opaque();
            let driver = opaque.driver.as_ref().map(ToString::to_string);
            let line = format!(
                "{:?}, {} measurements, driver {}, VBIOS {}",
                parsed.kind(),
                parsed.measurements().len(),
                driver.as_deref().unwrap_or("none"),
                opaque.vbios
            );
            let nonce = hex::encode(parsed.request_nonce());
            (line, json!({ "nonce": nonce, "driver": driver, "vbios": opaque.vbios.to_string() }))
        }
        Err(error) => {
            (format!("{}, unreadable: {error}", size(report.len() as u64)), json!({ "error": error.to_string() }))
        }
    }
}

fn quoted(quote: &CpuQuote) -> (String, Value) {
    let unreadable = |error: String| (format!("unreadable: {error}"), json!({ "error": error }));
    match quote {
        CpuQuote::Tdx(tdx) => match quote::parse(tdx.quote.as_slice()) {
            Ok(parsed) => {
                let mrtd = hex::encode(parsed.body.mrtd);
                let rtmr = parsed.body.rtmr.map(|value| hex::encode(value));
                let line = format!("Intel TDX version {}, MRTD {mrtd}", parsed.version);
                let data = hex::encode(parsed.body.report_data);
                (line, json!({ "version": parsed.version, "mrtd": mrtd, "rtmr": rtmr, "report_data": data }))
            }
            Err(error) => unreadable(error.to_string()),
        },
        CpuQuote::SevSnp(report) => match snp::parse(report.report.as_slice()) {
            Ok(parsed) => {
                let measurement = hex::encode(parsed.measurement);
                let line = format!("AMD SEV-SNP version {}, measurement {measurement}", parsed.version);
                let data = hex::encode(parsed.report_data);
                let chip = hex::encode(parsed.chip_id);
                let version = parsed.version;
                let content =
                    json!({ "version": version, "measurement": measurement, "chip_id": chip, "report_data": data });
                (line, content)
            }
            Err(error) => unreadable(error.to_string()),
        },
    }
}
