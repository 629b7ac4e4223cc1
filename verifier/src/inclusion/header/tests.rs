//! Certificates, links and misbehaviour, each refusal by its exact variant.

use super::*;

const GENESIS: [u8; 32] = [7; 32];

fn keys(count: u8) -> Vec<SigningKey> {
    let mut keys: Vec<SigningKey> = (1..=count).map(|seed| SigningKey::from_seed(&[seed; 32])).collect();
    keys.sort_by_key(|key| key.public_key().address());
    keys
}

fn set(keys: &[SigningKey]) -> ValidatorSet {
    ValidatorSet::new(keys.iter().map(|key| Validator { public_key: key.public_key(), weight: 1 }).collect()).unwrap()
}

fn header(height: u64, parent: [u8; 32], beacon: [u8; 32]) -> Header {
    Header {
        height,
        parent,
        time: 1000 * height,
        proposer: Address::new([1; 32]),
        state_root: [2; 32],
        transaction_root: [3; 32],
        compute_root: [4; 32],
        epoch: 0,
        beacon,
    }
}

fn certify(header: &Header, keys: &[SigningKey]) -> Certificate {
    let signatures = keys.iter().map(|key| CommitSignature::sign(header, &GENESIS, key)).collect();
    Certificate { header: header.hash(), signatures }
}

#[test]
fn more_than_two_thirds_finalise() {
    let keys = keys(4);
    let header = header(1, GENESIS, [5; 32]);
    assert_eq!(certify(&header, &keys[..3]).verify(&header, &GENESIS, &set(&keys)), Ok(()));
    assert_eq!(
        certify(&header, &keys[..2]).verify(&header, &GENESIS, &set(&keys)),
        Err(CertificateError::Weight { total: 4, got: 2 })
    );
    assert_eq!(
        certify(&header, &keys[..2]).verify(&header, &GENESIS, &set(&keys[..3])),
        Err(CertificateError::Weight { total: 3, got: 2 })
    );
    assert_eq!(certify(&header, &keys[..1]).verify(&header, &GENESIS, &set(&keys[..1])), Ok(()));
}

#[test]
fn a_certificate_is_for_one_header_one_chain_and_one_set() {
    let keys = keys(3);
    let validators = set(&keys[..2]);
    let first = header(1, GENESIS, [5; 32]);
    let certificate = certify(&first, &keys[..2]);
    let other = Header { state_root: [9; 32], ..first.clone() };
    assert_eq!(certificate.verify(&other, &GENESIS, &validators), Err(CertificateError::Header));
    assert_eq!(certificate.verify(&first, &[8; 32], &validators), Err(CertificateError::Signature { position: 0 }));
    let mut stranger = certify(&first, &keys);
    stranger.signatures.sort_by_key(|entry| entry.validator);
    assert_eq!(stranger.verify(&first, &GENESIS, &validators), Err(CertificateError::Unknown { position: 2 }));
    let mut twice = certificate.clone();
    twice.signatures[1] = twice.signatures[0].clone();
    assert_eq!(twice.verify(&first, &GENESIS, &validators), Err(CertificateError::Order { position: 1 }));
}

#[test]
fn links_bind_height_parent_time_and_beacon() {
    let keys = keys(1);
    let parent = header(1, GENESIS, [5; 32]);
    let certificate = certify(&parent, &keys);
    let child = header(2, parent.hash(), beacon_after(&parent.beacon, &certificate));
    assert_eq!(check_link(&parent, &certificate, &child), Ok(()));
    let skipped = Header { height: 3, ..child.clone() };
    assert_eq!(check_link(&parent, &certificate, &skipped), Err(LinkError::Height { expected: 2, got: 3 }));
    let orphan = Header { parent: [0; 32], ..child.clone() };
    assert_eq!(check_link(&parent, &certificate, &orphan), Err(LinkError::Parent));
    let early = Header { time: parent.time, ..child.clone() };
    assert_eq!(check_link(&parent, &certificate, &early), Err(LinkError::Time { parent: 1000, got: 1000 }));
    let ground = Header { beacon: [0; 32], ..child };
    assert_eq!(check_link(&parent, &certificate, &ground), Err(LinkError::Beacon));
}

#[test]
fn validator_sets_are_sorted_distinct_and_weighted() {
    let keys = keys(2);
    let entry = |index: usize, weight| Validator { public_key: keys[index].public_key(), weight };
    assert_eq!(ValidatorSet::new(vec![]), Err(ValidatorSetError::Count { got: 0 }));
    assert_eq!(ValidatorSet::new(vec![entry(1, 1), entry(0, 1)]), Err(ValidatorSetError::Order { position: 1 }));
    assert_eq!(ValidatorSet::new(vec![entry(0, 1), entry(0, 1)]), Err(ValidatorSetError::Order { position: 1 }));
    assert_eq!(ValidatorSet::new(vec![entry(0, 0)]), Err(ValidatorSetError::Weight { position: 0 }));
    assert_eq!(ValidatorSet::new(vec![entry(0, u64::MAX), entry(1, 1)]), Err(ValidatorSetError::Total));
    let bytes = borsh::to_vec(&vec![entry(1, 1), entry(0, 1)]).unwrap();
    assert!(borsh::from_slice::<ValidatorSet>(&bytes).is_err());
}

#[test]
fn misbehaviour_needs_two_headers_of_one_signer() {
    let keys = keys(2);
    let validators = set(&keys);
    let first = header(4, GENESIS, [5; 32]);
    let second = Header { time: 9, ..first.clone() };
    let report = |one: &Header, two: &Header, signers: (usize, usize)| Misbehaviour {
        first: one.clone(),
        first_signature: CommitSignature::sign(one, &GENESIS, &keys[signers.0]),
        second: two.clone(),
        second_signature: CommitSignature::sign(two, &GENESIS, &keys[signers.1]),
    };
    assert_eq!(report(&first, &second, (0, 0)).verify(&GENESIS, &validators), Ok(()));
    assert_eq!(report(&first, &first, (0, 0)).verify(&GENESIS, &validators), Err(MisbehaviourError::NoConflict));
    assert_eq!(report(&first, &second, (0, 1)).verify(&GENESIS, &validators), Err(MisbehaviourError::Signer));
    assert_eq!(report(&first, &second, (0, 0)).verify(&[0; 32], &validators), Err(MisbehaviourError::Signature));
}
