//! What governance may set, the bounds it may not leave, and the development values.
//!
//! Every bound is checked where a [`Params`] is made, so no rule meets a value outside it. The inequality that makes
//! unbonding outlast every way to be convicted (I5), and those that make sampling pay for the honest (I1, I3), are checked
//! here too and named in the error.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use super::governance::GovernanceParams;
use crate::economics::invariants;

mod canary;
mod epoch;
mod work;

pub use canary::CanaryParams;
pub use epoch::{EpochParams, Meter};
pub use work::{AssignmentParams, StandingParams};

/// One hundred percent, basis points.
pub const BPS: u32 = 10_000;

/// One, parts per million.
pub const PPM: u32 = 1_000_000;

/// A parameter's name, value, least and greatest value.
pub(super) type Bound = (&'static str, u128, u128, u128);

/// Size and pace of blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelParams {
    /// Largest circuit: 2^k rows; every node holds setup bases of this size.
    pub k_max: u32,
}

/// What a transaction costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeeParams {
    /// Least price, micro-tokens per gas.
    #[serde(with = "crate::types::twin::micro")]
    pub gas_price_min: u128,
    /// Share of fees and of job payments that is burned, bps.
    pub burned_bps: u32,
    /// What a check that agreed with the result earns, as a share of the job's escrow, bps.
    pub check_bps: u32,
}

/// Windows, in blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WindowParams {
    /// Timeout of a standard lease.
    pub lease_standard: u64,
    /// Timeout of a lease on a large model.
    pub lease_large: u64,
    /// How long after its timeout a result is still taken.
    pub grace: u64,
    /// How long a result or a model can be challenged; results of better evidence wait less.
    pub challenge: u64,
    /// Blocks between a sampled result and the beacon that decides whether it is checked.
    pub draw: u64,
    /// Each stage of a review: to commit, to reveal, to answer with a proof.
    pub review: u64,
    /// How old evidence of an offence may be.
    pub evidence_age: u64,
    /// How long stake stays locked and slashable after it was unstaked.
    pub unbonding: u64,
    /// Longest distance of a job's deadline.
    pub job_max: u64,
    /// How long a jury's verdict can be appealed before it convicts; 0 for no appeals.
    pub appeal: u64,
}

/// What must be locked, and what a timeout costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BondParams {
    /// Least bond of a model, micro-tokens.
    #[serde(with = "crate::types::twin::micro")]
    pub model_min: u128,
    /// Least stake of a worker that leases, micro-tokens.
    #[serde(with = "crate::types::twin::micro")]
    pub worker_stake_min: u128,
    /// Least bond of a lease, micro-tokens.
    #[serde(with = "crate::types::twin::micro")]
    pub lease_min: u128,
    /// Bond of a lease as a share of the job's escrow, bps, when that is more.
    pub lease_escrow_bps: u32,
    /// Share of the lease's bond that a timeout burns, bps.
    pub timeout_slash_bps: u32,
    /// Bond of a checker or juror for each draw, micro-tokens.
    #[serde(with = "crate::types::twin::micro")]
    pub audit: u128,
    /// Least bond of a challenge, micro-tokens.
    #[serde(with = "crate::types::twin::micro")]
    pub challenge_min: u128,
}

/// The figures of the inequalities by which sampling is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditParams {
    /// Share of sampled results that is checked at least, bps; a job may ask for more.
    pub spot_rate_bps: u32,
    /// Probability that an honest check finds a wrong output, ppm.
    pub detection_ppm: u32,
    /// Share of eligible stake that is taken to collude with the worker, ppm.
    pub collusion_ppm: u32,
    /// Margin of I1, bps.
    pub margin_bps: u32,
    /// What not computing a unit saves at most, micro-tokens.
    #[serde(with = "crate::types::twin::micro")]
    pub saving_per_unit: u128,
    /// Probability that an honest re-execution errs, ppm.
    pub error_ppm: u32,
    /// Least honest profit of a lease as a share of its reward and bond, ppm.
    pub profit_ppm: u32,
    /// Share of that profit that false convictions may cost, ppm.
    pub false_loss_ppm: u32,
    /// Jurors of a dispute.
    pub jury: u32,
    /// Rows of a synthetic task's product that are drawn.
    pub synthetic_rows: u32,
}

/// What who is wrong or silent loses, and who gets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SlashParams {
    /// Of the job's bond, for a wrong output, bps.
    pub wrong_output_bps: u32,
    /// Of its audit bond, for a checker or juror that was wrong, bps.
    pub wrong_check_bps: u32,
    /// Of its audit bond, for a checker or juror that was silent, bps.
    pub silent_bps: u32,
    /// Of what was slashed, to the side that was right, bps.
    pub winner_bps: u32,
    /// Of what was slashed, to the jurors that were right, bps.
    pub jury_bps: u32,
}

