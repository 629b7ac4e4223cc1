//! Powers of tau as `snarkjs` keeps them: `.ptau` files, version 1, over BN254.
//!
//! ```text
//! "ptau", version u32, number of sections u32 (little-endian, like all integers), then sections: id u32, length u64,
//! content
//!
//!  1  header         bytes of a field element u32 (32), the base field's prime, power u32, ceremony power u32
//!  2  tauG1          2^(power+1) - 1 points of G1: the powers from tau^0
//!  3  tauG2          2^power points of G2: the powers from tau^0
//!  4  alphaTauG1     2^power points of G1     5  betaTauG1  the same     6  betaG2  one point of G2
//!  7  contributions
//! 12  Lagrange bases of tauG1 for 1, 2, 4, .. 2^(power+1) rows, in a file that was prepared for a second phase; 13 to
//!     15 those of the other powers
//! ```
//!
//! Coordinates are little-endian in Montgomery form (times 2^256). The generators, the powers wanted, their Lagrange
//! basis and `[tau]_2` are used; every other byte only goes into the digest. The contributions are not verified: `snarkjs
//! powersoftau verify` does that, and a setup that nobody else took part in can be written by hand in any case. That is
//! what the digest is for.
//!
//! The published files are prepared, and checking a basis is far quicker than computing it (2^16 rows: 1.6 s instead of
//! 57 s in all, on two busy cores). It is one over the powers of another root of unity than halo2's, though: the same
//! points in another order.

use std::collections::BTreeSet;
use std::io::Read;

use blake2b_simd::State;
use halo2_proofs::halo2curves::bn256::{Fq, Fr, G1Affine, G2Affine};
use halo2_proofs::halo2curves::ff::{Field, PrimeField};
use halo2_proofs::halo2curves::serde::SerdeObject;

use super::ceremony::{Digest, Transcript, wanted};
use super::error::ImportError;
use super::points::{COORDINATE_BYTES, G1_BYTES, G2_BYTES, decode_g1, decode_g2};
use super::source::Source;

const MAGIC: [u8; 4] = *b"ptau";
const VERSION: u32 = 1;
/// Prepared files have 11 sections.
const SECTIONS_MAX: u32 = 32;
const POWER_MAX: u32 = 28;

const HEADER: u32 = 1;
const TAU_G1: u32 = 2;
const TAU_G2: u32 = 3;
const LAGRANGE: u32 = 12;

/// Reads the powers up to `tau^(2^k - 1)`; without `k`, as many as the file holds and this program supports.
///
/// `progress` gets the bytes of each read. The points are decoded; [`Transcript::check`] decides about them.
pub fn read(file: &mut dyn Read, k: Option<u32>, progress: &dyn Fn(usize)) -> Result<Transcript, ImportError> {
    let mut hasher = State::new();
    let mut source = Source::new(file, &mut hasher, progress);
    let Sections { k, tau_g1, tau_g2, basis } = sections(&mut source, k)?;
    source.end("last section")?;
    let first = tau_g1.get(..G1_BYTES).unwrap_or_default();
    let first = decode_g1(name(TAU_G1), first, montgomery)?;
    if first != [G1Affine::generator()] {
        return Err(ImportError::Generator { part: name(TAU_G1) });
    }
    let [first, tau] = decode_g2(name(TAU_G2), &tau_g2, montgomery)?.try_into().map_err(|_| missing(TAU_G2))?;
    if first != G2Affine::generator() {
        return Err(ImportError::Generator { part: name(TAU_G2) });
    }
    let powers = decode_g1(name(TAU_G1), &tau_g1, montgomery)?;
    let basis = basis.map(|basis| decode_g1(name(LAGRANGE), &basis, montgomery)).transpose()?;
    let basis = basis.map(|basis| reorder(&basis, k));
    Ok(Transcript { k, powers, basis, tau_g2: vec![tau], digest: Digest(*hasher.finalize().as_array()) })
}

/// What is used of a file.
struct Sections {
    k: u32,
    tau_g1: Vec<u8>,
    tau_g2: Vec<u8>,
    basis: Option<Vec<u8>>,
}

fn sections(source: &mut Source<'_>, k: Option<u32>) -> Result<Sections, ImportError> {
    let magic = source.array("magic bytes")?;
    if magic != MAGIC {
        return Err(ImportError::Magic { got: magic });
    }
    let version = source.u32("format version")?;
    if version != VERSION {
        return Err(ImportError::Version { got: version });
    }
    let count = source.u32("number of sections")?;
    if !(1..=SECTIONS_MAX).contains(&count) {
        return Err(ImportError::SectionCount { max: SECTIONS_MAX, got: count });
    }
    let (id, length) = section(source)?;
    if id != HEADER {
        return Err(ImportError::FirstSection { got: id });
    }
    let power = header(source, length)?;
    let k = wanted(k, power)?;
    let (mut seen, mut tau_g1, mut tau_g2, mut basis) = (BTreeSet::from([HEADER]), None, None, None);
    for _ in 1..count {
        let (id, length) = section(source)?;
        if !seen.insert(id) {
            return Err(ImportError::SectionTwice { id });
        }
        if let Some(expected) = section_bytes(id, power).filter(|expected| *expected != length) {
            return Err(ImportError::SectionLength { id, name: name(id), expected, got: length });
        }
        match id {
            TAU_G1 => tau_g1 = Some(source.take(name(id), length, (G1_BYTES as u64) << k)?),
            TAU_G2 => tau_g2 = Some(source.take(name(id), length, 2 * G2_BYTES as u64)?),
            LAGRANGE => {
                let (before, size) = (((1 << k) - 1) * G1_BYTES as u64, (G1_BYTES as u64) << k);
                source.take(name(id), before, 0)?;
                basis = Some(source.take(name(id), size, size)?);
                source.take(name(id), length - before - size, 0)?;
            }
            _ => drop(source.take(name(id), length, 0)?),
        }
    }
    let tau_g1 = tau_g1.ok_or_else(|| missing(TAU_G1))?;
    let tau_g2 = tau_g2.ok_or_else(|| missing(TAU_G2))?;
    Ok(Sections { k, tau_g1, tau_g2, basis })
}

