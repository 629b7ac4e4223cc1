//! What governance may set, the bounds it may not leave, and the development values.
//!
//! Every bound is checked where a [`Params`] is made, so no rule meets a value outside it. The inequality that makes
//! unbonding outlast every way to be convicted (I5) is checked here too and named in the error.

use borsh::{BorshDeserialize, BorshSerialize};

use crate::economics::invariants;

/// One hundred percent, basis points.
pub const BPS: u32 = 10_000;

/// Size and pace of blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct BlockParams {
    /// Wanted time between blocks, milliseconds.
    pub interval_ms: u64,
    /// Most bytes of transactions.
    pub bytes_max: u64,
    /// Most gas.
    pub gas_max: u64,
    /// Blocks of one epoch.
    pub epoch_blocks: u64,
}

/// What a model may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ModelParams {
    /// Largest circuit: 2^k rows; every node holds setup bases of this size.
    pub k_max: u32,
}

/// What a transaction costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct FeeParams {
    /// Least price, micro-tokens per gas.
    pub gas_price_min: u128,
    /// Share of fees and of job payments that is burned, bps.
    pub burned_bps: u32,
}

/// Windows, in blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct WindowParams {
    /// Timeout of a standard lease.
    pub lease_standard: u64,
    /// Timeout of a lease on a large model.
    pub lease_large: u64,
    /// How long after its timeout a result is still taken.
    pub grace: u64,
    /// How long a result or a model can be challenged.
    pub challenge: u64,
    /// How old evidence of an offence may be.
    pub evidence_age: u64,
    /// How long stake stays locked and slashable after it was unstaked.
    pub unbonding: u64,
    /// Longest distance of a job's deadline.
    pub job_max: u64,
}

/// What must be locked, and what a timeout costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct BondParams {
    /// Least bond of a model, micro-tokens.
    pub model_min: u128,
    /// Least stake of a worker that leases, micro-tokens.
    pub worker_stake_min: u128,
    /// Least bond of a lease, micro-tokens.
    pub lease_min: u128,
    /// Bond of a lease as a share of the job's escrow, bps, when that is more.
    pub lease_escrow_bps: u32,
    /// Share of the lease's bond that a timeout burns, bps.
    pub timeout_slash_bps: u32,
}

/// What verified work earns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct RewardParams {
    /// Reward per unit in the first period, micro-tokens.
    pub base_per_unit: u128,
    /// Share of the base that remains after each period, bps.
    pub decay_bps: u32,
    /// Epochs of one period.
    pub decay_epochs: u64,
    /// Network difficulty, bps.
    pub difficulty_bps: u32,
    /// Tier factor, bps; the same for every worker until tiers are scored.
    pub tier_bps: u32,
    /// Uptime factor, bps; the same for every worker until uptime is scored.
    pub uptime_bps: u32,
    /// Trust of a result that a proof settles, bps.
    pub proof_trust_bps: u32,
    /// What a unit of verified compute costs at least, micro-tokens: the mint for unpaid work stays below it.
    pub cost_floor_per_unit: u128,
}

/// Everything that governance may set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Params {
    /// Blocks.
    pub block: BlockParams,
    /// Models.
    pub model: ModelParams,
    /// Fees.
    pub fee: FeeParams,
    /// Windows.
    pub window: WindowParams,
    /// Bonds.
    pub bond: BondParams,
    /// Rewards.
    pub reward: RewardParams,
}

/// Why parameters were refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParamsError {
    /// A value outside its bounds.
    #[error("{name}: expected {min} to {max}, got {got}")]
    Bounds {
        /// The parameter.
        name: &'static str,
        /// Its least value.
        min: u128,
        /// Its greatest value.
        max: u128,
        /// Value that came.
        got: u128,
    },
    /// I5: stake could leave before it can be slashed.
    #[error(
        "I5: unbonding >= challenge window + re-execution time + evidence age: expected at least {needed} blocks, got {got}"
    )]
    UnbondingTooShort {
        /// Blocks that the inequality asks for.
        needed: u64,
        /// Blocks that came.
        got: u64,
    },
}