/// What verified work earns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RewardParams {
    /// Reward per unit in the first period, micro-tokens.
    #[serde(with = "crate::types::twin::micro")]
    pub base_per_unit: u128,
    /// Share of the base that remains after each period, bps.
    pub decay_bps: u32,
    /// Epochs of one period.
    pub decay_epochs: u64,
    /// Difficulty of the first epoch, bps.
    pub difficulty_bps: u32,
    /// Trust of a result that a proof settles, bps.
    pub proof_trust_bps: u32,
    /// What a unit of verified compute costs at least, micro-tokens: the mint for unpaid work stays below it.
    #[serde(with = "crate::types::twin::micro")]
    pub cost_floor_per_unit: u128,
}

/// Everything that governance may set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
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
    /// Sampling.
    pub audit: AuditParams,
    /// Slashing.
    pub slash: SlashParams,
    /// Who may take a job first.
    pub assignment: AssignmentParams,
    /// What a bad record costs.
    pub standing: StandingParams,
    /// Governance.
    pub governance: GovernanceParams,
    /// Epochs.
    pub epoch: EpochParams,
    /// Canaries.
    pub canary: CanaryParams,
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
    /// I1: cheating could pay whatever a worker with the least stake locks.
    #[error(
        "I1: q (R + b) >= (1 + margin) g: at q = {conviction_ppm} ppm an unpaid unit needs a bond of {needed:?} micro-tokens, the least stake is {got}"
    )]
    ConvictionTooWeak {
        /// Probability of conviction, ppm.
        conviction_ppm: u32,
        /// Bond that the inequality asks for; none when no bond is enough.
        needed: Option<u128>,
        /// Least stake of a worker that leases.
        got: u128,
    },
    /// I2: a checker would earn more by running nothing.
    #[error(
        "I2: eps (J + s_a) > c_v: expected more than {cost} micro-tokens for one unit, at eps = {rate_ppm} ppm got {got}"
    )]
    DiligenceUnpaid {
        /// Share of checks that are canaries, ppm.
        rate_ppm: u32,
        /// What a check of one unit costs at most, micro-tokens.
        cost: u128,
        /// Left side, micro-tokens, rounded down.
        got: u128,
    },
    /// I3: honest workers could lose too much to false convictions.
    #[error(
        "I3: p alpha maj(alpha, n) (R + b) <= delta (R - C): expected at most {max} parts in 10^12 of reward and bond, got {got}"
    )]
    FalseConviction {
        /// Right side over `R + b`, parts in 10^12.
        max: u128,
        /// Left side over `R + b`, parts in 10^12.
        got: u128,
    },
}

impl Params {
    /// The development values of this chain.
    #[must_use]
    pub fn development() -> Self {
        Self {
            block: BlockParams { interval_ms: 250, bytes_max: 4 << 20, gas_max: 200_000_000, epoch_blocks: 2_400 },
            model: ModelParams { k_max: 12 },
            fee: FeeParams { gas_price_min: 1, burned_bps: 2_000, check_bps: 200 },
            window: WindowParams {
                lease_standard: 240,
                lease_large: 1_200,
                grace: 8,
                challenge: 8,
                draw: 2,
                review: 8,
                evidence_age: 400,
                unbonding: 2_000,
                job_max: 100_000,
                appeal: 0,
            },
            bond: BondParams {
                model_min: 100_000_000,
                worker_stake_min: 50_000_000,
                lease_min: 1_000_000,
                lease_escrow_bps: 100,
                timeout_slash_bps: 100,
                audit: 1_000_000,
                challenge_min: 2_000_000,
            },
            reward: RewardParams {
                base_per_unit: 5_000,
                decay_bps: 9_000,
                decay_epochs: 25_920,
                difficulty_bps: BPS,
                proof_trust_bps: BPS,
                cost_floor_per_unit: 3_000,
            },
            audit: AuditParams {
                spot_rate_bps: 2_500,
                detection_ppm: 990_000,
                collusion_ppm: 200_000,
                margin_bps: 2_000,
                saving_per_unit: 6_000,
                error_ppm: 10_000,
                profit_ppm: 10_000,
                false_loss_ppm: 10_000,
                jury: 3,
                synthetic_rows: 2,
            },
            slash: SlashParams {
                wrong_output_bps: BPS,
                wrong_check_bps: 5_000,
                silent_bps: 500,
                winner_bps: 3_000,
                jury_bps: 3_000,
            },
            assignment: AssignmentParams::development(),
            standing: StandingParams::development(),
            governance: GovernanceParams::development(),
            epoch: EpochParams::development(),
            canary: CanaryParams::development(),
        }
    }

