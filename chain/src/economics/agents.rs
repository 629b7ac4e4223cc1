//! Named adversaries, and what each is expected to earn: by the rules as they are, and with one rule taken away.
//!
//! Everything is exact integer arithmetic on the functions that the rules themselves use; nothing is drawn at random. An
//! agent plays one job (or several, where that is its trick) against honest play of the same job. Probabilities are parts
//! per million, so expected values are in millionths of a micro-token ([`Expected`]). What an accepted and a convicted
//! result pay is measured on the state machine by a test beside the rules; fees are counted where the trick is to post
//! jobs oneself, since everywhere else honesty pays them too.
//!
//! The cost of honest work is taken to be all of `saving_per_unit`, the most that not computing can save: whoever computes
//! for less has less to gain by cheating.

use serde::{Serialize, Serializer};

use super::bond::{self, Offer, SampledTerms};
use super::{audit, emission, gas, invariants, reward, share};
use crate::types::params::{AuditParams, BPS, CanaryParams, PPM, Params};

/// Leases that the bulk cheat holds at a time.
const BULK: u32 = 16;

/// Millionths of a micro-token; negative for a loss. Text in JSON, as all money is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Expected(pub i128);

impl Serialize for Expected {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl Expected {
    /// In micro-tokens, rounded towards zero.
    #[must_use]
    pub fn micro(self) -> i128 {
        self.0.checked_div(PPM.into()).unwrap_or(0)
    }

    /// `caught` with a probability in parts per million, `otherwise` else.
    fn of(probability_ppm: u32, caught: i128, otherwise: i128) -> Option<Self> {
        let free = PPM.checked_sub(probability_ppm)?;
        let sum = caught.checked_mul(probability_ppm.into())?.checked_add(otherwise.checked_mul(free.into())?)?;
        Some(Self(sum))
    }

    fn certain(amount: i128) -> Option<Self> {
        Some(Self(amount.checked_mul(PPM.into())?))
    }
}

/// Who tries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Agent {
    /// Hands in an output without running anything.
    Lazy,
    /// Runs a model at half the cost.
    SmallModel,
    /// Is lazy, and owns the share of checkers that I1 reckons with.
    Colluder,
    /// Is lazy on many leases at once.
    Bulk,
    /// Is lazy, and takes its bond home before the verdict.
    Runner,
    /// Posts its own jobs, unpaid, to be minted for them.
    SelfDealer,
    /// As a juror commits to what another committed to.
    CopyCat,
    /// Challenges right results in the hope of a jury that errs.
    Griefer,
    /// As a checker agrees with everything and runs nothing.
    IdleChecker,
    /// Is lazy, and has a planter call its result a canary if it is found.
    Insured,
}

/// One agent's prospects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Prospect {
    /// Who.
    pub agent: Agent,
    /// What stands against it.
    pub rule: &'static str,
    /// What honest play of the same jobs earns.
    pub honest: Expected,
    /// What the agent earns under the rules.
    pub with: Expected,
    /// What it would earn if the rule were not there.
    pub without: Expected,
}

impl Prospect {
    /// Whether honesty earns more under the rules.
    #[must_use]
    pub fn deters(&self) -> bool {
        self.honest > self.with
    }

    /// Whether cheating would earn more without the rule: then the rule is what deters.
    #[must_use]
    pub fn is_needed(&self) -> bool {
        self.without > self.honest
    }
}

/// Every agent's prospects on a job; `None` when an amount leaves its range or no bond makes I1 hold.
#[must_use]
pub fn prospects(params: &Params, epoch: u64, offer: &Offer) -> Option<Vec<Prospect>> {
    let game = Game::new(params, epoch, offer)?;
    Some(vec![
        game.lazy()?,
        game.small_model()?,
        game.colluder()?,
        game.bulk()?,
        game.runner()?,
        game.self_dealer()?,
        game.copy_cat()?,
        game.griefer()?,
        game.idle_checker()?,
        game.insured()?,
    ])
}

/// One job, as the agents see it.
struct Game<'a> {
    params: &'a Params,
    epoch: u64,
    offer: &'a Offer,
    conviction_ppm: u32,
    /// What an accepted result earns.
    reward: i128,
    /// What running the model costs.
    cost: i128,
    /// What the lease locks.
    bond: i128,
    /// What it would lock without I1.
    floor: i128,
}

