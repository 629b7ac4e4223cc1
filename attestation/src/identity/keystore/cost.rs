//! How hard it is to try a password.

use pkcs8::pkcs5::{self, scrypt};

use crate::identity::keystore::KeystoreError;

/// Most memory, in units of 128 bytes, that a file may ask for: `N * r` for 256 MiB.
const MEMORY_UNITS_MAX: u64 = 1 << 21;
/// Most work, in the same units, that a file may ask for: `N * r * p`, about five seconds.
const WORK_UNITS_MAX: u64 = 1 << 23;

/// scrypt parameters (RFC 7914, section 2). `N` is a power of two of at least 2; memory is `128 * N * r` bytes, at most
/// 256 MiB; work grows with `N * r * p`, at most 2^23 (invariants).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    log2_n: u8,
    block_size: u16,
    parallelism: u16,
}

impl Cost {
    /// For every key that matters: `N = 2^14, r = 8, p = 5`, 16 MiB. See the module's text for why.
    pub const STANDARD: Self = Self { log2_n: 14, block_size: 8, parallelism: 5 };

    /// Other parameters, with `r = 8`. Less than [`Cost::STANDARD`] is only for keys that guard nothing.
    ///
    /// # Errors
    /// [`KeystoreError::CostOutOfRange`].
    pub fn new(log2_n: u8, parallelism: u16) -> Result<Self, KeystoreError> {
        let n = 1_u64.checked_shl(u32::from(log2_n)).unwrap_or(u64::MAX);
        Self::from_file(n, 8, parallelism)
    }

    /// Parameters as a file states them.
    pub(super) fn from_file(n: u64, block_size: u16, parallelism: u16) -> Result<Self, KeystoreError> {
        let refused = KeystoreError::CostOutOfRange { n, block_size, parallelism };
        let memory = n.saturating_mul(u64::from(block_size));
        let work = memory.saturating_mul(u64::from(parallelism));
        let in_range = n >= 2 && n.is_power_of_two() && (1..=WORK_UNITS_MAX).contains(&work);
        if !in_range || memory > MEMORY_UNITS_MAX {
            return Err(refused);
        }
        let log2_n = u8::try_from(n.trailing_zeros()).map_err(|_| refused)?;
        Ok(Self { log2_n, block_size, parallelism })
    }

    pub(super) fn parameters(self) -> Result<scrypt::Params, KeystoreError> {
        scrypt::Params::new(self.log2_n, self.block_size.into(), self.parallelism.into()).map_err(|_| {
            KeystoreError::Encryption(pkcs5::Error::AlgorithmParametersInvalid { oid: pkcs5::pbes2::SCRYPT_OID })
        })
    }
}
