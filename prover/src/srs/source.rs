//! Reads a file front to back, hashing every byte of it, whatever the bytes say.
//!
//! Lengths come from the file, so nothing is allocated by them: content is kept as it arrives, up to what the caller wants
//! of it.

use std::io::{ErrorKind, Read};

use blake2b_simd::State;

use super::error::ImportError;

const BUFFER_BYTES: usize = 1 << 16;

/// One file of a ceremony.
pub(super) struct Source<'a> {
    reader: &'a mut dyn Read,
    /// Over all files of the ceremony.
    whole: &'a mut State,
    /// Over this file.
    own: State,
    progress: &'a dyn Fn(usize),
    buffer: Vec<u8>,
}

impl<'a> Source<'a> {
    /// `progress` gets the number of bytes of each read.
    pub(super) fn new(reader: &'a mut dyn Read, whole: &'a mut State, progress: &'a dyn Fn(usize)) -> Self {
        Self { reader, whole, own: State::new(), progress, buffer: vec![0; BUFFER_BYTES] }
    }

    /// BLAKE2b-512 of this file so far.
    pub(super) fn digest(&self) -> [u8; 64] {
        *self.own.finalize().as_array()
    }

    /// The next `N` bytes.
    pub(super) fn array<const N: usize>(&mut self, part: &'static str) -> Result<[u8; N], ImportError> {
        let mut bytes = [0; N];
        bytes.copy_from_slice(&self.take(part, N as u64, N as u64)?);
        Ok(bytes)
    }

    /// A little-endian integer.
    pub(super) fn u32(&mut self, part: &'static str) -> Result<u32, ImportError> {
        self.array(part).map(u32::from_le_bytes)
    }

    /// Passes `length` bytes, of which the first `keep` are returned.
    pub(super) fn take(&mut self, part: &'static str, length: u64, keep: u64) -> Result<Vec<u8>, ImportError> {
        let mut kept = Vec::new();
        let (mut missing, mut wanted) = (length, keep);
        while missing > 0 {
            let limit = usize::try_from(missing).unwrap_or(BUFFER_BYTES).min(BUFFER_BYTES);
            let count = self.read(part, limit)?;
            if count == 0 {
                return Err(ImportError::Truncated { part, missing });
            }
            let used = usize::try_from(wanted).unwrap_or(count).min(count);
            kept.extend_from_slice(&self.buffer[..used]);
            wanted -= used as u64;
            missing -= count as u64;
        }
        Ok(kept)
    }

    /// Refuses anything after the `part`.
    pub(super) fn end(&mut self, part: &'static str) -> Result<(), ImportError> {
        if self.read(part, 1)? == 0 { Ok(()) } else { Err(ImportError::Trailing { part }) }
    }

    /// Up to `limit` bytes into the buffer.
    fn read(&mut self, part: &'static str, limit: usize) -> Result<usize, ImportError> {
        let count = loop {
            match self.reader.read(&mut self.buffer[..limit]) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                other => break other.map_err(|source| ImportError::Read { part, source })?,
            }
        };
        let bytes = &self.buffer[..count];
        self.whole.update(bytes);
        self.own.update(bytes);
        (self.progress)(count);
        Ok(count)
    }
}
