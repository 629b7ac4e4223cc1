//! Proving keys on disk: what is read is what was derived, and nothing else is taken for it.

#![allow(clippy::unwrap_used, reason = "test code")]

mod common;

use std::sync::{Arc, OnceLock};

use circuits::layout::choose;
use circuits::layout::shape::Stated;
use circuits::model::bundle::{Bundle, Info};
use circuits::model::random::{Limits, Model};
use common::Fixture;
use halo2_proofs::SerdeFormat;
use halo2_proofs::halo2curves::bn256::Fr;
use halo2_proofs::halo2curves::ff::Field;
use halo2_proofs::poly::commitment::ParamsProver;
use prover::key_file::{KeyFile, KeyFileError};
use prover::prove::prove;
use prover::proving_key::ProvingKey;
use verifier::container::{Container, Kind};
use verifier::key::{KeyError, ModelCommitment, VerifyingKey};
use verifier::setup::Setup;

const CHECKSUM_CONTEXT: &str = "assay 2026 proving-key-file-checksum v1";

struct Written {
    fixture: Fixture,
    file: KeyFile,
    bytes: Vec<u8>,
}

fn written() -> &'static Written {
    static WRITTEN: OnceLock<Written> = OnceLock::new();
    WRITTEN.get_or_init(|| {
        let fixture = Fixture::small();
        let file = KeyFile::new(Arc::clone(fixture.key.bundle()), fixture.key.setup()).unwrap();
        let mut bytes = vec![];
        file.write(&fixture.key, &mut bytes).unwrap();
        Written { fixture, file, bytes }
    })
}

fn read(bytes: &[u8]) -> Result<ProvingKey, KeyFileError> {
    written().file.read(&mut &*bytes)
}

/// The file with its checksum made to fit.
fn sealed(mut bytes: Vec<u8>) -> Vec<u8> {
    let content = bytes.len() - 32;
    let checksum = blake3::derive_key(CHECKSUM_CONTEXT, &bytes[..content]);
    bytes[content..].copy_from_slice(&checksum);
    bytes
}

fn verifying_key_length() -> usize {
    u64::from_le_bytes(written().bytes[48..56].try_into().unwrap()) as usize
}

#[test]
fn a_key_that_was_read_is_the_key_that_was_derived_and_proves() {
    let Written { fixture, bytes, file } = written();
    let key = read(bytes).unwrap();
    let all = |key: &ProvingKey| key.halo2().to_bytes(SerdeFormat::RawBytes);
    assert!(all(&key) == all(&fixture.key));
    assert_eq!(key.halo2().get_vk().transcript_repr(), fixture.key.halo2().get_vk().transcript_repr());
    assert_eq!(key.verifying().to_bytes(), fixture.verifying().to_bytes());
    assert_eq!(key.verifying().digest(), fixture.verifying().digest());
    let proven = prove(&key, fixture.statement.context_digest, &fixture.values).unwrap();
    assert!(verifier::proof::verify(fixture.verifying(), &proven.statement, &proven.proof).is_ok());
    assert!(file.name().ends_with(".pk") && file.name().len() == 67);
    let mut again = vec![];
    file.write(&key, &mut again).unwrap();
    assert!(again == *bytes);
}

#[test]
fn a_key_derived_in_one_pass_is_the_one_that_verifiers_derive() {
    let Written { fixture, .. } = written();
    let key = fixture.verifying();
    let derived = VerifyingKey::derive(key.graph().clone(), key.commitment().clone(), fixture.key.setup()).unwrap();
    assert_eq!((derived.digest(), derived.to_bytes()), (key.digest(), key.to_bytes()));
    assert_eq!(fixture.key.halo2().get_vk().transcript_repr(), derived.halo2().transcript_repr());
}

#[test]
fn a_file_that_ends_anywhere_is_refused_with_its_part() {
    let bytes = &written().bytes;
    let key_end = 56 + verifying_key_length();
    let boundaries =
        [0, 15, 16, 47, 48, 55, 56, key_end - 1, key_end, bytes.len() - 33, bytes.len() - 32, bytes.len() - 1];
    let strided = (0..bytes.len()).step_by(997);
    for end in boundaries.into_iter().chain(strided) {
        let part = match read(&bytes[..end]).unwrap_err() {
            KeyFileError::Truncated { part } => part,
            other => panic!("{end}: {other}"),
        };
        let expected: &[&str] = match end {
            0..56 => &["header"],
            _ if end < key_end => &["verifying key"],
            _ if end >= bytes.len() - 32 => &["checksum"],
            _ => &["fixed columns", "permutation columns"],
        };
        assert!(expected.contains(&part), "{end}: {part}");
    }
    let longer: Vec<u8> = bytes.iter().copied().chain([0]).collect();
    assert!(matches!(read(&longer), Err(KeyFileError::Trailing)));
}

#[test]
fn a_changed_byte_is_refused_anywhere() {
    let bytes = &written().bytes;
    let key_end = 56 + verifying_key_length();
    for at in (0..100).chain((0..bytes.len()).step_by(211)).chain(bytes.len() - 40..bytes.len()) {
        let mut changed = bytes.clone();
        changed[at] ^= 0x10;
        let error = read(&changed).unwrap_err();
        let expected = match at {
            0..16 => matches!(error, KeyFileError::Magic),
            16..48 => matches!(error, KeyFileError::Identity { .. }),
            // Another length shifts everything behind it.
            48..56 => matches!(
                error,
                KeyFileError::VerifyingKeyLength { .. }
                    | KeyFileError::VerifyingKey(_)
                    | KeyFileError::Truncated { .. }
            ),
            _ if at < key_end => matches!(error, KeyFileError::VerifyingKey(KeyError::Container(_))),
            _ => matches!(error, KeyFileError::Checksum | KeyFileError::Value { .. }),
        };
        assert!(expected, "{at}: {error}");
    }
}

