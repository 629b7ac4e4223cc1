//! What hides a checker's commitment until it is opened.
//!
//! The salt is derived and never stored: from the worker's secret seed, which nobody else has, and the result, which is
//! reviewed once by a worker. So a checker that was restarted between commitment and reveal finds its salt again, and an
//! opened salt says nothing about any other, nor about the seed (BLAKE3 `derive_key`). An output hash alone would be no
//! secret: whoever runs the model knows it, and a copy would be paid like a check.
//!
//! The attempt is for a commitment that a fellow juror saw on its way and handed in first under its own name, which the
//! chain then refuses as copied: the next attempt has another salt, and the copy opens for nobody.

use attestation::hash::derive;
use attestation::identity::ml_dsa;
use chain::types::Hash;
use chain::types::ids::check_commitment;

const SALT_CONTEXT: &str = "assay 2026 check-salt v1";

/// Salts of one review: more than a jury has other seats, each of which can copy one commitment.
pub const ATTEMPTS: u32 = 8;

/// The salt of attempt number `attempt` for the review of `result`.
#[must_use]
pub fn check_salt(key: &ml_dsa::SigningKey, result: &Hash, attempt: u32) -> Hash {
    derive(SALT_CONTEXT, &[key.seed().as_slice(), result, &attempt.to_le_bytes()])
}

/// The salt that opens `commitment` to `output_hash`, if this worker made it.
#[must_use]
pub fn opening(key: &ml_dsa::SigningKey, result: &Hash, output_hash: &Hash, commitment: &Hash) -> Option<Hash> {
    let worker = key.public_key().id();
    (0..ATTEMPTS)
        .map(|attempt| check_salt(key, result, attempt))
        .find(|salt| check_commitment(result, &worker, output_hash, salt) == *commitment)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_restarted_checker_opens_what_it_committed_to_and_nobody_else_does() {
        let key = ml_dsa::SigningKey::from_seed(&[1; 32]);
        let worker = key.public_key().id();
        let (result, output) = ([2; 32], [3; 32]);
        for attempt in [0, 1, ATTEMPTS - 1] {
            let salt = check_salt(&key, &result, attempt);
            let commitment = check_commitment(&result, &worker, &output, &salt);
            let again = ml_dsa::SigningKey::from_seed(&[1; 32]);
            assert_eq!(opening(&again, &result, &output, &commitment), Some(salt));
            assert_eq!(opening(&key, &result, &[4; 32], &commitment), None, "another output");
            assert_eq!(opening(&key, &[4; 32], &output, &commitment), None, "another result");
            let other = ml_dsa::SigningKey::from_seed(&[5; 32]);
            assert_eq!(opening(&other, &result, &output, &commitment), None, "another worker");
        }
    }

    #[test]
    fn salts_differ_by_key_result_and_attempt() {
        let key = |seed| ml_dsa::SigningKey::from_seed(&[seed; 32]);
        let base = check_salt(&key(1), &[2; 32], 0);
        assert_ne!(base, check_salt(&key(9), &[2; 32], 0));
        assert_ne!(base, check_salt(&key(1), &[9; 32], 0));
        assert_ne!(base, check_salt(&key(1), &[2; 32], 1));
        assert_ne!(base, [1; 32], "not the seed itself");
    }
}
