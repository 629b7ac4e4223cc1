//! The objects of the state, in words.

use ::chain::state::Key;
use ::chain::types::{
    Account, Address, Canary, CanaryTally, Dispute, Hash, InferenceJob, JobInput, JobStatus, LeaseKind, LeaseStatus,
    Model, ModelStatus, Params, Seat, SpotCheck, Stake, Standing, Supply, Treasury, WorkLease, WorkerRegistration,
};
use attestation::hex;
use circuits::model::graph::Graph;
use verifier::inclusion::ValidatorSet;

use super::asked::Asked;
use crate::commands::chain::words::{percent, tokens};
use crate::commands::names;
use crate::error::CliError;
use crate::output::{Done, bytes, picture, printable, shape, values};

pub(super) async fn account(asked: &Asked<'_>, address: &Address) -> Result<Done, CliError> {
    let output = asked.output;
    asked
        .show("account", Some(address.as_bytes()), &Key::Account(*address), async |account: &Account| {
            output.field("account", names::account(address));
            output.field("balance", tokens(account.balance));
            output.field("nonce", account.nonce.to_string());
            Ok(())
        })
        .await
}

pub(super) async fn worker(asked: &Asked<'_>, id: &Hash) -> Result<Done, CliError> {
    let output = asked.output;
    asked
        .show("worker", Some(id), &Key::Worker(*id), async |worker: &WorkerRegistration| {
            output.field("worker", names::worker(id));
            output.field("operator", names::account(&worker.operator));
            output.field("hardware", printable(worker.profile.hardware.as_str()));
            for (index, model) in worker.models.iter().enumerate() {
                output.field(if index == 0 { "models" } else { "" }, hex::encode(model));
            }
            output.field(
                "record",
                format!(
                    "{} jobs done, {} leases run out, {} convictions",
                    worker.completed, worker.timeouts, worker.convictions
                ),
            );
            output.field("since", format!("height {}", worker.registered_height));
            if worker.is_banned() {
                output.field("banned", "convicted again: it can neither lease nor be drawn");
            }
            Ok(())
        })
        .await
}

pub(super) async fn standing(asked: &Asked<'_>, id: &Hash) -> Result<Done, CliError> {
    let output = asked.output;
    asked
        .show("standing", Some(id), &Key::Standing(*id), async |standing: &Standing| {
            output.field("worker", names::worker(id));
            output.field("reliability", percent(standing.reliability_bps));
            output.field("timeouts", format!("{} in a row", standing.timeouts_in_row));
            if standing.suspended_until > 0 {
                output.field("suspended", format!("to height {}", standing.suspended_until));
            }
            output.field("implausible", format!("{} receipts", standing.implausible));
            output.field("tier", format!("{:?}, rewards + {}", standing.tier, percent(standing.tier.bonus_bps())));
            output.field("earned", format!("{} minted for {} units", tokens(standing.minted), standing.units));
            if standing.region > 0 {
                output.field("region", standing.region.to_string());
            }
            Ok(())
        })
        .await
}

pub(super) async fn stake(asked: &Asked<'_>, id: &Hash) -> Result<Done, CliError> {
    let output = asked.output;
    asked
        .show("stake", Some(id), &Key::Stake(*id), async |stake: &Stake| {
            output.field("worker", names::worker(id));
            output.field("free", tokens(stake.amount));
            output.field("bonded", format!("{} in leases and reviews that are not over", tokens(stake.bonded)));
            for part in &stake.unbonding {
                output.field("unbonding", format!("{} from height {}", tokens(part.amount), part.release_height));
            }
            Ok(())
        })
        .await
}

pub(super) async fn model(asked: &Asked<'_>, id: &Hash) -> Result<Done, CliError> {
    let output = asked.output;
    asked
        .show("model", Some(id), &Key::Model(*id), async |model: &Model| {
            output.field("registrant", names::account(&model.registrant));
            if let Ok(graph) = Graph::decode(&model.graph) {
                let input = graph.input();
                output.field(
                    "input",
                    format!("{}, integers {} to {}", shape(&input.shape), input.range.min, input.range.max),
                );
            }
            output.field("units", format!("{} a run", model.units));
            output.field("size", bytes((model.graph.len() + model.commitment.len()) as u64));
            output.field("setup", hex::encode(&model.setup));
            output.field("key digest", hex::encode(&model.key_digest));
            output.field("bond", tokens(model.bond));
            output.field("since", format!("height {}", model.registered_height));
            output.field("key audited", audited(asked, model).await?);
            Ok(())
        })
        .await
}

