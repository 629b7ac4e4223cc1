//! `assay attest verify`: decides about evidence, offline, at a stated time.

use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use attestation::appraisal::{Appraisal, Claims, verify};
use attestation::evidence::composite::{CpuClaims, HardwareClaims};
use attestation::evidence::nvidia::claims::CheckResult;
use attestation::hex;
use clap::Args;
use serde_json::{Value, json};

use super::{PolicyOptions, Source, read_collateral, read_context};
use crate::error::CliError;
use crate::output::{Done, Output, Tone, name, printable, utc};

/// Decide whether evidence holds for its work, offline: exit code 0 accepted, 1 rejected, 3 undecided
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  assay attest verify digit.receipt\n  assay attest verify work.evidence --context work.json --collateral fetched.collateral --at 1795176000000"
)]
pub(crate) struct Verify {
    /// Evidence, or a receipt that carries it
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
    let (context, ended) = match (&source, &arguments.context) {
        (_, Some(context)) => (read_context(context)?, None),
        (Source::Receipt(file), None) => (file.signed.receipt.context, Some(file.signed.receipt.completed_at)),
        (Source::Evidence(_), None) => {
            return Err(CliError::Usage(
                "evidence outside a receipt needs its work context: --context FILE".to_owned(),
            ));
        }
    };
    let collateral = arguments.collateral.as_deref().map(read_collateral).transpose()?;
    let at = arguments.at.or(ended).unwrap_or_else(now);
    let judged = verify(source.evidence(), &collateral.unwrap_or_default(), &policy, &context, at);
    output.heading(&format!("evidence {}", name(path)));
    output.field("kind", source.evidence().kind().to_string());
    output.field("work context", hex::encode(&context.digest()));
    output.field("judged at", utc(at));
    output.field("policy", hex::encode(&policy.id()));
    output.gap();
    let facts = json!({
        "file": name(path),
        "kind": source.evidence().kind(),
        "context_digest": hex::encode(&context.digest()),
        "policy": hex::encode(&policy.id()),
        "at": at,
    });
    let reject = |reason: String| CliError::Rejected { path: path.to_owned(), reason };
    if let Source::Receipt(file) = &source {
        // The worker's signature over the evidence, and the session that its quote vouches for.
        let signed = file.signed.verify().and_then(|()| file.signed.check_evidence(&file.evidence));
        if let Err(error) = signed {
            return Ok(refused(&reject(error.to_string()), &error.to_string(), facts, output));
        }
    }
    match judged {
        Ok(appraisal) => Ok(Done::ok(accepted(&appraisal, facts, output))),
        Err(error) => {
            let reason = error.to_string();
            // Without its documents a layer is neither right nor wrong.
            let problem = if error.is_undecided() {
                let (path, reason) = (path.to_owned(), reason.clone());
                let help = Some("give them with --collateral FILE; `assay attest collateral` assembles one");
                CliError::Undecided { path, reason, help }
            } else {
                reject(reason.clone())
            };
            Ok(refused(&problem, &reason, facts, output))
        }
    }
}

fn now() -> u64 {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX)
}

fn accepted(appraisal: &Appraisal, facts: Value, output: &Output) -> Value {
    let checks = checks(&appraisal.claims);
    for Check { name, result, detail } in &checks {
        let tone = if *result == "passed" { Tone::Good } else { Tone::Unsure };
        let word = output.paint(tone, &format!("{result:11}"));
        output.line(format!("  {word}  {name:24}  {}", printable(detail)));
    }
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
    let checks: Vec<Value> = checks
        .iter()
        .map(|Check { name, result, detail }| json!({ "check": name, "result": result, "detail": detail }))
        .collect();
    merged(
        facts,
        &json!({
            "outcome": "accepted",
            "trust_bps": appraisal.trust_bps,
            "expires_at": appraisal.expires_at,
            "reasons": appraisal.reasons,
            "vector": appraisal.vector,
            "checks": checks,
            "claims": appraisal.claims,
        }),
    )
}

fn refused(problem: &CliError, reason: &str, facts: Value, output: &Output) -> Done {
    let (tone, word, outcome) = match problem {
        CliError::Undecided { .. } => (Tone::Unsure, "UNDECIDED", "undecided"),
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

fn checks(claims: &Claims) -> Vec<Check> {
    let passed = |name: &str, detail: String| Check { name: name.to_owned(), result: "passed", detail };
    match claims {
        Claims::Software(software) => vec![
            passed("context", hex::encode(&software.context_digest)),
            passed("device", hex::encode(&software.device_id)),
        ],
        Claims::Hardware(claims) => {
            let mut list = devices(claims);
            list.extend(claims.cpu.iter().flat_map(|cpu| match cpu {
                CpuClaims::Tdx(tdx) => vec![
                    passed("TDX quote", format!("version {}, platform type {}", tdx.quote_version, tdx.fmspc)),
                    Check {
                        name: "TDX TCB".to_owned(),
                        result: if tdx.in_grace { "grace" } else { "passed" },
                        detail: format!("{:?}, evaluation {}", tdx.tcb_status, tdx.tcb_evaluation_number),
                    },
                    passed("TDX launch", format!("MRTD {}", tdx.launch.mrtd)),
                ],
                CpuClaims::SevSnp(snp) => vec![
                    passed("SNP report", format!("version {}, {}", snp.report_version, snp.product.name())),
                    Check {
                        name: "SNP TCB".to_owned(),
                        result: if snp.in_grace { "grace" } else { "passed" },
                        detail: format!("{:?}", snp.reported_tcb),
                    },
                    Check {
                        name: "SNP revocation".to_owned(),
                        result: if snp.revocation_checked { "passed" } else { "not checked" },
                        detail: "by the root's list".to_owned(),
                    },
                    passed("SNP launch", snp.measurement.to_string()),
                ],
            }));
            if let Some(key) = &claims.session_key {
                list.push(passed("quote commits", format!("to context, GPU evidence and session key {key}")));
            }
            list.push(passed("device", claims.device_id.to_string()));
            list
        }
    }
}

fn devices(claims: &HardwareClaims) -> Vec<Check> {
    let mut list = Vec::new();
    for (index, device) in claims.devices.iter().enumerate() {
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
