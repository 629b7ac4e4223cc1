//! Governance: who has a voice, what can be proposed, and where a proposal stands.
//!
//! Voices follow the tiers of REQUIREMENTS U6 by what is locked behind a worker. Their weights are as the tiers' least
//! stakes, so that splitting a stake gains nothing. What leaves a stake is unbonding for longer than a vote is open, so no
//! token votes twice.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use super::ids::Hash;
use super::params::{BPS, Bound, Params};
use super::teleport::Peer;

/// Votes of the three tiers: one for each least stake of the first, at the design's 100 000, 500 000 and 2 000 000 tokens.
pub const TIER_VOTES: [u64; 3] = [1, 5, 20];

/// How proposals are decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GovernanceParams {
    /// Least stake of the first tier, micro-tokens; the second begins at five times, the third at twenty times of it.
    #[serde(with = "crate::types::twin::micro")]
    pub tier_stake: u128,
    /// Blocks for which a vote is open.
    pub voting: u64,
    /// Blocks between two proposals of one worker, and between two changes of the chain.
    pub cooldown: u64,
    /// Share of all free stake that must stand behind a proposal, bps.
    pub quorum_bps: u32,
}

impl GovernanceParams {
    /// The development values: tiers of 100 000, 500 000 and 2 000 000 tokens, 14 days of blocks of 250 ms.
    #[must_use]
    pub fn development() -> Self {
        Self { tier_stake: 100_000_000_000, voting: 1_000, cooldown: 4_838_400, quorum_bps: 2_000 }
    }

    /// Name, value, least and greatest value of each: a vote ends before what it counted can leave, a cooldown afterwards.
    pub(super) fn bounds(&self, unbonding: u64) -> [Bound; 4] {
        let most = 1u128 << 40;
        [
            ("governance.tier_stake", self.tier_stake, 1, 1 << 100),
            ("governance.voting", self.voting.into(), 1, unbonding.into()),
            ("governance.cooldown", self.cooldown.into(), unbonding.into(), most),
            ("governance.quorum_bps", self.quorum_bps.into(), 1, BPS.into()),
        ]
    }

    /// Votes of a stake, by its tier; none below the first.
    // spec: chain#voting-tiers
    #[must_use]
    pub fn votes(&self, stake: u128) -> u64 {
        let reached = TIER_VOTES
            .into_iter()
            .filter(|votes| self.tier_stake.checked_mul(u128::from(*votes)).is_some_and(|least| stake >= least));
        reached.max().unwrap_or(0)
    }

    /// Whether the stake behind so many votes is a quorum of all free stake.
    #[must_use]
    pub fn is_quorum(&self, votes: u64, staked: u128) -> bool {
        let behind = self.tier_stake.saturating_mul(votes.into()).saturating_mul(BPS.into());
        behind >= staked.saturating_mul(self.quorum_bps.into()) && votes > 0
    }
}

/// What a proposal asks for.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Change {
    /// Other parameters.
    Params(Box<Params>),
    /// To believe the validators of another chain, or other validators of one that is believed.
    Link(Peer),
}

/// Where a proposal stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ProposalStatus {
    /// Votes are taken.
    Voting,
    /// No majority, no quorum, or another change waits.
    Rejected,
    /// Passed: waits for the end of its epoch, and of the cooldown.
    Scheduled,
    /// In force.
    Active,
    /// Passed, and not to be had any more: the rules or the parameters of the day refuse it.
    Void,
}

/// A change that somebody proposed.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proposal {
    /// Starts at 1.
    pub version: u64,
    /// Worker whose stake proposed it.
    #[serde(with = "attestation::hex")]
    pub proposer: Hash,
    /// What it asks for.
    pub change: Change,
    /// Last height at which votes are taken.
    pub voting_until: u64,
    /// Votes for it.
    pub yes: u64,
    /// Votes against it.
    pub no: u64,
    /// Where it stands.
    pub status: ProposalStatus,
}

/// The vote of one worker on one proposal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vote {
    /// Its weight when it was cast.
    pub votes: u64,
    /// Whether it is for the proposal.
    pub yes: bool,
}

/// What governance remembers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Governance {
    /// The proposal that passed and waits.
    #[serde(with = "crate::types::twin::optional_hash")]
    pub scheduled: Option<Hash>,
    /// Height of the last change.
    pub changed_height: Option<u64>,
}

/// When a worker proposed last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LastProposal {
    /// Height of the proposal.
    pub height: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiers_are_those_of_the_design_and_splitting_gains_nothing() {
        let params = GovernanceParams::development();
        let token = 1_000_000;
        for (tokens, votes) in
            [(99_999, 0), (100_000, 1), (499_999, 1), (500_000, 5), (1_999_999, 5), (2_000_000, 20), (90_000_000, 20)]
        {
            assert_eq!(params.votes(tokens * token), votes, "{tokens} tokens");
        }
        for (whole, parts) in [(500_000, 5), (2_000_000, 4), (2_000_000, 20)] {
            assert!(params.votes(whole * token) >= parts * params.votes(whole / u128::from(parts) * token));
        }
    }

    #[test]
    fn a_quorum_is_a_share_of_all_stake_and_never_nothing() {
        let params = GovernanceParams { tier_stake: 100, quorum_bps: 2_000, ..GovernanceParams::development() };
        assert!(params.is_quorum(1, 500));
        assert!(!params.is_quorum(1, 501));
        assert!(!params.is_quorum(0, 0));
    }
}
