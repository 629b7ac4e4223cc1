#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "test code")]
//! Receipts: what the verdict says of an honest one, and which layer finds each change.

mod common;

use std::fs;
use std::path::Path;
use std::sync::Arc;

use attestation::context::WorkContext;
use attestation::evidence::software::{SoftwareAttester, device_id};
use attestation::evidence::{Attester, Evidence};
use attestation::identity::ml_dsa::SigningKey;
use attestation::policy::{Policy, PolicyTable};
use attestation::receipt::{DeviceKind, HardwareTier, Metadata, SignedReceipt, UtilisationProfile, WorkReceipt};
use attestation::text::Text;
use circuits::layout::choose;
use circuits::model::bundle::{Bundle, Info, LABELS_MAX, TEXT_BYTES_MAX};
use circuits::model::random::Encoder;
use circuits::model::recurrence::three_terms;
use circuits::model::tensor::Tensor;
use common::Fixture;
use prover::prove::prove;
use verifier::container::{Container, ContainerError, Kind};
use verifier::key::VerifyingKey;
use verifier::receipt::{ReceiptFile, ReceiptFileError, UnauthenticatedNotes};
use verifier::setup::VerifierSetup;
use verifier::verdict::{Layer, Outcome, RequiredLayer, Requirements, Status, judge};

struct Case {
    file: ReceiptFile,
    key: VerifyingKey,
    requirements: Requirements,
    worker: SigningKey,
}

impl Case {
    fn new() -> Self {
        Self::of(&Fixture::small(), UnauthenticatedNotes::default())
    }

    fn of(fixture: &Fixture, unauthenticated: UnauthenticatedNotes) -> Self {
        let worker = SigningKey::from_seed(&[3; 32]);
        let id = worker.public_key().id();
        let context = WorkContext {
            chain_id: 1337,
            genesis: [1; 32],
            job_id: [2; 32],
            model_hash: fixture.verifying().model_hash(),
            input_hash: fixture.statement.input.hash(),
            worker: id,
            device_id: device_id(&id),
            nonce: [4; 32],
            timestamp: 1_000,
        };
        let attester = SoftwareAttester::new(worker.public_key(), [5; 32], Text::new("host").unwrap());
        let evidence = attester.attest(&context).unwrap();
        let proven = prove(&fixture.key, context.digest(), &fixture.values).unwrap();
        let receipt = WorkReceipt {
            context,
            output_hash: proven.statement.output.hash(),
            compute_units: 10,
            metadata: Metadata {
                tokens_in: 0,
                tokens_out: 0,
                elapsed_ms: 3,
                device: DeviceKind::Cpu,
                tier: HardwareTier::Standard,
                hardware: Text::new("test").unwrap(),
                utilisation: UtilisationProfile::new(vec![]).unwrap(),
            },
            completed_at: 1_010,
            evidence_digest: evidence.digest(),
            session: None,
        };
        let file = ReceiptFile {
            signed: SignedReceipt::sign(receipt, &worker).unwrap(),
            evidence,
            input: proven.statement.input,
            output: proven.statement.output,
            proofs: vec![proven.proof],
            unauthenticated,
        };
        let requirements = Requirements {
            layer: RequiredLayer::Proven,
            accepted_setups: vec![VerifierSetup::development().id()],
            policy: Policy::new(PolicyTable::standard()).unwrap(),
            collateral: attestation::appraisal::Collateral::default(),
            at_ms: None,
            key_audited: true,
        };
        Self { file, key: fixture.verifying().clone(), requirements, worker }
    }

    /// Outcome, and the layers that failed.
    fn verdict(&self, file: &ReceiptFile) -> (Outcome, Vec<Layer>) {
        let verdict = judge(file, Some(&self.key), &self.requirements);
        let failed = verdict.findings.iter().filter(|finding| finding.status == Status::Failed);
        (verdict.outcome, failed.map(|finding| finding.layer).collect())
    }

    fn sign(&self, receipt: WorkReceipt) -> SignedReceipt {
        SignedReceipt::sign(receipt, &self.worker).unwrap()
    }
}

