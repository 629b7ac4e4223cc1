//! A judged receipt, for people and for machines.

use std::path::PathBuf;

use attestation::hex;
use serde_json::{Value, json};
use verifier::key::PROOF_SYSTEM;
use verifier::receipt::ReceiptFile;
use verifier::setup::VerifierSetup;
use verifier::verdict::{Finding, Layer, Outcome, RequiredLayer, Security, Status, Verdict};

use crate::commands::prover::values;
use crate::error::CliError;
use crate::output::{Output, Tone, name, printable, shape, utc};

/// The key that a receipt was judged by.
pub(super) struct KeyUsed {
    pub(super) digest: [u8; 32],
    /// Whether its rows were recomputed from the model's weights.
    pub(super) audited: bool,
}

/// A receipt and what was found about it.
pub(in crate::commands) struct Judged {
    pub(super) path: PathBuf,
    pub(super) file: ReceiptFile,
    pub(super) claim: Claim,
    pub(super) layer: RequiredLayer,
    pub(super) key: Option<KeyUsed>,
    /// The proof's setup, if it is another than that of the key which was derived here.
    pub(super) foreign: Option<[u8; 32]>,
    pub(super) verdict: Verdict,
}

impl Judged {
    /// The answer.
    pub(in crate::commands) fn outcome(&self) -> Outcome {
        self.verdict.outcome
    }

    /// What decided: the first finding that stands in the way.
    pub(in crate::commands) fn reason(&self) -> String {
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

    /// The answer for the envelope's list of errors.
    pub(super) fn error(&self) -> Option<CliError> {
        let (path, reason) = (self.path.clone(), self.reason());
        match self.verdict.outcome {
            Outcome::Accepted => None,
            Outcome::Rejected => Some(CliError::Rejected { path, reason }),
            Outcome::Undecided => Some(CliError::Undecided { path, reason, help: self.help() }),
        }
    }

    /// What would decide.
    fn help(&self) -> Option<&'static str> {
        if self.verdict.outcome != Outcome::Undecided {
            return None;
        }
        if self.foreign.is_some() {
            return Some(
                "give its key with --vk, or derive the key under that setup with --setup-id, if you believe that nobody \
                 knows its secret",
            );
        }
        if self.key.is_none() {
            return Some("give the key with --vk FILE, or derive it from the model with --model FILE");
        }
        let is_open = |finding: &Finding| finding.status == Status::Undecided && finding.layer == Layer::Proof;
        let [proof] = self.file.proofs.as_slice() else { return None };
        if proof.system != PROOF_SYSTEM || !self.verdict.findings.iter().any(is_open) {
            return None;
        }
        Some(if proof.setup_id == VerifierSetup::development().id() {
            "--accept-insecure-setup accepts proofs under the development setup, for development only"
        } else {
            "--setup-id with that identifier accepts proofs under it, if you believe that nobody knows its secret"
        })
    }

