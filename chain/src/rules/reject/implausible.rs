//! Layer 1: how the figures of a receipt can contradict each other, the model, or the declared hardware.

use attestation::receipt::HardwareTier;
use thiserror::Error;

/// How a receipt's figures fail to fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Implausible {
    /// Another tier than the worker registered.
    #[error("hardware tier: registered as {expected:?}, got {got:?}")]
    Tier {
        /// Registered.
        expected: HardwareTier,
        /// Stated.
        got: HardwareTier,
    },
    /// Other token counts than the model and its input have.
    #[error("tokens in and out: expected {expected:?}, got {got:?}")]
    Tokens {
        /// In and out.
        expected: (u64, u64),
        /// In and out, stated.
        got: (u64, u64),
    },
    /// Longer than the lease has existed.
    #[error("elapsed: expected at most {max} ms since the lease, got {got} ms")]
    Elapsed {
        /// Time between lease and completion.
        max: u64,
        /// Time stated.
        got: u64,
    },
    /// Faster than hardware of the tier can be.
    #[error("speed: expected at most {max} tokens per second for this tier, got {tokens} tokens in {elapsed_ms} ms")]
    Speed {
        /// Top speed of the tier.
        max: u64,
        /// Tokens stated.
        tokens: u64,
        /// Time stated.
        elapsed_ms: u64,
    },
}
