//! Reading and writing with a running checksum, through one buffer.

use std::io::{self, Read, Write};

use super::KeyFileError;

/// Bytes that are read or written at a time.
pub(super) const BUFFER_BYTES: usize = 1 << 18;

/// Hashes what it passes on.
pub(super) struct HashWriter<'a> {
    inner: &'a mut dyn Write,
    hasher: blake3::Hasher,
    buffer: Vec<u8>,
}

impl<'a> HashWriter<'a> {
    pub(super) fn new(inner: &'a mut dyn Write, context: &str) -> Self {
        Self { inner, hasher: blake3::Hasher::new_derive_key(context), buffer: Vec::with_capacity(BUFFER_BYTES) }
    }

    /// Writes the checksum.
    pub(super) fn finish(mut self) -> io::Result<()> {
        self.flush()?;
        self.inner.write_all(self.hasher.finalize().as_bytes())?;
        self.inner.flush()
    }
}

impl Write for HashWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.buffer.len() + bytes.len() > BUFFER_BYTES {
            self.flush()?;
        }
        self.buffer.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.hasher.update(&self.buffer);
        self.inner.write_all(&self.buffer)?;
        self.buffer.clear();
        Ok(())
    }
}

/// Hashes what it reads.
pub(super) struct HashReader<'a> {
    inner: &'a mut dyn Read,
    hasher: blake3::Hasher,
}

impl<'a> HashReader<'a> {
    pub(super) fn new(inner: &'a mut dyn Read, context: &str) -> Self {
        Self { inner, hasher: blake3::Hasher::new_derive_key(context) }
    }

    /// Fills `bytes` from the file.
    pub(super) fn fill(&mut self, part: &'static str, bytes: &mut [u8]) -> Result<(), KeyFileError> {
        fill(self.inner, part, bytes)?;
        self.hasher.update(bytes);
        Ok(())
    }

    /// The next `N` bytes.
    pub(super) fn array<const N: usize>(&mut self, part: &'static str) -> Result<[u8; N], KeyFileError> {
        let mut bytes = [0; N];
        self.fill(part, &mut bytes)?;
        Ok(bytes)
    }

    /// The next `length` bytes, which the caller has bounded.
    pub(super) fn bytes(&mut self, part: &'static str, length: u64) -> Result<Vec<u8>, KeyFileError> {
        let mut bytes = Vec::new();
        (&mut *self.inner).take(length).read_to_end(&mut bytes)?;
        if bytes.len() as u64 != length {
            return Err(KeyFileError::Truncated { part });
        }
        self.hasher.update(&bytes);
        Ok(bytes)
    }

    /// Compares the checksum, and makes sure that nothing follows it.
    pub(super) fn finish(self) -> Result<(), KeyFileError> {
        let mut checksum = [0; 32];
        fill(self.inner, "checksum", &mut checksum)?;
        if self.hasher.finalize() != checksum {
            return Err(KeyFileError::Checksum);
        }
        if self.inner.read(&mut [0])? != 0 {
            return Err(KeyFileError::Trailing);
        }
        Ok(())
    }
}

fn fill(reader: &mut dyn Read, part: &'static str, bytes: &mut [u8]) -> Result<(), KeyFileError> {
    reader.read_exact(bytes).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => KeyFileError::Truncated { part },
        _ => KeyFileError::Read(error),
    })
}
