//! Epochs and what they are counted by, in words.

use ::chain::state::Key;
use ::chain::types::{Hash, ResourceSnapshot, RunningEpoch};

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
