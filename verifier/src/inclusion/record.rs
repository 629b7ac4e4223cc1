//! Something on a chain, with the header that commits to it: what a client keeps to show it again without the chain.

use serde::{Deserialize, Serialize};

use super::header::Header;
use super::merkle::{List, MerkleError, MerkleProof};
use super::state::{StateProof, StateProofError};

/// Largest JSON file of an [`Inclusion`]: a registered model's graph and rows, in hexadecimal, and a path.
pub const INCLUSION_BYTES_MAX: usize = 8 << 20;

/// A header, and what it commits to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inclusion {
    /// The header.
    pub header: Header,
    /// What it commits to.
    pub shown: Shown,
}

/// What a header commits to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum Shown {
    /// The state after the block: what a key holds, or that it holds nothing.
    State {
        /// The chain's key.
        #[serde(with = "const_hex::serde")]
        key: Vec<u8>,
        /// The chain's encoding of the object; `None`: the key holds nothing.
        value: Option<HexBytes>,
        /// Path to the state root.
        proof: StateProof,
    },
    /// A signed transaction of the block.
    Transaction {
        /// Its encoding.
        #[serde(with = "const_hex::serde")]
        leaf: Vec<u8>,
        /// Path to the root over the transactions.
        proof: MerkleProof,
    },
    /// A compute result that the block minted for.
    ComputeResult {
        /// Its encoding.
        #[serde(with = "const_hex::serde")]
        leaf: Vec<u8>,
        /// Path to the root over the results.
        proof: MerkleProof,
    },
}

/// Bytes, hexadecimal in JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct HexBytes(#[serde(with = "const_hex::serde")] pub Vec<u8>);

/// Why a header does not commit to what is shown.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InclusionError {
    /// Another header than the one that is trusted.
    #[error(
        "header: expected {}, got {}, which is another block or was changed",
        attestation::hex::encode(.expected), attestation::hex::encode(.got)
    )]
    Header {
        /// The trusted header's hash.
        expected: [u8; 32],
        /// Hash of the header that came.
        got: [u8; 32],
    },
    /// The state is another.
    #[error(transparent)]
    State(#[from] StateProofError),
    /// The block's lists are others.
    #[error(transparent)]
    List(#[from] MerkleError),
}

impl Inclusion {
    /// Checks it against the hash of a header that the caller trusts.
    ///
    /// # Errors
    /// [`InclusionError`], naming what does not fit.
    pub fn check(&self, trusted: &[u8; 32]) -> Result<(), InclusionError> {
        let Header { state_root, transaction_root, compute_root, .. } = &self.header;
        let got = self.header.hash();
        if got != *trusted {
            return Err(InclusionError::Header { expected: *trusted, got });
        }
        match &self.shown {
            Shown::State { key, value: Some(HexBytes(value)), proof } => {
                proof.verify_inclusion(state_root, key, value)?;
            }
            Shown::State { key, value: None, proof } => proof.verify_exclusion(state_root, key)?,
            Shown::Transaction { leaf, proof } => proof.verify(List::Transactions, transaction_root, leaf)?,
            Shown::ComputeResult { leaf, proof } => proof.verify(List::ComputeResults, compute_root, leaf)?,
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use attestation::identity::address::Address;

    use super::super::merkle::{prove, root};
    use super::*;

    fn inclusion() -> Inclusion {
        let leaves = [b"first".to_vec(), b"second".to_vec(), b"third".to_vec()];
        let header = Header {
            height: 9,
            parent: [1; 32],
            time: 77,
            proposer: Address::new([2; 32]),
            state_root: [3; 32],
            transaction_root: root(List::Transactions, &leaves),
            compute_root: root(List::ComputeResults, &leaves),
            epoch: 0,
            beacon: [4; 32],
        };
        let proof = prove(List::Transactions, &leaves, 1).unwrap();
        Inclusion { header, shown: Shown::Transaction { leaf: leaves[1].clone(), proof } }
    }

    #[test]
    fn a_leaf_is_shown_under_the_trusted_header_only() {
        let inclusion = inclusion();
        let trusted = inclusion.header.hash();
        assert_eq!(inclusion.check(&trusted), Ok(()));
        let got = trusted;
        assert_eq!(inclusion.check(&[9; 32]), Err(InclusionError::Header { expected: [9; 32], got }));
        let mut changed = inclusion.clone();
        changed.header.time = 78;
        let got = changed.header.hash();
        assert_eq!(changed.check(&trusted), Err(InclusionError::Header { expected: trusted, got }));
    }

    #[test]
    fn another_leaf_or_list_is_refused() {
        let inclusion = inclusion();
        let trusted = inclusion.header.hash();
        let Shown::Transaction { leaf, proof } = inclusion.shown.clone() else { unreachable!() };
        let refused = |shown: Shown| Inclusion { shown, ..inclusion.clone() }.check(&trusted);
        let other = Shown::Transaction { leaf: b"other".to_vec(), proof: proof.clone() };
        assert_eq!(refused(other), Err(InclusionError::List(MerkleError::Root)));
        let result = Shown::ComputeResult { leaf, proof };
        assert_eq!(refused(result), Err(InclusionError::List(MerkleError::Root)));
        let proof = StateProof { leaf: None, siblings: vec![] };
        let state = Shown::State { key: vec![1], value: Some(HexBytes(vec![2])), proof: proof.clone() };
        assert_eq!(refused(state), Err(InclusionError::State(StateProofError::Absent)));
        let nothing = Shown::State { key: vec![1], value: None, proof };
        assert_eq!(refused(nothing), Err(InclusionError::State(StateProofError::Root)));
    }

    #[test]
    fn the_json_reads_back() {
        let inclusion = inclusion();
        let text = serde_json::to_string(&inclusion).unwrap();
        assert_eq!(serde_json::from_str::<Inclusion>(&text).unwrap(), inclusion);
    }
}
