//! A verdict in full: what a file claims in words, by which key it was judged, what was found, what decided and what would
//! help. Every front (commands, page) shows this and adds nothing to it.

use std::sync::Arc;

use attestation::appraisal::Collateral;
use attestation::context::WorkContext;
use attestation::evidence::Evidence;
use attestation::hex;
use attestation::policy::{Policy, PolicyTable};
use circuits::model::bundle::Bundle;
use circuits::model::tensor::Tensor;
use circuits::statement::Statement;
use serde_json::{Value, json};

use crate::claim::{Meaning, Text, evidence_claim, inclusion_claim, proof_claim, receipt_claim};
use crate::inclusion::Inclusion;
use crate::key::{PROOF_SYSTEM, VerifyingKey};
use crate::proof::Proof;
use crate::receipt::ReceiptFile;
use crate::setup::VerifierSetup;
use crate::tokens::Vocabulary;
use crate::verdict::{
    Finding, Layer, Outcome, RequiredLayer, Requirements, Status, Verdict, judge_all, judge_evidence, judge_inclusion,
    judge_proof,
};
use crate::words::printable;

/// What can be judged.
#[derive(Clone, Debug)]
pub enum Subject {
    /// A receipt.
    Receipt(Box<ReceiptFile>),
    /// A proof outside a receipt, and what it is to show.
    Proof(Box<Proof>, Box<Statement>),
    /// Evidence outside a receipt.
    Evidence {
        /// The evidence.
        evidence: Box<Evidence>,
        /// The work that it is to be about.
        context: Box<WorkContext>,
        /// When it is judged, milliseconds since the epoch.
        at_ms: u64,
    },
    /// Something on a chain.
    Inclusion(Box<Inclusion>),
}

/// The key that something was judged by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyUsed {
    /// Its digest.
    pub digest: [u8; 32],
    /// Whether its rows were recomputed from the model's weights.
    pub audited: bool,
}

/// What things are judged by.
#[derive(Clone, Debug)]
pub struct Judge {
    key: Option<VerifyingKey>,
    /// The setup under which the key was derived here: it can be right for no other.
    derived_under: Option<[u8; 32]>,
    labels: Vec<String>,
    requirements: Requirements,
    trusted_header: Option<[u8; 32]>,
    vocabulary: Option<Arc<Vocabulary>>,
}

impl Judge {
    /// A judge under the project's policy, with a key if there is one.
    ///
    /// `derived_from` is the model whose weights the key was derived from here, if it was; `accepted` the setup whose secret
    /// the caller believes destroyed.
    #[must_use]
    pub fn new(
        key: Option<VerifyingKey>,
        derived_from: Option<&Bundle>,
        layer: RequiredLayer,
        accepted: Option<[u8; 32]>,
    ) -> Self {
        let requirements = Requirements {
            layer,
            accepted_setups: accepted.into_iter().collect(),
            policy: standard_policy(),
            collateral: Collateral::default(),
            at_ms: None,
            key_audited: derived_from.is_some(),
        };
        let derived_under = derived_from.and(key.as_ref()).map(VerifyingKey::setup_id);
        let labels = derived_from.map(|bundle| bundle.info().labels.clone()).unwrap_or_default();
        Self { key, derived_under, labels, requirements, trusted_header: None, vocabulary: None }
    }

    /// Evidence is judged at this time, milliseconds since the epoch.
    #[must_use]
    pub fn at(mut self, at_ms: Option<u64>) -> Self {
        self.requirements.at_ms = at_ms;
        self
    }

    /// Evidence of hardware is judged with these documents.
    #[must_use]
    pub fn with_collateral(mut self, collateral: Collateral) -> Self {
        self.requirements.collateral = collateral;
        self
    }

    /// What is on a chain is judged by the header of this hash.
    #[must_use]
    pub fn trusting_header(mut self, hash: Option<[u8; 32]>) -> Self {
        self.trusted_header = hash;
        self
    }

    /// Inputs are tokens, and read by this vocabulary.
    #[must_use]
    pub fn reading(mut self, vocabulary: Option<Arc<Vocabulary>>) -> Self {
        self.vocabulary = vocabulary;
        self
    }

    /// Judges many things, each by itself; the proofs of receipts are decided together.
    #[must_use]
    pub fn judge(&self, subjects: Vec<Subject>) -> Vec<Judged> {
        let receipts: Vec<(&ReceiptFile, Option<&VerifyingKey>)> = subjects
            .iter()
            .filter_map(|subject| match subject {
                Subject::Receipt(file) => Some((file.as_ref(), self.key_for(&file.proofs))),
                _ => None,
            })
            .collect();
        let mut of_receipts = judge_all(&receipts, &self.requirements).into_iter();
        let verdicts: Vec<Option<Verdict>> = subjects
            .iter()
            .map(|subject| match subject {
                Subject::Receipt(_) => of_receipts.next(),
                Subject::Proof(proof, statement) => {
                    let key = self.key_for(std::slice::from_ref(proof.as_ref()));
                    Some(judge_proof(proof, statement, key, &self.requirements))
                }
                Subject::Evidence { evidence, context, at_ms } => {
                    Some(judge_evidence(evidence, context, *at_ms, &self.requirements))
                }
                Subject::Inclusion(inclusion) => Some(judge_inclusion(inclusion, self.trusted_header.as_ref())),
            })
            .collect();
        let judged = subjects.into_iter().zip(verdicts);
        judged.filter_map(|(subject, verdict)| Some(self.in_full(subject, verdict?))).collect()
    }

