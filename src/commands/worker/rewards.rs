//! `assay worker rewards`: what a worker's leases brought, and why the others brought nothing.

use ::chain::api::{ObjectKind, PAGE_MAX};
use ::chain::client::Client;
use ::chain::state::{Explanation, Key, Payment, Stored};
use ::chain::types::{Hash, JobResult, WorkLease, WorkerRegistration};
use attestation::hex;
use clap::Args;
use serde_json::json;

use crate::commands::names::{self, WorkerName};
use crate::commands::node::{NodeOptions, block_on};
use crate::error::CliError;
use crate::output::{Done, Output, Tone, amount};

/// Show what a worker was paid for its leases; with --explain, for each lease why, or why not
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  assay worker rewards worker-1 --data-dir chain\n  assay worker rewards 0x5e.. --explain --node http://127.0.0.1:7373 --json\n\nThe node's answers are not proven; `assay chain query result ID --prove` proves one."
)]
pub(crate) struct Rewards {
    /// The worker: its identifier, or the name of a development worker
    worker: WorkerName,
    /// Tell of each lease why it was paid, waits, or was not paid
    #[arg(long)]
    explain: bool,
    #[command(flatten)]
    node: NodeOptions,
}

/// A lease, and what is said of it.
struct Line {
    lease: Hash,
    result: Option<Hash>,
    explanation: Explanation,
}

pub(super) fn run(
    Rewards { worker: WorkerName(worker), explain, node }: &Rewards,
    output: &Output,
) -> Result<Done, CliError> {
    let client = node.client()?;
    let registered: Option<WorkerRegistration> = block_on(async { Ok(client.get(&Key::Worker(*worker)).await?) })?;
    if registered.is_none() {
        return Err(CliError::None { what: "worker", id: names::worker(worker) });
    }
    let lines = block_on(lines(&client, worker))?;
    let sum = |part: fn(&Explanation) -> u128| {
        lines.iter().fold(0u128, |sum, line| sum.saturating_add(part(&line.explanation)))
    };
    let count = |payment| lines.iter().filter(|line| line.explanation.payment == payment).count();
    let (minted, paid) = (sum(|told| told.minted), sum(|told| told.paid));
    let (settled, pending, unpaid) = (count(Payment::Paid), count(Payment::Waiting), count(Payment::Unpaid));
    output.heading(&format!("worker {}", names::worker(worker)));
    output.field("leases", format!("{}: {settled} paid, {pending} pending, {unpaid} unpaid", lines.len()));
    output.field("minted", format!("{} tokens", amount(minted)));
    output.field("from escrows", format!("{} tokens", amount(paid)));
    let own = if *explain { block_on(async { Ok(client.explain(worker).await?) })? } else { None };
    for reason in own.iter().flat_map(|own| &own.reasons) {
        output.field("worker", &reason.message);
    }
    if *explain {
        for Line { lease, explanation, .. } in &lines {
            output.gap();
            let tone = match explanation.payment {
                Payment::Paid => Tone::Good,
                Payment::Waiting => Tone::Unsure,
                Payment::Unpaid => Tone::Bad,
            };
            output.field("lease", hex::encode(lease));
            for reason in &explanation.reasons {
                output.field(word(explanation.payment), output.paint(tone, &reason.message));
            }
        }
    }
    let leases: Vec<_> = lines.iter().map(|Line { lease, result, explanation }| {
        json!({ "lease": hex::encode(lease), "result": result.map(|result| hex::encode(&result)), "explanation": explanation })
    }).collect();
    Ok(Done::ok(json!({
        "worker": hex::encode(worker),
        "paid": settled,
        "pending": pending,
        "unpaid": unpaid,
        "minted_micro": minted.to_string(),
        "paid_micro": paid.to_string(),
        "explanation": own,
        "leases": if *explain { leases } else { Vec::new() },
    })))
}

fn word(payment: Payment) -> &'static str {
    match payment {
        Payment::Paid => "paid",
        Payment::Waiting => "pending",
        Payment::Unpaid => "unpaid",
    }
}

/// Every lease of the worker, in order of height.
async fn lines(client: &Client, worker: &Hash) -> Result<Vec<Line>, CliError> {
    let mut leases: Vec<(Hash, WorkLease)> = all(client, ObjectKind::Lease).await?;
    leases.retain(|(_, lease)| lease.context.worker == *worker);
    leases.sort_by_key(|(id, lease)| (lease.leased_height, *id));
    let results: Vec<(Hash, JobResult)> = all(client, ObjectKind::Result).await?;
    let mut lines = Vec::with_capacity(leases.len());
    for (lease, _) in leases {
        let result = results.iter().find(|(_, result)| result.lease == lease).map(|(id, _)| *id);
        // A result says more than its lease, which a conviction leaves behind.
        if let Some(explanation) = client.explain(&result.unwrap_or(lease)).await? {
            lines.push(Line { lease, result, explanation });
        }
    }
    Ok(lines)
}

/// Every object of a kind.
async fn all<T: Stored>(client: &Client, kind: ObjectKind) -> Result<Vec<(Hash, T)>, CliError> {
    let mut found: Vec<(Hash, T)> = Vec::new();
    loop {
        let after = found.last().map(|(id, _)| *id);
        let page = client.list(kind, after, PAGE_MAX).await?;
        if page.is_empty() {
            return Ok(found);
        }
        found.extend(page);
    }
}
