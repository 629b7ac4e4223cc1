//! `assay chain tx`: act on a chain.
//!
//! A command waits until its transaction is in a block and says what happened there. A rule's refusal is a result: exit
//! code 1, with the rule's stable code, its section and what to do; nothing was changed and no fee was paid then.

use ::chain::client::{Account, Committed};
use ::chain::types::Action;
use attestation::hex;
use clap::{Args, Subcommand};
use serde_json::json;

use crate::commands::chain::words::print_outcome;
use crate::commands::node::{NodeOptions, block_on};
use crate::commands::signer::{Password, SignerOptions};
use crate::error::CliError;
use crate::output::{Done, Output};

mod canary;
mod check;
mod device;
mod evidence;
mod governance;
mod job;
mod model;
mod result;
mod stake;
mod synthetic;
mod teleport;
mod transfer;
mod work;
mod worker;

pub(super) use evidence::{CoSign, co_sign};

/// Act on a chain: sign a transaction, send it, wait for its block
#[derive(Debug, Subcommand)]
pub(in crate::commands) enum Tx {
    Transfer(With<transfer::Transfer>),
    RegisterModel(With<model::RegisterModel>),
    RegisterWorker(With<worker::RegisterWorker>),
    BindDevice(With<device::BindDevice>),
    Stake(With<stake::Stake>),
    Unstake(With<stake::Unstake>),
    Withdraw(With<stake::Withdraw>),
    PostJob(With<job::PostJob>),
    LeaseJob(With<result::LeaseJob>),
    SubmitResult(With<result::SubmitResult>),
    CommitCheck(With<check::CommitCheck>),
    RevealCheck(With<check::RevealCheck>),
    Challenge(With<job::Challenge>),
    AnswerWithProof(With<result::AnswerWithProof>),
    Appeal(With<job::Appeal>),
    UpdateWorker(With<work::UpdateWorker>),
    ReportImplausible(With<work::ReportImplausible>),
    ProposeAssignment(With<work::ProposeAssignment>),
    ChallengeModel(With<model::ChallengeModel>),
    Propose(With<governance::Propose>),
    Vote(With<governance::Vote>),
    Authorise(With<governance::Authorise>),
    ReportMisbehaviour(With<evidence::ReportMisbehaviour>),
    AnchorReceipt(With<evidence::AnchorReceipt>),
    TeleportOut(With<teleport::TeleportOut>),
    ClaimTeleport(With<teleport::ClaimTeleport>),
    RecordTeleport(With<teleport::RecordTeleport>),
    ReleaseTeleport(With<teleport::ReleaseTeleport>),
    RefundTeleport(With<teleport::RefundTeleport>),
    PlantCanary(With<canary::PlantCanary>),
    RevealCanary(With<canary::RevealCanary>),
    SyntheticResult(With<synthetic::SyntheticResult>),
    OpenSynthetic(With<synthetic::OpenSynthetic>),
}

/// An action, and what every transaction needs.
#[derive(Debug, Args)]
pub(in crate::commands) struct With<T: Args> {
    #[command(flatten)]
    action: T,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Args)]
struct Common {
    #[command(flatten)]
    signer: SignerOptions,
    #[command(flatten)]
    node: NodeOptions,
    /// Do not wait for a block: print the identifier and end
    #[arg(long)]
    no_wait: bool,
}

/// What can be asked of a chain.
trait Acts {
    /// Name in the envelope.
    const NAME: &'static str;

    /// Reads what the action needs from files, before anything is asked or sent.
    fn prepare(&self, password: &mut Password<'_>, output: &Output) -> Result<impl Prepared, CliError>;
}

/// An action whose files were read.
trait Prepared {
    /// The action for the chain that the account is on.
    async fn action(self, account: &Account) -> Result<Action, CliError>;
}

/// An action that needs nothing of the chain.
struct Ready(Action);

impl Prepared for Ready {
    async fn action(self, _: &Account) -> Result<Action, CliError> {
        Ok(self.0)
    }
}

impl Tx {
    /// Name in the envelope.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Transfer(_) => transfer::Transfer::NAME,
            Self::RegisterModel(_) => model::RegisterModel::NAME,
            Self::RegisterWorker(_) => worker::RegisterWorker::NAME,
            Self::BindDevice(_) => device::BindDevice::NAME,
            Self::Stake(_) => stake::Stake::NAME,
            Self::Unstake(_) => stake::Unstake::NAME,
            Self::Withdraw(_) => stake::Withdraw::NAME,
            Self::PostJob(_) => job::PostJob::NAME,
            Self::LeaseJob(_) => result::LeaseJob::NAME,
            Self::SubmitResult(_) => result::SubmitResult::NAME,
            Self::CommitCheck(_) => check::CommitCheck::NAME,
            Self::RevealCheck(_) => check::RevealCheck::NAME,
            Self::Challenge(_) => job::Challenge::NAME,
            Self::AnswerWithProof(_) => result::AnswerWithProof::NAME,
            Self::Appeal(_) => job::Appeal::NAME,
            Self::UpdateWorker(_) => work::UpdateWorker::NAME,
            Self::ReportImplausible(_) => work::ReportImplausible::NAME,
            Self::ProposeAssignment(_) => work::ProposeAssignment::NAME,
            Self::ChallengeModel(_) => model::ChallengeModel::NAME,
            Self::Propose(_) => governance::Propose::NAME,
            Self::Vote(_) => governance::Vote::NAME,
            Self::Authorise(_) => governance::Authorise::NAME,
            Self::ReportMisbehaviour(_) => evidence::ReportMisbehaviour::NAME,
            Self::AnchorReceipt(_) => evidence::AnchorReceipt::NAME,
            Self::TeleportOut(_) => teleport::TeleportOut::NAME,
            Self::ClaimTeleport(_) => teleport::ClaimTeleport::NAME,
            Self::RecordTeleport(_) => teleport::RecordTeleport::NAME,
            Self::ReleaseTeleport(_) => teleport::ReleaseTeleport::NAME,
            Self::RefundTeleport(_) => teleport::RefundTeleport::NAME,
            Self::PlantCanary(_) => canary::PlantCanary::NAME,
            Self::RevealCanary(_) => canary::RevealCanary::NAME,
            Self::SyntheticResult(_) => synthetic::SyntheticResult::NAME,
            Self::OpenSynthetic(_) => synthetic::OpenSynthetic::NAME,
        }
    }
}

