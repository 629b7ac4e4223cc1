//! What concerns the chain as a whole, in words: proposals, transfers to other chains, anchors, the issuing authority.

use ::chain::api::numbered;
use ::chain::state::Key;
use ::chain::types::{
    Address, Change, Hash, Link, MintAuthority, Proposal, ReceiptAnchor, Teleport, TeleportRecord, TeleportStatus,
    WaitingTeleports,
};
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

pub(super) async fn waiting(asked: &Asked<'_>, address: &Address) -> Result<Done, CliError> {
    let output = asked.output;
    asked
        .show(
            "waiting",
            Some(address.as_bytes()),
            &Key::WaitingTeleports(*address),
            async |waiting: &WaitingTeleports| {
                for claim in &waiting.claims {
                    let record: Option<TeleportRecord> = asked.client.get(&Key::TeleportRecord(*claim)).await?;
                    let Some(TeleportRecord { teleport, .. }) = record else { continue };
                    let until = utc(teleport.expires);
                    let text =
                        format!("{} from chain {}, claimable until {until}", tokens(teleport.amount), teleport.source);
                    output.field(&hex::encode(claim), text);
                }
                output.line("  `assay chain tx release-teleport --claim 0x..` gives them to the account.");
                Ok(())
            },
        )
        .await
}

pub(super) async fn link(asked: &Asked<'_>, chain_id: u32) -> Result<Done, CliError> {
    let output = asked.output;
    asked
        .show("link", Some(&numbered(chain_id)), &Key::Link(chain_id), async |link: &Link| {
            output.field("chain", link.peer.chain_id.to_string());
            output.field("genesis", hex::encode(&link.peer.genesis));
            for validator in link.peer.validators.validators() {
                let address = names::account(&validator.public_key.address());
                output.field("validator", format!("{address}, weight {}", validator.weight));
            }
            output.field("left for it", tokens(link.sent));
            output.field("came from it", tokens(link.received));
            output.field("may come beyond", tokens(link.peer.inflow_max));
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
