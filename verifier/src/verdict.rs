//! One answer about a receipt: every layer's finding, what follows from them together, and what nobody checked.
//!
//! Layers are judged independently, so that a person sees everything that is wrong and not just the first thing. The
//! answer is *rejected* if any layer fails; *undecided* if a layer that the caller requires could not be judged (no key,
//! a setup that is not accepted, a format of another release); *accepted* otherwise. Undecided is never accepted.

use attestation::appraisal::{self, Collateral};
use attestation::context::WorkContext;
use attestation::evidence::Evidence;
use attestation::policy::Policy;
use circuits::statement::Statement;
use serde::Serialize;

use crate::inclusion::Inclusion;
use crate::key::VerifyingKey;
use crate::proof::{Proof, ProofError, Shown, Verified, verify, verify_batch};
use crate::receipt::ReceiptFile;
use crate::security::CONJECTURED_BITS;

/// What the caller asks for.
#[derive(Clone, Debug)]
pub struct Requirements {
    /// Which layer must hold.
    pub layer: RequiredLayer,
    /// Setups whose secret the caller believes destroyed, by identifier.
    pub accepted_setups: Vec<[u8; 32]>,
    /// Policy that evidence is appraised under.
    pub policy: Policy,
    /// Vendors' documents that hardware evidence is judged with.
    pub collateral: Collateral,
    /// When the evidence is judged; `None`: at the time of completion that the receipt states and its signature covers.
    pub at_ms: Option<u64>,
    /// Whether the key's rows were recomputed from the model's weights.
    pub key_audited: bool,
}

/// The layer that a receipt must pass beside signature and integrity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RequiredLayer {
    /// A proof of the output.
    Proven,
    /// Evidence only; a receipt without a proof passes.
    Attested,
}

/// The answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Everything required holds.
    Accepted,
    /// Something is false.
    Rejected,
    /// Something required could not be judged.
    Undecided,
}

/// A layer of verification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Layer {
    /// The carried input, output and evidence are those that the receipt names.
    Integrity,
    /// The worker that the context pays signed the receipt.
    Signature,
    /// The evidence holds for this work under the policy.
    Attestation,
    /// The key is that of the model which the context names.
    Model,
    /// The model maps the input to the output, exactly.
    Proof,
    /// The chain's header commits to it.
    Inclusion,
}

/// What a layer came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It holds.
    Passed,
    /// It does not hold.
    Failed,
    /// It could not be judged.
    Undecided,
    /// There is nothing to judge.
    Absent,
}

/// One layer's finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Which layer.
    pub layer: Layer,
    /// What it came to.
    pub status: Status,
    /// In words.
    pub message: String,
}

/// The verdict on a receipt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// The answer.
    pub outcome: Outcome,
    /// Each layer's finding.
    pub findings: Vec<Finding>,
    /// What nobody checked.
    pub not_checked: Vec<String>,
    /// Trust in basis points that the evidence earns, if it holds.
    pub trust_bps: Option<u32>,
    /// How much an accepted proof convinces; `None` without one.
    pub security: Option<Security>,
}

/// Soundness of an accepted proof, in bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Security {
    /// One attempt at a false statement passes with probability below 2^-this: proven, in the random-oracle model and
    /// given that the commitments bind.
    pub proven_bits: u32,
    /// Work against the commitments, by present estimates for BN254 in the algebraic group model.
    pub conjectured_bits: u32,
}

impl Verdict {
    /// The finding of a layer.
    #[must_use]
    pub fn finding(&self, layer: Layer) -> Option<&Finding> {
        self.findings.iter().find(|finding| finding.layer == layer)
    }
}

/// What a proof came to.
type Decided = Result<Verified, ProofError>;

/// Judges a receipt.
#[must_use]
pub fn judge(file: &ReceiptFile, key: Option<&VerifyingKey>, requirements: &Requirements) -> Verdict {
    let decided = key.zip(only_proof(file)).map(|(key, proof)| verify(key, &file.statement(), proof));
    judge_decided(file, key, requirements, decided)
}

/// Judges many receipts, each as [`judge`] does and with its own verdict; their proofs are decided as one batch.
#[must_use]
pub fn judge_all(receipts: &[(&ReceiptFile, Option<&VerifyingKey>)], requirements: &Requirements) -> Vec<Verdict> {
    if let [(file, key)] = receipts {
        return vec![judge(file, *key, requirements)];
    }
    let statements: Vec<Statement> = receipts.iter().map(|(file, _)| file.statement()).collect();
    let shown: Vec<Option<Shown<'_>>> = receipts
        .iter()
        .zip(&statements)
        .map(|((file, key), statement)| Some(Shown { key: (*key)?, statement, proof: only_proof(file)? }))
        .collect();
    let mut decided = verify_batch(&shown.iter().copied().flatten().collect::<Vec<_>>()).into_iter();
    let of_each = receipts.iter().zip(shown);
    of_each
        .map(|((file, key), shown)| judge_decided(file, *key, requirements, shown.and_then(|_| decided.next())))
        .collect()
}

