//! Merkle trees over a block's ordered lists.
//!
//! The tree is that of RFC 6962 section 2.1 (a lone node at the end of a level moves up unchanged), with two deviations:
//! leaves and nodes are separated by BLAKE3 context strings instead of prefix bytes, and the root hashes the number of
//! leaves with the top node, so that an audit path is checked against the length that the root was built for.

use attestation::hash::derive;
use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

const LEAF_CONTEXT: &str = "assay 2026 merkle-leaf v1";
const NODE_CONTEXT: &str = "assay 2026 merkle-node v1";
const ROOT_CONTEXT: &str = "assay 2026 merkle-root v1";
/// The top of an empty tree.
const EMPTY_TOP: [u8; 32] = [0; 32];

/// Which list a tree is over; part of every hash, so that no proof serves another list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum List {
    /// The signed transactions, in block order.
    Transactions,
    /// The compute results minted by the block, in transaction order.
    ComputeResults,
    /// The integer rows of a model's committed weight matrix, by exponent.
    WeightRows,
    /// The payouts of an epoch, in the order in which workers first earned something in it.
    Payouts,
    /// The rows of a synthetic task's product.
    SyntheticRows,
}

impl List {
    fn tag(self) -> [u8; 1] {
        match self {
            Self::Transactions => [0],
            Self::ComputeResults => [1],
            Self::WeightRows => [2],
            Self::Payouts => [3],
            Self::SyntheticRows => [4],
        }
    }
}

/// Why an audit path was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MerkleError {
    /// The index lies outside the list.
    #[error("merkle proof index: expected below {count}, got {index}")]
    Index {
        /// Position claimed.
        index: u64,
        /// Length of the list.
        count: u64,
    },
    /// The path has another length than the position and the list's length ask for.
    #[error("merkle proof path: expected {expected} siblings, got {got}")]
    PathLength {
        /// Siblings that the position has.
        expected: usize,
        /// Siblings that came.
        got: usize,
    },
    /// The path leads to another root.
    #[error("merkle proof root: the path does not lead to the header's root")]
    Root,
}

/// Audit path of one leaf, bottom first.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MerkleProof {
    /// Position of the leaf.
    pub index: u64,
    /// Number of leaves of the list.
    pub count: u64,
    /// Sibling hashes, bottom first; a level without a sibling has none.
    #[serde(with = "super::hex_list")]
    pub path: Vec<[u8; 32]>,
}

impl MerkleProof {
    /// Checks that `leaf` stands at [`MerkleProof::index`] of the list that `root` commits to.
    ///
    /// # Errors
    /// [`MerkleError`], naming the part that does not fit.
    pub fn verify(&self, list: List, root: &[u8; 32], leaf: &[u8]) -> Result<(), MerkleError> {
        if self.index >= self.count {
            return Err(MerkleError::Index { index: self.index, count: self.count });
        }
        let expected = path_length(self.index, self.count);
        if self.path.len() != expected {
            return Err(MerkleError::PathLength { expected, got: self.path.len() });
        }
        let mut siblings = self.path.iter();
        let mut top = leaf_hash(list, leaf);
        let (mut index, mut size) = (self.index, self.count);
        while size > 1 {
            if has_sibling(index, size)
                && let Some(sibling) = siblings.next()
            {
                top = if index & 1 == 1 { node_hash(list, sibling, &top) } else { node_hash(list, &top, sibling) };
            }
            index >>= 1;
            size = size.div_ceil(2);
        }
        if root_hash(list, self.count, &top) != *root {
            return Err(MerkleError::Root);
        }
        Ok(())
    }
}

/// The root over `leaves`, in order.
#[must_use]
pub fn root<L: AsRef<[u8]>>(list: List, leaves: &[L]) -> [u8; 32] {
    root_of_hashes(list, leaves.iter().map(|leaf| leaf_hash(list, leaf.as_ref())).collect())
}

/// The root over leaves with these hashes ([`leaf_hash`]), in order: for leaves that are too large to keep.
#[must_use]
pub fn root_of_hashes(list: List, hashes: Vec<[u8; 32]>) -> [u8; 32] {
    let leaves = count(hashes.len());
    let mut level = hashes;
    while level.len() > 1 {
        level = parents(list, &level);
    }
    root_hash(list, leaves, level.first().unwrap_or(&EMPTY_TOP))
}