#[test]
fn an_honest_receipt_is_accepted_and_says_what_was_not_checked() {
    let case = Case::new();
    let verdict = judge(&case.file, Some(&case.key), &case.requirements);
    assert_eq!(verdict.outcome, Outcome::Accepted);
    assert!(verdict.findings.iter().all(|finding| finding.status == Status::Passed), "{:?}", verdict.findings);
    assert_eq!(verdict.trust_bps, Some(6000));
    let security = verdict.security.unwrap();
    assert_eq!(security.conjectured_bits, 100);
    assert!((230..250).contains(&security.proven_bits), "{security:?}");
    assert!(verdict.not_checked.iter().any(|line| line.contains("settled")));
    assert!(!verdict.not_checked.iter().any(|line| line.contains("key audited")));
    let bytes = case.file.to_bytes();
    assert_eq!(ReceiptFile::from_bytes(&bytes).unwrap(), case.file);
    let twin = serde_json::to_string(&case.file).unwrap();
    assert_eq!(serde_json::from_str::<ReceiptFile>(&twin).unwrap().to_bytes(), bytes, "the JSON twin is the same file");
}

#[test]
fn without_a_key_or_an_accepted_setup_nothing_is_decided() {
    let case = Case::new();
    let verdict = judge(&case.file, None, &case.requirements);
    assert_eq!((verdict.outcome, verdict.security), (Outcome::Undecided, None));
    let strict = Requirements { accepted_setups: vec![], ..case.requirements.clone() };
    let verdict = judge(&case.file, Some(&case.key), &strict);
    assert_eq!(verdict.outcome, Outcome::Undecided);
    assert!(verdict.finding(Layer::Proof).unwrap().message.contains("whoever knows its secret can forge"));
    let mut unknown = case.file.clone();
    unknown.proofs[0].system = "tomorrow".to_owned();
    assert_eq!(case.verdict(&unknown), (Outcome::Undecided, vec![]));
    let mut two = case.file.clone();
    two.proofs.push(two.proofs[0].clone());
    assert_eq!(case.verdict(&two), (Outcome::Undecided, vec![]));
    let unaudited = Requirements { key_audited: false, ..case.requirements.clone() };
    let verdict = judge(&case.file, Some(&case.key), &unaudited);
    assert!(verdict.not_checked.iter().any(|line| line.starts_with("key audited: no")));
}

#[test]
fn a_receipt_without_a_proof_passes_only_when_evidence_is_asked_for() {
    let case = Case::new();
    let bare = ReceiptFile { proofs: vec![], ..case.file.clone() };
    assert_eq!(case.verdict(&bare), (Outcome::Undecided, vec![]));
    let attested = Requirements { layer: RequiredLayer::Attested, ..case.requirements.clone() };
    assert_eq!(judge(&bare, Some(&case.key), &attested).outcome, Outcome::Accepted);
    assert_eq!(judge(&bare, None, &attested).outcome, Outcome::Accepted);
    // A false proof is never overlooked, whatever is asked for.
    let mut false_proof = case.file.clone();
    false_proof.proofs[0].bytes[40] ^= 1;
    assert_eq!(judge(&false_proof, Some(&case.key), &attested).outcome, Outcome::Rejected);
}

