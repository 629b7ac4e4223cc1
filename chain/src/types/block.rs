//! Blocks and what a light client can be shown of them.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};
use verifier::inclusion::{Header, List, MerkleProof, merkle};

use super::ids::Hash;

/// A header and the transactions it commits to.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Block {
    /// What the block commits to.
    pub header: Header,
    /// Signed transactions in canonical bytes, in execution order.
    #[serde(with = "crate::types::twin::byte_strings")]
    pub transactions: Vec<Vec<u8>>,
}

impl Block {
    /// Hash of the header: the block's identity.
    #[must_use]
    pub fn hash(&self) -> Hash {
        self.header.hash()
    }

    /// Root over the transactions.
    #[must_use]
    pub fn transaction_root(&self) -> Hash {
        merkle::root(List::Transactions, &self.transactions)
    }

    /// Proof that transaction number `index` is part of the block.
    #[must_use]
    pub fn prove_transaction(&self, index: usize) -> Option<MerkleProof> {
        merkle::prove(List::Transactions, &self.transactions, index)
    }
}

/// A leaf of the compute root: one piece of verified work and what was minted for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ComputeResult {
    /// The job.
    #[serde(with = "attestation::hex")]
    pub job: Hash,
    /// The worker.
    #[serde(with = "attestation::hex")]
    pub worker: Hash,
    /// Digest of the work context.
    #[serde(with = "attestation::hex")]
    pub context_digest: Hash,
    /// Digest of the signed receipt.
    #[serde(with = "attestation::hex")]
    pub receipt: Hash,
    /// Model that ran.
    #[serde(with = "attestation::hex")]
    pub model: Hash,
    /// Tensor hash of the input.
    #[serde(with = "attestation::hex")]
    pub input_hash: Hash,
    /// Tensor hash of the output.
    #[serde(with = "attestation::hex")]
    pub output_hash: Hash,
    /// Units of compute.
    pub units: u64,
    /// Trust, bps.
    pub trust_bps: u32,
    /// Micro-tokens minted.
    #[serde(with = "crate::types::twin::micro")]
    pub reward: u128,
}

impl ComputeResult {
    /// The leaf's bytes: every field in order at its fixed width, little-endian.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let Self { job, worker, context_digest, receipt, model, input_hash, output_hash, units, trust_bps, reward } =
            self;
        let mut bytes = [*job, *worker, *context_digest, *receipt, *model, *input_hash, *output_hash].concat();
        bytes.extend(units.to_le_bytes());
        bytes.extend(trust_bps.to_le_bytes());
        bytes.extend(reward.to_le_bytes());
        bytes
    }
}

/// Root over a block's compute results.
#[must_use]
pub fn compute_root(results: &[ComputeResult]) -> Hash {
    merkle::root(List::ComputeResults, &leaves(results))
}

/// Proof that result number `index` is under the compute root.
#[must_use]
pub fn prove_result(results: &[ComputeResult], index: usize) -> Option<MerkleProof> {
    merkle::prove(List::ComputeResults, &leaves(results), index)
}

fn leaves(results: &[ComputeResult]) -> Vec<Vec<u8>> {
    results.iter().map(ComputeResult::to_bytes).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_leaf_is_its_borsh_encoding_and_proves_under_the_root() {
        let result = |byte: u8| ComputeResult {
            job: [byte; 32],
            worker: [2; 32],
            context_digest: [3; 32],
            receipt: [4; 32],
            model: [5; 32],
            input_hash: [6; 32],
            output_hash: [7; 32],
            units: 8,
            trust_bps: 9,
            reward: 10,
        };
        let results = [result(1), result(11), result(12)];
        assert_eq!(results[0].to_bytes(), borsh::to_vec(&results[0]).unwrap());
        let proof = prove_result(&results, 2).unwrap();
        assert_eq!(proof.verify(List::ComputeResults, &compute_root(&results), &results[2].to_bytes()), Ok(()));
    }
}