/// The audit path of `leaves[index]`, or `None` outside the list.
#[must_use]
pub fn prove<L: AsRef<[u8]>>(list: List, leaves: &[L], index: usize) -> Option<MerkleProof> {
    leaves.get(index)?;
    let mut level: Vec<[u8; 32]> = leaves.iter().map(|leaf| leaf_hash(list, leaf.as_ref())).collect();
    let mut position = index;
    let mut path = Vec::new();
    while level.len() > 1 {
        path.extend(level.get(position ^ 1).copied());
        position >>= 1;
        level = parents(list, &level);
    }
    Some(MerkleProof { index: count(index), count: count(leaves.len()), path })
}

fn parents(list: List, level: &[[u8; 32]]) -> Vec<[u8; 32]> {
    level
        .chunks(2)
        .map(|pair| match pair {
            [left, right] => node_hash(list, left, right),
            [lone] => *lone,
            _ => EMPTY_TOP,
        })
        .collect()
}

fn has_sibling(index: u64, size: u64) -> bool {
    index ^ 1 < size
}

fn path_length(mut index: u64, mut size: u64) -> usize {
    let mut length = 0usize;
    while size > 1 {
        length = length.saturating_add(usize::from(has_sibling(index, size)));
        index >>= 1;
        size = size.div_ceil(2);
    }
    length
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

/// The hash of a leaf.
#[must_use]
pub fn leaf_hash(list: List, leaf: &[u8]) -> [u8; 32] {
    derive(LEAF_CONTEXT, &[&list.tag(), leaf])
}

fn node_hash(list: List, left: &[u8; 32], right: &[u8; 32]) -> [u8; 32] {
    derive(NODE_CONTEXT, &[&list.tag(), left, right])
}

fn root_hash(list: List, count: u64, top: &[u8; 32]) -> [u8; 32] {
    derive(ROOT_CONTEXT, &[&list.tag(), &count.to_le_bytes(), top])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaves(count: u8) -> Vec<Vec<u8>> {
        (0..count).map(|index| vec![index; 3]).collect()
    }

    #[test]
    fn every_leaf_of_every_length_verifies_and_no_other_leaf_does() {
        for length in 1..40u8 {
            let leaves = leaves(length);
            let root = root(List::ComputeResults, &leaves);
            for (index, leaf) in leaves.iter().enumerate() {
                let proof = prove(List::ComputeResults, &leaves, index).unwrap();
                assert_eq!(proof.verify(List::ComputeResults, &root, leaf), Ok(()));
                assert_eq!(proof.verify(List::ComputeResults, &root, b"other"), Err(MerkleError::Root));
                assert_eq!(proof.verify(List::Transactions, &root, leaf), Err(MerkleError::Root));
            }
            assert_eq!(prove(List::ComputeResults, &leaves, leaves.len()), None);
        }
    }

    #[test]
    fn position_and_length_are_bound() {
        let leaves = leaves(7);
        let root = root(List::Transactions, &leaves);
        let proof = prove(List::Transactions, &leaves, 4).unwrap();
        let moved = MerkleProof { index: 5, ..proof.clone() };
        assert_eq!(moved.verify(List::Transactions, &root, &leaves[4]), Err(MerkleError::Root));
        let longer = MerkleProof { count: 8, ..proof.clone() };
        assert_eq!(longer.verify(List::Transactions, &root, &leaves[4]), Err(MerkleError::Root));
        let outside = MerkleProof { index: 7, ..proof.clone() };
        assert_eq!(
            outside.verify(List::Transactions, &root, &leaves[4]),
            Err(MerkleError::Index { index: 7, count: 7 })
        );
        let mut padded = proof.clone();
        padded.path.push([0; 32]);
        assert_eq!(
            padded.verify(List::Transactions, &root, &leaves[4]),
            Err(MerkleError::PathLength { expected: 3, got: 4 })
        );
    }

    #[test]
    fn a_node_is_no_leaf_and_an_empty_list_has_a_root_of_its_own() {
        let pair = leaves(2);
        let inner: Vec<u8> = pair.iter().flat_map(|leaf| leaf_hash(List::Transactions, leaf)).collect();
        assert_ne!(root(List::Transactions, &pair), root(List::Transactions, &[inner]));
        let none: [&[u8]; 0] = [];
        assert_ne!(root(List::Transactions, &none), root(List::ComputeResults, &none));
        assert_ne!(root(List::Transactions, &none), root(List::Transactions, &[b""]));
    }
}
