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

use super::source::{Source, VendorFile};
use crate::error::CliError;
use crate::output::{Done, Output, bytes as size, name, printable};

/// Show what evidence says; nothing of it is verified
#[derive(Debug, Args)]
pub(crate) struct Inspect {
    /// Evidence, a receipt that carries it, or a file of a vendor's own tools
    file: PathBuf,
}

pub(super) fn run(arguments: &Inspect, output: &Output) -> Result<Done, CliError> {
    let source = Source::read(&arguments.file)?;
    output.heading(&format!("evidence {} (this command checks nothing)", name(&arguments.file)));
    let evidence = match &source {
        Source::Evidence(evidence) => &**evidence,
        Source::Receipt(file) => &file.evidence,
        Source::Vendor(file) => return Ok(Done::ok(vendor(file, output))),
    };
    let nullifier = evidence.nullifier();
    output.field("kind", evidence.kind().to_string());
    output.field("device", hex::encode(&nullifier.device_identity));
    output.field("made for", hex::encode(&nullifier.request_nonce));
    let content = match evidence.hardware() {
        None => Value::Null,
        Some(hardware) => {
            let parts = hardware.parts();
            let devices: Vec<Value> =
                parts.devices.as_slice().iter().map(|device| gpu(device.report.as_slice(), output)).collect();
            let cpu = parts.cpu.as_ref().map(|cpu| {
                output.field("session key", cpu.session_key.to_string());
                match &cpu.quote {
                    CpuQuote::Tdx(quote) => tdx(quote.quote.as_slice(), output),
                    CpuQuote::SevSnp(report) => sev_snp(report.report.as_slice(), output),
                }
            });
            json!({ "devices": devices, "cpu": cpu })
        }
    };
    if let Evidence::Software(software) = evidence {
        output.field("host", printable(software.host.as_str()));
    }
    Ok(Done::ok(json!({
        "kind": evidence.kind(),
        "nullifier": nullifier,
        "decided": false,
        "content": content,
        "evidence": evidence,
    })))
}

/// What a vendor's file says, which is about no work.
fn vendor(file: &VendorFile, output: &Output) -> Value {
    output.field("kind", file.name());
    let content = match file {
        VendorFile::Devices(entries) => {
            let devices = entries.iter().map(|entry| {
                let mut value = gpu(&entry.evidence.report, output);
                value["architecture"] = json!(entry.architecture);
                value["stated_nonce"] = json!(hex::encode(&entry.nonce));
                value
            });
            json!({ "devices": devices.collect::<Vec<_>>(), "cpu": null })
        }
        VendorFile::Report(report) => json!({ "devices": [gpu(report, output)], "cpu": null }),
        VendorFile::Tdx(quote) => json!({ "devices": [], "cpu": tdx(quote, output) }),
        VendorFile::SevSnp(report) => json!({ "devices": [], "cpu": sev_snp(report, output) }),
    };
    json!({ "kind": file.name(), "nullifier": null, "decided": false, "content": content, "evidence": null })
}

fn gpu(report: &[u8], output: &Output) -> Value {
    match Report::parse(report) {
        Ok(parsed) => {
            let opaque = parsed.opaque();
            let driver = opaque.driver.as_ref().map(ToString::to_string);
            output.field(
                "device report",
                format!(
                    "{:?}, {} measurements, driver {}, VBIOS {}",
                    parsed.kind(),
                    parsed.measurements().len(),
                    driver.as_deref().unwrap_or("none"),
                    opaque.vbios
                ),
            );
            let nonce = hex::encode(parsed.request_nonce());
            output.field("answered nonce", nonce.clone());
            json!({ "nonce": nonce, "driver": driver, "vbios": opaque.vbios.to_string() })
        }
        Err(error) => unreadable("device report", report, &error.to_string(), output),
    }
}

fn tdx(quote: &[u8], output: &Output) -> Value {
    match quote::parse(quote) {
        Ok(parsed) => {
            let (mrtd, data) = (hex::encode(parsed.body.mrtd), hex::encode(parsed.body.report_data));
            let rtmr = parsed.body.rtmr.map(|value| hex::encode(value));
            output.field("quote", format!("Intel TDX version {}, MRTD {mrtd}", parsed.version));
            output.field("report data", data.clone());
            json!({ "version": parsed.version, "mrtd": mrtd, "rtmr": rtmr, "report_data": data })
        }
        Err(error) => unreadable("quote", quote, &error.to_string(), output),
    }
}

fn sev_snp(report: &[u8], output: &Output) -> Value {
    match snp::parse(report) {
        Ok(parsed) => {
            let (measurement, data) = (hex::encode(parsed.measurement), hex::encode(parsed.report_data));
            let (version, chip) = (parsed.version, hex::encode(parsed.chip_id));
            output.field("quote", format!("AMD SEV-SNP version {version}, measurement {measurement}"));
            output.field("report data", data.clone());
            json!({ "version": version, "measurement": measurement, "chip_id": chip, "report_data": data })
        }
        Err(error) => unreadable("quote", report, &error.to_string(), output),
    }
}

fn unreadable(what: &str, bytes: &[u8], error: &str, output: &Output) -> Value {
    output.field(what, format!("{}, unreadable: {error}", size(bytes.len() as u64)));
    json!({ "error": error })
}
