//! What a light client checks: headers, certificates, membership of a block's lists, and state proofs.
//!
//! Everything here is pure: the caller brings the header it trusts (or a certificate and the validator set that signed
//! it) and the bytes in question. Three decisions shape the module.
//!
//! *Lists* (transactions, compute results) are RFC 6962 trees with separate leaf and node hashing, and the root binds
//! the number of leaves, so neither a node posing as a leaf nor a shortened list verifies ([`merkle`]).
//!
//! *State* is a Jellyfish Merkle tree; its proofs are carried as one 32-byte hash per sibling instead of the tree
//! library's typed nodes, which keeps a proof near one kilobyte and this crate free of the library ([`state`]).
//!
//! *Headers* name no chain: a certificate's signed bytes bind the genesis hash, and every header reaches genesis
//! through its parents ([`header`]).

pub mod header;
pub mod merkle;
pub mod range;
pub mod record;
pub mod state;

pub use header::{
    BLOCK_TIME_AHEAD_MS_MAX, Certificate, CertificateError, CommitSignature, Header, LinkError, Misbehaviour,
    MisbehaviourError, VALIDATORS_MAX, Validator, ValidatorSet, ValidatorSetError, beacon_after, check_link,
};
pub use merkle::{List, MerkleError, MerkleProof};
pub use range::{RangeError, StateRange};
pub use record::{Inclusion, InclusionError, Shown};
pub use state::{StateLeaf, StateProof, StateProofError};

/// Hexadecimal twins of a list of hashes.
mod hex_list {
    use serde::{Deserialize, Deserializer, Serializer, de::Error as _};

    pub(super) fn serialize<S: Serializer>(hashes: &[[u8; 32]], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(hashes.iter().map(|hash| attestation::hex::encode(hash)))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<[u8; 32]>, D::Error> {
        let texts = Vec::<String>::deserialize(deserializer)?;
        texts.iter().map(|text| attestation::hex::decode(text).map_err(D::Error::custom)).collect()
    }
}
