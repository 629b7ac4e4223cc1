//! Gas: what executing a transaction costs the network.
//!
//! One gas is two nanoseconds of one core, so that a transfer (an Ed25519 signature and three writes) is 20 000 and
//! handing in a result, without its proofs, is 80 000 (REQUIREMENTS C1). Fees are `gas_limit * gas_price`, all of it.

use attestation::evidence::Evidence;

use crate::types::transaction::{Action, Authorisation, DeviceStep, SubmitResult};

/// A transfer.
pub const TRANSFER: u64 = 20_000;
/// Staking, unstaking, withdrawing.
pub const STAKE: u64 = 25_000;
/// Registering a worker: one ML-DSA-65 verification.
pub const REGISTER_WORKER: u64 = 100_000;
/// Registering a model: deriving its verifying key.
pub const REGISTER_MODEL: u64 = 20_000_000;
/// Challenging a model: laying its graph out and committing to a row.
pub const CHALLENGE_MODEL: u64 = 20_000_000;
/// Proposing a change, voting, anchoring, sending tokens to another chain, releasing some that came.
pub const RECORD: u64 = 40_000;
/// Judging two receipts.
pub const MISBEHAVIOUR: u64 = 200_000;
/// Believing another chain's state, or a decision of keys, without their signatures.
pub const BELIEVE: u64 = 60_000;
/// One Ed25519 signature.
pub const SIGNATURE: u64 = 25_000;
/// Posting a job.
pub const POST_JOB: u64 = 30_000;
/// Leasing a job.
pub const LEASE_JOB: u64 = 40_000;
/// Handing in a result, without its proofs.
pub const SUBMIT_RESULT: u64 = 80_000;
/// Committing to a check or revealing one, planting a canary.
pub const CHECK: u64 = 40_000;
/// Challenging a result.
pub const CHALLENGE: u64 = 60_000;
/// Verifying one proof.
pub const PROOF: u64 = 2_500_000;
/// Verifying one device, or one quote, of hardware evidence.
pub const ATTESTED: u64 = 2_500_000;
/// A step of binding a device, without its evidence.
pub const BIND_DEVICE: u64 = 40_000;
/// Changing what a worker declares.
pub const UPDATE_WORKER: u64 = 100_000;
/// Reporting an implausible receipt: one ML-DSA-65 verification.
pub const REPORT: u64 = 120_000;
/// Proposing an assignment.
pub const PROPOSE_ASSIGNMENT: u64 = 40_000;
/// Committing to the product of a synthetic task.
pub const SYNTHETIC: u64 = 40_000;
/// Recomputing one row of it.
pub const SYNTHETIC_ROW: u64 = 1_500_000;
/// Each byte of a transaction, stored and hashed.
pub const BYTE: u64 = 10;

/// Recovering the signer of an Ethereum transaction, beyond what an Ed25519 signature takes.
pub const RECOVERY: u64 = 60_000;

/// Gas of a signature beyond the one that every transaction's gas holds.
#[must_use]
pub fn signature(authorisation: &Authorisation) -> u64 {
    match authorisation {
        Authorisation::Ed25519 { .. } => 0,
        Authorisation::Secp256k1(_) => RECOVERY,
    }
}

/// Gas of a transaction of `bytes` length, `None` beyond 64 bits.
// spec: chain#gas
#[must_use]
pub fn used(action: &Action, bytes: usize) -> Option<u64> {
    let work = match action {
        Action::Transfer(_) => TRANSFER,
        Action::Stake(_) | Action::Unstake(_) | Action::Withdraw(_) => STAKE,
        Action::RegisterWorker(_) => REGISTER_WORKER,
        Action::RegisterModel(_) => REGISTER_MODEL,
        Action::PostJob(_) => POST_JOB,
        Action::LeaseJob(_) => LEASE_JOB,
        Action::SubmitResult(submit) => submit_result(submit)?,
        Action::CommitCheck(_) | Action::RevealCheck(_) => CHECK,
        Action::Challenge(_) | Action::Appeal(_) => CHALLENGE,
        Action::PlantCanary(_) => CHECK,
        Action::AnswerWithProof(_) | Action::RevealCanary(_) => PROOF.checked_add(SUBMIT_RESULT)?,
        Action::ChallengeModel(_) => CHALLENGE_MODEL,
        Action::Propose(_) | Action::Vote(_) | Action::TeleportOut(_) => RECORD,
        Action::AnchorReceipt(anchor) => signed_by(RECORD, usize::from(anchor.coordinator.is_some()))?,
        Action::Authorise(authorise) => signed_by(BELIEVE, authorise.approvals.len())?,
        Action::ReportMisbehaviour(_) => MISBEHAVIOUR,
        Action::ClaimTeleport(claim) => signed_by(BELIEVE, claim.proof.certificate.signatures.len())?,
        Action::RecordTeleport(record) => signed_by(BELIEVE, record.proof.certificate.signatures.len())?,
        Action::ReleaseTeleport(_) => RECORD,
        Action::RefundTeleport(refund) => signed_by(BELIEVE, refund.proof.certificate.signatures.len())?,
        Action::BindDevice(bind) => match &bind.step {
            DeviceStep::Request { .. } | DeviceStep::Release => BIND_DEVICE,
            DeviceStep::Show { evidence, .. } => attested(evidence)?.checked_add(BIND_DEVICE)?,
        },
        Action::UpdateWorker(_) => UPDATE_WORKER,
        Action::ReportImplausible(_) => REPORT,
        Action::ProposeAssignment(_) => PROPOSE_ASSIGNMENT,
        Action::SyntheticResult(_) => SYNTHETIC,
        Action::OpenSynthetic(open) => {
            SYNTHETIC_ROW.checked_mul(u64::try_from(open.rows.len()).ok()?)?.checked_add(SYNTHETIC)?
        }
    };
    work.checked_add(BYTE.checked_mul(stored(action, bytes)?)?)
}

fn signed_by(work: u64, signatures: usize) -> Option<u64> {
    SIGNATURE.checked_mul(u64::try_from(signatures).ok()?)?.checked_add(work)
}

fn submit_result(submit: &SubmitResult) -> Option<u64> {
    let proofs = PROOF.checked_mul(u64::try_from(submit.proofs.len()).ok()?)?;
    proofs.checked_add(attested(&submit.evidence)?)?.checked_add(SUBMIT_RESULT)
}

fn attested(evidence: &Evidence) -> Option<u64> {
    ATTESTED.checked_mul(u64::try_from(evidence.signed_parts()).ok()?)
}

/// Bytes that are charged: those of the transactions that carry a payload of the sender's choice.
fn stored(action: &Action, bytes: usize) -> Option<u64> {
    match action {
        Action::RegisterModel(_) | Action::PostJob(_) | Action::ChallengeModel(_) | Action::Propose(_) => {
            u64::try_from(bytes).ok()
        }
        _ => Some(0),
    }
}