    /// Checks every bound, I1, I2, I3 and I5.
    ///
    /// # Errors
    /// [`ParamsError`], naming the parameter or the inequality, with the numbers.
    // spec: chain#parameters
    pub fn check(&self) -> Result<(), ParamsError> {
        let Self {
            block,
            model,
            fee,
            window,
            bond,
            reward,
            audit,
            slash,
            assignment,
            standing,
            governance,
            epoch,
            canary,
        } = self;
        let amount = 1u128 << 100;
        let blocks = 1u128 << 40;
        let bps = u128::from(BPS);
        let bounds: [Bound; 47] = [
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
            ("window.draw", window.draw.into(), 1, 1 << 32),
            ("window.review", window.review.into(), 1, 1 << 32),
            ("window.evidence_age", window.evidence_age.into(), 1, blocks),
            ("window.unbonding", window.unbonding.into(), 1, blocks),
            ("window.appeal", window.appeal.into(), 0, 1 << 32),
            ("window.job_max", window.job_max.into(), window.lease_large.into(), blocks),
            ("bond.model_min", bond.model_min, 1, amount),
            ("bond.worker_stake_min", bond.worker_stake_min, 1, amount),
            ("bond.lease_min", bond.lease_min, 1, amount),
            ("bond.lease_escrow_bps", bond.lease_escrow_bps.into(), 0, bps),
            ("bond.timeout_slash_bps", bond.timeout_slash_bps.into(), 0, bps),
            ("bond.audit", bond.audit, 1, amount),
            ("bond.challenge_min", bond.challenge_min, 1, amount),
            ("fee.check_bps", fee.check_bps.into(), 0, 5_000),
            ("audit.spot_rate_bps", audit.spot_rate_bps.into(), 0, bps),
            ("audit.detection_ppm", audit.detection_ppm.into(), 0, PPM.into()),
            ("audit.collusion_ppm", audit.collusion_ppm.into(), 0, PPM.into()),
            ("audit.margin_bps", audit.margin_bps.into(), 0, 1_000_000),
            ("audit.saving_per_unit", audit.saving_per_unit, 0, 1 << 60),
            ("audit.error_ppm", audit.error_ppm.into(), 0, PPM.into()),
            ("audit.profit_ppm", audit.profit_ppm.into(), 0, PPM.into()),
            ("audit.false_loss_ppm", audit.false_loss_ppm.into(), 0, PPM.into()),
            ("audit.jury", audit.jury.into(), 3, 5),
            ("audit.synthetic_rows", audit.synthetic_rows.into(), 1, 8),
            ("slash.wrong_output_bps", slash.wrong_output_bps.into(), bps, bps),
            ("slash.wrong_check_bps", slash.wrong_check_bps.into(), 0, bps),
            ("slash.silent_bps", slash.silent_bps.into(), 0, slash.wrong_check_bps.into()),
            ("slash.winner_bps", slash.winner_bps.into(), 0, bps),
            ("slash.winner_bps + jury_bps", u128::from(slash.winner_bps).saturating_add(slash.jury_bps.into()), 0, bps),
            ("reward.base_per_unit", reward.base_per_unit, 0, 1 << 60),
            ("reward.decay_bps", reward.decay_bps.into(), 0, bps),
            ("reward.decay_epochs", reward.decay_epochs.into(), 1, blocks),
            (
                "reward.difficulty_bps",
                reward.difficulty_bps.into(),
                epoch.difficulty_min_bps.into(),
                epoch.difficulty_max_bps.into(),
            ),
            ("reward.proof_trust_bps", reward.proof_trust_bps.into(), 6_000, bps),
            ("reward.cost_floor_per_unit", reward.cost_floor_per_unit, 0, 1 << 60),
            (
                "window.lease_large + grace",
                u128::from(window.lease_large).saturating_add(window.grace.into()),
                1,
                blocks,
            ),
        ];
        let bounds = bounds.into_iter().chain(assignment.bounds()).chain(standing.bounds());
        let bounds = bounds.chain(governance.bounds(window.unbonding));
        let bounds = bounds.chain(epoch.bounds()).chain(canary.bounds());
        for (name, got, min, max) in bounds {
            if !(min..=max).contains(&got) {
                return Err(ParamsError::Bounds { name, min, max, got });
            }
        }
        invariants::check_conviction(audit, bond)?;
        invariants::check_diligence(canary, bond, audit.saving_per_unit)?;
        invariants::check_false_conviction(audit)?;
        invariants::check_unbonding(window)
    }
}