/// Every field of the container, a change to it, and the layers that must find it.
#[test]
fn each_changed_field_is_found_by_its_layer() {
    let case = Case::new();
    let ReceiptFile { signed, evidence: _, input, output, proofs: _, unauthenticated: _ } = &case.file;
    let SignedReceipt { receipt, worker_key: _, signature: _ } = signed;
    let rejected = |file: &ReceiptFile, layers: &[Layer]| {
        assert_eq!(case.verdict(file), (Outcome::Rejected, layers.to_vec()));
    };
    use Layer::{Attestation, Integrity, Model, Proof, Signature};

    // signed.receipt, changed without signing again: the signature, and whatever else depends on the field.
    let mut changed = case.file.clone();
    changed.signed.receipt.compute_units += 1;
    rejected(&changed, &[Signature]);
    // ... and signed again by the worker: only the layers that bind the field can find it.
    let resigned = |change: &dyn Fn(&mut WorkReceipt)| {
        let mut receipt = receipt.clone();
        change(&mut receipt);
        ReceiptFile { signed: case.sign(receipt), ..case.file.clone() }
    };
    rejected(&resigned(&|receipt| receipt.output_hash[0] ^= 1), &[Integrity]);
    rejected(&resigned(&|receipt| receipt.evidence_digest[0] ^= 1), &[Integrity]);
    rejected(&resigned(&|receipt| receipt.context.input_hash[0] ^= 1), &[Integrity, Attestation, Proof]);
    rejected(&resigned(&|receipt| receipt.context.model_hash[0] ^= 1), &[Attestation, Model, Proof]);
    for change in [
        &|receipt: &mut WorkReceipt| receipt.context.chain_id += 1,
        &|receipt: &mut WorkReceipt| receipt.context.genesis[0] ^= 1,
        &|receipt: &mut WorkReceipt| receipt.context.job_id[0] ^= 1,
        &|receipt: &mut WorkReceipt| receipt.context.device_id[0] ^= 1,
        &|receipt: &mut WorkReceipt| receipt.context.nonce[0] ^= 1,
        &|receipt: &mut WorkReceipt| receipt.context.timestamp += 1,
    ] as [&dyn Fn(&mut WorkReceipt); 6]
    {
        rejected(&resigned(change), &[Attestation, Proof]);
    }
    // Another worker signs the same receipt: it is not the one that the context pays.
    let mut stolen = case.file.clone();
    stolen.signed.worker_key = SigningKey::from_seed(&[9; 32]).public_key().clone();
    rejected(&stolen, &[Signature]);
    // evidence
    let Evidence::Software(software) = &case.file.evidence else { panic!("software evidence") };
    let mut other = software.clone();
    other.context_digest[0] ^= 1;
    rejected(&ReceiptFile { evidence: Evidence::Software(other), ..case.file.clone() }, &[Integrity, Attestation]);
    // input, output
    let bent = |tensor: &Tensor, by: i64| {
        let mut values = tensor.values().to_vec();
        values[0] += by;
        Tensor::new(tensor.shape().to_vec(), values).unwrap()
    };
    let by = |tensor: &Tensor, max: i64| if tensor.values()[0] < max { 1 } else { -1 };
    let graph = case.key.graph();
    let input = bent(input, by(input, graph.input().range.max));
    rejected(&ReceiptFile { input, ..case.file.clone() }, &[Integrity, Proof]);
    let output = bent(output, by(output, graph.output().range.max));
    rejected(&ReceiptFile { output: output.clone(), ..case.file.clone() }, &[Integrity, Proof]);
    // The worker signs the false output too: only the proof can tell.
    let mut lying = resigned(&|receipt| receipt.output_hash = output.hash());
    lying.output = output.clone();
    lying.proofs[0].statement_digest = lying.statement().digest();
    rejected(&lying, &[Proof]);
    // proofs
    let mut damaged = case.file.clone();
    let last = damaged.proofs[0].bytes.len() - 1;
    damaged.proofs[0].bytes[last] ^= 1;
    rejected(&damaged, &[Proof]);
    // unauthenticated: changes nothing, which is what its name says.
    let mut noted = case.file.clone();
    noted.unauthenticated.model_name = "anything".to_owned();
    assert_eq!(case.verdict(&noted), (Outcome::Accepted, vec![]));
}

#[test]
fn old_evidence_is_judged_at_the_time_asked_for() {
    let case = Case::new();
    let late = Requirements { at_ms: Some(1_000 + 100 * 86_400_000), ..case.requirements.clone() };
    let verdict = judge(&case.file, Some(&case.key), &late);
    assert_eq!(verdict.outcome, Outcome::Rejected);
    assert!(verdict.finding(Layer::Attestation).unwrap().message.contains("expired"));
}

