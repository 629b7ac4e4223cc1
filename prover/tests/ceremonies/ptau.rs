//! `.ptau` files that somebody wrote to mislead a reader.

use halo2_proofs::halo2curves::bn256::{Fq, Fq2, Fr, G2Affine};
use halo2_proofs::halo2curves::ff::{Field, PrimeField};
use halo2_proofs::halo2curves::group::cofactor::CofactorGroup;
use halo2_proofs::halo2curves::group::prime::PrimeCurveAffine;
use halo2_proofs::halo2curves::{CurveAffine, serde::SerdeObject};
use prover::srs::ceremony::Ceremony;
use prover::srs::error::{ImportError, Refusal};
use prover::srs::ptau;
use verifier::setup::development_secret;

use crate::writer::{FIRST_SECTION, Ptau, SECTION_HEAD, in_g2, montgomery_g2, powers, tau};

const POWER: u32 = 3;

fn import(bytes: &[u8], k: Option<u32>) -> Result<Ceremony, ImportError> {
    ptau::read(&mut &bytes[..], k, &|_| {})?.check()
}

/// Changes an honest file; returns the refusal.
fn refused(change: impl FnOnce(&mut Ptau)) -> ImportError {
    let mut file = Ptau::new(POWER, tau());
    change(&mut file);
    import(&file.bytes(), None).unwrap_err()
}

fn says(error: &ImportError, text: &str) {
    assert_eq!(error.to_string(), text);
}

#[test]
fn an_honest_file_is_taken_whole_or_in_part() {
    let bytes = Ptau::new(POWER, tau()).bytes();
    assert_eq!(import(&bytes, None).unwrap().k(), 3);
    assert_eq!(import(&bytes, Some(1)).unwrap().k(), 1);
    says(&import(&bytes, Some(4)).unwrap_err(), "k: expected 1 to 3 with these files, got 4");
    says(&import(&bytes, Some(0)).unwrap_err(), "k: expected 1 to 3 with these files, got 0");
}

#[test]
fn files_of_another_kind_are_named() {
    let error = refused(|file| file.magic = *b"zkey");
    says(&error, "expected a .ptau file, which starts with the bytes \"ptau\", got [7a, 6b, 65, 79]");
    says(&refused(|file| file.version = 2), ".ptau format version: expected 1, got 2");
    let size = "header, bytes of a field element: expected 32, got 48; the ceremony was for another curve";
    says(&refused(|file| file.section(1)[0] = 48), size);
    let prime = "header, prime: expected the base field of BN254, got another; the ceremony was for another curve";
    says(&refused(|file| file.section(1)[4] ^= 1), prime);
    let scalars = |file: &mut Ptau| {
        let mut prime = (-Fr::ONE).to_repr();
        prime[0] += 1;
        file.section(1)[4..36].copy_from_slice(&prime);
    };
    says(&refused(scalars), prime);
    says(&refused(|file| file.section(1)[36] = 29), "header, power: expected 1 to 28, got 29");
    says(&refused(|file| file.section(1)[36] = 0), "header, power: expected 1 to 28, got 0");
    says(&refused(|file| file.section(1)[40] = 2), "header, power of the ceremony: expected 3 to 28, got 2");
}

#[test]
fn sections_are_complete_and_as_long_as_the_header_calls_for() {
    says(&refused(|file| file.sections.clear()), "number of sections: expected 1 to 32, got 0");
    says(&refused(|file| file.sections.swap(0, 1)), "first section: expected 1 (header), got 2");
    says(&refused(|file| file.sections[4].0 = 4), "section 4: it occurs twice");
    says(&refused(|file| drop(file.sections.remove(1))), "section 2 (tauG1): it is missing");
    says(&refused(|file| drop(file.sections.remove(2))), "section 3 (tauG2): it is missing");
    for (id, name, expected) in
        [(1, "header", 44), (2, "tauG1", 960), (3, "tauG2", 1024), (4, "alphaTauG1", 512), (6, "betaG2", 128)]
    {
        let longer = refused(|file| file.section(id).push(0));
        says(&longer, &format!("section {id} ({name}): expected {expected} bytes, got {}", expected + 1));
        let shorter = refused(|file| file.section(id).truncate(expected - 1));
        says(&shorter, &format!("section {id} ({name}): expected {expected} bytes, got {}", expected - 1));
    }
    let many = refused(|file| file.sections.extend((100..126).map(|id| (id, vec![]))));
    says(&many, "number of sections: expected 1 to 32, got 33");
}

#[test]
fn lengths_that_no_file_has_allocate_nothing() {
    let bytes = Ptau::new(POWER, tau()).bytes();
    // The last section is the one whose length does not follow from the header.
    let last = bytes.len() - 4 - 8;
    let mut oversized = bytes.clone();
    oversized[last..last + 8].copy_from_slice(&u64::MAX.to_le_bytes());
    let missing = u64::MAX - 4;
    let text = format!("the file ends in the contributions: {missing} bytes are missing");
    says(&import(&oversized, None).unwrap_err(), &text);
    // A header that announces 2^28 powers, with sections to match, and nothing in them.
    let mut header = Ptau::new(POWER, tau());
    header.section(1)[36] = 28;
    header.section(1)[40] = 28;
    let mut huge = header.bytes();
    let section = FIRST_SECTION + SECTION_HEAD + 44 + 4;
    huge.truncate(section + 8);
    huge[section..].copy_from_slice(&(((2u64 << 28) - 1) * 64).to_le_bytes());
    let text = format!("the file ends in the tauG1: {} bytes are missing", ((2u64 << 28) - 1) * 64);
    says(&import(&huge, None).unwrap_err(), &text);
}

