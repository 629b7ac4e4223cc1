//! Fixed keys, contexts and receipts. The expected digests in the tests that use them were computed by another program
//! (Python, from the documented byte layouts).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    dead_code,
    reason = "test code; every test file uses its own part"
)]

use attestation::{
    context::WorkContext,
    evidence::{Attester, Evidence, SoftwareAttester},
    identity::{ed25519, ml_dsa},
    receipt::{DeviceKind, HardwareTier, Metadata, Session, SignedReceipt, UtilisationProfile, WorkReceipt},
    text::Text,
};

pub(crate) const LEASED_AT: u64 = 1_760_000_000_000;

/// Bytes 0, 1, .., 31: the seed of the examples in RFC 9881.
pub(crate) fn seed() -> [u8; 32] {
    std::array::from_fn(|index| u8::try_from(index).unwrap())
}

pub(crate) fn worker() -> ml_dsa::SigningKey {
    ml_dsa::SigningKey::from_seed(&seed())
}

pub(crate) fn session_key() -> ed25519::SigningKey {
    ed25519::SigningKey::from_seed(&seed())
}

pub(crate) fn attester(worker: &ml_dsa::SigningKey) -> SoftwareAttester {
    SoftwareAttester::new(worker.public_key(), [8; 32], Text::new("host").unwrap())
}

pub(crate) fn context_for(worker: &ml_dsa::SigningKey) -> WorkContext {
    WorkContext {
        chain_id: 1337,
        genesis: [1; 32],
        job_id: [2; 32],
        model_hash: [3; 32],
        input_hash: [4; 32],
        worker: worker.public_key().id(),
        device_id: attester(worker).device_id(),
        nonce: [7; 32],
        timestamp: LEASED_AT,
    }
}

pub(crate) fn evidence_for(worker: &ml_dsa::SigningKey) -> Evidence {
    attester(worker).attest(&context_for(worker)).unwrap()
}

pub(crate) fn receipt_for(worker: &ml_dsa::SigningKey) -> WorkReceipt {
    WorkReceipt {
        context: context_for(worker),
        output_hash: [9; 32],
        compute_units: 2410,
        metadata: Metadata {
            tokens_in: 12,
            tokens_out: 34,
            elapsed_ms: 56,
            device: DeviceKind::Cuda,
            tier: HardwareTier::HighEnd,
            hardware: Text::new("Test CPU").unwrap(),
            utilisation: UtilisationProfile::new(vec![100, 9000]).unwrap(),
        },
        completed_at: LEASED_AT + 100,
        evidence_digest: evidence_for(worker).digest(),
        session: None,
    }
}

pub(crate) fn receipt_with_session(worker: &ml_dsa::SigningKey) -> WorkReceipt {
    let mut receipt = receipt_for(worker);
    receipt.session = Some(Session::sign(&session_key(), &receipt.context.digest(), &receipt.output_hash));
    receipt
}

pub(crate) fn signed() -> SignedReceipt {
    SignedReceipt::sign(receipt_with_session(&worker()), &worker()).unwrap()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    attestation::hex::encode(bytes)
}

/// A genuine vector from `../shared/data/<set>/<path>`, or `None` with a word about it where there is no `../shared`.
pub(crate) fn shared(set: &str, path: &str) -> Option<Vec<u8>> {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data").join(set);
    if !root.exists() {
        println!("skipped: no ../shared");
        return None;
    }
    Some(std::fs::read(root.join(path)).unwrap_or_else(|error| panic!("{path}: {error}")))
}

/// A quote, and everything that decides about it.
pub(crate) struct Case<Evidence, Collateral, Rules> {
    pub(crate) evidence: Evidence,
    pub(crate) collateral: Collateral,
    pub(crate) rules: Rules,
    pub(crate) report_data: [u8; 64],
    pub(crate) at: u64,
}

impl<Evidence, Collateral, Rules> Case<Evidence, Collateral, Rules> {
    pub(crate) fn with_rules(mut self, change: impl FnOnce(&mut Rules)) -> Self {
        change(&mut self.rules);
        self
    }
}