    /// The key, unless it was derived here under another setup than these proofs' own: it says nothing about them.
    fn key_for(&self, proofs: &[Proof]) -> Option<&VerifyingKey> {
        self.key.as_ref().filter(|_| self.foreign(proofs).is_none())
    }

    fn foreign(&self, proofs: &[Proof]) -> Option<[u8; 32]> {
        let id = self.derived_under?;
        proofs.iter().find(|proof| proof.setup_id != id).map(|proof| proof.setup_id)
    }

    fn in_full(&self, subject: Subject, mut verdict: Verdict) -> Judged {
        let proofs = match &subject {
            Subject::Receipt(file) => file.proofs.as_slice(),
            Subject::Proof(proof, _) => std::slice::from_ref(proof.as_ref()),
            Subject::Evidence { .. } | Subject::Inclusion(_) => &[],
        };
        let layer = match &subject {
            Subject::Receipt(_) => self.requirements.layer,
            Subject::Evidence { .. } => RequiredLayer::Attested,
            Subject::Proof(..) | Subject::Inclusion(_) => RequiredLayer::Proven,
        };
        let is_judged_by_key = matches!(subject, Subject::Receipt(_) | Subject::Proof(..));
        let key = self.key_for(proofs).filter(|_| is_judged_by_key);
        let model = key.filter(|key| match &subject {
            Subject::Receipt(file) => file.signed.receipt.context.model_hash == key.model_hash(),
            _ => true,
        });
        let labels = model.map_or(&[][..], |_| self.labels.as_slice());
        let generates = model.is_some_and(|key| key.graph().generated() > 0);
        let text = self.vocabulary.as_ref().zip(run_of(&subject)).map(|(vocabulary, [input, output])| Text {
            input: input.rows().map(|row| vocabulary.text(row)).collect(),
            output: generates.then(|| vocabulary.text(output.values())),
        });
        let meaning = Meaning { text: text.as_ref(), labels, generates };
        if text.is_some() {
            let line = "that the tokenizer you gave is the model's: what was judged are the tokens' numbers";
            verdict.not_checked.push(line.to_owned());
        }
        let claim = match &subject {
            Subject::Receipt(file) => receipt_claim(file, meaning),
            Subject::Proof(_, statement) => proof_claim(statement, model, meaning),
            Subject::Evidence { evidence, context, .. } => evidence_claim(evidence, context),
            Subject::Inclusion(inclusion) => inclusion_claim(inclusion),
        };
        Judged {
            claim,
            layer,
            key: key.map(|key| KeyUsed { digest: key.digest(), audited: self.requirements.key_audited }),
            foreign: self.foreign(proofs),
            verdict,
            subject,
            text,
        }
    }
}

/// What a model was run on, and what came out.
fn run_of(subject: &Subject) -> Option<[&Tensor; 2]> {
    match subject {
        Subject::Receipt(file) => Some([&file.input, &file.output]),
        Subject::Proof(_, statement) => Some([&statement.input, &statement.output]),
        Subject::Evidence { .. } | Subject::Inclusion(_) => None,
    }
}

/// Something judged.
#[derive(Clone, Debug)]
pub struct Judged {
    subject: Subject,
    claim: Vec<String>,
    layer: RequiredLayer,
    key: Option<KeyUsed>,
    /// The proof's setup, if it is another than that of the key which was derived here.
    foreign: Option<[u8; 32]>,
    verdict: Verdict,
    /// What the tokens read, by the tokenizer that was given.
    text: Option<Text>,
}