/// What the chain can say about the rows of a model: that one was found wrong, or whether one still can be.
async fn audited(asked: &Asked<'_>, model: &Model) -> Result<String, CliError> {
    if model.status == ModelStatus::Convicted {
        return Ok("no: one of its rows was found wrong; it takes no more jobs".to_owned());
    }
    let params: Option<Params> = asked.client.get(&Key::Params).await?;
    let until = params.map_or(0, |params| model.contestable_until(params.window.challenge));
    Ok(format!("no, not by the chain; challenges are taken to height {until}, `assay model audit` recomputes its rows"))
}

pub(super) async fn job(asked: &Asked<'_>, id: &Hash) -> Result<Done, CliError> {
    let output = asked.output;
    asked
        .show("job", Some(id), &Key::Job(*id), async |job: &InferenceJob| {
            output.field("status", status(job));
            output.field("poster", names::account(&job.poster));
            output.field("model", hex::encode(&job.model));
            match &job.input {
                JobInput::Inline(tensor) => {
                    output.field("input", values(tensor));
                    for line in picture(tensor) {
                        output.line(format!("    {line}"));
                    }
                }
                JobInput::Reference(hash) => output.field("input", format!("by hash: {}", hex::encode(hash))),
            }
            output.field("asks for", policy(job));
            output.field("pays", format!("{} a unit, {} units", tokens(job.price_per_unit), job.units));
            output.field("escrow", tokens(job.escrow));
            output.field("deadline", format!("height {}", job.deadline));
            if job.opening.exclusive_until > 0 {
                let best = job.opening.assigned.as_ref().map_or_else(|| "the best scored".to_owned(), names::worker);
                output.field("kept for", format!("{best}, to height {}", job.opening.exclusive_until));
            }
            Ok(())
        })
        .await
}

fn status(job: &InferenceJob) -> String {
    match &job.status {
        JobStatus::Open => "open: any worker that serves the model can lease it".to_owned(),
        JobStatus::Leased(lease) => format!("leased: {}", hex::encode(lease)),
        JobStatus::Pending(result) => format!("under review: result {}", hex::encode(result)),
        JobStatus::Settled(result) => format!("done: result {}", hex::encode(result)),
        JobStatus::Expired => "over without a result; the escrow went back".to_owned(),
    }
}

/// What a job asks of a result.
fn policy(job: &InferenceJob) -> String {
    let policy = &job.policy;
    if policy.proof_required {
        return "a proof".to_owned();
    }
    let checked = format!("a result, of which at least {} are checked", percent(policy.spot_rate_bps_min));
    format!("a proof, or {checked}; trust of at least {}", percent(policy.trust_bps_min))
}

pub(super) async fn lease(asked: &Asked<'_>, id: &Hash) -> Result<Done, CliError> {
    let output = asked.output;
    asked
        .show("lease", Some(id), &Key::Lease(*id), async |lease: &WorkLease| {
            let status = match lease.status {
                LeaseStatus::Live => format!("live until height {}", lease.expires_height),
                LeaseStatus::Late => format!("late: a result is taken until height {}", lease.closes_height),
                LeaseStatus::Submitted => "its result is under review; the bond stays".to_owned(),
                LeaseStatus::Settled => "its result was settled".to_owned(),
                LeaseStatus::Closed => "over: no result, or one that was convicted or void".to_owned(),
            };
            let kind = match lease.kind {
                LeaseKind::Proof => "with a proof: final at once",
                LeaseKind::Sampled => "sampled: final after its review",
            };
            output.field("status", status);
            output.field("kind", kind);
            output.field("job", hex::encode(&lease.context.job_id));
            output.field("worker", names::worker(&lease.context.worker));
            output.field("operator", names::account(&lease.operator));
            output.field("bond", tokens(lease.bond));
            output.field("leased at", format!("height {}", lease.leased_height));
            output.field("context", hex::encode(&lease.context.digest()));
            Ok(())
        })
        .await
}

/// A checker or juror.
fn seat(seat: &Seat) -> String {
    let stage = match (seat.commitment, seat.revealed) {
        (None, _) => "has not committed",
        (Some(_), None) => "committed",
        (Some(_), Some(_)) => "revealed",
    };
    format!("{}, {stage}, bond {}", names::worker(&seat.worker), tokens(seat.bond))
}

pub(super) async fn check(asked: &Asked<'_>, id: &Hash) -> Result<Done, CliError> {
    let output = asked.output;
    asked
        .show("check", Some(id), &Key::SpotCheck(*id), async |check: &SpotCheck| {
            output.field("checker", seat(&check.seat));
            Ok(())
        })
        .await
}

