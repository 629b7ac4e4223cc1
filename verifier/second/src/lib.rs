//! A second verifier of the same keys and proofs, so that a mistake in the first has a witness.
//!
//! It is written from `verifier/SPEC.md` and `circuits/SPEC.md`, and shares with `assay-verifier` and halo2 neither reader,
//! transcript, field, curve, pairing nor constraint system: those are its own, or arkworks'. What a graph means comes from
//! `circuits` (the graph's decoder, its row plan and what shape that has), as it does for everybody: a key's fixed columns are commitments, and
//! which coefficients its rows have is a fact about the graph.
//!
//! The tests of `assay-verifier` and `assay-prover` have both decide everything that they decide. It is not shipped: it
//! takes several times as long, verifies no batches and names fewer reasons.
#![forbid(unsafe_code)]

mod argument;
mod expression;
mod file;
mod fingerprint;
mod gates;
mod key;
mod opening;
mod points;
mod system;
mod transcript;

pub use key::Key;

/// Why something was not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A format version, proof system or hash that this verifier does not know: it cannot decide.
    #[error("unknown {0}")]
    Unknown(&'static str),
    /// The bytes are not a file of the kind.
    #[error("not a file of this kind: {0}")]
    File(&'static str),
    /// The key's parts do not fit together.
    #[error("key: {0}")]
    Key(&'static str),
    /// The proof says that it is about another setup, key or statement.
    #[error("the proof names another {0}")]
    Label(&'static str),
    /// The statement cannot be about the model.
    #[error("statement: {0}")]
    Statement(&'static str),
    /// The proof ends inside an element, or the element is not canonical.
    #[error("the proof has no canonical element at byte {at}")]
    Element {
        /// Offset in the proof's elements.
        at: usize,
    },
    /// More elements than the proof has.
    #[error("bytes are left after the last element")]
    Trailing,
    /// A challenge met a point of the domain, or two met each other.
    #[error("a challenge is degenerate")]
    Degenerate,
    /// A weight column is not the combination of the committed rows.
    #[error("a weight column is not the combination of the committed rows")]
    Link,
    /// The constraints do not hold, or the commitments do not open to the values.
    #[error("the constraints do not hold")]
    Constraints,
}
