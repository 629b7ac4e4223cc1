//! `assay version`: what this program is and which formats it knows.

use circuits::model::bundle::BUNDLE_FORMAT;
use circuits::model::graph::{GRAPH_VERSION, GRAPH_VERSION_GENERATION, GRAPH_VERSION_POSITIONS};
use circuits::statement::STATEMENT_VERSION;
use clap::Args;
use serde_json::json;
use verifier::container::Kind;
use verifier::key::PROOF_SYSTEM;
use verifier::setup::VerifierSetup;

use crate::output::{Done, Output};

/// Print version, features and file formats
#[derive(Debug, Args)]
pub(crate) struct Version {}

pub(super) fn run(Version {}: &Version, output: &Output) -> Done {
    let version = env!("CARGO_PKG_VERSION");
    let target = format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS);
    let cuda = cfg!(feature = "cuda");
    let setup = attestation::hex::encode(&VerifierSetup::development().id());
    let formats = json!({
        "bundle": BUNDLE_FORMAT,
        "graph": GRAPH_VERSION,
        "graph_by_positions": GRAPH_VERSION_POSITIONS,
        "graph_with_generation": GRAPH_VERSION_GENERATION,
        "statement": STATEMENT_VERSION,
        "verifying_key": Kind::VerifyingKey.version(),
        "proof": Kind::Proof.version(),
        "receipt": Kind::Receipt.version(),
    });
    output.heading(&format!("assay {version}"));
    output.field("target", &target);
    output.field("cuda", if cuda { "yes" } else { "no (build with --features cuda)" });
    output.field("proof system", PROOF_SYSTEM);
    output.field("formats", format_list(&formats));
    output.field("setups", format!("{setup} (development, insecure)"));
    Done::ok(json!({
        "version": version,
        "target": target,
        "features": { "cuda": cuda },
        "proof_systems": [PROOF_SYSTEM],
        "formats": formats,
        "setups": [{ "id": setup, "name": "development", "secure": false }],
    }))
}

fn format_list(formats: &serde_json::Value) -> String {
    let entries = formats.as_object().into_iter().flatten();
    entries.map(|(name, version)| format!("{} {version}", name.replace('_', " "))).collect::<Vec<_>>().join(", ")
}