fn missing(id: u32) -> ImportError {
    ImportError::SectionMissing { id, name: name(id) }
}

fn section(source: &mut Source<'_>) -> Result<(u32, u64), ImportError> {
    let id = source.u32("head of a section")?;
    Ok((id, source.array("head of a section").map(u64::from_le_bytes)?))
}

/// The power of the file.
fn header(source: &mut Source<'_>, length: u64) -> Result<u32, ImportError> {
    let part = name(HEADER);
    let field = |field: &'static str, min: u32, max: u32, got: u32| {
        let refused = ImportError::Header { field, min: min.into(), max: max.into(), got: got.into() };
        if (min..=max).contains(&got) { Ok(got) } else { Err(refused) }
    };
    let got = source.u32(part)?;
    if got != COORDINATE_BYTES as u32 {
        return Err(ImportError::FieldBytes { got });
    }
    let expected = section_bytes(HEADER, 0).unwrap_or_default();
    if length != expected {
        return Err(ImportError::SectionLength { id: HEADER, name: part, expected, got: length });
    }
    let prime: [u8; COORDINATE_BYTES] = source.array(part)?;
    // The prime is one more than the largest element, and odd.
    let mut largest = (-Fq::one()).to_repr();
    if let Some(lowest) = largest.as_mut().first_mut() {
        *lowest += 1;
    }
    if prime.as_slice() != largest.as_ref() {
        return Err(ImportError::Prime);
    }
    let power = field("power", 1, POWER_MAX, source.u32(part)?)?;
    field("power of the ceremony", power, POWER_MAX, source.u32(part)?)?;
    Ok(power)
}

/// Length of a section, where it follows from the power.
fn section_bytes(id: u32, power: u32) -> Option<u64> {
    let (g1, g2) = (G1_BYTES as u64, G2_BYTES as u64);
    Some(match id {
        HEADER => COORDINATE_BYTES as u64 + 12,
        TAU_G1 => ((2 << power) - 1) * g1,
        TAU_G2 => g2 << power,
        4 | 5 => g1 << power,
        6 => g2,
        LAGRANGE => ((4 << power) - 1) * g1,
        _ => return None,
    })
}

fn name(id: u32) -> &'static str {
    match id {
        HEADER => "header",
        TAU_G1 => "tauG1",
        TAU_G2 => "tauG2",
        4 => "alphaTauG1",
        5 => "betaTauG1",
        6 => "betaG2",
        7 => "contributions",
        12..=15 => "Lagrange bases",
        _ => "section of an unknown kind",
    }
}

/// A basis over the powers of snarkjs's root of unity as one over those of halo2's.
fn reorder(basis: &[G1Affine], k: u32) -> Vec<G1Affine> {
    let exponent = root_exponent(k);
    let mut reordered = basis.to_vec();
    for (index, point) in basis.iter().enumerate() {
        if let Some(place) = reordered.get_mut(exponent.wrapping_mul(index) % basis.len()) {
            *place = *point;
        }
    }
    reordered
}

/// The exponent to which halo2's 2^k-th root of unity, a power of 7, is snarkjs's, a power of 5; bit by bit.
fn root_exponent(k: u32) -> usize {
    let to_size = |root: Fr| (k..Fr::S).fold(root, |root, _| root.square());
    let order = (-Fr::one()).to_repr();
    let limbs: Vec<u64> = order
        .as_ref()
        .chunks_exact(8)
        .map(|limb| limb.iter().rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte)))
        .collect();
    let above = limbs.iter().skip(1).chain(&[0]);
    let odd: Vec<u64> = limbs.iter().zip(above).map(|(limb, above)| limb >> Fr::S | above << (64 - Fr::S)).collect();
    let (theirs, inverse) = (to_size(Fr::from(5).pow_vartime(odd)), to_size(Fr::ROOT_OF_UNITY_INV));
    (0..k).fold(0, |exponent: usize, bit| {
        let rest = theirs * inverse.pow_vartime([exponent as u64]);
        let is_set = rest.pow_vartime([1u64 << (k - 1 - bit)]) != Fr::one();
        exponent | usize::from(is_set) << bit
    })
}

/// Little-endian, in Montgomery form.
fn montgomery(bytes: &[u8]) -> Option<Fq> {
    Fq::from_raw_bytes(bytes)
}