#[test]
fn files_end_where_their_last_section_ends() {
    let file = Ptau::new(POWER, tau());
    let mut end = FIRST_SECTION;
    for (_, content) in &file.sections {
        let error = import(&file.bytes()[..end], None).unwrap_err();
        says(&error, "the file ends in the head of a section: 4 bytes are missing");
        end += SECTION_HEAD + content.len();
    }
    let mut longer = file.bytes();
    assert_eq!(longer.len(), end);
    longer.push(0);
    says(&import(&longer, None).unwrap_err(), "expected the file to end after the last section, got more bytes");
}

#[test]
fn points_are_on_the_curve_in_the_subgroup_and_not_the_identity() {
    let encoding = "not the canonical encoding of a curve point";
    says(&refused(|file| file.section(2)[64 * 5] ^= 1), &format!("tauG1, point 5: {encoding}"));
    // A coordinate of at least the prime.
    says(&refused(|file| file.section(2)[64 * 7..64 * 7 + 32].fill(0xff)), &format!("tauG1, point 7: {encoding}"));
    let identity = "the identity point is not allowed here";
    says(&refused(|file| file.section(2)[64 * 3..64 * 4].fill(0)), &format!("tauG1, point 3: {identity}"));
    says(&refused(|file| file.section(3)[128..256].fill(0)), &format!("tauG2, point 1: {identity}"));
    says(&refused(|file| file.section(3)[128] ^= 1), &format!("tauG2, point 1: {encoding}"));
    let outside = (1u64..)
        .find_map(|x| {
            let x = Fq2 { c0: Fq::from(x), c1: Fq::ONE };
            let y = Option::<Fq2>::from((x.square() * x + G2Affine::b()).sqrt())?;
            let point = Option::<G2Affine>::from(G2Affine::from_xy(x, y))?;
            (!bool::from(point.to_curve().is_torsion_free())).then_some(point)
        })
        .unwrap();
    let error = refused(|file| file.section(3)[128..256].copy_from_slice(&montgomery_g2(&outside)));
    says(&error, "tauG2, point 1: the point is outside the prime-order subgroup");
    // The generators come first, whatever else is wrong.
    let error = refused(|file| {
        file.section(2).rotate_left(64);
        file.section(2)[64 * 3] ^= 1;
    });
    says(&error, "tauG1, first point: expected the generator");
    says(&refused(|file| file.section(3).rotate_left(128)), "tauG2, first point: expected the generator");
}

#[test]
fn points_are_the_powers_of_one_secret() {
    let swapped = refused(|file| {
        let (left, right) = file.section(2).split_at_mut(64 * 6);
        left[64 * 5..].swap_with_slice(&mut right[..64]);
    });
    let text = "tauG1: the points are not the successive powers of one secret (the pairing check fails)";
    says(&swapped, text);
    assert_eq!(swapped.refusal(), Refusal::False);
    let last = powers(tau(), 8, 1)[0];
    let negated = refused(|file| {
        let at = 64 * 7 + 32;
        let y = -Fq::from_raw_bytes(&file.section(2)[at..at + 32]).unwrap();
        file.section(2)[at..at + 32].copy_from_slice(&y.to_raw_bytes());
    });
    says(&negated, text);
    says(&refused(|file| file.section(2)[64 * 7..64 * 8].copy_from_slice(&crate::writer::montgomery_g1(&last))), text);
    let other = refused(|file| file.section(3)[128..256].copy_from_slice(&montgomery_g2(&in_g2(tau() + Fr::ONE))));
    says(&other, "[tau]G2: it belongs to another secret than the file's [tau]G1 (the pairing check fails)");
}

#[test]
fn many_equal_and_opposite_points_are_refused_without_a_panic() {
    // As many as the fast multiplication wants, in which every addition is a special case.
    const LARGE: u32 = 14;
    let mut file = Ptau::new(1, tau());
    let header = file.section(1);
    header[36] = LARGE as u8;
    header[40] = LARGE as u8;
    let three = powers(tau(), 0, 3);
    let pattern = [three[0], three[1], -three[1], three[2], three[2]];
    let points = three.into_iter().chain(pattern.into_iter().cycle()).take((2 << LARGE) - 1);
    *file.section(2) = points.flat_map(|point| crate::writer::montgomery_g1(&point)).collect();
    file.section(3).resize(128 << LARGE, 0);
    file.section(4).resize(64 << LARGE, 0);
    file.section(5).resize(64 << LARGE, 0);
    assert!(matches!(import(&file.bytes(), None), Err(ImportError::Powers)));
}

#[test]
fn secrets_that_everybody_knows_are_refused() {
    let root = Fr::ROOT_OF_UNITY.pow_vartime([1 << (Fr::S - POWER)]);
    for secret in [Fr::ONE, -Fr::ONE, root, root.square()] {
        let error = import(&Ptau::new(POWER, secret).bytes(), None).unwrap_err();
        let why = "it is a root of unity, as in a file without contributions";
        let text = format!("tau: its value is public ({why}), so that anybody can forge proofs under this setup");
        says(&error, &text);
    }
    let error = import(&Ptau::new(POWER, development_secret()).bytes(), None).unwrap_err();
    assert!(matches!(error, ImportError::KnownSecret { why } if why.contains("development setup")), "{error}");
}