#[test]
fn damaged_files_are_unreadable_and_other_files_are_named() {
    let case = Case::new();
    let bytes = case.file.to_bytes();
    for length in (0..bytes.len()).step_by(97) {
        assert!(matches!(ReceiptFile::from_bytes(&bytes[..length]), Err(ReceiptFileError::Container(_))));
    }
    let expected = ContainerError::Kind { expected: "receipt", got: "a verifying key file".to_owned() };
    assert_eq!(ReceiptFile::from_bytes(&case.key.to_bytes()), Err(ReceiptFileError::Container(expected)));
    let mut many = case.file.clone();
    many.proofs = vec![many.proofs[0].clone(); verifier::receipt::PROOFS_MAX + 1];
    let expected = ReceiptFileError::Proofs { got: verifier::receipt::PROOFS_MAX + 1 };
    assert_eq!(ReceiptFile::from_bytes(&many.to_bytes()), Err(expected));
    many.proofs.clear();
    many.unauthenticated.labels = vec!["x".repeat(TEXT_BYTES_MAX); LABELS_MAX];
    assert_eq!(ReceiptFile::from_bytes(&many.to_bytes()).as_ref(), Ok(&many), "the labels of every model fit");
    many.unauthenticated.labels = vec![String::new(); LABELS_MAX + 1];
    let expected = ReceiptFileError::Labels { got: LABELS_MAX + 1 };
    assert_eq!(ReceiptFile::from_bytes(&many.to_bytes()), Err(expected));
    assert_eq!(Container::kind(&bytes).unwrap().0, Kind::Receipt);
}

/// The layer of an encoder over eight tokens of eleven, and a run on "[CLS] playing chess is fun [SEP] [PAD]".
fn sequence() -> Fixture {
    let model = Encoder { vocabulary: 11, ..Encoder::small(8) }.model(1);
    let layout = choose(&model.graph).unwrap();
    let graph = model.graph.with_layout(layout).unwrap();
    let name = "a small encoder with random weights".to_owned();
    let info = Info { name, labels: vec![], input_scale: String::new(), quantisation: None };
    let input = Tensor::vector(vec![1, 3, 4, 5, 6, 7, 2, 0]).unwrap();
    Fixture::new(Arc::new(Bundle::new(graph, model.weights, info).unwrap()), input)
}

/// An answer to a prompt: [1, 2, 4, 0, 3, 1].
fn generated() -> Fixture {
    let fixture = Fixture::new(Arc::new(three_terms()), Tensor::vector(vec![1, 2, 4]).unwrap());
    assert_eq!(fixture.statement.output.values(), [0, 3, 1]);
    fixture
}

#[test]
fn the_released_files_of_a_sequence_are_accepted() {
    released(&sequence(), "sequence");
}

#[test]
fn the_released_files_of_a_generated_sequence_are_accepted() {
    released(&generated(), "generated");
}

/// BLESS=1 writes a new receipt; the key is always the same.
fn released(fixture: &Fixture, name: &str) {
    let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("../verifier/tests/vectors");
    let [key, receipt] = ["key-3.vk", "receipt-1.receipt"].map(|file| vectors.join(format!("{name}-{file}")));
    let notes = UnauthenticatedNotes {
        model_name: fixture.key.bundle().info().name.clone(),
        labels: vec![],
        written_by: "assay 0.1.0".to_owned(),
    };
    let case = Case::of(fixture, notes);
    if std::env::var_os("BLESS").is_some() {
        fs::write(&key, case.key.to_bytes()).unwrap();
        fs::write(&receipt, case.file.to_bytes()).unwrap();
    }
    assert_eq!(case.key.to_bytes(), fs::read(&key).unwrap());
    let released = ReceiptFile::from_bytes(&fs::read(&receipt).unwrap()).unwrap();
    assert_eq!(released.output, case.file.output);
    for file in [&released, &case.file] {
        assert_eq!(case.verdict(file), (Outcome::Accepted, vec![]));
    }
}
