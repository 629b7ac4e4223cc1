//! The receipt: layout, every way to forge one, and the views.
#![allow(clippy::unwrap_used, clippy::panic, reason = "test code")]

mod common;

use std::collections::BTreeSet;

use attestation::{
    codec::{DecodeError, FieldError},
    context::WorkContext,
    evidence::Evidence,
    identity::{IdentityError, address::Address, ed25519, ml_dsa},
    receipt::{
        DeviceKind, HardwareTier, Metadata, ReceiptError, Session, SignedReceipt, UtilisationError, UtilisationProfile,
        WorkReceipt,
    },
    text::{Text, TextError},
};
use common::{LEASED_AT, evidence_for, hex, receipt_for, receipt_with_session, session_key, signed, worker};

const SIGNATURE: ReceiptError =
    ReceiptError::Signature(IdentityError::SignatureMismatch { what: "ml-dsa-65 signature" });
const SESSION: ReceiptError =
    ReceiptError::SessionSignature(IdentityError::SignatureMismatch { what: "ed25519 signature" });

fn other_worker() -> ml_dsa::SigningKey {
    ml_dsa::SigningKey::from_seed(&[1; 32])
}

fn payee_mismatch(receipt: &SignedReceipt) -> ReceiptError {
    ReceiptError::PayeeMismatch { expected: receipt.receipt.context.worker, got: receipt.worker_key.id() }
}

#[test]
fn golden_digests_of_another_implementation() {
    let worker = worker();
    let plain = receipt_for(&worker);
    assert_eq!(plain.to_bytes().len(), 359);
    assert_eq!(hex(&plain.digest()), "0xee0f1a39acabc40d0158ca78e2e96be4d3ab1ade29c5da9f4703220c3c36f299");
    let with_session = receipt_with_session(&worker);
    assert_eq!(with_session.to_bytes().len(), 455);
    assert_eq!(hex(&with_session.digest()), "0x63cafcc67c5302e98e50f4aa142c82850196737a6ef45c61543a155c6c89c673");
}

#[test]
fn an_honest_receipt_verifies_and_reads_back() {
    for receipt in [receipt_for(&worker()), receipt_with_session(&worker())] {
        let signed = SignedReceipt::sign(receipt, &worker()).unwrap();
        assert_eq!(signed.verify(), Ok(()));
        let read = SignedReceipt::from_bytes(&signed.to_bytes()).unwrap();
        assert_eq!(read, signed);
        assert_eq!(read.verify(), Ok(()));
        let json = serde_json::to_string(&signed).unwrap();
        assert_eq!(serde_json::from_str::<SignedReceipt>(&json).unwrap(), signed);
    }
}

#[test]
fn the_digest_is_of_the_receipt_and_not_of_the_signature() {
    let mut signed = signed();
    let digest = signed.digest();
    signed.signature = other_worker().sign("assay 2026 test v1", b"other").unwrap();
    assert_eq!(signed.digest(), digest);
    assert_eq!(signed.digest(), signed.receipt.digest());
}

