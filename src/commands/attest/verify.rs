//! `assay attest verify`: decides about evidence, offline, at a stated time.

use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use attestation::appraisal::{Appraisal, AttestationError, Claims, verify};
use attestation::evidence::composite::CpuClaims;
use attestation::evidence::nvidia::claims::{CheckResult, DeviceClaims};
use attestation::hex;
use attestation::policy::Policy;
use clap::Args;
use serde_json::{Value, json};
use verifier::cli::{CheckError, Failure as _, read_collateral, read_context};

use super::PolicyOptions;
use super::source::{Source, VendorFile, VendorOptions};
use super::vendor::Judging;
use crate::error::CliError;
use crate::output::{Done, Output, Tone, name, printable, utc};

/// Decide whether evidence holds for its work, offline: exit code 0 accepted, 1 rejected, 3 undecided
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  assay attest verify digit.receipt\n  assay attest verify work.evidence --context work.json --collateral fetched.collateral --at 1795176000000\n  assay attest verify devices.json --nonce 931d.. --collateral fetched.collateral"
)]
pub(crate) struct Verify {
    /// Evidence, a receipt that carries it, or a file of a vendor's own tools
    file: PathBuf,
    /// Work context in JSON, for evidence outside a receipt
    #[arg(long, value_name = "FILE")]
    context: Option<PathBuf>,
    /// Vendors' documents, see `assay attest collateral`
    #[arg(long, value_name = "FILE")]
    collateral: Option<PathBuf>,
    #[command(flatten)]
    policy: PolicyOptions,
    /// Judge at this time, milliseconds since the epoch [default: when the receipt says the work ended, else now]
    #[arg(long, value_name = "MS", help_heading = "Trust")]
    at: Option<u64>,
    #[command(flatten)]
    vendor: VendorOptions,
}

/// One check and how it went, for people and machines.
struct Check {
    name: String,
    result: &'static str,
    detail: String,
}

pub(super) fn run(arguments: &Verify, output: &Output) -> Result<Done, CliError> {
    let path = arguments.file.as_path();
    let source = Source::read(path)?;
    let policy = arguments.policy.read()?;
    let (evidence, stated, ended) = match &source {
        Source::Evidence(evidence) => (&**evidence, None, None),
        Source::Receipt(file) => {
            let receipt = &file.signed.receipt;
            (&file.evidence, Some(receipt.context), Some(receipt.completed_at))
        }
        Source::Vendor(file) => return run_vendor(arguments, file, &policy, output),
    };
    let (context, ended) = match (&arguments.context, stated) {
        (Some(context), _) => (read_context(context)?, None),
        (None, Some(context)) => (context, ended),
        (None, None) => {
            return Err(CliError::usage(
                "evidence outside a receipt needs its work context: --context FILE".to_owned(),
            ));
        }
    };
    let collateral = arguments.collateral.as_deref().map(read_collateral).transpose()?;
    let at = arguments.at.or(ended).unwrap_or_else(now);
    let judged = verify(evidence, &collateral.unwrap_or_default(), &policy, &context, at);
    output.heading(&format!("evidence {}", name(path)));
    output.field("kind", evidence.kind().to_string());
    output.field("work context", hex::encode(&context.digest()));
    output.field("judged at", utc(at));
    output.field("policy", hex::encode(&policy.id()));
    output.gap();
    let facts = json!({
        "file": name(path),
        "kind": evidence.kind(),
        "context_digest": hex::encode(&context.digest()),
        "policy": hex::encode(&policy.id()),
        "at": at,
    });
    if let Source::Receipt(file) = &source {
        // The worker's signature over the evidence, and the session that its quote vouches for.
        let signed = file.signed.verify().and_then(|()| file.signed.check_evidence(&file.evidence));
        if let Err(error) = signed {
            let problem = CheckError::Rejected { path: path.to_owned(), reason: error.to_string() };
            return Ok(refused(&problem, &error.to_string(), facts, output));
        }
    }
    match judged {
        Ok(appraisal) => Ok(Done::ok(accepted(&appraisal, facts, output))),
        Err(error) => Ok(refused(&problem(path, &error), &error.to_string(), facts, output)),
    }
}

/// Judges a vendor's file, which earns no trust: it is about no work.
fn run_vendor(arguments: &Verify, file: &VendorFile, policy: &Policy, output: &Output) -> Result<Done, CliError> {
    let path = arguments.file.as_path();
    if arguments.context.is_some() {
        return Err(CliError::usage(format!("--context: a file with {} is about no work", file.name())));
    }
    let collateral = arguments.collateral.as_deref().map(read_collateral).transpose()?.unwrap_or_default();
    let at = arguments.at.unwrap_or_else(now);
    let judging = Judging { path, options: &arguments.vendor, collateral: &collateral, policy, at };
    let judged = judging.judge(file)?;
    output.heading(&format!("evidence {}", name(path)));
    output.field("kind", file.name());
    output.field("judged at", utc(at));
    output.field("policy", hex::encode(&policy.id()));
    output.gap();
    let facts = json!({ "file": name(path), "kind": file.name(), "policy": hex::encode(&policy.id()), "at": at });
    let claims = match judged {
        Ok(claims) => claims,
        Err(error) => return Ok(refused(&problem(path, &error), &error.to_string(), facts, output)),
    };
    let checks: Vec<Check> = devices(&claims.devices).into_iter().chain(claims.cpu.iter().flat_map(quote)).collect();
    let shown = show(&checks, output);
    output.gap();
    for identity in &claims.identities {
        output.field("identity", identity.to_string());
    }
    output.line("  - not checked: any work; a vendor's file is bound to no job, and earns no trust on a chain");
    if claims.devices.len() == 1 {
        output.line("  - not checked: the machine around the device");
    }
    output.gap();
    output.field("counts until", utc(claims.expires_at));
    output.line(output.paint(Tone::Good, "ACCEPTED"));
    Ok(Done::ok(merged(
        facts,
        &json!({ "outcome": "accepted", "expires_at": claims.expires_at, "checks": shown, "claims": claims }),
    )))
}