impl Params {
    /// The development values of this chain.
    #[must_use]
    pub fn development() -> Self {
        Self {
            block: BlockParams { interval_ms: 250, bytes_max: 4 << 20, gas_max: 200_000_000, epoch_blocks: 2_400 },
            model: ModelParams { k_max: 12 },
            fee: FeeParams { gas_price_min: 1, burned_bps: 2_000 },
            window: WindowParams {
                lease_standard: 240,
                lease_large: 1_200,
                grace: 8,
                challenge: 8,
                evidence_age: 400,
                unbonding: 2_000,
                job_max: 100_000,
            },
            bond: BondParams {
                model_min: 100_000_000,
                worker_stake_min: 50_000_000,
                lease_min: 1_000_000,
                lease_escrow_bps: 100,
                timeout_slash_bps: 100,
            },
            reward: RewardParams {
                base_per_unit: 5_000,
                decay_bps: 9_000,
                decay_epochs: 25_920,
                difficulty_bps: BPS,
                tier_bps: BPS,
                uptime_bps: BPS,
                proof_trust_bps: BPS,
                cost_floor_per_unit: 3_000,
            },
        }
    }

    /// Checks every bound and I5.
    ///
    /// # Errors
    /// [`ParamsError`], naming the parameter or the inequality, with the numbers.
    // spec: chain#parameters
    pub fn check(&self) -> Result<(), ParamsError> {
        let Self { block, model, fee, window, bond, reward } = self;
        let amount = 1u128 << 100;
        let blocks = 1u128 << 40;
        let bps = u128::from(BPS);
        let bounds: [(&'static str, u128, u128, u128); 28] = [
            ("block.interval_ms", block.interval_ms.into(), 1, 3_600_000),
            ("block.bytes_max", block.bytes_max.into(), 1 << 20, 1 << 30),
            ("block.gas_max", block.gas_max.into(), 50_000_000, 1 << 50),
            ("block.epoch_blocks", block.epoch_blocks.into(), 1, blocks),
            ("model.k_max", model.k_max.into(), 1, circuits::model::graph::K_MAX.into()),
            ("fee.gas_price_min", fee.gas_price_min, 0, 1 << 60),
            ("fee.burned_bps", fee.burned_bps.into(), 0, bps),
            ("window.lease_standard", window.lease_standard.into(), 1, blocks),
            ("window.lease_large", window.lease_large.into(), window.lease_standard.into(), blocks),
            ("window.grace", window.grace.into(), 0, blocks),
            ("window.challenge", window.challenge.into(), 1, blocks),
            ("window.evidence_age", window.evidence_age.into(), 1, blocks),
            ("window.unbonding", window.unbonding.into(), 1, blocks),
            ("window.job_max", window.job_max.into(), window.lease_large.into(), blocks),
            ("bond.model_min", bond.model_min, 1, amount),
            ("bond.worker_stake_min", bond.worker_stake_min, 1, amount),
            ("bond.lease_min", bond.lease_min, 1, amount),
            ("bond.lease_escrow_bps", bond.lease_escrow_bps.into(), 0, bps),
            ("bond.timeout_slash_bps", bond.timeout_slash_bps.into(), 0, bps),
            ("reward.base_per_unit", reward.base_per_unit, 0, 1 << 60),
            ("reward.decay_bps", reward.decay_bps.into(), 0, bps),
            ("reward.decay_epochs", reward.decay_epochs.into(), 1, blocks),
            ("reward.difficulty_bps", reward.difficulty_bps.into(), 1, 1_000_000),
            ("reward.tier_bps", reward.tier_bps.into(), bps, 20_000),
            ("reward.uptime_bps", reward.uptime_bps.into(), bps, 20_000),
            ("reward.proof_trust_bps", reward.proof_trust_bps.into(), 6_000, bps),
            ("reward.cost_floor_per_unit", reward.cost_floor_per_unit, 0, 1 << 60),
            (
                "window.lease_large + grace",
                u128::from(window.lease_large).saturating_add(window.grace.into()),
                1,
                blocks,
            ),
        ];
        for (name, got, min, max) in bounds {
            if !(min..=max).contains(&got) {
                return Err(ParamsError::Bounds { name, min, max, got });
            }
        }
        invariants::check_unbonding(window)
    }
}
