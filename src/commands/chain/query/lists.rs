//! Lists of objects, all of them, page by page.

use ::chain::api::ObjectKind;
use ::chain::api::{OpenJob, PAGE_MAX};
use ::chain::state::Stored;
use ::chain::types::{Hash, JobResult, Model, ModelStatus, WorkerRegistration};
use attestation::hex;
use serde::Serialize;
use serde_json::{Value, json};

use super::asked::Asked;
use super::result::verdict;
use crate::commands::chain::words::{percent, tokens};
use crate::commands::names;
use crate::error::CliError;
use crate::output::{Done, printable, short};

/// Most entries that are shown; a chain may hold any number.
const ENTRIES_MAX: usize = 10_000;

pub(super) async fn jobs(asked: &Asked<'_>) -> Result<Done, CliError> {
    let mut entries: Vec<OpenJob> = Vec::new();
    loop {
        let page = asked.client.open_jobs(entries.last().map(|entry| entry.id)).await?;
        let is_last = page.is_empty();
        entries.extend(page);
        if is_last || entries.len() >= ENTRIES_MAX {
            break;
        }
    }
    for OpenJob { id, job } in &entries {
        let kind = if job.policy.proof_required {
            "with a proof".to_owned()
        } else {
            format!("checked at {} at least", percent(job.policy.spot_rate_bps_min))
        };
        let pay = tokens(job.price_per_unit.saturating_mul(job.units.into()));
        asked.output.line(format!(
            "{}  model {}  pays {pay}  {kind}  until height {}",
            hex::encode(id),
            short(&job.model),
            job.deadline
        ));
    }
    finish(asked, "open jobs", entries)
}

pub(super) async fn models(asked: &Asked<'_>) -> Result<Done, CliError> {
    list(asked, ObjectKind::Model, "models", |id, model: &Model| {
        let closed = if model.status == ModelStatus::Convicted { "  convicted: closed" } else { "" };
        let registrant = names::account(&model.registrant);
        format!("{}  {} units a run  registered by {registrant}{closed}", hex::encode(id), model.units)
    })
    .await
}

pub(super) async fn workers(asked: &Asked<'_>) -> Result<Done, CliError> {
    list(asked, ObjectKind::Worker, "workers", |id, worker: &WorkerRegistration| {
        format!(
            "{}  {} done  {} convictions  {}",
            names::worker(id),
            worker.completed,
            worker.convictions,
            printable(worker.profile.hardware.as_str())
        )
    })
    .await
}

pub(super) async fn results(asked: &Asked<'_>) -> Result<Done, CliError> {
    list(asked, ObjectKind::Result, "results", |id, result: &JobResult| {
        let (tone, text) = verdict(result.stage);
        format!("{}  {}  minted {}", hex::encode(id), asked.output.paint(tone, text), tokens(result.reward))
    })
    .await
}

async fn list<T: Stored + Serialize>(
    asked: &Asked<'_>,
    kind: ObjectKind,
    what: &str,
    line: impl Fn(&Hash, &T) -> String,
) -> Result<Done, CliError> {
    let mut entries: Vec<(Hash, T)> = Vec::new();
    loop {
        let page = asked.client.list(kind, entries.last().map(|(id, _)| *id), PAGE_MAX).await?;
        let is_last = page.len() < PAGE_MAX as usize;
        entries.extend(page);
        if is_last || entries.len() >= ENTRIES_MAX {
            break;
        }
    }
    for (id, object) in &entries {
        asked.output.line(line(id, object));
    }
    let entries = entries.into_iter().map(|(id, object)| json!({ "id": hex::encode(&id), "object": object }));
    finish(asked, what, entries.collect::<Vec<Value>>())
}

fn finish(asked: &Asked<'_>, what: &str, entries: Vec<impl Serialize>) -> Result<Done, CliError> {
    if entries.is_empty() {
        asked.output.line(format!("no {what}"));
    }
    if entries.len() >= ENTRIES_MAX {
        asked.output.warn(format!("more than {ENTRIES_MAX} {what}: only the first are shown"));
    }
    Ok(Done::ok(json!({ "count": entries.len(), "entries": entries })))
}