/// A refusal, or that documents are what is missing: without them a layer is neither right nor wrong.
fn problem(path: &Path, error: &AttestationError) -> CheckError {
    let (path, reason) = (path.to_owned(), error.to_string());
    if error.is_undecided() {
        let help = Some("give them with --collateral FILE; `assay attest collateral` assembles one");
        CheckError::Undecided { path, reason, help }
    } else {
        CheckError::Rejected { path, reason }
    }
}

fn now() -> u64 {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX)
}

/// Prints checks; returns them for machines.
fn show(checks: &[Check], output: &Output) -> Vec<Value> {
    for Check { name, result, detail } in checks {
        let tone = if *result == "passed" { Tone::Good } else { Tone::Unsure };
        let word = output.paint(tone, &format!("{result:11}"));
        output.line(format!("  {word}  {name:24}  {}", printable(detail)));
    }
    let value = |check: &Check| json!({ "check": check.name, "result": check.result, "detail": check.detail });
    checks.iter().map(value).collect()
}

fn accepted(appraisal: &Appraisal, facts: Value, output: &Output) -> Value {
    let shown = show(&checks(&appraisal.claims), output);
    if let Claims::Hardware(claims) = &appraisal.claims {
        output.gap();
        for identity in &claims.identities {
            output.field("identity", identity.to_string());
        }
    }
    output.gap();
    for reason in &appraisal.reasons {
        output.line(format!("  - {reason}"));
    }
    output.line("  - not checked: that the job ran there, and that nobody taps the memory bus");
    output.gap();
    output.field("trust", format!("{} bps", appraisal.trust_bps));
    output.field("counts until", utc(appraisal.expires_at));
    output.line(output.paint(Tone::Good, "ACCEPTED"));
    merged(
        facts,
        &json!({
            "outcome": "accepted",
            "trust_bps": appraisal.trust_bps,
            "expires_at": appraisal.expires_at,
            "reasons": appraisal.reasons,
            "vector": appraisal.vector,
            "checks": shown,
            "claims": appraisal.claims,
        }),
    )
}

fn refused(problem: &CheckError, reason: &str, facts: Value, output: &Output) -> Done {
    let (tone, word, outcome) = match problem {
        CheckError::Undecided { .. } => (Tone::Unsure, "UNDECIDED", "undecided"),
        _ => (Tone::Bad, "REJECTED", "rejected"),
    };
    output.line(format!("{}: {}", output.paint(tone, word), printable(reason)));
    Done {
        exit: problem.exit(),
        data: merged(facts, &json!({ "outcome": outcome, "reason": reason })),
        problems: vec![problem.into()],
    }
}

fn merged(mut facts: Value, more: &Value) -> Value {
    if let (Some(target), Some(source)) = (facts.as_object_mut(), more.as_object()) {
        target.extend(source.iter().map(|(name, value)| (name.clone(), value.clone())));
    }
    facts
}

fn passed(name: &str, detail: String) -> Check {
    Check { name: name.to_owned(), result: "passed", detail }
}

fn checks(claims: &Claims) -> Vec<Check> {
    match claims {
        Claims::Software(software) => vec![
            passed("context", hex::encode(&software.context_digest)),
            passed("device", hex::encode(&software.device_id)),
        ],
        Claims::Hardware(claims) => {
            let mut list = devices(&claims.devices);
            list.extend(claims.cpu.iter().flat_map(quote));
            if let Some(key) = &claims.session_key {
                list.push(passed("quote commits", format!("to context, GPU evidence and session key {key}")));
            }
            list.push(passed("device", claims.device_id.to_string()));
            list
        }
    }
}

fn quote(claims: &CpuClaims) -> Vec<Check> {
    let graced = |name: &str, in_grace: bool, detail: String| Check {
        name: name.to_owned(),
        result: if in_grace { "grace" } else { "passed" },
        detail,
    };
    match claims {
        CpuClaims::Tdx(tdx) => vec![
            passed("TDX quote", format!("version {}, platform type {}", tdx.quote_version, tdx.fmspc)),
            graced("TDX TCB", tdx.in_grace, format!("{:?}, evaluation {}", tdx.tcb_status, tdx.tcb_evaluation_number)),
            passed("TDX launch", format!("MRTD {}", tdx.launch.mrtd)),
        ],
        CpuClaims::SevSnp(snp) => vec![
            passed("SNP report", format!("version {}, {}", snp.report_version, snp.product.name())),
            graced("SNP TCB", snp.in_grace, format!("{:?}", snp.reported_tcb)),
            Check {
                name: "SNP revocation".to_owned(),
                result: if snp.revocation_checked { "passed" } else { "not checked" },
                detail: "by the root's list".to_owned(),
            },
            passed("SNP launch", snp.measurement.to_string()),
        ],
    }
}

fn devices(devices: &[DeviceClaims]) -> Vec<Check> {
    let mut list = Vec::new();
    for (index, device) in devices.iter().enumerate() {
        list.extend(device.checks.iter().map(|check| Check {
            name: format!("{index} {}", check.kind),
            result: match check.result {
                CheckResult::Passed => "passed",
                CheckResult::Grace => "grace",
                CheckResult::NotChecked => "not checked",
            },
            detail: check.detail.clone(),
        }));
    }
    list
}
