//! A file that snarkjs made.

use halo2_proofs::halo2curves::bn256::{Fq, G1Affine};
use halo2_proofs::halo2curves::serde::SerdeObject;
use halo2_proofs::poly::commitment::ParamsProver;
use prover::srs::error::ImportError;
use prover::srs::lagrange::basis;
use prover::srs::ptau;
use verifier::points::encode_affine;

const PREPARED: &[u8] = include_bytes!("../vectors/prepared-4.ptau");
const DIGEST: &str = "3b52cf7c04a618c2e288b5ed1254074cc338bb2d350a244f070c0b2029292de3\
                      6c0011f17e1f8834b10f4cffdd772edfbc8e6fac54545aa77d6dc1401cf5003a";

/// Where the content of a section starts.
fn at(id: u32) -> usize {
    let mut at = 12;
    loop {
        let stated = u32::from_le_bytes(PREPARED[at..at + 4].try_into().unwrap());
        let length = u64::from_le_bytes(PREPARED[at + 4..at + 12].try_into().unwrap());
        at += 12;
        if stated == id {
            return at;
        }
        at += usize::try_from(length).unwrap();
    }
}

/// The points of G1 in a section, from the one at `from`.
fn section(id: u32, from: usize, count: usize) -> Vec<[u8; 64]> {
    let point = |bytes: &[u8]| {
        let [x, y] = [0, 32].map(|start| Fq::from_raw_bytes(&bytes[start..start + 32]).unwrap());
        encode_affine(&G1Affine { x, y })
    };
    PREPARED[at(id)..].chunks(64).skip(from).take(count).map(point).collect()
}

#[test]
fn a_prepared_file_gives_its_powers_and_its_own_lagrange_bases() {
    for k in 1..=4 {
        let transcript = ptau::read(&mut &PREPARED[..], Some(k), &|_| {}).unwrap();
        let setup = transcript.check().unwrap().into_setup(&|_, _| panic!("the file has a basis")).unwrap();
        let powers: Vec<[u8; 64]> = setup.parameters().get_g().iter().map(encode_affine).collect();
        assert_eq!(powers, section(2, 0, 1 << k));
        // snarkjs keeps the bases of all sizes one after the other, over the powers of another root of unity.
        let mut theirs = section(12, (1 << k) - 1, 1 << k);
        let mut ours: Vec<[u8; 64]> = setup.lagrange_basis().iter().map(encode_affine).collect();
        assert_eq!(setup.lagrange_basis(), basis(k, setup.parameters().get_g(), &|_, _| {}).unwrap());
        ours.sort_unstable();
        theirs.sort_unstable();
        assert_eq!(ours, theirs, "2^{k}");
    }
}

#[test]
fn a_basis_of_other_powers_is_refused() {
    let content = at(12);
    // Two points of the basis for four rows exchanged; those for eight rows are what they should be.
    let mut changed = PREPARED.to_vec();
    let (left, right) = changed.split_at_mut(content + 4 * 64);
    left[content + 3 * 64..].swap_with_slice(&mut right[..64]);
    let error = ptau::read(&mut changed.as_slice(), Some(2), &|_| {}).unwrap().check().unwrap_err();
    assert_eq!(error.to_string(), "Lagrange basis: it is not that of the file's powers");
    ptau::read(&mut changed.as_slice(), Some(3), &|_| {}).unwrap().check().unwrap();
    changed[content + 5 * 64] ^= 1;
    let error = ptau::read(&mut changed.as_slice(), Some(2), &|_| {}).unwrap_err();
    assert_eq!(error.to_string(), "Lagrange bases, point 2: not the canonical encoding of a curve point");
    let mut longer = PREPARED.to_vec();
    longer[content - 8] ^= 1;
    let error = ptau::read(&mut longer.as_slice(), None, &|_| {}).unwrap_err();
    assert_eq!(error.to_string(), "section 12 (Lagrange bases): expected 4032 bytes, got 4033");
}

#[test]
fn without_a_size_the_whole_file_is_taken() {
    let ceremony = ptau::read(&mut &PREPARED[..], None, &|_| {}).unwrap().check().unwrap();
    assert_eq!((ceremony.k(), ceremony.digest().to_string().as_str()), (4, DIGEST));
    let other = ptau::read(&mut &PREPARED[..], Some(2), &|_| {}).unwrap().check().unwrap();
    assert_eq!(other.setup_id(), ceremony.setup_id());
}

#[test]
fn it_is_believed_by_its_digest_only() {
    let ceremony = ptau::read(&mut &PREPARED[..], None, &|_| {}).unwrap().check().unwrap();
    assert_eq!(ceremony.known(), None);
    let error = ceremony.trust(None).unwrap_err();
    let ImportError::Unknown { digest, setup_id } = &error else { panic!("{error}") };
    assert_eq!((**digest, *setup_id), (*ceremony.digest(), ceremony.setup_id()));
    assert!(error.to_string().contains(DIGEST));
    ceremony.trust(Some(&DIGEST.parse().unwrap())).unwrap();
    ceremony.trust(Some(&format!("0x{}", DIGEST.to_uppercase()).parse().unwrap())).unwrap();
    let other = DIGEST.replace("3b52", "3b53").parse().unwrap();
    let error = ceremony.trust(Some(&other)).unwrap_err();
    assert_eq!(error.to_string(), format!("digest (BLAKE2b-512): expected {other}, got {DIGEST}"));
    assert!("3b52".parse::<prover::srs::ceremony::Digest>().is_err());
}

#[test]
fn every_truncation_is_refused_and_every_byte_is_in_the_digest() {
    for length in 0..PREPARED.len() {
        let error = ptau::read(&mut &PREPARED[..length], Some(4), &|_| {}).unwrap_err();
        assert!(matches!(error, ImportError::Truncated { .. }), "{length}: {error}");
    }
    // The last byte belongs to a section that is not used.
    let mut changed = PREPARED.to_vec();
    *changed.last_mut().unwrap() ^= 1;
    let changed = ptau::read(&mut changed.as_slice(), Some(4), &|_| {}).unwrap().check().unwrap();
    assert!(matches!(changed.trust(Some(&DIGEST.parse().unwrap())), Err(ImportError::Digest { .. })));
}
