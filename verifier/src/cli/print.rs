//! A judgement on a terminal.

use std::path::Path;

use attestation::hex;

use super::output::{Output, Tone, name};
use crate::judgement::{Judged, KeyUsed, Subject};
use crate::verdict::{Finding, Layer, Outcome, Security, Status};
use crate::words::{printable, utc};

/// Prints what was judged and how.
pub fn print(judged: &Judged, path: &Path, output: &Output) {
    output.heading(&format!("{} {}", judged.kind(), name(path)));
    for (index, line) in judged.claim().iter().enumerate() {
        output.field(if index == 0 { "claim" } else { "" }, line);
    }
    match judged.subject() {
        Subject::Receipt(file) => {
            let context = &file.signed.receipt.context;
            output.field("by worker", hex::encode(&context.worker));
            let begun = if context.names_chain() { "leased" } else { "begun" };
            output.field(begun, format!("{} (by the work context)", utc(context.timestamp)));
        }
        Subject::Evidence { at_ms, .. } => output.field("judged at", utc(*at_ms)),
        Subject::Proof(..) | Subject::Inclusion(_) => {}
    }
    if let Some(KeyUsed { digest, audited }) = judged.key() {
        let audited = if audited { "yes, derived from the model's weights" } else { "no" };
        output.field("key", format!("{} (audited: {audited})", hex::encode(&digest)));
    }
    let verdict = judged.verdict();
    output.gap();
    for Finding { layer, status, message } in &verdict.findings {
        let (tone, word) = match status {
            Status::Passed => (Tone::Good, "passed"),
            Status::Failed => (Tone::Bad, "FAILED"),
            Status::Undecided => (Tone::Unsure, "undecided"),
            Status::Absent => (Tone::Unsure, "absent"),
        };
        let word = output.paint(tone, &format!("{word:9}"));
        output.line(format!("  {word}  {:11}  {}", layer_name(*layer), printable(message)));
    }
    if let Some(Security { proven_bits, conjectured_bits }) = verdict.security {
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
    for line in &verdict.not_checked {
        output.line(format!("    - {line}"));
    }
    output.gap();
    let reason = printable(&judged.reason());
    output.line(match verdict.outcome {
        Outcome::Accepted => output.paint(Tone::Good, "ACCEPTED"),
        Outcome::Rejected => format!("{}: {reason}", output.paint(Tone::Bad, "REJECTED")),
        Outcome::Undecided => format!("{}: {reason}", output.paint(Tone::Unsure, "UNDECIDED")),
    });
    if let Some(help) = judged.help() {
        output.line(format!("{} {help}", output.paint(Tone::Strong, "help:")));
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
