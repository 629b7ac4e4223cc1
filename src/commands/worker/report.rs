//! What a worker reports, in words.

use ::chain::types::LeaseKind;
use ::worker::report::{Activity, SeatKind, WorkerReport};
use attestation::hex;

use crate::output::{amount, bytes, printable};

/// One report on one line.
pub(super) fn describe(report: &WorkerReport) -> String {
    let id = |hash| hex::encode(hash);
    let activity = |activity: &Activity| match activity {
        Activity::Jobs => "jobs",
        Activity::Checks => "checks",
        Activity::Presence => "synthetic tasks",
    };
    match report {
        WorkerReport::Started { activity: which, height } => {
            format!("looks for {} from height {height}", activity(which))
        }
        WorkerReport::Stopped { activity: which } => format!("no more {}", activity(which)),
        WorkerReport::TierDeclared { tier } => {
            format!("declared the {tier:?} tier: this machine is faster than it was registered")
        }
        WorkerReport::Leased { job, lease, kind, expires_height } => {
            let kind = match kind {
                LeaseKind::Proof => "with a proof",
                LeaseKind::Sampled => "sampled",
            };
            format!("leased job {} {kind} until height {expires_height}, lease {}", id(job), id(lease))
        }
        WorkerReport::Resumed { job, lease } => format!("goes on with job {}, lease {}", id(job), id(lease)),
        WorkerReport::Passed { job, reason } => format!("passes job {}: {}", id(job), printable(reason)),
        WorkerReport::RaceLost { job } => format!("job {} went to another worker", id(job)),
        WorkerReport::Present { epoch } => format!("answered the synthetic task of epoch {epoch}"),
        WorkerReport::Ran { lease, elapsed_us } => format!("ran lease {} in {elapsed_us} us", id(lease)),
        WorkerReport::Proven { lease, bytes: size, elapsed_ms } => {
            format!("proved lease {} in {elapsed_ms} ms, {}", id(lease), bytes(*size as u64))
        }
        WorkerReport::Submitted { job, result, height } => {
            format!("handed in job {} at height {height}, result {}", id(job), id(result))
        }
        WorkerReport::Settled { job, result, reward, paid, height } => format!(
            "paid at height {height} for job {}: {} tokens minted, {} from escrow, result {}",
            id(job),
            amount(*reward),
            amount(*paid),
            id(result)
        ),
        WorkerReport::Disputed { result, answer_until } => {
            format!("result {} is called wrong; answers until height {answer_until}", id(result))
        }
        WorkerReport::FoundWrong { result, answer_until } => {
            format!("a jury found result {} wrong; answers and appeals until height {answer_until}", id(result))
        }
        WorkerReport::Appealed { result, height } => {
            format!("appealed for result {} at height {height}: a larger jury is drawn", id(result))
        }
        WorkerReport::Answered { result, height } => format!("answered for result {} at height {height}", id(result)),
        WorkerReport::Unanswered { result, reason } => {
            format!("cannot answer for result {}: {}", id(result), printable(reason))
        }
        WorkerReport::Convicted { job, result, height } => {
            format!("convicted at height {height}: result {} of job {}", id(result), id(job))
        }
        WorkerReport::Voided { job, result, height } => {
            format!("void at height {height}: result {} of job {}, unpaid and not punished", id(result), id(job))
        }
        WorkerReport::LeaseFailed { lease, reason } => format!("lease {} failed: {}", id(lease), printable(reason)),
        WorkerReport::CheckDrawn { result, seat } => {
            let seat = match seat {
                SeatKind::Checker => "check",
                SeatKind::Juror => "judge",
            };
            format!("drawn to {seat} result {}", id(result))
        }
        WorkerReport::Committed { result, height } => format!("committed on result {} at height {height}", id(result)),
        WorkerReport::Revealed { result, agrees, height } => {
            let verdict = if *agrees { "the same output" } else { "another output" };
            format!("revealed {verdict} for result {} at height {height}", id(result))
        }
        WorkerReport::Silent { result, reason } => format!("silent on result {}: {}", id(result), printable(reason)),
        WorkerReport::AuditSlashed { result, slashed } => {
            format!("lost {} tokens of its audit bond for result {}", amount(*slashed), id(result))
        }
        WorkerReport::Refused { action, about, code, rule, message } => {
            format!("refused to {action} {}: {} ({code}, {})", id(about), printable(message), printable(rule))
        }
        WorkerReport::Disconnected { reason } => format!("the node does not answer: {}", printable(reason)),
        WorkerReport::Reconnected => "the node answers again".to_owned(),
    }
}
