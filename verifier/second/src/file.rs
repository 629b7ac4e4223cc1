//! Files and their bodies.

use crate::Refusal;

const MAGIC: &[u8; 8] = b"\x89ASSAY\r\n";
const HEADER_BYTES: usize = 16;
const CHECKSUM_BYTES: usize = 8;

/// The two kinds of file that this verifier reads.
pub(crate) struct Format {
    pub(crate) kind: u16,
    /// The oldest and the newest version that are read.
    pub(crate) versions: [u16; 2],
    pub(crate) body_bytes_max: usize,
}

pub(crate) const KEY: Format = Format { kind: 1, versions: [2, 3], body_bytes_max: 1 << 20 };
pub(crate) const PROOF: Format = Format { kind: 2, versions: [1, 1], body_bytes_max: 256 << 10 };

/// The version and the body of a file.
// spec: verifier#file
pub(crate) fn body<'a>(format: &Format, file: &'a [u8]) -> Result<(u16, Body<'a>), Refusal> {
    if file.is_empty() || !file.iter().zip(MAGIC).all(|(byte, expected)| byte == expected) {
        return Err(Refusal::File("magic"));
    }
    if file.len() < HEADER_BYTES + CHECKSUM_BYTES {
        return Err(Refusal::File("header"));
    }
    let mut header = Body(file);
    let _magic: &[u8; 8] = header.array()?;
    let [kind, version] = [header.u16()?, header.u16()?];
    let length = header.length()?;
    if kind != format.kind {
        return Err(Refusal::File("kind"));
    }
    let [oldest, newest] = format.versions;
    if !(oldest..=newest).contains(&version) {
        return Err(Refusal::Unknown("format version"));
    }
    if length > format.body_bytes_max || file.len() != HEADER_BYTES + length + CHECKSUM_BYTES {
        return Err(Refusal::File("length"));
    }
    let (content, checksum) = file.split_at(HEADER_BYTES + length);
    if !blake3::derive_key("assay 2026 file-checksum v1", content).starts_with(checksum) {
        return Err(Refusal::File("checksum"));
    }
    Ok((version, Body(content.get(HEADER_BYTES..).unwrap_or_default())))
}

/// What is left of a body.
pub(crate) struct Body<'a>(&'a [u8]);

impl<'a> Body<'a> {
    pub(crate) fn array<const N: usize>(&mut self) -> Result<&'a [u8; N], Refusal> {
        let (array, rest) = self.0.split_first_chunk().ok_or(Refusal::File("ends early"))?;
        self.0 = rest;
        Ok(array)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, Refusal> {
        self.array().map(|bytes| u16::from_le_bytes(*bytes))
    }

    pub(crate) fn u32(&mut self) -> Result<u32, Refusal> {
        self.array().map(|bytes| u32::from_le_bytes(*bytes))
    }

    /// One byte, which says whether something is so.
    pub(crate) fn flag(&mut self) -> Result<bool, Refusal> {
        match self.array()? {
            [0] => Ok(false),
            [1] => Ok(true),
            _ => Err(Refusal::File("a flag is neither 0 nor 1")),
        }
    }

    fn length(&mut self) -> Result<usize, Refusal> {
        usize::try_from(self.u32()?).map_err(|_| Refusal::File("length"))
    }

    /// A length and as many of whatever `read` reads.
    pub(crate) fn list<T>(&mut self, read: impl Fn(&mut Self) -> Result<T, Refusal>) -> Result<Vec<T>, Refusal> {
        (0..self.length()?).map(|_| read(self)).collect()
    }

    /// A length and as many bytes.
    pub(crate) fn bytes(&mut self) -> Result<&'a [u8], Refusal> {
        let length = self.length()?;
        let (bytes, rest) = self.0.split_at_checked(length).ok_or(Refusal::File("ends early"))?;
        self.0 = rest;
        Ok(bytes)
    }

    /// A length and as many arrays.
    pub(crate) fn arrays<const N: usize>(&mut self) -> Result<Vec<&'a [u8; N]>, Refusal> {
        self.list(Self::array)
    }

    /// Nothing may be left.
    pub(crate) fn end(self) -> Result<(), Refusal> {
        if self.0.is_empty() { Ok(()) } else { Err(Refusal::File("bytes are left")) }
    }
}
