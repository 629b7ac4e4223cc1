//! What a choice of layers costs on the chain, by the chain's own rules and development parameters.

use attestation::identity::ed25519;
use chain::economics::bond::{Offer, offer_terms, proof_lease_bond};
use chain::economics::{audit, gas};
use chain::types::ObjectRef;
use chain::types::params::Params;
use chain::types::transaction::{
    Action, AnswerWithProof, Challenge, CommitCheck, RevealCheck, SubmitResult, Transaction,
};

use super::judge::Choice;
use super::layer::Layer;
use super::measure::LayersError;
use super::scene::{Hardware, Scene, Submission};

/// What the poster of the job pays for a unit, micro-tokens.
const PRICE_PER_UNIT: u128 = 10_000;
/// One hundred percent, basis points.
const BPS: u64 = 10_000;

/// Figures of the chain.
pub(super) struct Charged {
    pub(super) bytes: u64,
    pub(super) gas: u64,
    pub(super) finality_ms: u64,
    pub(super) bond_micro: Option<u64>,
}

/// What a choice costs with this honest submission, whose evidence earned `trust_bps`.
pub(super) fn charged(
    scene: &Scene,
    choice: &Choice,
    submission: &Submission,
    trust_bps: u32,
) -> Result<Charged, LayersError> {
    let params = Params::development();
    let proven = choice.has(Layer::Proof);
    let result = SubmitResult {
        lease: ObjectRef { id: [1; 32], version: 1 },
        signed: submission.signed.clone(),
        input: None,
        output: submission.output.clone(),
        evidence: submission.evidence.clone(),
        collateral: match choice.hardware() {
            Hardware::Software => Vec::new(),
            Hardware::Synthetic => scene.collateral(Hardware::Synthetic).to_bytes(),
        },
        proofs: if proven { vec![submission.proof.to_bytes()] } else { Vec::new() },
    };
    let (mut bytes, mut spent) = transaction(Action::SubmitResult(Box::new(result)))?;
    for (own_bytes, own_gas) in check()? {
        let share = |amount: u64| amount.saturating_mul(choice.spot_bps.into()).div_ceil(BPS);
        bytes = bytes.saturating_add(share(own_bytes));
        spent = spent.saturating_add(share(own_gas));
    }
    // A proof is final with its block; everything else waits until nobody can object any more.
    let blocks = if proven { 0 } else { audit::challenge_blocks(params.window.challenge, trust_bps) };
    let finality_ms = blocks.saturating_mul(params.block.interval_ms);
    Ok(Charged { bytes, gas: spent, finality_ms, bond_micro: bond(scene, choice, params, trust_bps) })
}

/// What a dispute adds to a result on the chain, at most.
pub(super) struct Disputed {
    pub(super) bytes: u64,
    pub(super) gas: u64,
    pub(super) verdict_ms: u64,
}

/// A dispute that the worker answers with its proof, and one that a jury decides.
pub(super) fn disputed(submission: &Submission) -> Result<[Disputed; 2], LayersError> {
    let params = Params::development();
    let challenge = transaction(Action::Challenge(Challenge { result: [1; 32], bond: params.bond.challenge_min }))?;
    let answer = transaction(Action::AnswerWithProof(Box::new(AnswerWithProof {
        result: [1; 32],
        input: None,
        output: submission.output.clone(),
        proof: submission.proof.to_bytes(),
    })))?;
    let mut judged = vec![challenge];
    for _ in 0..params.audit.jury {
        judged.extend(check()?);
    }
    let sum = |transactions: &[(u64, u64)], windows: u64| Disputed {
        bytes: transactions.iter().fold(0, |sum: u64, (bytes, _)| sum.saturating_add(*bytes)),
        gas: transactions.iter().fold(0, |sum: u64, (_, gas)| sum.saturating_add(*gas)),
        verdict_ms: windows.saturating_mul(params.window.review).saturating_mul(params.block.interval_ms),
    };
    // One window to answer in; a jury then has one to commit in and one to reveal in.
    Ok([sum(&[challenge, answer], 1), sum(&judged, 3)])
}

/// The two transactions of a checker or juror.
fn check() -> Result<[(u64, u64); 2], LayersError> {
    let commit = CommitCheck { result: [1; 32], worker: [2; 32], commitment: [3; 32] };
    let reveal = RevealCheck { result: [1; 32], worker: [2; 32], output_hash: [3; 32], salt: [4; 32] };
    Ok([transaction(Action::CommitCheck(commit))?, transaction(Action::RevealCheck(reveal))?])
}

/// Length and gas of a transaction.
fn transaction(action: Action) -> Result<(u64, u64), LayersError> {
    let key = ed25519::SigningKey::from_seed(&[0; 32]);
    let unsigned = Transaction { chain_id: 1337, genesis: [0; 32], nonce: 0, gas_limit: 0, gas_price: 1, action };
    let bytes = unsigned.clone().sign(&key).to_bytes().len();
    let gas = gas::used(&unsigned.action, bytes).ok_or(LayersError::Gas)?;
    Ok((u64::try_from(bytes).unwrap_or(u64::MAX), gas))
}

fn bond(scene: &Scene, choice: &Choice, mut params: Params, trust_bps: u32) -> Option<u64> {
    let units = scene.key.bundle().graph().multiply_accumulates();
    // The escrow holds what is paid, and a quarter more for checks.
    let escrow = PRICE_PER_UNIT.checked_mul(units.into())?.checked_mul(5)?.div_ceil(4);
    let micro = if choice.has(Layer::Proof) {
        proof_lease_bond(&params.bond, escrow)?
    } else {
        params.audit.spot_rate_bps = choice.spot_bps;
        let offer =
            Offer { units, price_per_unit: PRICE_PER_UNIT, escrow, trust_bps_min: trust_bps, spot_rate_bps_min: 0 };
        offer_terms(&params, 0, &offer)?.needed?
    };
    u64::try_from(micro).ok()
}
