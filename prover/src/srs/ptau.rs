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
//!  7  contributions  12 to 15  Lagrange bases of a file that was prepared for a second phase
//! ```
//!
//! Coordinates are little-endian in Montgomery form (times 2^256). The generators, the powers wanted and `[tau]_2` are
//! used; every other byte only goes into the digest. The contributions are not verified: `snarkjs powersoftau verify` does
//! that, and a setup that nobody else took part in can be written by hand in any case. That is what the digest is for.
//!
//! The file's own Lagrange bases are not used: they would have to be checked as well, and most files have none.

use std::collections::BTreeSet;
use std::io::Read;

use blake2b_simd::State;
use halo2_proofs::halo2curves::bn256::{Fq, G1Affine, G2Affine};
use halo2_proofs::halo2curves::ff::PrimeField;
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

/// Reads the powers up to `tau^(2^k - 1)`; without `k`, as many as the file holds and this program supports.
///
/// `progress` gets the bytes of each read. The points are decoded; [`Transcript::check`] decides about them.
pub fn read(file: &mut dyn Read, k: Option<u32>, progress: &dyn Fn(usize)) -> Result<Transcript, ImportError> {
    let mut hasher = State::new();
    let mut source = Source::new(file, &mut hasher, progress);
    let Sections { k, tau_g1, tau_g2 } = sections(&mut source, k)?;
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
    Ok(Transcript { k, powers, tau_g2: vec![tau], digest: Digest(*hasher.finalize().as_array()) })
}

/// What is used of a file.
struct Sections {
    k: u32,
    tau_g1: Vec<u8>,
    tau_g2: Vec<u8>,
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
    let (mut seen, mut tau_g1, mut tau_g2) = (BTreeSet::from([HEADER]), None, None);
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
            _ => drop(source.take(name(id), length, 0)?),
        }
    }
    let tau_g1 = tau_g1.ok_or_else(|| missing(TAU_G1))?;
    let tau_g2 = tau_g2.ok_or_else(|| missing(TAU_G2))?;
    Ok(Sections { k, tau_g1, tau_g2 })
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
    let size = COORDINATE_BYTES as u32;
    field("bytes of a field element", size, size, source.u32(part)?)?;
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
        12..=15 => "Lagrange basis",
        _ => "section of an unknown kind",
    }
}

/// Little-endian, in Montgomery form.
fn montgomery(bytes: &[u8]) -> Option<Fq> {
    Fq::from_raw_bytes(bytes)
}