/// One row per leaf of the JSON twin: name, change, refusal.
type Tampering = (&'static str, fn(&mut SignedReceipt), fn(&SignedReceipt) -> ReceiptError);

fn flip(bytes: &mut [u8; 32]) {
    bytes[31] ^= 0x80;
}

fn tamperings() -> Vec<Tampering> {
    vec![
        ("receipt.context.chain_id", |r| r.receipt.context.chain_id += 1, |_| SIGNATURE),
        ("receipt.context.genesis", |r| flip(&mut r.receipt.context.genesis), |_| SIGNATURE),
        ("receipt.context.job_id", |r| flip(&mut r.receipt.context.job_id), |_| SIGNATURE),
        ("receipt.context.model_hash", |r| flip(&mut r.receipt.context.model_hash), |_| SIGNATURE),
        ("receipt.context.input_hash", |r| flip(&mut r.receipt.context.input_hash), |_| SIGNATURE),
        ("receipt.context.worker", |r| flip(&mut r.receipt.context.worker), payee_mismatch),
        ("receipt.context.device_id", |r| flip(&mut r.receipt.context.device_id), |_| SIGNATURE),
        ("receipt.context.nonce", |r| flip(&mut r.receipt.context.nonce), |_| SIGNATURE),
        ("receipt.context.timestamp", |r| r.receipt.context.timestamp -= 1, |_| SIGNATURE),
        ("receipt.output_hash", |r| flip(&mut r.receipt.output_hash), |_| SIGNATURE),
        ("receipt.compute_units", |r| r.receipt.compute_units += 1, |_| SIGNATURE),
        ("receipt.metadata.tokens_in", |r| r.receipt.metadata.tokens_in += 1, |_| SIGNATURE),
        ("receipt.metadata.tokens_out", |r| r.receipt.metadata.tokens_out += 1, |_| SIGNATURE),
        ("receipt.metadata.elapsed_ms", |r| r.receipt.metadata.elapsed_ms += 1, |_| SIGNATURE),
        ("receipt.metadata.device", |r| r.receipt.metadata.device = DeviceKind::Cpu, |_| SIGNATURE),
        ("receipt.metadata.tier", |r| r.receipt.metadata.tier = HardwareTier::Server, |_| SIGNATURE),
        ("receipt.metadata.hardware", |r| r.receipt.metadata.hardware = Text::new("Test GPU").unwrap(), |_| SIGNATURE),
        (
            "receipt.metadata.utilisation",
            |r| r.receipt.metadata.utilisation = UtilisationProfile::default(),
            |_| SIGNATURE,
        ),
        ("receipt.completed_at", |r| r.receipt.completed_at += 1, |_| SIGNATURE),
        ("receipt.evidence_digest", |r| flip(&mut r.receipt.evidence_digest), |_| SIGNATURE),
        (
            "receipt.session.key",
            |r| {
                let key = ed25519::SigningKey::from_seed(&[1; 32]).public_key();
                r.receipt.session.as_mut().unwrap().key = key;
            },
            |_| SIGNATURE,
        ),
        (
            "receipt.session.signature",
            |r| {
                let session = r.receipt.session.as_mut().unwrap();
                let mut bytes = *session.signature.as_bytes();
                bytes[0] ^= 1;
                session.signature = ed25519::Signature::from_bytes(&bytes).unwrap();
            },
            |_| SIGNATURE,
        ),
        ("worker_key", |r| r.worker_key = other_worker().public_key().clone(), payee_mismatch),
        (
            "signature",
            |r| {
                let mut bytes = *r.signature.as_bytes();
                bytes[0] ^= 1;
                r.signature = ml_dsa::Signature::from_bytes(&bytes).unwrap();
            },
            |_| SIGNATURE,
        ),
    ]
}

/// Does not compile when a field is added, so that nobody forgets the table above; the test below compares the names.
fn destructure(signed: &SignedReceipt) {
    let SignedReceipt { receipt, worker_key: _, signature: _ } = signed;
    let WorkReceipt {
        context,
        output_hash: _,
        compute_units: _,
        metadata,
        completed_at: _,
        evidence_digest: _,
        session,
    } = receipt;
    let WorkContext {
        chain_id: _,
        genesis: _,
        job_id: _,
        model_hash: _,
        input_hash: _,
        worker: _,
        device_id: _,
        nonce: _,
        timestamp: _,
    } = context;
    let Metadata { tokens_in: _, tokens_out: _, elapsed_ms: _, device: _, tier: _, hardware: _, utilisation: _ } =
        metadata;
    let Some(Session { key: _, signature: _ }) = session else { panic!("the sample needs a session") };
}

fn leaves(prefix: &str, value: &serde_json::Value, names: &mut BTreeSet<String>) {
    match value.as_object() {
        Some(fields) => {
            for (name, field) in fields {
                let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
                leaves(&path, field, names);
            }
        }
        None => drop(names.insert(prefix.to_owned())),
    }
}

#[test]
fn the_tamper_table_names_every_field() {
    let signed = signed();
    destructure(&signed);
    let mut expected = BTreeSet::new();
    leaves("", &serde_json::to_value(&signed).unwrap(), &mut expected);
    let listed: BTreeSet<String> = tamperings().into_iter().map(|(name, ..)| name.to_owned()).collect();
    assert_eq!(listed, expected);
}

#[test]
fn every_field_is_signed() {
    for (name, change, refusal) in tamperings() {
        let mut signed = signed();
        change(&mut signed);
        assert_eq!(signed.verify(), Err(refusal(&signed)), "{name}");
    }
}

#[test]
fn dropping_the_session_breaks_the_signature() {
    let mut signed = signed();
    signed.receipt.session = None;
    assert_eq!(signed.verify(), Err(SIGNATURE));
}

#[test]
fn a_thief_cannot_sign_for_the_payee_nor_rename_the_payee() {
    let thief = other_worker();
    let receipt = receipt_for(&worker());
    let expected = receipt.context.worker;
    let refused = ReceiptError::PayeeMismatch { expected, got: thief.public_key().id() };
    assert_eq!(SignedReceipt::sign(receipt, &thief), Err(refused));

    let mut stolen = signed();
    stolen.receipt.context.worker = thief.public_key().id();
    stolen.worker_key = thief.public_key().clone();
    assert_eq!(stolen.verify(), Err(SIGNATURE));
}

#[test]
fn a_session_for_another_output_or_context_is_refused_even_when_the_worker_signs_it() {
    let worker = worker();
    let receipt = receipt_for(&worker);
    for (context, output) in [(receipt.context.digest(), [0; 32]), ([0; 32], receipt.output_hash)] {
        let mut receipt = receipt.clone();
        receipt.session = Some(Session::sign(&session_key(), &context, &output));
        assert_eq!(SignedReceipt::sign(receipt.clone(), &worker), Err(SESSION));
        let signature = worker.sign(attestation::hash::purpose::RECEIPT_SIGNATURE, &receipt.to_bytes()).unwrap();
        let forced = SignedReceipt { receipt, worker_key: worker.public_key().clone(), signature };
        assert_eq!(forced.verify(), Err(SESSION));
    }
}

#[test]
fn work_cannot_end_before_its_lease() {
    let worker = worker();
    let mut receipt = receipt_for(&worker);
    receipt.completed_at = LEASED_AT;
    assert_eq!(SignedReceipt::sign(receipt.clone(), &worker).unwrap().verify(), Ok(()));
    receipt.completed_at = LEASED_AT - 1;
    let refused = ReceiptError::CompletedBeforeLease { timestamp: LEASED_AT, completed_at: LEASED_AT - 1 };
    assert_eq!(SignedReceipt::sign(receipt.clone(), &worker), Err(refused.clone()));
    let signature = worker.sign(attestation::hash::purpose::RECEIPT_SIGNATURE, &receipt.to_bytes()).unwrap();
    let forced = SignedReceipt { receipt, worker_key: worker.public_key().clone(), signature };
    assert_eq!(forced.verify(), Err(refused));
}

#[test]
fn a_signature_for_another_purpose_is_no_receipt_signature() {
    let worker = worker();
    let receipt = receipt_for(&worker);
    let signature = worker.sign("assay 2026 test v1", &receipt.to_bytes()).unwrap();
    let signed = SignedReceipt { receipt, worker_key: worker.public_key().clone(), signature };
    assert_eq!(signed.verify(), Err(SIGNATURE));
}

#[test]
fn truncated_and_trailing_bytes_are_refused() {
    let (what, bytes) = ("signed receipt", signed().to_bytes());
    for got in 0..bytes.len() {
        let refused = ReceiptError::Decode(DecodeError::Truncated { what, got });
        assert_eq!(SignedReceipt::from_bytes(&bytes[..got]), Err(refused), "{got}");
    }
    let longer = [bytes.as_slice(), &[0]].concat();
    let refused = ReceiptError::Decode(DecodeError::TrailingBytes { what, extra: 1 });
    assert_eq!(SignedReceipt::from_bytes(&longer), Err(refused));
    let refused = ReceiptError::Decode(DecodeError::TooLong { what, max: 8192, got: 8193 });
    assert_eq!(SignedReceipt::from_bytes(&[0; 8193]), Err(refused));
}

/// Offsets: 236 context, 32 output, 8 units, 4 + 4 tokens, 8 elapsed, then device, tier, hardware, utilisation.
#[test]
fn bad_tags_texts_and_samples_are_refused() {
    let what = "signed receipt";
    let bytes = signed().to_bytes();
    let with = |position: usize, value: &[u8]| {
        let mut changed = bytes.clone();
        changed[position..position + value.len()].copy_from_slice(value);
        SignedReceipt::from_bytes(&changed).unwrap_err()
    };
    let field = |source| ReceiptError::Decode(DecodeError::Field { what, source });
    let tag = ReceiptError::Decode(DecodeError::InvalidTag { what });
    let (device, tier, hardware, utilisation) = (292, 293, 294, 306);
    let session = 306 + 4 + 8 + 8 + 32;
    assert_eq!(with(device, &[2]), tag);
    assert_eq!(with(tier, &[4]), tag);
    assert_eq!(with(session, &[2]), tag);
    assert_eq!(with(hardware, &65_u32.to_le_bytes()), field(TextError::TooLong { max: 64, got: 65 }.into()));
    let huge = usize::try_from(u32::MAX).unwrap();
    assert_eq!(with(hardware, &u32::MAX.to_le_bytes()), field(TextError::TooLong { max: 64, got: huge }.into()));
    assert_eq!(with(hardware + 5, &[0xff]), field(TextError::NotUtf8 { position: 1 }.into()));
    assert_eq!(with(hardware + 4, &[0x1b]), field(TextError::ControlCharacter { code: 0x1b }.into()));
    let too_many = UtilisationError::TooManySamples { max: 32, got: 33 };
    assert_eq!(with(utilisation, &33_u32.to_le_bytes()), field(too_many.into()));
    let above = UtilisationError::AboveFull { got: 10_001 };
    assert_eq!(with(utilisation + 4, &10_001_u32.to_le_bytes()), field(above.into()));
    let malformed = FieldError::Identity(IdentityError::MalformedSignature);
    assert_eq!(with(bytes.len() - 1, &[0xff]), field(malformed));
}

#[test]
fn metadata_constructors_check_what_the_decoder_checks() {
    assert_eq!(Text::<64>::new("a".repeat(65)), Err(TextError::TooLong { max: 64, got: 65 }));
    assert_eq!(Text::<64>::new("a\u{9b}"), Err(TextError::ControlCharacter { code: 0x9b }));
    let too_many = UtilisationError::TooManySamples { max: 32, got: 33 };
    assert_eq!(UtilisationProfile::new(vec![0; 33]), Err(too_many));
    assert_eq!(UtilisationProfile::new(vec![10_001]), Err(UtilisationError::AboveFull { got: 10_001 }));
}

#[test]
fn the_largest_receipt_fits_the_cap() {
    let mut receipt = receipt_with_session(&worker());
    receipt.metadata.hardware = Text::new("h".repeat(64)).unwrap();
    receipt.metadata.utilisation = UtilisationProfile::new(vec![10_000; 32]).unwrap();
    let signed = SignedReceipt::sign(receipt, &worker()).unwrap();
    assert_eq!(SignedReceipt::from_bytes(&signed.to_bytes()), Ok(signed));
}

#[test]
fn views_show_the_receipt_as_the_other_systems_spell_it() {
    let (signed, evidence) = (signed(), evidence_for(&worker()));
    let proof = signed.ai_work_proof(&evidence).unwrap();
    assert_eq!(proof.miner, signed.worker_key);
    assert_eq!((proof.model_hash, proof.input_hash, proof.output_hash), ([3; 32], [4; 32], [9; 32]));
    assert_eq!((proof.compute_units, proof.timestamp), (2410, LEASED_AT + 100));
    assert_eq!(proof.signature, signed.signature);
    assert_eq!(proof.tee_attestation, None, "software evidence is no TEE attestation");

    let sender = Address::new([6; 32]);
    let result = signed.compute_result(sender, Some(vec![1]));
    assert_eq!((result.task_id, result.result_hash, result.nonce), ([2; 32], [9; 32], [7; 32]));
    assert_eq!((result.worker_address, result.proof), (sender, Some(vec![1])));
    assert_eq!(result.signature, signed.signature);
}

#[test]
fn a_view_with_other_evidence_is_refused() {
    let signed = signed();
    let Evidence::Software(mut software) = evidence_for(&worker()) else { panic!("software evidence") };
    software.executable_hash = [0; 32];
    let other = Evidence::Software(software);
    let refused = ReceiptError::EvidenceMismatch { expected: signed.receipt.evidence_digest, got: other.digest() };
    assert_eq!(signed.ai_work_proof(&other), Err(refused));
}
