//! Identifiers: what names an object, and what makes work unrepeatable.
//!
//! Every identifier is a BLAKE3 hash under its own context string over fixed-width parts. The *work nullifier* holds
//! neither a timestamp nor an output hash: the same work signed again, or two different answers to it, must collide.

use attestation::hash::derive;
pub use attestation::identity::address::Address;
use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

/// A 32-byte hash or identifier.
pub type Hash = [u8; 32];

const OBJECT_CONTEXT: &str = "assay 2026 object-id v1";
const WORK_CONTEXT: &str = "assay 2026 work-nullifier v1";
const NONCE_CONTEXT: &str = "assay 2026 lease-nonce v1";
const DRAW_CONTEXT: &str = "assay 2026 review-draw v1";
const COMMITMENT_CONTEXT: &str = "assay 2026 check-commitment v1";
const DEVICE_CONTEXT: &str = "assay 2026 device-binding v1";
const BEACON_CONTEXT: &str = "assay 2026 genesis-beacon v1";

/// Domain of the signature by which a worker key shows that its holder registers it.
pub const POSSESSION_DOMAIN: &str = "assay 2026 worker-registration v1";

/// An object at one version; a transaction that names a stale version is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ObjectRef {
    /// Identifier of the object.
    #[serde(with = "attestation::hex")]
    pub id: Hash,
    /// Version the sender saw; versions start at 1 and increase by one with every change.
    pub version: u64,
}

/// Identifier of the `index`-th object that a transaction creates.
#[must_use]
pub fn object_id(transaction: &Hash, index: u32) -> Hash {
    derive(OBJECT_CONTEXT, &[transaction, &index.to_le_bytes()])
}

/// Key of finished work in the spent set.
#[must_use]
pub fn work_nullifier(chain_id: u32, job: &Hash, model: &Hash, input: &Hash, worker: &Hash) -> Hash {
    derive(WORK_CONTEXT, &[&chain_id.to_le_bytes(), job, model, input, worker])
}

/// Stands for a job in the context that a worker attests to bind a device.
#[must_use]
pub fn device_job(worker: &Hash) -> Hash {
    derive(DEVICE_CONTEXT, &[worker])
}

/// Nonce of a leased work context: unknown before the beacon of the leasing block is.
#[must_use]
pub fn lease_nonce(beacon: &Hash, job: &Hash, worker: &Hash) -> Hash {
    derive(NONCE_CONTEXT, &[beacon, job, worker])
}

/// Lot of draw number `index` of a result's review, under the beacon of the block that draws.
#[must_use]
pub fn review_lot(beacon: &Hash, result: &Hash, index: u32) -> Hash {
    derive(DRAW_CONTEXT, &[beacon, result, &index.to_le_bytes()])
}

/// What a checker or juror commits to. It names the worker, so nobody else can open it.
#[must_use]
pub fn check_commitment(result: &Hash, worker: &Hash, output_hash: &Hash, salt: &Hash) -> Hash {
    derive(COMMITMENT_CONTEXT, &[result, worker, output_hash, salt])
}

/// Beacon of the first block.
#[must_use]
pub fn genesis_beacon(genesis: &Hash) -> Hash {
    derive(BEACON_CONTEXT, &[genesis])
}

/// What a worker key signs, under [`POSSESSION_DOMAIN`], to be registered for `operator` on this chain.
#[must_use]
pub fn possession_message(chain_id: u32, genesis: &Hash, operator: &Address) -> Vec<u8> {
    [chain_id.to_le_bytes().as_slice(), genesis, operator.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_work_nullifier_depends_on_each_of_its_parts() {
        let base = work_nullifier(1, &[1; 32], &[2; 32], &[3; 32], &[4; 32]);
        assert_ne!(base, work_nullifier(2, &[1; 32], &[2; 32], &[3; 32], &[4; 32]));
        assert_ne!(base, work_nullifier(1, &[9; 32], &[2; 32], &[3; 32], &[4; 32]));
        assert_ne!(base, work_nullifier(1, &[1; 32], &[9; 32], &[3; 32], &[4; 32]));
        assert_ne!(base, work_nullifier(1, &[1; 32], &[2; 32], &[9; 32], &[4; 32]));
        assert_ne!(base, work_nullifier(1, &[1; 32], &[2; 32], &[3; 32], &[9; 32]));
    }

    #[test]
    fn objects_of_one_transaction_differ() {
        assert_ne!(object_id(&[1; 32], 0), object_id(&[1; 32], 1));
        assert_ne!(object_id(&[1; 32], 0), object_id(&[2; 32], 0));
    }
}