pub(super) fn run(command: &Tx, output: &Output) -> Result<Done, CliError> {
    match command {
        Tx::Transfer(arguments) => act(arguments, output),
        Tx::RegisterModel(arguments) => act(arguments, output),
        Tx::RegisterWorker(arguments) => act(arguments, output),
        Tx::BindDevice(arguments) => act(arguments, output),
        Tx::Stake(arguments) => act(arguments, output),
        Tx::Unstake(arguments) => act(arguments, output),
        Tx::Withdraw(arguments) => act(arguments, output),
        Tx::PostJob(arguments) => act(arguments, output),
        Tx::LeaseJob(arguments) => act(arguments, output),
        Tx::SubmitResult(arguments) => act(arguments, output),
        Tx::CommitCheck(arguments) => act(arguments, output),
        Tx::RevealCheck(arguments) => act(arguments, output),
        Tx::Challenge(arguments) => act(arguments, output),
        Tx::AnswerWithProof(arguments) => act(arguments, output),
        Tx::Appeal(arguments) => act(arguments, output),
        Tx::UpdateWorker(arguments) => act(arguments, output),
        Tx::ReportImplausible(arguments) => act(arguments, output),
        Tx::ProposeAssignment(arguments) => act(arguments, output),
        Tx::ChallengeModel(arguments) => act(arguments, output),
        Tx::Propose(arguments) => act(arguments, output),
        Tx::Vote(arguments) => act(arguments, output),
        Tx::Authorise(arguments) => act(arguments, output),
        Tx::ReportMisbehaviour(arguments) => act(arguments, output),
        Tx::AnchorReceipt(arguments) => act(arguments, output),
        Tx::TeleportOut(arguments) => act(arguments, output),
        Tx::ClaimTeleport(arguments) => act(arguments, output),
        Tx::RecordTeleport(arguments) => act(arguments, output),
        Tx::ReleaseTeleport(arguments) => act(arguments, output),
        Tx::RefundTeleport(arguments) => act(arguments, output),
        Tx::PlantCanary(arguments) => act(arguments, output),
        Tx::RevealCanary(arguments) => act(arguments, output),
        Tx::SyntheticResult(arguments) => act(arguments, output),
        Tx::OpenSynthetic(arguments) => act(arguments, output),
    }
}

fn act<T: Acts + Args>(With { action, common }: &With<T>, output: &Output) -> Result<Done, CliError> {
    let Common { signer, node, no_wait } = common;
    let client = node.client()?;
    let mut password = Password::new(&signer.password);
    let key = signer.signer(&mut password, output)?;
    let prepared = action.prepare(&mut password, output)?;
    block_on(async {
        let account = key.account(&client).await?;
        let action = prepared.action(&account).await?;
        if *no_wait {
            let transaction = account.sign(action).await?;
            let id = client.submit(&transaction).await?;
            output.heading("pending");
            output.field("transaction", hex::encode(&id));
            output.line(format!("  `assay chain query transaction {}` tells what becomes of it.", hex::encode(&id)));
            return Ok(Done::ok(json!({ "state": "pending", "id": hex::encode(&id) })));
        }
        let Committed { height, outcome } = account.act(action).await?;
        output.heading(&format!("committed in block {height}"));
        print_outcome(&outcome, output);
        let id = hex::encode(&outcome.transaction);
        Ok(Done::ok(json!({ "state": "committed", "id": id, "height": height, "outcome": outcome })))
    })
}
