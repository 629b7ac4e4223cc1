//! Addresses of accounts: 32 bytes whatever signs for them.

use crate::identity::{
    IdentityError,
    bytes::{exact, fixed_bytes},
};

/// Length of an address in bytes.
pub const ADDRESS_BYTES: usize = 32;

/// An account. Ed25519: BLAKE3 `derive_key` of the public key. Ethereum: 12 zero bytes and the 20-byte address.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address([u8; ADDRESS_BYTES]);

impl Address {
    /// Every 32 bytes are an address.
    #[must_use]
    pub const fn new(bytes: [u8; ADDRESS_BYTES]) -> Self {
        Self(bytes)
    }

    /// The address of an Ethereum account.
    #[must_use]
    pub fn from_ethereum(account: [u8; 20]) -> Self {
        let mut bytes = [0; ADDRESS_BYTES];
        for (target, source) in bytes.iter_mut().skip(12).zip(account) {
            *target = source;
        }
        Self(bytes)
    }

    /// Reads 32 bytes.
    ///
    /// # Errors
    /// [`IdentityError::WrongLength`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, IdentityError> {
        Ok(Self(exact("address", bytes)?))
    }

    /// The bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; ADDRESS_BYTES] {
        &self.0
    }

    /// The bytes.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; ADDRESS_BYTES] {
        self.0
    }
}

impl From<[u8; ADDRESS_BYTES]> for Address {
    fn from(bytes: [u8; ADDRESS_BYTES]) -> Self {
        Self(bytes)
    }
}

impl From<Address> for [u8; ADDRESS_BYTES] {
    fn from(address: Address) -> Self {
        address.0
    }
}

fixed_bytes!(Address, ADDRESS_BYTES);