#[test]
fn lies_under_a_fitting_checksum_are_refused() {
    let Written { fixture, bytes, .. } = written();
    let key_end = 56 + verifying_key_length();
    let mut large = bytes.clone();
    large[48..56].copy_from_slice(&((4u64 << 20) + 1).to_le_bytes());
    assert!(matches!(read(&sealed(large)), Err(KeyFileError::VerifyingKeyLength { got: 4_194_305 })));

    let mut modulus = bytes.clone();
    modulus[key_end..key_end + 32].fill(0xff);
    assert!(matches!(read(&sealed(modulus)), Err(KeyFileError::Value { part: "fixed columns" })));

    // The key of a model with other weights, under this one's name.
    let other = other_weights();
    let derived = ProvingKey::derive(Arc::new(other), fixture.key.setup()).unwrap();
    let verifying = derived.verifying().to_bytes();
    assert_eq!(verifying.len(), verifying_key_length());
    let mut swapped = bytes.clone();
    swapped[56..key_end].copy_from_slice(&verifying);
    assert!(matches!(read(&sealed(swapped)), Err(KeyFileError::OtherVerifyingKey)));

    // This model's key, with another circuit's gates.
    let mut body: Body = Container::decode(Kind::VerifyingKey, &bytes[56..key_end]).unwrap();
    let shape = body.5.as_mut().unwrap();
    // A window more, which has a column; windows' roles follow 14 plain ones and two of each chain.
    shape.roles.insert(14 + 2 * shape.chain_powers.len() + shape.slides.len(), true);
    shape.slides.push([1, 2]);
    body.3.push(body.3[0]);
    let other = Container::encode(Kind::VerifyingKey, &body);
    let length = (other.len() as u64).to_le_bytes();
    let other_gates = [&bytes[..48], &length, &other, &bytes[key_end..]].concat();
    assert!(matches!(read(&sealed(other_gates)), Err(KeyFileError::OtherVerifyingKey)));
}

/// What a verifying key's file holds.
type Body = (Vec<u8>, ModelCommitment, [u8; 64], Vec<[u8; 64]>, Vec<[u8; 64]>, Option<Stated>);

/// The fixture's model with one bias changed.
fn other_weights() -> Bundle {
    let bundle = written().fixture.key.bundle();
    let info = Info { name: "renamed".into(), ..bundle.info().clone() };
    Bundle::new(bundle.graph().clone(), bundle.weights().clone(), info).unwrap()
}

#[test]
fn every_model_and_setup_has_a_name_of_its_own() {
    let Written { fixture, file, bytes } = written();
    let setup = fixture.key.setup();
    let renamed = KeyFile::new(Arc::new(other_weights()), setup).unwrap();
    let model = Model::from_seed(7, &Limits { quotients_max: 60, shift_max: 4, ..Limits::circuit() });
    let layout = choose(&model.graph).unwrap();
    let k = layout.k;
    let info = Info { name: "another".into(), labels: vec![], input_scale: String::new(), quantisation: None };
    let bundle = Bundle::new(model.graph.with_layout(layout).unwrap(), model.weights, info).unwrap();
    let large = prover::srs::generate::development(k.max(setup.k()), &|_, _| {}).unwrap();
    let another = KeyFile::new(Arc::new(bundle), &large).unwrap();
    let under = KeyFile::new(Arc::clone(fixture.key.bundle()), &other_setup(setup.k())).unwrap();
    for other in [&renamed, &another, &under] {
        assert_ne!(other.name(), file.name());
        assert!(matches!(other.read(&mut &**bytes), Err(KeyFileError::Identity { .. })));
        let error = other.write(&fixture.key, &mut vec![]).unwrap_err();
        assert_eq!(error.to_string(), "the key is another model's or another setup's");
    }
    // A larger setup is the same setup.
    let same = KeyFile::new(Arc::clone(fixture.key.bundle()), &large).unwrap();
    assert_eq!(same.name(), file.name());
}

/// A setup with another secret.
fn other_setup(k: u32) -> Setup {
    let development = prover::srs::generate::development(k, &|_, _| {}).unwrap();
    use halo2_proofs::halo2curves::group::Curve;
    let tau_g2 = (development.parameters().s_g2() * (Fr::ONE + Fr::ONE)).to_affine();
    let powers = development.parameters().get_g().to_vec();
    Setup::new(k, powers, development.lagrange_basis().to_vec(), tau_g2).unwrap()
}

#[test]
fn a_setup_that_is_too_small_is_named() {
    let fixture = &written().fixture;
    let small = prover::srs::generate::development(3, &|_, _| {}).unwrap();
    let error = KeyFile::new(Arc::clone(fixture.key.bundle()), &small).unwrap_err();
    let expected = fixture.key.setup().k();
    assert_eq!(error.to_string(), format!("setup: expected bases for at least 2^{expected} rows, got 2^3"));
}
