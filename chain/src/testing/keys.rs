//! Keys of test accounts and workers, made once each: random sequences ask for them at every step.

use std::sync::OnceLock;

use attestation::identity::{ed25519, ml_dsa};

use crate::types::ids::Hash;

/// Account key number `number`.
pub(crate) fn account(number: u8) -> ed25519::SigningKey {
    static KEYS: [OnceLock<ed25519::SigningKey>; 256] = [const { OnceLock::new() }; 256];
    KEYS[usize::from(number)].get_or_init(|| ed25519::SigningKey::from_seed(&[number; 32])).clone()
}

/// Worker key number `number`.
pub(crate) fn worker_key(number: u8) -> &'static ml_dsa::SigningKey {
    static KEYS: [OnceLock<ml_dsa::SigningKey>; 256] = [const { OnceLock::new() }; 256];
    KEYS[usize::from(number)].get_or_init(|| ml_dsa::SigningKey::from_seed(&[number; 32]))
}

/// Identifier of worker `number`.
pub(crate) fn worker_id(number: u8) -> Hash {
    static IDS: [OnceLock<Hash>; 256] = [const { OnceLock::new() }; 256];
    *IDS[usize::from(number)].get_or_init(|| worker_key(number).public_key().id())
}

/// The validator's key.
pub(crate) fn validator() -> ed25519::SigningKey {
    account(200)
}