/// Judges a proof outside a receipt: that its statement holds, and nothing about who made it.
#[must_use]
pub fn judge_proof(
    proof: &Proof,
    statement: &Statement,
    key: Option<&VerifyingKey>,
    requirements: &Requirements,
) -> Verdict {
    let decided = key.map(|key| verify(key, statement, proof));
    let findings = vec![decided_proof(decided, requirements)];
    let mut not_checked =
        vec!["who ran the model and when: a proof names a work context by its digest only".to_owned()];
    not_checked.extend(unaudited(key, requirements));
    Verdict {
        outcome: outcome(&findings, RequiredLayer::Proven),
        security: security(&findings, key),
        findings,
        not_checked,
        trust_bps: None,
    }
}

/// Judges evidence outside a receipt, at the time `at_ms`.
#[must_use]
pub fn judge_evidence(evidence: &Evidence, context: &WorkContext, at_ms: u64, requirements: &Requirements) -> Verdict {
    let (finding, trust_bps) = attestation_layer(evidence, context, at_ms, requirements);
    let findings = vec![finding];
    let not_checked = vec![
        where_it_ran(evidence),
        "that the worker signed this evidence: a receipt carries the signature".to_owned(),
        "whether the chain leased this work context".to_owned(),
    ];
    Verdict { outcome: outcome(&findings, RequiredLayer::Attested), findings, not_checked, trust_bps, security: None }
}

/// Judges that something is on a chain, by the hash of a header that the caller trusts.
#[must_use]
pub fn judge_inclusion(inclusion: &Inclusion, trusted_header: Option<&[u8; 32]>) -> Verdict {
    let found = match trusted_header {
        None => Finding {
            layer: Layer::Inclusion,
            status: Status::Undecided,
            message: "no header: give the hash of the one that you trust".to_owned(),
        },
        Some(trusted) => finding(
            Layer::Inclusion,
            inclusion
                .check(trusted)
                .map(|()| "the header that you trust commits to it".to_owned())
                .map_err(|error| error.to_string()),
        ),
    };
    let findings = vec![found];
    let not_checked = vec![
        "that the validators finalised the header: its hash is your word".to_owned(),
        "whether a later block changed it, and what its bytes mean to the chain".to_owned(),
    ];
    let outcome = outcome(&findings, RequiredLayer::Proven);
    Verdict { outcome, findings, not_checked, trust_bps: None, security: None }
}

fn judge_decided(
    file: &ReceiptFile,
    key: Option<&VerifyingKey>,
    requirements: &Requirements,
    decided: Option<Decided>,
) -> Verdict {
    let receipt = &file.signed.receipt;
    let at_ms = requirements.at_ms.unwrap_or(receipt.completed_at);
    let (attested, trust_bps) = attestation_layer(&file.evidence, &receipt.context, at_ms, requirements);
    let findings =
        vec![integrity(file), signature(file), attested, model(file, key), proofs(file, decided, requirements)];
    Verdict {
        outcome: outcome(&findings, requirements.layer),
        not_checked: not_checked(file, key, requirements, &findings),
        security: security(&findings, key),
        findings,
        trust_bps,
    }
}

/// The proof of a receipt that carries exactly one.
fn only_proof(file: &ReceiptFile) -> Option<&Proof> {
    match file.proofs.as_slice() {
        [proof] => Some(proof),
        _ => None,
    }
}

fn security(findings: &[Finding], key: Option<&VerifyingKey>) -> Option<Security> {
    let proven = |finding: &Finding| finding.layer == Layer::Proof && finding.status == Status::Passed;
    let key = key.filter(|_| findings.iter().any(proven))?;
    Some(Security { proven_bits: key.security().proven_bits(0), conjectured_bits: CONJECTURED_BITS })
}

fn outcome(findings: &[Finding], required: RequiredLayer) -> Outcome {
    if findings.iter().any(|finding| finding.status == Status::Failed) {
        return Outcome::Rejected;
    }
    let holds = |finding: &Finding| {
        let optional = matches!(
            (finding.layer, required),
            (Layer::Model | Layer::Proof, RequiredLayer::Attested) | (Layer::Attestation, RequiredLayer::Proven)
        );
        optional || finding.status == Status::Passed
    };
    if findings.iter().all(holds) { Outcome::Accepted } else { Outcome::Undecided }
}

fn finding(layer: Layer, result: Result<String, String>) -> Finding {
    match result {
        Ok(message) => Finding { layer, status: Status::Passed, message },
        Err(message) => Finding { layer, status: Status::Failed, message },
    }
}