    /// For people.
    pub(in crate::commands) fn print(&self, output: &Output) {
        let receipt = &self.file.signed.receipt;
        output.heading(&format!("receipt {}", name(&self.path)));
        for (index, line) in self.claim.lines.iter().enumerate() {
            output.field(if index == 0 { "claim" } else { "" }, line);
        }
        output.field("by worker", hex::encode(&receipt.context.worker));
        output.field("leased", format!("{} (by the work context)", utc(receipt.context.timestamp)));
        if let Some(KeyUsed { digest, audited }) = &self.key {
            let audited = if *audited { "yes, derived from the model's weights" } else { "no" };
            output.field("key", format!("{} (audited: {audited})", hex::encode(digest)));
        }
        output.gap();
        for Finding { layer, status, message } in &self.verdict.findings {
            let (tone, word) = match status {
                Status::Passed => (Tone::Good, "passed"),
                Status::Failed => (Tone::Bad, "FAILED"),
                Status::Undecided => (Tone::Unsure, "undecided"),
                Status::Absent => (Tone::Unsure, "absent"),
            };
            let word = output.paint(tone, &format!("{word:9}"));
            output.line(format!("  {word}  {:11}  {}", layer_name(*layer), printable(message)));
        }
        if let Some(Security { proven_bits, conjectured_bits }) = self.verdict.security {
            output.gap();
            output.line(format!(
                "  soundness: one attempt at a false statement passes with probability below 2^-{proven_bits} (proven, \
                 in the random-oracle model);"
            ));
            output.line(format!(
                "             forging the commitments takes about 2^{conjectured_bits} work (conjectured, BN254)"
            ));
        }
        output.gap();
        output.line("  not checked");
        for line in &self.verdict.not_checked {
            output.line(format!("    - {line}"));
        }
        output.gap();
        output.line(match self.verdict.outcome {
            Outcome::Accepted => output.paint(Tone::Good, "ACCEPTED"),
            Outcome::Rejected => format!("{}: {}", output.paint(Tone::Bad, "REJECTED"), self.reason()),
            Outcome::Undecided => format!("{}: {}", output.paint(Tone::Unsure, "UNDECIDED"), self.reason()),
        });
        if let Some(help) = self.help() {
            output.line(format!("{} {help}", output.paint(Tone::Strong, "help:")));
        }
    }

    /// For machines.
    pub(in crate::commands) fn data(&self) -> Value {
        let receipt = &self.file.signed.receipt;
        json!({
            "file": name(&self.path),
            "outcome": self.verdict.outcome,
            "reason": self.reason(),
            "statement": self.claim.lines.join(" "),
            "context": receipt.context,
            "context_digest": hex::encode(&receipt.context.digest()),
            "receipt_digest": hex::encode(&self.file.signed.digest()),
            "output": self.file.output,
            "argmax": self.file.output.argmax(),
            "findings": self.verdict.findings,
            "not_checked": self.verdict.not_checked,
            "trust_bps": self.verdict.trust_bps,
            "security": self.verdict.security,
            "key_digest": self.key.as_ref().map(|key| hex::encode(&key.digest)),
            "key_audited": self.key.as_ref().map(|key| key.audited),
        })
    }
}

/// What a receipt says, in words: a sentence in several lines.
pub(super) struct Claim {
    lines: Vec<String>,
}

impl Claim {
    /// `labels` are the model's own, to be used if the receipt is about that model; else those of the unsigned notes.
    pub(super) fn new(file: &ReceiptFile, labels: &[String], is_about_model: bool) -> Self {
        let context = &file.signed.receipt.context;
        let notes = &file.unauthenticated;
        let (labels, source) = match is_about_model && !labels.is_empty() {
            true => (labels, "label"),
            false => (notes.labels.as_slice(), "label by the unsigned notes:"),
        };
        let mut lines = vec![
            format!("under work context {}", hex::encode(&context.digest())),
            format!("of chain {} (genesis {})", context.chain_id, hex::encode(&context.genesis)),
            format!("model {}", hex::encode(&context.model_hash)),
        ];
        if !notes.model_name.is_empty() {
            lines.push(format!("(\"{}\" by the unsigned notes)", printable(&notes.model_name)));
        }
        lines.push(format!("maps the {} input {}", shape(file.input.shape()), hex::encode(&context.input_hash)));
        lines.push(format!("to the output {}", values(&file.output)));
        if let Some(index) = file.output.argmax() {
            let label = labels.get(index).map(|label| format!(" ({source} {})", printable(label)));
            lines.push(format!("whose element {index} is the largest{}", label.unwrap_or_default()));
        }
        Self { lines }
    }
}

fn layer_name(layer: Layer) -> &'static str {
    match layer {
        Layer::Integrity => "integrity",
        Layer::Signature => "signature",
        Layer::Attestation => "attestation",
        Layer::Model => "model",
        Layer::Proof => "proof",
        Layer::Inclusion => "inclusion",
    }
}
