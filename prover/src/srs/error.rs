//! Why a ceremony's files are refused.

use verifier::points::PointError;

use super::ceremony::Digest;

/// Why a ceremony's files were refused.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file could not be read.
    #[error("cannot read the {part}: {source}")]
    Read {
        /// Part that was being read.
        part: &'static str,
        /// The system's error.
        source: std::io::Error,
    },
    /// The file ends too early.
    #[error("the file ends in the {part}: {missing} bytes are missing")]
    Truncated {
        /// Part that is incomplete.
        part: &'static str,
        /// Bytes that the part should still have.
        missing: u64,
    },
    /// The file goes on after its end.
    #[error("expected the file to end after the {part}, got more bytes")]
    Trailing {
        /// Last part.
        part: &'static str,
    },
    /// Not a `.ptau` file.
    #[error("expected a .ptau file, which starts with the bytes \"ptau\", got {got:02x?}")]
    Magic {
        /// First bytes.
        got: [u8; 4],
    },
    /// Another version of the format.
    #[error(".ptau format version: expected 1, got {got}")]
    Version {
        /// Version that the file states.
        got: u32,
    },
    /// More sections than any such file has, or none.
    #[error("number of sections: expected 1 to {max}, got {got}")]
    SectionCount {
        /// Largest number that is read.
        max: u32,
        /// Number that the file states.
        got: u32,
    },
    /// The header is not the first section, so that no other can be measured.
    #[error("first section: expected 1 (header), got {got}")]
    FirstSection {
        /// Number of the section that comes first.
        got: u32,
    },
    /// The same section twice.
    #[error("section {id}: it occurs twice")]
    SectionTwice {
        /// Number of the section.
        id: u32,
    },
    /// A section that must be there is not.
    #[error("section {id} ({name}): it is missing")]
    SectionMissing {
        /// Number of the section.
        id: u32,
        /// What it holds.
        name: &'static str,
    },
    /// A section is not as long as the header calls for.
    #[error("section {id} ({name}): expected {expected} bytes, got {got}")]
    SectionLength {
        /// Number of the section.
        id: u32,
        /// What it holds.
        name: &'static str,
        /// Length that follows from the header.
        expected: u64,
        /// Length that the section states.
        got: u64,
    },
    /// A field of the header is out of range.
    #[error("header, {field}: expected {min} to {max}, got {got}")]
    Header {
        /// Field.
        field: &'static str,
        /// Smallest value.
        min: u64,
        /// Largest value.
        max: u64,
        /// Value that came.
        got: u64,
    },
    /// Another curve, by the size of its field.
    #[error("header, bytes of a field element: expected 32, got {got}; the ceremony was for another curve")]
    FieldBytes {
        /// Size that the file states.
        got: u32,
    },
    /// Another curve.
    #[error("header, prime: expected the base field of BN254, got another; the ceremony was for another curve")]
    Prime,
    /// A field of an Ignition manifest is not what the files before it call for.
    #[error("manifest, {field}: expected {expected}, got {got}")]
    Manifest {
        /// Field.
        field: &'static str,
        /// Value that follows from the other files.
        expected: u64,
        /// Value that came.
        got: u64,
    },
    /// A field of an Ignition manifest is too large.
    #[error("manifest, {field}: expected at most {max}, got {got}")]
    ManifestLimit {
        /// Field.
        field: &'static str,
        /// Largest value.
        max: u64,
        /// Value that came.
        got: u64,
    },
    /// An Ignition transcript's own checksum does not match.
    #[error("the checksum at its end does not match; the file was damaged or changed")]
    Checksum,
    /// One of several files.
    #[error("transcript {index}: {source}")]
    Transcript {
        /// Position of the file, from 0.
        index: usize,
        /// What is wrong with it.
        source: Box<ImportError>,
    },
    /// More was asked for than the files hold or this program supports.
    #[error("k: expected {} to {max} with these files, got {got}", super::generate::K_RANGE.start())]
    Size {
        /// Largest k.
        max: u32,
        /// k that was asked for.
        got: u32,
    },
    /// The powers do not start at the generator.
    #[error("{part}, first point: expected the generator")]
    Generator {
        /// Part of the file.
        part: &'static str,
    },
    /// A point is refused.
    #[error("{part}, point {index}: {source}")]
    Point {
        /// Part of the file.
        part: &'static str,
        /// Position in that part, from 0.
        index: usize,
        /// Why.
        source: PointError,
    },
    /// `[tau]_1` and `[tau]_2` belong to different secrets.
    #[error("[tau]G2: it belongs to another secret than the file's [tau]G1 (the pairing check fails)")]
    Tau,
    /// The points are not the powers of one secret.
    #[error("tauG1: the points are not the successive powers of one secret (the pairing check fails)")]
    Powers,
    /// Everybody can find the secret.
    #[error("tau: its value is public ({why}), so that anybody can forge proofs under this setup")]
    KnownSecret {
        /// How it is found.
        why: &'static str,
    },
    /// The Lagrange basis in the file is not that of its powers.
    #[error("Lagrange basis: it is not that of the file's powers")]
    Lagrange,
    /// A Lagrange basis could not be computed.
    #[error("Lagrange basis: the powers have none")]
    Basis,
    /// Nothing vouches for the file.
    #[error(
        "no ceremony known to this release has this file: digest (BLAKE2b-512) {}, setup {}",
        digest,
        const_hex::encode_prefixed(setup_id)
    )]
    Unknown {
        /// Digest of the file.
        digest: Box<Digest>,
        /// Setup identifier that it gives.
        setup_id: [u8; 32],
    },
    /// The file is not the one that was asked for.
    #[error("digest (BLAKE2b-512): expected {expected}, got {got}")]
    Digest {
        /// Digest that was asked for.
        expected: Box<Digest>,
        /// Digest of the file.
        got: Box<Digest>,
    },
}

/// What kind of refusal it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The files cannot be read as what they should be.
    Unreadable,
    /// They can be read, and what they claim is false.
    False,
    /// What they claim holds, and nobody said that the ceremony is to be trusted.
    Untrusted,
}

impl ImportError {
    /// What kind of refusal it is.
    #[must_use]
    pub fn refusal(&self) -> Refusal {
        match self {
            Self::Generator { .. }
            | Self::Tau
            | Self::Powers
            | Self::KnownSecret { .. }
            | Self::Lagrange
            | Self::Basis
            | Self::Digest { .. } => Refusal::False,
            Self::Unknown { .. } => Refusal::Untrusted,
            Self::Transcript { source, .. } => source.refusal(),
            _ => Refusal::Unreadable,
        }
    }
}
