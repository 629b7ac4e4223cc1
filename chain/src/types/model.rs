//! Registered models.
//!
//! A model is its public graph and its committed rows; its identity is the hash that the verifying key derived from them
//! carries, so nobody trusts a registrant's key. Billing units are checked against the graph: a formula that counts more
//! units than the graph has multiply-accumulates is refused, because the mint's cost floor is paid per unit.

use borsh::{BorshDeserialize, BorshSerialize};
use circuits::model::graph::Graph;
use serde::{Deserialize, Serialize};

use super::ids::{Address, Hash};

/// Largest graph and commitment together, bytes.
pub const MODEL_BYTES_MAX: usize = 256 << 10;

/// `units = base + per_token_in * tokens_in + per_token_out * tokens_out`; one unit is one multiply-accumulate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnitsFormula {
    /// Units of every job.
    pub base: u64,
    /// Units per input token.
    pub per_token_in: u64,
    /// Units per output token.
    pub per_token_out: u64,
}

impl UnitsFormula {
    /// The units of a job, `None` beyond 64 bits.
    #[must_use]
    pub fn units(&self, tokens_in: u64, tokens_out: u64) -> Option<u64> {
        let input = self.per_token_in.checked_mul(tokens_in)?;
        let output = self.per_token_out.checked_mul(tokens_out)?;
        self.base.checked_add(input)?.checked_add(output)
    }

    /// Whether the formula bills by the token.
    #[must_use]
    pub fn bills_tokens(&self) -> bool {
        self.per_token_in != 0 || self.per_token_out != 0
    }
}

/// Most jobs on a model while it can be challenged: they end with it if it is convicted.
pub const CONTESTABLE_JOBS_MAX: usize = 1024;

/// Where a model stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ModelStatus {
    /// Jobs can be posted on it. Within its window it can be challenged.
    Open,
    /// One of its rows was found wrong: closed for good.
    Convicted,
}

/// Jobs that were posted on a model while it could be challenged.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContestableJobs {
    /// At most [`CONTESTABLE_JOBS_MAX`], in the order in which they were posted.
    #[serde(with = "crate::types::twin::hashes")]
    pub jobs: Vec<Hash>,
}

/// A provable model.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// Starts at 1.
    pub version: u64,
    /// Account that registered it and gets the bond back.
    pub registrant: Address,
    /// Canonical bytes of the graph.
    #[serde(with = "crate::types::twin::bytes")]
    pub graph: Vec<u8>,
    /// Canonical bytes of the row commitments.
    #[serde(with = "crate::types::twin::bytes")]
    pub commitment: Vec<u8>,
    /// Setup the rows are committed under.
    #[serde(with = "attestation::hex")]
    pub setup: Hash,
    /// Digest of the verifying key that this node derived.
    #[serde(with = "attestation::hex")]
    pub key_digest: Hash,
    /// Billing formula.
    pub formula: UnitsFormula,
    /// Tokens of the graph's input.
    pub tokens_in: u64,
    /// Tokens of the graph's output.
    pub tokens_out: u64,
    /// Units of one run: the formula at those tokens.
    pub units: u64,
    /// Micro-tokens locked until the model is retired or convicted.
    #[serde(with = "crate::types::twin::micro")]
    pub bond: u128,
    /// Height of registration; the challenge window starts here.
    pub registered_height: u64,
    /// Where it stands.
    pub status: ModelStatus,
}

impl Model {
    /// Tokens of a graph's input and of its output: one per vector, so all dimensions but the last; the output is one
    /// vector. What a graph that generates is asked and what it generates are tokens, each element one.
    #[must_use]
    pub fn tokens_of(graph: &Graph) -> (u64, u64) {
        if graph.generated() > 0 {
            return (graph.input().shape.iter().copied().map(u64::from).product(), graph.generated().into());
        }
        let shape = &graph.input().shape;
        let leading = shape.len().saturating_sub(1);
        (shape.iter().take(leading).fold(1u64, |product, dimension| product.saturating_mul((*dimension).into())), 1)
    }

    /// Tokens in and out that a receipt must state: none where the formula bills by the run.
    #[must_use]
    pub fn tokens_billed(&self) -> (u64, u64) {
        if self.formula.bills_tokens() { (self.tokens_in, self.tokens_out) } else { (0, 0) }
    }

    /// Last height at which it can be challenged, for a window of `challenge` blocks.
    #[must_use]
    pub fn contestable_until(&self, challenge: u64) -> u64 {
        self.registered_height.saturating_add(challenge)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_never_wrap() {
        let formula = UnitsFormula { base: 1, per_token_in: 2, per_token_out: u64::MAX };
        assert_eq!(formula.units(3, 0), Some(7));
        assert_eq!(formula.units(3, 2), None);
        assert_eq!(formula.units(0, 1), None);
    }
}
