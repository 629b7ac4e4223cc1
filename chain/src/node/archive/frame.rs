//! Records of an archive, with a checksum over all of them.

use std::fs::File;
use std::io::{BufReader, BufWriter, Read};
use std::path::Path;

use attestation::codec;
use borsh::BorshDeserialize;

use super::{ArchiveError, io_error};
use crate::node::failpoint::{Write, write_all};
use crate::node::store::{begin, finish};
use crate::types::genesis::{GENESIS_BYTES_MAX, Genesis};

const TITLE: &[u8; 14] = b"assay archive\n";
const VERSION: u16 = 1;
const CHECKSUM_CONTEXT: &str = "assay 2026 archive v1";
/// Largest record: a block of the largest size that parameters allow, and room.
const RECORD_BYTES_MAX: usize = (1 << 30) + (16 << 20);
const SHORT: ArchiveError = ArchiveError::Shape { what: "the file ends early" };

/// What an archive holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArchiveKind {
    /// Every block from the first on.
    Blocks,
    /// One state.
    State,
}

impl ArchiveKind {
    fn tag(self) -> u8 {
        match self {
            Self::Blocks => 1,
            Self::State => 2,
        }
    }
}

/// Writes records.
pub(super) struct ArchiveWriter {
    out: BufWriter<File>,
    hasher: blake3::Hasher,
}

impl ArchiveWriter {
    /// Starts a new file.
    pub(super) fn create(path: &Path, kind: ArchiveKind, genesis: &Genesis) -> Result<Self, ArchiveError> {
        let out = BufWriter::new(begin(Write::Archive, path).map_err(io_error("make the file"))?);
        let mut writer = Self { out, hasher: blake3::Hasher::new_derive_key(CHECKSUM_CONTEXT) };
        writer.write(TITLE)?;
        writer.write(&VERSION.to_le_bytes())?;
        writer.write(&[kind.tag()])?;
        writer.record(&genesis.to_bytes())?;
        Ok(writer)
    }

    /// Appends a record.
    pub(super) fn record(&mut self, bytes: &[u8]) -> Result<(), ArchiveError> {
        let too_long = ArchiveError::Shape { what: "a record is longer than a record can be" };
        let length = u32::try_from(bytes.len()).map_err(|_| too_long)?;
        self.write(&length.to_le_bytes())?;
        self.write(bytes)
    }

    /// Ends the file, durably.
    pub(super) fn finish(mut self) -> Result<(), ArchiveError> {
        self.write(&0u32.to_le_bytes())?;
        let checksum = *self.hasher.finalize().as_bytes();
        self.write(&checksum)?;
        let file = self.out.into_inner().map_err(|error| io_error("write the file")(error.into_error()))?;
        finish(&file).map_err(io_error("write the file"))
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), ArchiveError> {
        self.hasher.update(bytes);
        write_all(Write::Archive, &mut self.out, bytes).map_err(io_error("write the file"))
    }
}

/// Reads records; whoever reads must go on to the end, where the checksum is.
pub struct ArchiveReader {
    input: BufReader<File>,
    hasher: blake3::Hasher,
    position: u64,
    kind: ArchiveKind,
    genesis: Genesis,
}

impl ArchiveReader {
    /// Opens a file and reads what it holds and of which chain.
    ///
    /// # Errors
    /// [`ArchiveError`].
    pub fn open(path: &Path) -> Result<Self, ArchiveError> {
        let input = BufReader::new(File::open(path).map_err(io_error("open the file"))?);
        let hasher = blake3::Hasher::new_derive_key(CHECKSUM_CONTEXT);
        let mut source = Source { input, hasher };
        if source.array().ok() != Some(*TITLE) {
            return Err(ArchiveError::NoArchive);
        }
        let got = u16::from_le_bytes(source.array()?);
        if got != VERSION {
            return Err(ArchiveError::Version { expected: VERSION, got });
        }
        let kind = match source.array::<1>()? {
            [1] => ArchiveKind::Blocks,
            [2] => ArchiveKind::State,
            _ => return Err(ArchiveError::NoArchive),
        };
        let bytes = source.record(GENESIS_BYTES_MAX)?.ok_or(SHORT)?;
        let genesis =
            Genesis::from_bytes(&bytes).map_err(|_| ArchiveError::Shape { what: "the first record is no genesis" })?;
        let Source { input, hasher } = source;
        Ok(Self { input, hasher, position: 1, kind, genesis })
    }

    /// What it holds.
    #[must_use]
    pub fn kind(&self) -> ArchiveKind {
        self.kind
    }

    /// Of which chain.
    #[must_use]
    pub fn genesis(&self) -> &Genesis {
        &self.genesis
    }

    /// The next record; none at the end, whose checksum fits.
    pub(super) fn next<T: BorshDeserialize>(&mut self, what: &'static str) -> Result<Option<T>, ArchiveError> {
        let mut source = Source { input: &mut self.input, hasher: self.hasher.clone() };
        let Some(bytes) = source.record(RECORD_BYTES_MAX)? else {
            let expected = *source.hasher.finalize().as_bytes();
            if source.array::<32>()? != expected {
                return Err(ArchiveError::Checksum);
            }
            let mut more = [0; 1];
            let read = self.input.read(&mut more).map_err(io_error("read the file"))?;
            return if read == 0 {
                Ok(None)
            } else {
                Err(ArchiveError::Shape { what: "the file goes on after its end" })
            };
        };
        self.hasher = source.hasher;
        let position = self.position;
        self.position = position.saturating_add(1);
        let decoded = codec::decode(what, &bytes, RECORD_BYTES_MAX);
        decoded.map(Some).map_err(|error| ArchiveError::Record { position, error })
    }
}

struct Source<R> {
    input: R,
    hasher: blake3::Hasher,
}

impl<R: Read> Source<R> {
    fn array<const N: usize>(&mut self) -> Result<[u8; N], ArchiveError> {
        let mut bytes = [0; N];
        self.input.read_exact(&mut bytes).map_err(|_| SHORT)?;
        self.hasher.update(&bytes);
        Ok(bytes)
    }

    /// The bytes of a record of at most `max`; none at the end. What a length claims is read and not reserved.
    fn record(&mut self, max: usize) -> Result<Option<Vec<u8>>, ArchiveError> {
        let length = u32::from_le_bytes(self.array()?);
        if length == 0 {
            return Ok(None);
        }
        let fits = usize::try_from(length).is_ok_and(|length| length <= max);
        if !fits {
            return Err(ArchiveError::Shape { what: "a record is longer than a record can be" });
        }
        let mut bytes = Vec::new();
        let read =
            self.input.by_ref().take(length.into()).read_to_end(&mut bytes).map_err(io_error("read the file"))?;
        if u32::try_from(read).ok() != Some(length) {
            return Err(SHORT);
        }
        self.hasher.update(&bytes);
        Ok(Some(bytes))
    }
}