impl<'a> Game<'a> {
    fn new(params: &'a Params, epoch: u64, offer: &'a Offer) -> Option<Self> {
        let SampledTerms { conviction_ppm, reward, saved, needed } = bond::offer_terms(params, epoch, offer)?;
        let floor = bond::proof_lease_bond(&params.bond, offer.escrow)?;
        Some(Self {
            params,
            epoch,
            offer,
            conviction_ppm,
            reward: signed(reward)?,
            cost: signed(saved)?,
            bond: signed(needed?.max(floor))?,
            floor: signed(floor)?,
        })
    }

    fn honest(&self) -> Option<Expected> {
        Expected::certain(self.reward.checked_sub(self.cost)?)
    }

    /// Cheating at a cost, behind a bond.
    fn cheat(&self, conviction_ppm: u32, bond: i128, cost: i128) -> Option<Expected> {
        let caught = bond.checked_add(cost)?.checked_neg()?;
        Expected::of(conviction_ppm, caught, self.reward.checked_sub(cost)?)
    }

    fn lazy(&self) -> Option<Prospect> {
        let play = |bond| self.cheat(self.conviction_ppm, bond, 0);
        self.prospect(Agent::Lazy, "I1", play(self.bond)?, play(self.floor)?)
    }

    fn small_model(&self) -> Option<Prospect> {
        let cost = self.cost.checked_div(2)?;
        let play = |bond| self.cheat(self.conviction_ppm, bond, cost);
        self.prospect(Agent::SmallModel, "I1", play(self.bond)?, play(self.floor)?)
    }

    /// Without `r`, the bond is reckoned as if every checker were honest.
    fn colluder(&self) -> Option<Prospect> {
        let trusting = AuditParams { collusion_ppm: 0, ..self.params.audit };
        let rate = audit::spot_rate_ppm(&trusting, self.offer.spot_rate_bps_min);
        let (reward, saved) = (self.reward.unsigned_abs(), self.cost.unsigned_abs());
        let conviction_ppm = audit::conviction_ppm(&trusting, rate);
        let bond = signed(audit::sampled_bond(&trusting, conviction_ppm, reward, saved)?)?.max(self.floor);
        let play = |bond| self.cheat(self.conviction_ppm, bond, 0);
        self.prospect(Agent::Colluder, "I1 (r)", play(self.bond)?, play(bond)?)
    }

    /// Without a bond of its own for each lease, one conviction costs one bond for all of them.
    fn bulk(&self) -> Option<Prospect> {
        let each = self.cheat(self.conviction_ppm, self.bond, 0)?;
        let with = Expected(each.0.checked_mul(BULK.into())?);
        let honest = Expected(self.honest()?.0.checked_mul(BULK.into())?);
        let earned = Expected::of(self.conviction_ppm, 0, self.reward)?.0.checked_mul(BULK.into())?;
        // Rounded down: never caught is less likely than it is, so the shared bond is lost at least as often.
        let mut never = u64::from(PPM);
        for _ in 0..BULK {
            never = never.checked_mul(PPM.checked_sub(self.conviction_ppm)?.into())?.checked_div(PPM.into())?;
        }
        let lost = Expected::of(u32::try_from(never).ok()?, 0, self.bond)?.0;
        let without = Expected(earned.checked_sub(lost)?);
        Some(Prospect { agent: Agent::Bulk, rule: "I1b", honest, with, without })
    }

    fn runner(&self) -> Option<Prospect> {
        let play = |bond| self.cheat(self.conviction_ppm, bond, 0);
        self.prospect(Agent::Runner, "I5", play(self.bond)?, play(0)?)
    }

