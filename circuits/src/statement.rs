//! The statement of a proof: under this context, this model maps this input to this output, exactly.

use borsh::{BorshDeserialize, BorshSerialize};
use halo2_proofs::halo2curves::bn256::Fr;
use serde::{Deserialize, Serialize};

use crate::committed::unsigned;
use crate::gadgets::columns::signed;
use crate::model::graph::Graph;
use crate::model::tensor::Tensor;

/// Version of the statement: both sides public.
pub const STATEMENT_VERSION: u16 = 1;

const DIGEST_CONTEXT: &str = "assay 2026 statement v1";

/// What a proof says: input and output in full, and the digest of the work context they belong to.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct Statement {
    /// Digest of the work context.
    pub context_digest: [u8; 32],
    /// The quantised input.
    pub input: Tensor,
    /// The integer output.
    pub output: Tensor,
}

/// Why a statement cannot be about a model.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StatementError {
    /// The input's shape is not the model's.
    #[error("statement input: expected shape {expected:?}, got {got:?}")]
    InputShape {
        /// Shape of the model's input.
        expected: Vec<u32>,
        /// Shape that came.
        got: Vec<u32>,
    },
    /// The output's shape is not the model's.
    #[error("statement output: expected shape [{expected}], got {got:?}")]
    OutputShape {
        /// Width of the model's output.
        expected: u32,
        /// Shape that came.
        got: Vec<u32>,
    },
    /// An input element lies outside the model's range.
    #[error("statement input[{index}]: expected {min} to {max}, got {got}")]
    InputRange {
        /// Position of the element.
        index: usize,
        /// Smallest allowed value.
        min: i64,
        /// Largest allowed value.
        max: i64,
        /// Value that came.
        got: i64,
    },
    /// An output element lies outside the model's range.
    #[error("statement output[{index}]: expected {min} to {max}, got {got}")]
    OutputRange {
        /// Position of the element.
        index: usize,
        /// Smallest possible value.
        min: i64,
        /// Largest possible value.
        max: i64,
        /// Value that came.
        got: i64,
    },
}

impl Statement {
    /// The instance column `[ctx_lo, ctx_hi, sequence..., output...]` for `graph`, after checking shapes and ranges. The
    /// sequence is the input or, of a graph that generates, the input and all but the last element of the output.
    // spec: circuits#statement
    pub fn instance(&self, graph: &Graph) -> Result<Vec<Fr>, StatementError> {
        let expected = &graph.input().shape;
        if self.input.shape() != expected.as_slice() {
            return Err(StatementError::InputShape { expected: expected.clone(), got: self.input.shape().to_vec() });
        }
        let output = graph.output();
        if self.output.shape() != [output.width()] {
            return Err(StatementError::OutputShape { expected: output.width(), got: self.output.shape().to_vec() });
        }
        let range = graph.input().range;
        if let Some((index, got)) = self.input.first_outside(&range) {
            return Err(StatementError::InputRange { index, min: range.min, max: range.max, got });
        }
        if let Some((index, got)) = self.output.first_outside(&output.range) {
            return Err(StatementError::OutputRange { index, min: output.range.min, max: output.range.max, got });
        }
        let halves = context_halves(&self.context_digest).map(unsigned);
        let sequence = graph.sequence(self.input.values(), self.output.values());
        let values = sequence.iter().chain(self.output.values());
        Ok(halves.into_iter().chain(values.map(|value| signed(*value))).collect())
    }

    /// BLAKE3 `derive_key` over version, context digest and both tensor hashes.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_derive_key(DIGEST_CONTEXT);
        hasher.update(&STATEMENT_VERSION.to_le_bytes());
        hasher.update(&self.context_digest);
        hasher.update(&self.input.hash());
        hasher.update(&self.output.hash());
        *hasher.finalize().as_bytes()
    }
}

/// Bytes 0..16 and 16..32 of a digest as little-endian integers.
fn context_halves(digest: &[u8; 32]) -> [u128; 2] {
    let value = |bytes: &[u8]| bytes.iter().rev().fold(0u128, |value, byte| value << 8 | u128::from(*byte));
    let (low, high) = digest.split_at(16);
    [value(low), value(high)]
}
