//! The JSON twin of a statement: what a proof outside a receipt is to show.

use circuits::model::tensor::Tensor;
use circuits::statement::Statement;
use serde::{Deserialize, Serialize};

/// Largest statement in JSON, bytes.
pub const STATEMENT_BYTES_MAX: usize = 16 << 20;

/// A statement in JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatementFile {
    #[serde(with = "attestation::hex")]
    context_digest: [u8; 32],
    input: Tensor,
    output: Tensor,
}

impl From<&Statement> for StatementFile {
    fn from(Statement { context_digest, input, output }: &Statement) -> Self {
        Self { context_digest: *context_digest, input: input.clone(), output: output.clone() }
    }
}

impl From<StatementFile> for Statement {
    fn from(StatementFile { context_digest, input, output }: StatementFile) -> Self {
        Self { context_digest, input, output }
    }
}