    /// Honest play is not to deal with oneself, which earns nothing. The work is done and proven, at the least it costs.
    fn self_dealer(&self) -> Option<Prospect> {
        let Params { reward: figures, fee, .. } = self.params;
        let base = emission::base_per_unit(figures, self.epoch)?;
        let units = self.offer.units;
        let trust = figures.proof_trust_bps;
        let multipliers =
            reward::Multipliers { difficulty_bps: figures.difficulty_bps, tier_bps: BPS, uptime_bps: BPS };
        let uncapped = reward::RewardFactors { base_per_unit: base, units, trust_bps: trust, multipliers }.reward()?;
        let settled = reward::settle(figures, fee, units, 0, 0, uncapped)?;
        let gas =
            [gas::POST_JOB, gas::LEASE_JOB, gas::SUBMIT_RESULT, gas::PROOF].into_iter().map(u128::from).sum::<u128>();
        let fees = gas.checked_mul(fee.gas_price_min)?;
        let compute = invariants::mint_max(0, figures.cost_floor_per_unit, units)?;
        let outlay = signed(fees.checked_add(compute)?.checked_add(settled.burned)?)?;
        let play = |minted: u128| Expected::certain(signed(minted)?.checked_sub(outlay)?);
        let (with, without) = (play(settled.reward)?, play(uncapped)?);
        Some(Prospect { agent: Agent::SelfDealer, rule: "I4", honest: Expected(0), with, without })
    }

    /// A copied commitment is refused, so that the copy-cat is silent; without that it would be paid for another's run.
    fn copy_cat(&self) -> Option<Prospect> {
        let jury = usize::try_from(self.params.audit.jury).ok()?;
        let slashed = share(self.bond.unsigned_abs(), self.params.slash.wrong_output_bps)?;
        let paid = signed(audit::split(&self.params.slash, slashed, jury)?.juror)?;
        let silent = signed(share(self.params.bond.audit, self.params.slash.silent_bps)?)?;
        Some(Prospect {
            agent: Agent::CopyCat,
            rule: "commit-check",
            honest: Expected::certain(paid.checked_sub(self.cost)?)?,
            with: Expected::certain(silent.checked_neg()?)?,
            without: Expected::certain(paid)?,
        })
    }

    /// Honest play is not to challenge. Without I3 a jury errs as often as not.
    fn griefer(&self) -> Option<Prospect> {
        let AuditParams { error_ppm, jury, .. } = self.params.audit;
        let slashed = share(self.bond.unsigned_abs(), self.params.slash.wrong_output_bps)?;
        let won = signed(audit::split(&self.params.slash, slashed, usize::try_from(jury).ok()?)?.winner)?;
        let lost = signed(self.params.bond.challenge_min)?.checked_neg()?;
        let play = |error_ppm| {
            let error = audit::majority_error(error_ppm, jury)?.div_ceil(PPM.into());
            Expected::of(u32::try_from(error).ok()?, won, lost)
        };
        let (with, without) = (play(error_ppm)?, play(PPM.checked_div(2)?)?);
        Some(Prospect { agent: Agent::Griefer, rule: "I3", honest: Expected(0), with, without })
    }

    /// With a planter, a share `eps` of checks are canaries: finding one pays `J` and passing one costs the audit bond, in
    /// place of the fee. Without one nothing tells an idle checker from an honest one, and it is paid alike.
    fn idle_checker(&self) -> Option<Prospect> {
        let fee = signed(share(self.offer.escrow, self.params.fee.check_bps)?)?;
        let CanaryParams { planter, rate_ppm, reward, .. } = self.params.canary;
        let (rule, eps) = if planter.is_some() { ("I2", rate_ppm) } else { ("I2 (no planter)", 0) };
        let honest = Expected::of(eps, signed(reward)?, fee)?;
        let honest = Expected(honest.0.checked_sub(Expected::certain(self.cost)?.0)?);
        let with = Expected::of(eps, signed(self.params.bond.audit)?.checked_neg()?, fee)?;
        Some(Prospect { agent: Agent::IdleChecker, rule, honest, with, without: Expected::certain(fee)? })
    }

    /// A cheat that is insured by a planted canary: void when it is found, and when it is not, the canary lapses and its bond
    /// burns. Without that bond the insurance would be free.
    fn insured(&self) -> Option<Prospect> {
        let bond = signed(self.params.canary.bond)?;
        let play = |lapsed: i128| Expected::of(self.conviction_ppm, 0, self.reward.checked_sub(lapsed)?);
        self.prospect(Agent::Insured, "canary-lapsed", play(bond)?, play(0)?)
    }

    fn prospect(&self, agent: Agent, rule: &'static str, with: Expected, without: Expected) -> Option<Prospect> {
        Some(Prospect { agent, rule, honest: self.honest()?, with, without })
    }
}

fn signed(amount: u128) -> Option<i128> {
    i128::try_from(amount).ok()
}

#[cfg(test)]
mod tests;
