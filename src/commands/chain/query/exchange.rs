//! What concerns the chain as a whole, in words: proposals, transfers to other chains, anchors, the issuing authority.

use ::chain::state::Key;
use ::chain::types::{Change, Hash, MintAuthority, Proposal, ReceiptAnchor, Teleport, TeleportStatus};
use attestation::hex;

use super::asked::Asked;
use crate::commands::chain::words::{standing, tokens};
use crate::commands::names;
use crate::error::CliError;
use crate::output::{Done, utc};

pub(super) async fn proposal(asked: &Asked<'_>, id: &Hash) -> Result<Done, CliError> {
    let output = asked.output;
    asked
        .show("proposal", Some(id), &Key::Proposal(*id), async |proposal: &Proposal| {
            output.field("proposed by", names::worker(&proposal.proposer));
            output.field(
                "asks for",
                match &proposal.change {
                    Change::Params(_) => "other parameters; --json shows all of them".to_owned(),
                    Change::Link(peer) => format!(
                        "a link to chain {} of genesis {}, at most {} beyond what left for it",
                        peer.chain_id,
                        hex::encode(&peer.genesis),
                        tokens(peer.inflow_max)
                    ),
                },
            );
            output.field("votes", format!("{} for it, {} against it", proposal.yes, proposal.no));
            output.field("open to", format!("height {}", proposal.voting_until));
            output.field("status", standing(proposal.status));
            Ok(())
        })
        .await
}

pub(super) async fn teleport(asked: &Asked<'_>, id: &Hash) -> Result<Done, CliError> {
    let output = asked.output;
    asked
        .show("teleport", Some(id), &Key::Teleport(*id), async |teleport: &Teleport| {
            output.field("from", names::account(&teleport.sender));
            output.field("to", format!("{} on chain {}", names::account(&teleport.recipient), teleport.destination));
            output.field("amount", tokens(teleport.amount));
            output.field("claimable until", utc(teleport.expires));
            output.field(
                "status",
                match teleport.status {
                    TeleportStatus::Sent => "burned here; its destination knows whether it was claimed",
                    TeleportStatus::Refunded => "nobody claimed it; returned",
                },
            );
            output.field("claim", hex::encode(&teleport.nullifier(id)));
            Ok(())
        })
        .await
}

pub(super) async fn anchor(asked: &Asked<'_>, receipt: &Hash) -> Result<Done, CliError> {
    let output = asked.output;
    asked
        .show("anchor", Some(receipt), &Key::Anchor(*receipt), async |anchor: &ReceiptAnchor| {
            output.field("anchored by", names::account(&anchor.sender));
            if let Some(coordinator) = &anchor.coordinator {
                output.field("vouched for by", names::account(coordinator));
            }
            output.field("at", format!("height {}", anchor.height));
            Ok(())
        })
        .await
}

pub(super) async fn authority(asked: &Asked<'_>) -> Result<Done, CliError> {
    let output = asked.output;
    asked
        .show("authority", None, &Key::MintAuthority, async |authority: &MintAuthority| {
            output.field("decides", format!("{} of {} keys", authority.threshold, authority.keys.len()));
            output.field("issued", format!("{} of at most {}", tokens(authority.issued), tokens(authority.cap)));
            output.field("next decision", format!("number {}", authority.decisions));
            output.field(
                "status",
                match authority.transferred_height {
                    Some(height) => format!("the mint is the rules' since height {height}"),
                    None => "it may issue, until it hands the mint over".to_owned(),
                },
            );
            Ok(())
        })
        .await
}