impl Judged {
    /// The answer.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        self.verdict.outcome
    }

    /// What was judged.
    #[must_use]
    pub fn subject(&self) -> &Subject {
        &self.subject
    }

    /// What it claims: a sentence in several lines.
    #[must_use]
    pub fn claim(&self) -> &[String] {
        &self.claim
    }

    /// What the input reads, by the tokenizer that was given: a line for each text.
    #[must_use]
    pub fn text(&self) -> Option<String> {
        self.text.as_ref().map(|text| text.input.join("\n"))
    }

    /// The key it was judged by.
    #[must_use]
    pub fn key(&self) -> Option<KeyUsed> {
        self.key
    }

    /// Every layer's finding.
    #[must_use]
    pub fn verdict(&self) -> &Verdict {
        &self.verdict
    }

    /// What decided: the first finding that stands in the way.
    #[must_use]
    pub fn reason(&self) -> String {
        let wanted = match self.verdict.outcome {
            Outcome::Accepted => return "everything required holds".to_owned(),
            Outcome::Rejected => Status::Failed,
            Outcome::Undecided => Status::Undecided,
        };
        if let (Some(setup), Status::Undecided) = (self.foreign, wanted) {
            return format!("the proof is under another setup than the derived key: {}", hex::encode(&setup));
        }
        let is_needed = |finding: &&Finding| match finding.layer {
            Layer::Model | Layer::Proof => self.layer == RequiredLayer::Proven,
            Layer::Attestation => self.layer == RequiredLayer::Attested,
            Layer::Integrity | Layer::Signature | Layer::Inclusion => true,
        };
        let mut open = self.verdict.findings.iter().filter(|finding| finding.status != Status::Passed);
        let found = match wanted {
            Status::Failed => open.find(|finding| finding.status == Status::Failed),
            _ => open.find(is_needed),
        };
        found.map(|finding| finding.message.clone()).unwrap_or_default()
    }

    /// What would decide, if nothing did.
    #[must_use]
    pub fn help(&self) -> Option<&'static str> {
        if self.verdict.outcome != Outcome::Undecided {
            return None;
        }
        if self.foreign.is_some() {
            return Some(
                "give its key with --vk, or derive the key under that setup with --setup-id, if you believe that nobody \
                 knows its secret",
            );
        }
        let proof = match &self.subject {
            Subject::Evidence { .. } => return Some("give the missing documents with --collateral FILE"),
            Subject::Inclusion(_) => return Some("give the hash of the header that you trust with --header"),
            Subject::Proof(proof, _) => Some(proof.as_ref()),
            Subject::Receipt(file) => file.proofs.first().filter(|_| file.proofs.len() == 1),
        };
        if self.key.is_none() {
            return Some("give the key with --vk FILE, or derive it from the model with --model FILE");
        }
        let is_open = |finding: &Finding| finding.status == Status::Undecided && finding.layer == Layer::Proof;
        let proof = proof.filter(|proof| proof.system == PROOF_SYSTEM)?;
        if !self.verdict.findings.iter().any(is_open) {
            return None;
        }
        Some(if proof.setup_id == VerifierSetup::development().id() {
            "--accept-insecure-setup accepts proofs under the development setup, for development only"
        } else {
            "--setup-id with that identifier accepts proofs under it, if you believe that nobody knows its secret"
        })
    }

    /// For machines; `file` is the name that it came under.
    #[must_use]
    pub fn data(&self, file: &str) -> Value {
        let mut data = json!({
            "file": printable(file),
            "kind": self.kind(),
            "outcome": self.verdict.outcome,
            "reason": self.reason(),
            "help": self.help(),
            "statement": self.claim.join(" "),
            "findings": self.verdict.findings,
            "not_checked": self.verdict.not_checked,
            "trust_bps": self.verdict.trust_bps,
            "security": self.verdict.security,
            "key_digest": self.key.map(|key| hex::encode(&key.digest)),
            "key_audited": self.key.map(|key| key.audited),
            "text": self.text(),
            "output_text": self.text.as_ref().and_then(|text| text.output.as_ref()),
        });
        let more = match &self.subject {
            Subject::Receipt(file) => json!({
                "context": file.signed.receipt.context,
                "context_digest": hex::encode(&file.signed.receipt.context.digest()),
                "receipt_digest": hex::encode(&file.signed.digest()),
                "output": file.output,
                "argmax": file.output.argmax(),
            }),
            Subject::Proof(_, statement) => json!({
                "context_digest": hex::encode(&statement.context_digest),
                "output": statement.output,
                "argmax": statement.output.argmax(),
            }),
            Subject::Evidence { context, .. } => json!({
                "context": context,
                "context_digest": hex::encode(&context.digest()),
            }),
            Subject::Inclusion(inclusion) => json!({ "header": inclusion.header }),
        };
        if let (Value::Object(data), Value::Object(more)) = (&mut data, more) {
            data.extend(more);
        }
        data
    }

    /// What kind of thing it is.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match &self.subject {
            Subject::Receipt(_) => "receipt",
            Subject::Proof(..) => "proof",
            Subject::Evidence { .. } => "evidence",
            Subject::Inclusion(_) => "inclusion",
        }
    }
}

/// `labels` are the model's own, if the receipt is about that model and they are known; else those of the unsigned notes.
/// The project's table of trust.
#[must_use]
pub fn standard_policy() -> Policy {
    #[expect(clippy::expect_used, reason = "a constant table, checked by a test")]
    Policy::new(PolicyTable::standard()).expect("the standard policy is valid")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_standard_policy_is_valid() {
        assert_eq!(*standard_policy().table(), PolicyTable::standard());
    }
}