pub(super) async fn dispute(asked: &Asked<'_>, id: &Hash) -> Result<Done, CliError> {
    let output = asked.output;
    asked
        .show("dispute", Some(id), &Key::Dispute(*id), async |dispute: &Dispute| {
            output.field("accuser", names::account(&dispute.accuser));
            match &dispute.checker {
                Some(checker) => output.field("because", format!("the check of {} disagreed", names::worker(checker))),
                None => output.field("bond", tokens(dispute.bond)),
            }
            for juror in &dispute.seats {
                output.field("juror", seat(juror));
            }
            Ok(())
        })
        .await
}

pub(super) async fn canary(asked: &Asked<'_>, id: &Hash) -> Result<Done, CliError> {
    let output = asked.output;
    asked
        .show("canary", Some(id), &Key::Canary(*id), async |canary: &Canary| {
            output.field("planted by", format!("{}, at height {}", names::account(&canary.planter), canary.height));
            output.field("bond", format!("{}, {} of it for who finds it", tokens(canary.bond), tokens(canary.reward)));
            output.field("until", format!("height {}, then the bond burns", canary.timer.height));
            Ok(())
        })
        .await
}

pub(super) async fn canaries(asked: &Asked<'_>) -> Result<Done, CliError> {
    let output = asked.output;
    asked
        .show("canaries", None, &Key::CanaryTally, async |tally: &CanaryTally| {
            output.field("epoch", tally.epoch.to_string());
            let CanaryTally { planted, found, passed, checks, .. } = tally;
            output.field("canaries", format!("{planted} planted, {found} found, {passed} passed by their checkers"));
            output.field("checks", format!("{checks} drawn, of all results"));
            Ok(())
        })
        .await
}

pub(super) async fn params(asked: &Asked<'_>) -> Result<Done, CliError> {
    let output = asked.output;
    asked
        .show("params", None, &Key::Params, async |params: &Params| {
            let Params { block, model, fee, window, bond, reward, audit, .. } = params;
            output.field("block", format!("every {} ms, {} gas", block.interval_ms, block.gas_max));
            output.field("models", format!("circuits of up to 2^{} rows", model.k_max));
            output.field(
                "gas price",
                format!("at least {} micro-tokens, {} of fees burn", fee.gas_price_min, percent(fee.burned_bps)),
            );
            output.field("lease", format!("{} blocks, large models {}", window.lease_standard, window.lease_large));
            output.field("challenge", format!("{} blocks, each stage of a review {}", window.challenge, window.review));
            output.field("unbonding", format!("{} blocks", window.unbonding));
            output.field("stake", format!("at least {} behind a worker", tokens(bond.worker_stake_min)));
            output.field("model bond", format!("at least {}", tokens(bond.model_min)));
            output.field("challenge bond", format!("at least {}", tokens(bond.challenge_min)));
            output.field(
                "reward",
                format!(
                    "{} a unit; with a proof at trust {}",
                    tokens(reward.base_per_unit),
                    percent(reward.proof_trust_bps)
                ),
            );
            output.field(
                "spot checks",
                format!("{} of sampled results at least, juries of {}", percent(audit.spot_rate_bps), audit.jury),
            );
            output.line("  --json shows every parameter.");
            Ok(())
        })
        .await
}

pub(super) async fn supply(asked: &Asked<'_>) -> Result<Done, CliError> {
    let output = asked.output;
    asked
        .show("supply", None, &Key::Supply, async |supply: &Supply| {
            let held = &supply.held;
            for (name, micro) in [
                ("at genesis", supply.genesis),
                ("minted", supply.minted),
                ("teleported in", supply.teleported_in),
                ("burned", supply.burned),
                ("teleported out", supply.teleported_out),
                ("balances", held.balances),
                ("stake", held.stake),
                ("bonds", held.bonds),
                ("escrow", held.escrow),
                ("unbonding", held.unbonding),
                ("treasury", held.treasury),
            ] {
                output.field(name, tokens(micro));
            }
            Ok(())
        })
        .await
}

pub(super) async fn treasury(asked: &Asked<'_>) -> Result<Done, CliError> {
    let output = asked.output;
    asked
        .show("treasury", None, &Key::Treasury, async |treasury: &Treasury| {
            output.field("amount", tokens(treasury.amount));
            Ok(())
        })
        .await
}

pub(super) async fn validators(asked: &Asked<'_>) -> Result<Done, CliError> {
    let output = asked.output;
    asked
        .show("validators", None, &Key::Validators, async |set: &ValidatorSet| {
            for validator in set.validators() {
                let address = names::account(&validator.public_key.address());
                output.field("validator", format!("{address}, weight {}", validator.weight));
            }
            if set.validators().len() == 1 {
                output.line("  One validator: it can grind the beacon, and sampling gives no economic security.");
            }
            Ok(())
        })
        .await
}
