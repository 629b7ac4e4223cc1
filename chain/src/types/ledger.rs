//! Who holds what: accounts, stakes, the treasury, and the supply that all of it must add up to.
//!
//! The totals of [`Supply`] are not kept by the rules that move money. After every block the machine adds up what each
//! changed object holds now and held before, moves the totals by the difference, and compares the sum with what was
//! issued; a rule that loses or makes a token is caught whatever it does to its own books.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

/// A token account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// Number of transactions sent; the next transaction carries exactly this nonce.
    pub nonce: u64,
    /// Spendable micro-tokens.
    #[serde(with = "crate::types::twin::micro")]
    pub balance: u128,
}

/// A part of a stake on its way out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unbonding {
    /// Micro-tokens; they stay slashable until withdrawn.
    #[serde(with = "crate::types::twin::micro")]
    pub amount: u128,
    /// First height at which they can be withdrawn.
    pub release_height: u64,
}

/// Value locked behind one worker.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stake {
    /// Micro-tokens free to be bonded to a lease or unstaked.
    #[serde(with = "crate::types::twin::micro")]
    pub amount: u128,
    /// Micro-tokens moved from `amount` into the bonds of unfinished leases and reviews (held there, counted here for eligibility).
    #[serde(with = "crate::types::twin::micro")]
    pub bonded: u128,
    /// Parts being withdrawn, oldest first.
    pub unbonding: Vec<Unbonding>,
}

/// What the rules collect for the network: the part of each fee that is not burned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Treasury {
    /// Micro-tokens.
    #[serde(with = "crate::types::twin::micro")]
    pub amount: u128,
}

/// Micro-tokens by where they are held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Holdings {
    /// Account balances.
    #[serde(with = "crate::types::twin::micro")]
    pub balances: u128,
    /// Free stake.
    #[serde(with = "crate::types::twin::micro")]
    pub stake: u128,
    /// Bonds of leases, models, reviews and challenges.
    #[serde(with = "crate::types::twin::micro")]
    pub bonds: u128,
    /// Escrow of unfinished jobs.
    #[serde(with = "crate::types::twin::micro")]
    pub escrow: u128,
    /// Stake on its way out.
    #[serde(with = "crate::types::twin::micro")]
    pub unbonding: u128,
    /// The treasury.
    #[serde(with = "crate::types::twin::micro")]
    pub treasury: u128,
}

impl Holdings {
    /// The sum over all places, `None` beyond 128 bits.
    #[must_use]
    pub fn total(&self) -> Option<u128> {
        let Self { balances, stake, bonds, escrow, unbonding, treasury } = *self;
        [stake, bonds, escrow, unbonding, treasury].into_iter().try_fold(balances, u128::checked_add)
    }

    /// These holdings after `before` became `after`, `None` where a place would leave its range.
    #[must_use]
    pub fn moved(&self, before: &Self, after: &Self) -> Option<Self> {
        let step = |total: u128, before: u128, after: u128| total.checked_add(after)?.checked_sub(before);
        Some(Self {
            balances: step(self.balances, before.balances, after.balances)?,
            stake: step(self.stake, before.stake, after.stake)?,
            bonds: step(self.bonds, before.bonds, after.bonds)?,
            escrow: step(self.escrow, before.escrow, after.escrow)?,
            unbonding: step(self.unbonding, before.unbonding, after.unbonding)?,
            treasury: step(self.treasury, before.treasury, after.treasury)?,
        })
    }
}

/// Everything ever issued and destroyed, and where the rest is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Supply {
    /// Micro-tokens that genesis handed out.
    #[serde(with = "crate::types::twin::micro")]
    pub genesis: u128,
    /// Micro-tokens minted for verified work.
    #[serde(with = "crate::types::twin::micro")]
    pub minted: u128,
    /// Micro-tokens that arrived from another chain.
    #[serde(with = "crate::types::twin::micro")]
    pub teleported_in: u128,
    /// Micro-tokens destroyed.
    #[serde(with = "crate::types::twin::micro")]
    pub burned: u128,
    /// Micro-tokens that left for another chain.
    #[serde(with = "crate::types::twin::micro")]
    pub teleported_out: u128,
    /// Where the remaining micro-tokens are held.
    pub held: Holdings,
}
