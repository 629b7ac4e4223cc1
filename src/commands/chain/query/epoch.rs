//! Epochs and what they are counted by, in words.

use ::chain::api::{batch_id, payout_id};
use ::chain::state::Key;
use ::chain::types::{EpochBatch, Hash, Payout, ResourceSnapshot, RunningEpoch, Standing};
use attestation::hex;

use super::asked::Asked;
use crate::commands::chain::words::{percent, tokens};
use crate::commands::names;
use crate::error::CliError;
use crate::output::Done;

pub(super) async fn epoch(asked: &Asked<'_>) -> Result<Done, CliError> {
    let output = asked.output;
    asked
        .show("epoch", None, &Key::RunningEpoch, async |epoch: &RunningEpoch| {
            output.field("epoch", epoch.epoch.to_string());
            output.field("difficulty", percent(epoch.difficulty_bps));
            output.field("minted", format!("{} for {} units", tokens(epoch.minted), epoch.units));
            output.field("escrows", tokens(epoch.paid));
            output.field("workers", format!("{} earned something", epoch.payouts));
            Ok(())
        })
        .await
}

pub(super) async fn batch(asked: &Asked<'_>, number: u64) -> Result<Done, CliError> {
    let output = asked.output;
    asked
        .show("epoch", Some(&batch_id(number)), &Key::EpochBatch(number), async |batch: &EpochBatch| {
            output.field("epoch", format!("{}, closed at height {}", batch.epoch, batch.closed_height));
            let (then, next) = (percent(batch.difficulty_bps), percent(batch.next_difficulty_bps));
            output.field("difficulty", format!("{then}, {next} after it"));
            output.field("minted", format!("{} for {} units", tokens(batch.minted), batch.units));
            output.field("escrows", tokens(batch.paid));
            output.field("capacity pool", tokens(batch.capacity));
            output.field("payouts", format!("{} under root {}", batch.payouts, hex::encode(&batch.payout_root)));
            Ok(())
        })
        .await
}

/// The payout that a worker's standing points to.
pub(super) async fn payout(asked: &Asked<'_>, worker: &Hash) -> Result<Done, CliError> {
    let output = asked.output;
    let standing: Option<Standing> = asked.client.get(&Key::Standing(*worker)).await?;
    let Some(place) = standing.and_then(|standing| standing.payout) else {
        return Ok(asked.none("payout", names::worker(worker)));
    };
    let id = payout_id(place.epoch, place.index);
    asked
        .show("payout", Some(&id), &Key::Payout(place.epoch, place.index), async |payout: &Payout| {
            output.field("worker", names::worker(&payout.worker));
            output.field("operator", names::account(&payout.operator));
            output.field("epoch", format!("{}, number {} of its list", payout.epoch, place.index));
            output.field("results", format!("{} of {} units", payout.results, payout.units));
            output.field("minted", tokens(payout.minted));
            output.field("escrows", tokens(payout.paid));
            output.field("capacity pool", tokens(payout.capacity));
            Ok(())
        })
        .await
}

pub(super) async fn snapshot(asked: &Asked<'_>, id: &Hash) -> Result<Done, CliError> {
    let output = asked.output;
    asked
        .show("snapshot", Some(id), &Key::Snapshot(*id), async |snapshot: &ResourceSnapshot| {
            output.field("worker", names::worker(id));
            output.field("answered", format!("{} tasks, the latest of epoch {}", snapshot.answered, snapshot.epoch));
            output.field("of 64 epochs", snapshot.history.count_ones().to_string());
            let (declared, attested) = (snapshot.declared_mib, snapshot.attested_mib);
            output.field("video memory", format!("{attested} MiB attested, {declared} MiB declared"));
            Ok(())
        })
        .await
}