fn integrity(file: &ReceiptFile) -> Finding {
    let receipt = &file.signed.receipt;
    let wrong = if file.input.hash() != receipt.context.input_hash {
        Some("the input is not the one that the work context names")
    } else if file.output.hash() != receipt.output_hash {
        Some("the output is not the one that the worker signed")
    } else if file.evidence.digest() != receipt.evidence_digest {
        Some("the evidence is not the one that the worker signed")
    } else if file.signed.check_evidence(&file.evidence).is_err() {
        Some("the output is not signed with the session key that the evidence's quote vouches for")
    } else {
        None
    };
    let result = match wrong {
        Some(message) => Err(message.to_owned()),
        None => Ok("input, output and evidence are those that the signed receipt names".to_owned()),
    };
    finding(Layer::Integrity, result)
}

fn signature(file: &ReceiptFile) -> Finding {
    let result = file.signed.verify();
    let passed = "signed (ML-DSA-65) by the worker that the work context names".to_owned();
    finding(Layer::Signature, result.map(|()| passed).map_err(|error| error.to_string()))
}

fn attestation_layer(
    evidence: &Evidence,
    context: &WorkContext,
    at_ms: u64,
    requirements: &Requirements,
) -> (Finding, Option<u32>) {
    let appraisal = appraisal::verify(evidence, &requirements.collateral, &requirements.policy, context, at_ms);
    match appraisal {
        Ok(appraisal) => {
            let reasons: Vec<String> = appraisal.reasons.iter().map(ToString::to_string).collect();
            (finding(Layer::Attestation, Ok(reasons.join("; "))), Some(appraisal.trust_bps))
        }
        Err(error) if error.is_undecided() => {
            let (layer, status) = (Layer::Attestation, Status::Undecided);
            (Finding { layer, status, message: error.to_string() }, None)
        }
        Err(error) => (finding(Layer::Attestation, Err(error.to_string())), None),
    }
}

fn model(file: &ReceiptFile, key: Option<&VerifyingKey>) -> Finding {
    let Some(key) = key else {
        let message = "no verifying key: give the model or its key".to_owned();
        return Finding { layer: Layer::Model, status: Status::Undecided, message };
    };
    let (named, got) = (file.signed.receipt.context.model_hash, key.model_hash());
    let result = if named == got {
        Ok(format!("the key is that of model {}", attestation::hex::encode(&got)))
    } else {
        let (named, got) = (attestation::hex::encode(&named), attestation::hex::encode(&got));
        Err(format!("the work context names model {named}, the key is that of model {got}"))
    };
    finding(Layer::Model, result)
}

fn proofs(file: &ReceiptFile, decided: Option<Decided>, requirements: &Requirements) -> Finding {
    match file.proofs.as_slice() {
        [] => {
            let message = "the receipt carries no proof".to_owned();
            Finding { layer: Layer::Proof, status: Status::Absent, message }
        }
        [_] => decided_proof(decided, requirements),
        more => undecided(format!("this release checks one proof a receipt, this one carries {}", more.len())),
    }
}

fn undecided(message: String) -> Finding {
    Finding { layer: Layer::Proof, status: Status::Undecided, message }
}

fn decided_proof(decided: Option<Decided>, requirements: &Requirements) -> Finding {
    let Some(decided) = decided else {
        return undecided("no verifying key: the proof was not checked".to_owned());
    };
    match decided {
        Err(error) if error.is_undecided() => undecided(error.to_string()),
        Err(error) => finding(Layer::Proof, Err(error.to_string())),
        Ok(verified) if !requirements.accepted_setups.contains(&verified.setup_id()) => undecided(format!(
            "the proof holds under setup {}, which is not accepted: whoever knows its secret can forge",
            attestation::hex::encode(&verified.setup_id())
        )),
        Ok(_) => {
            let message = "the model maps this input to this output, exactly, under this work context";
            finding(Layer::Proof, Ok(message.to_owned()))
        }
    }
}

fn not_checked(
    file: &ReceiptFile,
    key: Option<&VerifyingKey>,
    requirements: &Requirements,
    findings: &[Finding],
) -> Vec<String> {
    let leased = if file.signed.receipt.context.names_chain() {
        "whether the chain leased this work context, and whether it was settled already"
    } else {
        "anything of a chain: none leased this work context, and none pays for it"
    };
    let mut lines = vec![
        leased.to_owned(),
        "the worker's own words: elapsed time, hardware, compute units, time of completion".to_owned(),
    ];
    lines.extend(unaudited(key, requirements));
    if !findings.iter().any(|finding| finding.layer == Layer::Proof && finding.status == Status::Passed) {
        lines.push("that the output is the model's: no proof was accepted".to_owned());
    }
    lines.push(where_it_ran(&file.evidence));
    lines
}

fn unaudited(key: Option<&VerifyingKey>, requirements: &Requirements) -> Option<String> {
    let text = "key audited: no (committed rows, columns and gates were taken from the key file)";
    (key.is_some() && !requirements.key_audited).then(|| text.to_owned())
}

fn where_it_ran(evidence: &Evidence) -> String {
    match evidence {
        Evidence::Software(_) => "where it ran: software evidence shows nothing about hardware",
        _ => "that the job ran on the attested devices: evidence is never a work proof",
    }
    .to_owned()
}
