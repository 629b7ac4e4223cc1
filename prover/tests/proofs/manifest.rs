//! The tamper manifest of a proof file: every byte lies in one named section, and changing it ends in that section's refusal.

use std::ops::Range;

use prover::prove::prove;
use verifier::container::ContainerError;
use verifier::key::VerifyingKey;
use verifier::proof::{Proof, ProofError};
use verifier::transcript::ReadError;

use crate::common::Fixture;
use crate::halo2::verify;

const HEADER_BYTES: usize = 16;
const CHECKSUM_BYTES: usize = 8;
const ELEMENT_BYTES: usize = 32;

/// How a changed file is refused once its checksum is made again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refusal {
    /// It is no file of ours, or not a proof.
    Magic,
    Kind,
    Version,
    /// Lengths that do not add up.
    Length,
    /// A label that names something else.
    System,
    Hash,
    Setup,
    Key,
    Statement,
    /// An element before the end of the weight columns: another challenge, so other columns.
    Link,
    /// An element behind them.
    Constraints,
}

impl Refusal {
    fn covers(self, error: &ProofError, element: Option<usize>) -> bool {
        // A changed element may also be no element at all; then its own offset is named.
        if let (Some(element), ProofError::Read(ReadError::Element { at, .. })) = (element, error) {
            return *at == element;
        }
        let ProofError::Container(container) = error else {
            return match self {
                Self::System => matches!(error, ProofError::System { .. }),
                Self::Hash => matches!(error, ProofError::Hash { .. }),
                Self::Setup => matches!(error, ProofError::Setup { .. }),
                Self::Key => matches!(error, ProofError::Key { .. }),
                Self::Statement => matches!(error, ProofError::StatementDigest { .. }),
                Self::Link => *error == ProofError::Weights,
                Self::Constraints => *error == ProofError::Constraints,
                Self::Magic | Self::Kind | Self::Version | Self::Length => false,
            };
        };
        match self {
            Self::Magic => matches!(container, ContainerError::Magic),
            Self::Kind => matches!(container, ContainerError::Kind { .. }),
            Self::Version => matches!(container, ContainerError::Version { .. }),
            Self::Length => {
                matches!(container, ContainerError::Length { .. } | ContainerError::TooLarge { .. })
                    || matches!(container, ContainerError::Body { .. })
            }
            // The system's name is text: what is not UTF-8 is no canonical body.
            Self::System => matches!(container, ContainerError::Body { .. }),
            _ => false,
        }
    }
}

/// Name, bytes of the file and refusal of every section, in order.
fn manifest(key: &VerifyingKey, proof: &Proof) -> Vec<(&'static str, Range<usize>, Refusal)> {
    let system = key.halo2().cs();
    let phases = system.advice_column_phase();
    let data = phases.iter().filter(|phase| **phase == 0).count();
    let weights = key.link().unwrap().points.len();
    let copied = system.permutation().get_columns().len();
    let products = copied.div_ceil(system.degree() - 2);
    let elements = [
        ("data columns", data, Refusal::Link),
        ("weight columns", weights, Refusal::Link),
        ("sums", phases.len() - data - weights, Refusal::Constraints),
        ("permutation products", products, Refusal::Constraints),
        ("random polynomial", 1, Refusal::Constraints),
        ("quotient", system.degree() - 1, Refusal::Constraints),
        ("values of advice columns", system.advice_queries().len(), Refusal::Constraints),
        ("values of fixed columns", system.fixed_queries().len(), Refusal::Constraints),
        ("value of the random polynomial", 1, Refusal::Constraints),
        ("values of the permutation", copied, Refusal::Constraints),
        // Each product here and on the next row, and where it is passed on to the next product.
        ("values of permutation products", 3 * products - 1, Refusal::Constraints),
        ("opening", 2, Refusal::Constraints),
    ];
    let sections = [
        ("magic", 8, Refusal::Magic),
        ("kind", 2, Refusal::Kind),
        ("version", 2, Refusal::Version),
        ("length", 4, Refusal::Length),
        ("length of the system's name", 4, Refusal::Length),
        ("system", proof.system.len(), Refusal::System),
        ("hash", 2, Refusal::Hash),
        ("setup", 32, Refusal::Setup),
        ("key", 32, Refusal::Key),
        ("statement", 32, Refusal::Statement),
        ("length of the elements", 4, Refusal::Length),
    ];
    let elements = elements.map(|(name, count, refusal)| (name, count * ELEMENT_BYTES, refusal));
    let mut at = 0;
    let placed = sections.into_iter().chain(elements).map(|(name, bytes, refusal)| {
        let range = at..at + bytes;
        at = range.end;
        (name, range, refusal)
    });
    placed.collect()
}

fn with_checksum(mut file: Vec<u8>) -> Vec<u8> {
    let end = file.len() - CHECKSUM_BYTES;
    let checksum = blake3::derive_key("assay 2026 file-checksum v1", &file[..end]);
    file[end..].copy_from_slice(&checksum[..CHECKSUM_BYTES]);
    file
}

#[test]
fn every_byte_of_a_proof_file_has_its_refusal() {
    let fixture = Fixture::small();
    let key = fixture.verifying();
    let proven = prove(&fixture.key, [7; 32], &fixture.values).unwrap();
    let file = proven.proof.to_bytes();
    let decide = |file: &[u8]| verify(key, &proven.statement, &Proof::from_bytes(file)?);
    decide(&with_checksum(file.clone())).unwrap();
    let sections = manifest(key, &proven.proof);
    let elements = file.len() - CHECKSUM_BYTES - proven.proof.bytes.len();
    assert_eq!(
        sections.last().map(|(_, range, _)| range.end),
        Some(file.len() - CHECKSUM_BYTES),
        "no byte is left out"
    );
    for (name, range, refusal) in sections {
        for position in range {
            let mut changed = file.clone();
            changed[position] ^= 1 << (position % 8);
            let damaged = decide(&changed).unwrap_err();
            assert!(matches!(damaged, ProofError::Container(_)), "{name}, byte {position}: {damaged}");
            let element = position.checked_sub(elements).map(|offset| offset / ELEMENT_BYTES * ELEMENT_BYTES);
            let error = decide(&with_checksum(changed)).unwrap_err();
            assert!(refusal.covers(&error, element), "{name}, byte {position}: {error:?}");
        }
    }
    for position in file.len() - CHECKSUM_BYTES..file.len() {
        let mut changed = file.clone();
        changed[position] ^= 1;
        assert!(matches!(decide(&changed), Err(ProofError::Container(ContainerError::Checksum { .. }))));
    }
    for length in 0..file.len() {
        let error = decide(&file[..length]).unwrap_err();
        assert!(matches!(error, ProofError::Container(_)), "{length} bytes: {error}");
        if length >= HEADER_BYTES + CHECKSUM_BYTES {
            let error = decide(&with_checksum(file[..length].to_vec())).unwrap_err();
            assert!(Refusal::Length.covers(&error, None), "{length} bytes: {error}");
        }
    }
}
