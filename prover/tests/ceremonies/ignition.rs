//! Ignition transcripts, written here after the published format: no genuine one was at hand.

use std::io::Read;

use blake2b_simd::blake2b;
use halo2_proofs::halo2curves::bn256::{Fq, Fq2, Fr, G1Affine, G2Affine};
use halo2_proofs::halo2curves::ff::PrimeField;
use prover::srs::ceremony::{Ceremony, Digest};
use prover::srs::error::ImportError;
use prover::srs::ignition;
use prover::srs::known::IGNITION;
use prover::srs::ptau;

use crate::writer::{Ptau, in_g2, powers, tau};

const POINTS: usize = 40;
const EACH: usize = 16;

fn words(coordinate: Fq) -> Vec<u8> {
    coordinate.to_repr().as_ref().chunks(8).flat_map(|word| word.iter().rev().copied()).collect()
}

/// Transcripts without their checksums.
fn contents(points: &[G1Affine], each: usize, g2: &[G2Affine]) -> Vec<Vec<u8>> {
    let count = points.len().div_ceil(each);
    let transcript = |(index, part): (usize, &[G1Affine])| {
        let g2 = if index == 0 { g2 } else { &[] };
        let manifest = [index, count, points.len(), 1, part.len(), g2.len(), index * each];
        let mut bytes: Vec<u8> =
            manifest.iter().flat_map(|field| u32::try_from(*field).unwrap().to_be_bytes()).collect();
        bytes.extend(part.iter().flat_map(|point| [point.x, point.y]).flat_map(words));
        let coordinates = g2.iter().flat_map(|point| [point.x.c0, point.x.c1, point.y.c0, point.y.c1]);
        bytes.extend(coordinates.flat_map(words));
        bytes
    };
    points.chunks(each).enumerate().map(transcript).collect()
}

fn honest() -> Vec<Vec<u8>> {
    contents(&powers(tau(), 1, POINTS), EACH, &[in_g2(tau()), in_g2(Fr::from(3))])
}

fn sealed(mut contents: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    for content in &mut contents {
        let checksum = blake2b(content);
        content.extend(checksum.as_bytes());
    }
    contents
}

fn import(files: &[Vec<u8>], k: Option<u32>) -> Result<Ceremony, ImportError> {
    let mut slices: Vec<&[u8]> = files.iter().map(Vec::as_slice).collect();
    let mut readers: Vec<&mut dyn Read> = slices.iter_mut().map(|file| file as &mut dyn Read).collect();
    ignition::read(&mut readers, k, &|_| {})?.check()
}

/// Changes honest transcripts before their checksums are made; returns the refusal.
fn refused(change: impl FnOnce(&mut Vec<Vec<u8>>)) -> String {
    let mut contents = honest();
    change(&mut contents);
    import(&sealed(contents), Some(5)).unwrap_err().to_string()
}

/// A field of a manifest.
fn field(content: &mut [u8], index: usize, value: u32) {
    content[4 * index..4 * index + 4].copy_from_slice(&value.to_be_bytes());
}

#[test]
fn transcripts_give_the_same_setup_as_a_ptau_file() {
    let files = sealed(honest());
    let ceremony = import(&files, None).unwrap();
    assert_eq!(ceremony.k(), 5);
    assert_eq!(ceremony.digest().0, *blake2b(&files.concat()).as_array());
    let ptau = ptau::read(&mut Ptau::new(5, tau()).bytes().as_slice(), None, &|_| {}).unwrap().check().unwrap();
    assert_eq!(ceremony.setup_id(), ptau.setup_id());
    let [ours, theirs] = [ceremony, ptau].map(|ceremony| ceremony.into_setup(&|_, _| {}).unwrap());
    assert_eq!(ours.lagrange_basis(), theirs.lagrange_basis());
    // 16 points and the generator are enough for 2^4 powers.
    assert_eq!(import(&files[..1], None).unwrap().k(), 4);
}

#[test]
fn the_point_of_g2_that_belongs_to_the_powers_is_taken() {
    for g2 in [vec![in_g2(tau())], vec![in_g2(Fr::from(3)), in_g2(tau())]] {
        let files = sealed(contents(&powers(tau(), 1, POINTS), EACH, &g2));
        assert_eq!(import(&files, None).unwrap().setup_id(), import(&sealed(honest()), None).unwrap().setup_id());
    }
    for g2 in [vec![], vec![in_g2(Fr::from(3))]] {
        let files = sealed(contents(&powers(tau(), 1, POINTS), EACH, &g2));
        assert!(matches!(import(&files, None), Err(ImportError::Tau)));
    }
}

