//! Layer 1: whether the figures that a worker signed fit each other, the model and the declared hardware.
//!
//! It reads the receipt alone, so it costs nothing and catches only what contradicts itself.

use attestation::receipt::{HardwareTier, WorkReceipt};

use super::reject::Implausible;

/// The first figure that does not fit a worker registered as `tier`, and a model billed by `tokens`, in and out.
///
/// # Errors
/// The figure, with what was expected of it.
// spec: chain#metadata-implausible
pub fn plausible(receipt: &WorkReceipt, tier: HardwareTier, tokens: (u64, u64)) -> Result<(), Implausible> {
    let got = receipt.metadata.tier;
    if got != tier {
        return Err(Implausible::Tier { expected: tier, got });
    }
    contradiction(receipt, tokens).or_else(|| too_fast(receipt)).map_or(Ok(()), Err)
}

/// The first figure of a receipt that contradicts the others or the model, whatever its worker is registered as.
///
/// Speed is none of them: a machine faster than its declared tier is refused, since it declared itself wrongly, but an
/// honest worker that never measured its speed can sign such a receipt, so that nobody is punished for one.
pub(crate) fn contradiction(receipt: &WorkReceipt, expected: (u64, u64)) -> Option<Implausible> {
    let metadata = &receipt.metadata;
    let got = (u64::from(metadata.tokens_in), u64::from(metadata.tokens_out));
    if got != expected {
        return Some(Implausible::Tokens { expected, got });
    }
    let max = receipt.completed_at.saturating_sub(receipt.context.timestamp);
    if metadata.elapsed_ms > max {
        return Some(Implausible::Elapsed { max, got: metadata.elapsed_ms });
    }
    None
}

/// More tokens in a second than hardware of the declared tier can give.
fn too_fast(receipt: &WorkReceipt) -> Option<Implausible> {
    let metadata = &receipt.metadata;
    let (tokens, elapsed_ms) = (u64::from(metadata.tokens_out), metadata.elapsed_ms);
    let max = metadata.tier.tokens_per_second_max()?;
    let is_beyond = u128::from(tokens).saturating_mul(1000) > u128::from(max).saturating_mul(elapsed_ms.into());
    is_beyond.then_some(Implausible::Speed { max, tokens, elapsed_ms })
}
