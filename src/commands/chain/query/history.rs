//! Where the chain stands and what happened on it.

use std::time::Duration;

use ::chain::api::{BlockEvents, Status, TransactionState};
use ::chain::client::ClientError;
use ::chain::types::{Event, Hash, Outcome};
use attestation::hex;
use serde_json::json;

use super::asked::Asked;
use crate::commands::chain::words::{describe, print_events, print_outcome};
use crate::commands::stop::Stop;
use crate::error::{CliError, Exit};
use crate::output::{Done, Output, printable, short, utc};

/// Longest wait for the next block in one call.
const WAIT: Duration = Duration::from_secs(10);

pub(super) async fn status(asked: &Asked<'_>) -> Result<Done, CliError> {
    let (status, output) = (asked.client.status().await?, asked.output);
    let Status { chain_id, genesis, height, block, time_ms, state_root, waiting, version, caveats, .. } = &status;
    output.heading(&format!("chain {chain_id} at {}", printable(asked.client.url())));
    output.field("genesis", hex::encode(genesis));
    output.field("height", format!("{height}, at {}", utc(*time_ms)));
    output.field("block", hex::encode(block));
    output.field("state root", hex::encode(state_root));
    output.field("waiting", format!("{waiting} transactions"));
    output.field("node", printable(version));
    for caveat in caveats {
        output.line(format!("  - {}", printable(caveat)));
    }
    Ok(Done::ok(json!({ "url": asked.client.url(), "status": status })))
}

pub(super) async fn block(asked: &Asked<'_>, height: u64) -> Result<Done, CliError> {
    let output = asked.output;
    let Some(committed) = asked.client.block(height).await? else {
        return Ok(asked.none("block", height.to_string()));
    };
    let header = &committed.block.header;
    output.heading(&format!("block {height}"));
    output.field("hash", hex::encode(&header.hash()));
    output.field("time", utc(header.time));
    output.field("state root", hex::encode(&header.state_root));
    output.field("transactions", committed.outcomes.len().to_string());
    for outcome in &committed.outcomes {
        output.gap();
        print_outcome(outcome, output);
    }
    if !committed.closing.is_empty() {
        output.gap();
        output.line("  at its end");
        print_events(&committed.closing, output);
    }
    Ok(Done::ok(json!({ "hash": hex::encode(&header.hash()), "block": committed })))
}

pub(super) async fn transaction(asked: &Asked<'_>, id: &Hash) -> Result<Done, CliError> {
    let (state, output) = (asked.client.transaction(id, Duration::ZERO).await?, asked.output);
    let data = json!({ "id": hex::encode(id), "transaction": state });
    match state {
        TransactionState::Committed { height, position, outcome } => {
            output.heading(&format!("committed in block {height}, number {position}"));
            print_outcome(&outcome, output);
            if let Some(result) = result_of(&outcome) {
                output.line(format!("  `assay chain query result {}` tells what it earns.", hex::encode(&result)));
            }
            Ok(Done::ok(data))
        }
        TransactionState::Waiting => {
            output.heading("waiting for a block");
            output.field("transaction", hex::encode(id));
            Ok(Done::ok(data))
        }
        TransactionState::Refused { refusal } => {
            output.heading("refused: it is in no block, and nothing was paid for it");
            output.field("transaction", hex::encode(id));
            output.field("refusal", format!("{}, {}", refusal.code, printable(&refusal.rule)));
            output.field("because", printable(&refusal.message));
            let problem = output.problem(&CliError::from(ClientError::Refused(refusal)));
            Ok(Done { exit: Exit::Rejected, data, problems: vec![problem] })
        }
        TransactionState::Unknown => {
            output.line("This node never saw it, refused it long ago, or lost it when it stopped: send it again.");
            Ok(asked.none("transaction", hex::encode(id)))
        }
    }
}

/// The result that a transaction handed in.
fn result_of(outcome: &Outcome) -> Option<Hash> {
    outcome.events.iter().find_map(|event| match event {
        Event::Settled { result, .. } | Event::ResultPending { result, .. } => Some(*result),
        _ => None,
    })
}

pub(super) async fn events(asked: &Asked<'_>, from: u64, follow: bool) -> Result<Done, CliError> {
    let output = asked.output;
    output.stream();
    let mut stop = Stop::listen()?;
    let (mut next, mut blocks) = (from, 0u64);
    loop {
        let wait = if follow { WAIT } else { Duration::ZERO };
        let page = tokio::select! {
            page = asked.client.events(next, wait) => page?,
            () = stop.asked() => break,
        };
        for block in page.blocks.iter().filter(|block| has_events(block)) {
            print_block(block, output);
            output.event("chain query events", "block", block);
            blocks = blocks.saturating_add(1);
        }
        next = page.next;
        if !output.is_read() || (!follow && next > page.head) {
            break;
        }
    }
    Ok(Done::ok(json!({ "from": from, "next": next, "blocks_with_events": blocks })))
}

fn has_events(block: &BlockEvents) -> bool {
    !block.outcomes.is_empty() || !block.closing.is_empty()
}

fn print_block(block: &BlockEvents, output: &Output) {
    let BlockEvents { height, time_ms, block, outcomes, closing, .. } = block;
    output.heading(&format!("block {height} {} at {}", short(block), utc(*time_ms)));
    let events = outcomes.iter().flat_map(|outcome| &outcome.events).chain(closing);
    for event in events {
        output.line(format!("  {}", describe(event)));
    }
}
