//! Transcripts of Aztec's Ignition ceremony of 2020: `transcript00.dat` and those after it.
//!
//! After `Transcript_spec.md` of AztecProtocol/ignition-verification, and the reader and writer in `setup-tools` of
//! AztecProtocol/Setup:
//!
//! ```text
//! manifest, 28 bytes  integers u32 big-endian: number of this transcript, transcripts in all, G1 points in all, G2
//!                     points in all, G1 points here, G2 points here, index of the first G1 point here
//! points of G1        x, y
//! points of G2        x.c0, x.c1, y.c0, y.c1; in the first transcript only
//! checksum, 64 bytes  BLAKE2b-512 of everything before
//! ```
//!
//! A coordinate is four words of 64 bits, the least significant one first, each big-endian; not in Montgomery form. The
//! points of G1 start with `[tau]_1`: the generator is not among them. Two points of G2 stand in the first transcript,
//! `[tau]_2` and the last participant's own factor; the specification and the ceremony's published points disagree about
//! their order, so the one that pairs with `[tau]_1` is taken.
//!
//! No genuine transcript (322 MB each) was at hand when this was written; it is tested with files that the tests write
//! after that format, and with the points of the sealed ceremony that Aztec published.

use std::io::Read;

use blake2b_simd::State;
use halo2_proofs::halo2curves::bn256::{Fq, G1Affine, G2Affine};
use halo2_proofs::halo2curves::ff::PrimeField;

use super::ceremony::{Digest, Transcript, wanted};
use super::error::ImportError;
use super::generate::K_RANGE;
use super::points::{COORDINATE_BYTES, G1_BYTES, G2_BYTES, decode_g1, decode_g2};
use super::source::Source;

const MANIFEST: &str = "manifest";
const G1_POINTS: &str = "points of G1";
const G2_POINTS: &str = "points of G2";
const CHECKSUM: &str = "checksum";
/// Ignition has 20 transcripts.
const TRANSCRIPTS_MAX: u32 = 32;
/// A transcript holds the factor of one participant and `[tau]_2`.
const G2_MAX: u32 = 2;

/// Reads the powers up to `tau^(2^k - 1)` from the first transcripts of a ceremony, in order; without `k`, as many as they
/// hold and this program supports.
///
/// `progress` gets the bytes of each read. The points are decoded; [`Transcript::check`] decides about them.
pub fn read(files: &mut [&mut dyn Read], k: Option<u32>, progress: &dyn Fn(usize)) -> Result<Transcript, ImportError> {
    let mut hasher = State::new();
    let mut held = Held { powers: vec![G1Affine::generator()], tau_g2: Vec::new(), last: None };
    let count = 1 << k.map_or(*K_RANGE.end(), |k| k.min(*K_RANGE.end()));
    for (index, file) in files.iter_mut().enumerate() {
        let mut source = Source::new(*file, &mut hasher, progress);
        let transcript = held.transcript(&mut source, index, count);
        transcript.map_err(|source| ImportError::Transcript { index, source: Box::new(source) })?;
    }
    let Held { mut powers, tau_g2, .. } = held;
    let k = wanted(k, powers.len().ilog2())?;
    powers.truncate(1 << k);
    Ok(Transcript { k, powers, basis: None, tau_g2, digest: Digest(*hasher.finalize().as_array()) })
}

/// What the transcripts read so far hold.
struct Held {
    powers: Vec<G1Affine>,
    tau_g2: Vec<G2Affine>,
    last: Option<Manifest>,
}

impl Held {
    /// Reads the transcript of that `index`, and of its powers what `count` in all still lack.
    fn transcript(&mut self, source: &mut Source<'_>, index: usize, count: usize) -> Result<(), ImportError> {
        let manifest = Manifest::read(source, index, self.last.as_ref())?;
        let g1_bytes = u64::from(manifest.g1) * G1_BYTES as u64;
        let missing = count.saturating_sub(self.powers.len()) as u64 * G1_BYTES as u64;
        let g1 = source.take(G1_POINTS, g1_bytes, missing)?;
        let g2_bytes = u64::from(manifest.g2) * G2_BYTES as u64;
        let g2 = source.take(G2_POINTS, g2_bytes, g2_bytes)?;
        let computed = source.digest();
        if source.array::<64>(CHECKSUM)? != computed {
            return Err(ImportError::Checksum);
        }
        source.end(CHECKSUM)?;
        self.tau_g2.extend(decode_g2(G2_POINTS, &g2, words)?);
        self.powers.extend(decode_g1(G1_POINTS, &g1, words)?);
        self.last = Some(manifest);
        Ok(())
    }
}

/// What a transcript says about itself.
struct Manifest {
    transcripts: u32,
    all_g1: u32,
    all_g2: u32,
    g1: u32,
    g2: u32,
    start: u32,
}

impl Manifest {
    /// Reads the manifest of file `index`, which follows `before`.
    fn read(source: &mut Source<'_>, index: usize, before: Option<&Self>) -> Result<Self, ImportError> {
        let equal = |field, expected: u64, got: u32| {
            let refused = ImportError::Manifest { field, expected, got: got.into() };
            if u64::from(got) == expected { Ok(got) } else { Err(refused) }
        };
        let at_most = |field, max: u64, got: u32| {
            let refused = ImportError::ManifestLimit { field, max, got: got.into() };
            if u64::from(got) <= max { Ok(got) } else { Err(refused) }
        };
        let mut integer = || source.array(MANIFEST).map(u32::from_be_bytes);
        equal("number of the transcript", index as u64, integer()?)?;
        let transcripts = integer()?;
        let (all_g1, all_g2) = (integer()?, integer()?);
        let manifest = Self { transcripts, all_g1, all_g2, g1: integer()?, g2: integer()?, start: integer()? };
        if let Some(before) = before {
            equal("transcripts in all", before.transcripts.into(), transcripts)?;
            equal("G1 points in all", before.all_g1.into(), all_g1)?;
            equal("G2 points in all", before.all_g2.into(), all_g2)?;
        }
        at_most("transcripts in all", TRANSCRIPTS_MAX.into(), transcripts)?;
        let start = before.map_or(0, |before| u64::from(before.start) + u64::from(before.g1));
        equal("index of the first G1 point", start, manifest.start)?;
        at_most("G1 points", u64::from(all_g1).saturating_sub(start), manifest.g1)?;
        let g2_max = if index == 0 { G2_MAX } else { 0 };
        at_most("G2 points", g2_max.into(), manifest.g2)?;
        Ok(manifest)
    }
}

/// Four 64-bit words, the least significant one first, each big-endian.
fn words(bytes: &[u8]) -> Option<Fq> {
    let mut encoding = <Fq as PrimeField>::Repr::default();
    let words = encoding.as_mut().chunks_exact_mut(8).zip(bytes.chunks_exact(8));
    words.for_each(|(target, word)| target.iter_mut().zip(word.iter().rev()).for_each(|(to, from)| *to = *from));
    if bytes.len() == COORDINATE_BYTES { Option::from(Fq::from_repr(encoding)) } else { None }
}
