//! How large a proving key is, without holding a second copy of it.

use std::io::{self, Write};

use halo2_proofs::SerdeFormat;

use crate::proving_key::ProvingKey;

/// Bytes of halo2's proving key in its own raw serialisation: what a file of it would hold.
///
/// The weights are not in it: a prover reads them from the bundle.
pub fn serialised_bytes(key: &ProvingKey) -> io::Result<u64> {
    let mut counter = Counter(0);
    key.halo2().write(&mut counter, SerdeFormat::RawBytes)?;
    Ok(counter.0)
}

/// Counts what is written to it.
struct Counter(u64);

impl Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
