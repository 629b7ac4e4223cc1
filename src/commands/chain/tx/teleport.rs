//! Sending tokens to another chain, claiming them there, taking back what nobody claimed.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ::chain::client::{Account, Client};
use ::chain::state::Key;
use ::chain::types::transaction;
use ::chain::types::{Action, ForeignProof, Hash, Teleport, TeleportClaim};
use attestation::hex;
use clap::Args;

use super::{Acts, Prepared, Ready};
use crate::commands::names::{AccountName, Amount, Identifier};
use crate::commands::signer::Password;
use crate::error::CliError;
use crate::output::Output;

/// How long a node of another chain is asked while it does not answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Send tokens to an account of a linked chain: they are burned here, to be claimed there
#[derive(Clone, Copy, Debug, Args)]
#[command(
    after_help = "Example:\n  assay chain tx teleport-out --as owner --destination 200200 --to 0x.. --amount 5\n\nIf nobody claims them in time, `assay chain tx refund-teleport` returns them."
)]
pub(in crate::commands) struct TeleportOut {
    /// Number of the other chain
    #[arg(long, value_name = "CHAIN")]
    destination: u32,
    /// Account there
    #[arg(long, value_name = "ACCOUNT")]
    to: AccountName,
    /// Tokens
    #[arg(long, value_name = "TOKENS")]
    amount: Amount,
    /// Minutes for which they can be claimed
    #[arg(long, value_name = "MINUTES", default_value_t = 1_440, value_parser = clap::value_parser!(u64).range(2..=43_000))]
    claim_minutes: u64,
}

impl Acts for TeleportOut {
    const NAME: &'static str = "chain tx teleport-out";

    fn prepare(&self, _: &mut Password<'_>, _: &Output) -> Result<impl Prepared, CliError> {
        Ok(*self)
    }
}

impl Prepared for TeleportOut {
    async fn action(self, _: &Account) -> Result<Action, CliError> {
        let Self { destination, to: AccountName(recipient), amount: Amount(amount), claim_minutes } = self;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
        let now = u64::try_from(now).unwrap_or(u64::MAX);
        let expires = now.saturating_add(claim_minutes.saturating_mul(60_000));
        Ok(Action::TeleportOut(transaction::TeleportOut { destination, recipient, amount, expires }))
    }
}

/// Claim tokens that were sent to this chain, with what a node of their source shows
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Example:\n  assay chain tx claim-teleport --as requester --id 0x.. --source-node http://127.0.0.1:7374"
)]
pub(in crate::commands) struct ClaimTeleport {
    /// The transfer, as its source names it
    #[arg(long, value_name = "ID")]
    id: Identifier,
    /// A node of the source
    #[arg(long, value_name = "URL")]
    source_node: String,
}

impl Acts for ClaimTeleport {
    const NAME: &'static str = "chain tx claim-teleport";

    fn prepare(&self, _: &mut Password<'_>, _: &Output) -> Result<impl Prepared, CliError> {
        let source = Client::new(&self.source_node)?.with_patience(PATIENCE);
        let Identifier(id) = self.id;
        Ok(Claiming { id, source })
    }
}

/// A claim, and whom to ask for its proof.
struct Claiming {
    id: Hash,
    source: Client,
}

impl Claiming {
    /// The transfer, and that its source keeps it.
    async fn shown(&self) -> Result<(Teleport, ForeignProof), CliError> {
        let (teleport, proof) = self.source.shown::<Teleport>(&Key::Teleport(self.id)).await?;
        Ok((teleport.ok_or_else(|| absent(&self.id))?, proof))
    }
}

impl Prepared for Claiming {
    async fn action(self, _: &Account) -> Result<Action, CliError> {
        let (teleport, proof) = self.shown().await?;
        Ok(Action::ClaimTeleport(Box::new(transaction::ClaimTeleport { id: self.id, teleport, proof })))
    }
}

/// Show this chain that tokens were sent to it, so that they can be released later without a proof, also by a wallet
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Example:\n  assay chain tx record-teleport --as requester --id 0x.. --source-node http://127.0.0.1:7374\n\n`assay chain query waiting ACCOUNT` lists what waits for an account; `assay chain tx release-teleport` gives it."
)]
pub(in crate::commands) struct RecordTeleport {
    /// The transfer, as its source names it
    #[arg(long, value_name = "ID")]
    id: Identifier,
    /// A node of the source
    #[arg(long, value_name = "URL")]
    source_node: String,
}

impl Acts for RecordTeleport {
    const NAME: &'static str = "chain tx record-teleport";

    fn prepare(&self, _: &mut Password<'_>, _: &Output) -> Result<impl Prepared, CliError> {
        let source = Client::new(&self.source_node)?.with_patience(PATIENCE);
        let Identifier(id) = self.id;
        Ok(Recording(Claiming { id, source }))
    }
}

/// A transfer to be recorded, and whom to ask for its proof.
struct Recording(Claiming);

impl Prepared for Recording {
    async fn action(self, _: &Account) -> Result<Action, CliError> {
        let (teleport, proof) = self.0.shown().await?;
        Ok(Action::RecordTeleport(Box::new(transaction::RecordTeleport { id: self.0.id, teleport, proof })))
    }
}

/// Give the recipient of a recorded transfer its tokens
#[derive(Clone, Copy, Debug, Args)]
#[command(after_help = "Example:\n  assay chain tx release-teleport --as requester --claim 0x..")]
pub(in crate::commands) struct ReleaseTeleport {
    /// The claim, as `assay chain query waiting` lists it
    #[arg(long, value_name = "ID")]
    claim: Identifier,
}

impl Acts for ReleaseTeleport {
    const NAME: &'static str = "chain tx release-teleport";

    fn prepare(&self, _: &mut Password<'_>, _: &Output) -> Result<impl Prepared, CliError> {
        let Identifier(claim) = self.claim;
        Ok(Ready(Action::ReleaseTeleport(transaction::ReleaseTeleport { claim })))
    }
}

/// Take back tokens that nobody claimed in time, with what a node of their destination shows
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Example:\n  assay chain tx refund-teleport --as owner --id 0x.. --destination-node http://127.0.0.1:7374"
)]
pub(in crate::commands) struct RefundTeleport {
    /// The transfer
    #[arg(long, value_name = "ID")]
    id: Identifier,
    /// A node of the destination
    #[arg(long, value_name = "URL")]
    destination_node: String,
}

impl Acts for RefundTeleport {
    const NAME: &'static str = "chain tx refund-teleport";

    fn prepare(&self, _: &mut Password<'_>, _: &Output) -> Result<impl Prepared, CliError> {
        let destination = Client::new(&self.destination_node)?.with_patience(PATIENCE);
        let Identifier(id) = self.id;
        Ok(Refunding { id, destination })
    }
}

/// A refund, and whom to ask for its proof.
struct Refunding {
    id: Hash,
    destination: Client,
}

impl Prepared for Refunding {
    async fn action(self, account: &Account) -> Result<Action, CliError> {
        let Self { id, destination } = self;
        let teleport: Option<Teleport> = account.client().get(&Key::Teleport(id)).await?;
        let teleport = teleport.ok_or_else(|| absent(&id))?;
        let key = Key::TeleportClaim(teleport.nullifier(&id));
        let (_, proof) = destination.shown::<TeleportClaim>(&key).await?;
        Ok(Action::RefundTeleport(Box::new(transaction::RefundTeleport { id, proof })))
    }
}

fn absent(id: &Hash) -> CliError {
    CliError::None { what: "teleport", id: hex::encode(id) }
}