#[test]
fn the_published_points_of_ignition_are_known() {
    // [tau]_1 as points.json of AztecProtocol/ignition-verification has it, and [tau]_2 as the verifying keys of
    // contracts do, x.c0, x.c1, y.c0, y.c1: two sources, and one pairing that says that they belong together.
    let [x, y] = [
        "20449530420899268687302952649477614135834879920908224423340014304031627405049",
        "17515048112805791705685986509311726821353577104405763528022564402866062101162",
    ]
    .map(|text| Fq::from_str_vartime(text).unwrap());
    let [x0, x1, y0, y1] = [
        "0118c4d5b837bcc2bc89b5b398b5974e9f5944073b32078b7e231fec938883b0",
        "260e01b251f6f1c7e7ff4e580791dee8ea51d87a358e038b4efe30fac09383c1",
        "22febda3c0c0632a56475b4214e5615e11e6dd3f96e6cea2854a87d4dacc5e55",
        "04fc6369f7110fe3d25156c1bb9a72859cf2a04641f99ba4ee413c80da6a5fe4",
    ]
    .map(|text| {
        let mut bytes: [u8; 32] = const_hex::decode_to_array(text).unwrap();
        bytes.reverse();
        Fq::from_repr(bytes).unwrap()
    });
    let tau_g2 = G2Affine { x: Fq2 { c0: x0, c1: x1 }, y: Fq2 { c0: y0, c1: y1 } };
    let files = sealed(contents(&[G1Affine { x, y }], EACH, &[in_g2(Fr::from(3)), tau_g2]));
    let ceremony = import(&files, None).unwrap();
    assert_eq!((ceremony.k(), ceremony.known()), (1, Some(IGNITION)));
    ceremony.trust(None).unwrap();
    let other = Digest([7; 64]);
    assert!(matches!(ceremony.trust(Some(&other)), Err(ImportError::Digest { .. })));
    assert_eq!(import(&sealed(honest()), None).unwrap().known(), None);
}

#[test]
fn more_than_the_files_hold_is_refused() {
    let files = sealed(honest());
    for (files, k, text) in [
        (&files[..], 6, "k: expected 1 to 5 with these files, got 6"),
        (&files[..1], 5, "k: expected 1 to 4 with these files, got 5"),
        (&files[..], 40, "k: expected 1 to 5 with these files, got 40"),
    ] {
        assert_eq!(import(files, Some(k)).unwrap_err().to_string(), text);
    }
    assert_eq!(import(&[], None).unwrap_err().to_string(), "k: expected 1 to 0 with these files, got 0");
}

#[test]
fn manifests_agree_with_each_other() {
    let manifest = |text: &str| format!("transcript 1: manifest, {text}");
    for (index, value, text) in [
        (0, 2, "number of the transcript: expected 1, got 2"),
        (1, 4, "transcripts in all: expected 3, got 4"),
        (2, 41, "G1 points in all: expected 40, got 41"),
        (3, 2, "G2 points in all: expected 1, got 2"),
        (4, 25, "G1 points: expected at most 24, got 25"),
        (5, 1, "G2 points: expected at most 0, got 1"),
        (6, 15, "index of the first G1 point: expected 16, got 15"),
    ] {
        assert_eq!(refused(|files| field(&mut files[1], index, value)), manifest(text));
    }
    let first = |index, value| refused(|files| field(&mut files[0], index, value));
    assert_eq!(first(5, 3), "transcript 0: manifest, G2 points: expected at most 2, got 3");
    assert_eq!(first(1, 33), "transcript 0: manifest, transcripts in all: expected at most 32, got 33");
    assert_eq!(first(4, u32::MAX), format!("transcript 0: manifest, G1 points: expected at most 40, got {}", u32::MAX));
    let swapped = refused(|files| files.swap(0, 1));
    assert_eq!(swapped, "transcript 0: manifest, number of the transcript: expected 0, got 1");
    let repeated = refused(|files| files[1] = files[0].clone());
    assert_eq!(repeated, manifest("number of the transcript: expected 1, got 0"));
}

#[test]
fn files_are_whole_and_undamaged() {
    let files = sealed(honest());
    for length in 0..files[0].len() {
        let error = import(&[files[0][..length].to_vec()], None).unwrap_err();
        let ImportError::Transcript { index: 0, source } = &error else { panic!("{length}: {error}") };
        assert!(matches!(**source, ImportError::Truncated { .. }), "{length}: {error}");
    }
    let mut longer = files.clone();
    longer[1].push(0);
    let text = "transcript 1: expected the file to end after the checksum, got more bytes";
    assert_eq!(import(&longer, None).unwrap_err().to_string(), text);
    let mut damaged = files;
    damaged[1][100] ^= 1;
    let text = "transcript 1: the checksum at its end does not match; the file was damaged or changed";
    assert_eq!(import(&damaged, None).unwrap_err().to_string(), text);
}

#[test]
fn points_are_judged_like_those_of_any_file() {
    let start = 28;
    let encoding = "not the canonical encoding of a curve point";
    let error = refused(|files| files[1][start + 64 * 3 + 7] ^= 1);
    assert_eq!(error, format!("transcript 1: points of G1, point 3: {encoding}"));
    let error = refused(|files| files[0][start + 64..start + 128].fill(0));
    assert_eq!(error, "transcript 0: points of G1, point 1: the identity point is not allowed here");
    let error = refused(|files| files[0][start + 64 * EACH..start + 64 * EACH + 128].fill(0));
    assert_eq!(error, "transcript 0: points of G2, point 0: the identity point is not allowed here");
    let powers_text = "tauG1: the points are not the successive powers of one secret (the pairing check fails)";
    let error = refused(|files| {
        let (left, right) = files[1].split_at_mut(start + 64);
        left[start..].swap_with_slice(&mut right[..64]);
    });
    assert_eq!(error, powers_text);
    let skipped: Vec<G1Affine> = powers(tau(), 1, 20).into_iter().chain(powers(tau(), 22, 20)).collect();
    let files = sealed(contents(&skipped, EACH, &[in_g2(tau())]));
    assert_eq!(import(&files, None).unwrap_err().to_string(), powers_text);
}
