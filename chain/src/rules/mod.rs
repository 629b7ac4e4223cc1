//! The rules: one file per transaction family, each deciding from the state and the block alone.
//!
//! A rule is a function from an `Execution` and an action to `Ok` or a `Failure`. It checks everything before it
//! writes anything it would regret, but need not: the execution undoes whatever a refused transaction wrote. Rules know
//! no store, no clock and no key material; what is expensive and pure (deriving keys, verifying proofs) they ask of
//! `Services`.

pub mod reject;
pub(crate) mod services;

pub(crate) mod anchor;
pub(crate) mod assignment;
pub(crate) mod authority;
pub(crate) mod device;
pub(crate) mod envelope;
pub(crate) mod epoch;
pub(crate) mod governance;
pub(crate) mod job;
pub(crate) mod lease;
pub(crate) mod misbehaviour;
pub(crate) mod model;
pub(crate) mod money;
pub(crate) mod plausible;
pub(crate) mod result;
pub(crate) mod review;
pub(crate) mod stake;
pub(crate) mod standing;
pub(crate) mod synthetic;
pub(crate) mod teleport;
pub(crate) mod timer;
pub(crate) mod transfer;
pub(crate) mod worker;

pub use plausible::plausible;
pub use reject::Reject;
pub use review::dispute::majority;

use crate::state::keys::Key;
use crate::state::object::Clock;
use crate::state::overlay::{Overlay, StateError};
use crate::types::block::ComputeResult;
use crate::types::event::{Event, Outcome};
use crate::types::ids::{Address, Hash};
use crate::types::params::Params;
use crate::types::transaction::{Action, CheckedTransaction};
use services::Services;

/// Why a transaction did not run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The rules refuse it.
    Refused(Box<Reject>),
    /// The state cannot be read; nothing is said about the transaction.
    Fault(StateError),
}

impl From<Reject> for Failure {
    fn from(reject: Reject) -> Self {
        Self::Refused(Box::new(reject))
    }
}

impl From<StateError> for Failure {
    fn from(error: StateError) -> Self {
        Self::Fault(error)
    }
}

/// What the end of a block makes of a failure: a refusal there is a fault of the state.
impl From<Failure> for StateError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Refused(reject) => Self::Closing { code: reject.code() },
            Failure::Fault(error) => error,
        }
    }
}

/// The block that transactions run in.
#[derive(Clone, Copy)]
pub(crate) struct Environment<'a> {
    pub(crate) chain_id: u32,
    pub(crate) genesis: &'a Hash,
    pub(crate) height: u64,
    /// Time of the block.
    pub(crate) time: u64,
    /// Whether a transaction is only tried, for a block whose time nobody knows yet.
    pub(crate) trial: bool,
    pub(crate) epoch: u64,
    pub(crate) beacon: Hash,
    pub(crate) params: &'a Params,
    /// Parameters of genesis: governance leaves some of them as they are.
    pub(crate) initial: &'a Params,
    pub(crate) services: &'a Services,
}

impl Environment<'_> {
    /// The block's time; a block yet to come is taken to be late enough for something completed at `completed`.
    pub(crate) fn time_for(&self, completed: u64) -> u64 {
        if self.trial { self.time.max(completed) } else { self.time }
    }
}

/// Who sent the transaction that runs.
#[derive(Clone, Copy)]
pub(crate) struct Call<'a> {
    pub(crate) id: &'a Hash,
    pub(crate) sender: &'a Address,
}

/// A block in execution.
pub(crate) struct Execution<'a> {
    pub(crate) state: Overlay<'a>,
    pub(crate) environment: Environment<'a>,
    pub(crate) events: Vec<Event>,
    pub(crate) results: Vec<ComputeResult>,
    /// What happened before the first transaction.
    opening: Vec<Event>,
}

impl<'a> Execution<'a> {
    /// Starts the block of `environment` on the state it follows.
    pub(crate) fn start(mut state: Overlay<'a>, environment: Environment<'a>) -> Result<Self, StateError> {
        let clock: Clock = state.expect(&Key::Clock)?;
        let Environment { height, time, epoch, beacon, .. } = environment;
        state.put(&Key::Clock, Clock { height, time, epoch, beacon, timers: clock.timers })?;
        let mut execution = Self { state, environment, events: Vec::new(), results: Vec::new(), opening: Vec::new() };
        // CONSENSUS: an epoch is closed before the transactions of the first block after it.
        epoch::turn(&mut execution)?;
        execution.opening = std::mem::take(&mut execution.events);
        Ok(execution)
    }

    /// Runs one transaction wholly, or leaves no trace of it.
    // spec: chain#atomicity
    pub(crate) fn transact(&mut self, transaction: &CheckedTransaction) -> Result<Outcome, Failure> {
        let results = self.results.len();
        self.events.clear();
        self.state.begin();
        let paid = self.run(transaction);
        let events = std::mem::take(&mut self.events);
        match paid {
            Ok((gas_used, fee)) => {
                self.state.accept();
                Ok(Outcome { transaction: *transaction.id(), sender: *transaction.sender(), gas_used, fee, events })
            }
            Err(failure) => {
                self.state.roll_back();
                self.results.truncate(results);
                Err(failure)
            }
        }
    }

    /// Fires what is due at this height; returns what happened beside the transactions.
    pub(crate) fn close(&mut self) -> Result<Vec<Event>, StateError> {
        self.events = std::mem::take(&mut self.opening);
        timer::fire(self)?;
        Ok(std::mem::take(&mut self.events))
    }

    fn run(&mut self, transaction: &CheckedTransaction) -> Result<(u64, u128), Failure> {
        let paid = envelope::charge(self, transaction)?;
        let call = Call { id: transaction.id(), sender: transaction.sender() };
        self.act(call, &transaction.transaction().action)?;
        Ok(paid)
    }

    /// Does what an action asks for, without its envelope; returns what happened.
    pub(crate) fn simulate(&mut self, sender: &Address, action: &Action) -> Result<Vec<Event>, Failure> {
        self.events.clear();
        self.act(Call { id: &[0; 32], sender }, action)?;
        Ok(std::mem::take(&mut self.events))
    }

    fn act(&mut self, call: Call<'_>, action: &Action) -> Result<(), Failure> {
        match action {
            Action::Transfer(action) => transfer::transfer(self, call, action),
            Action::RegisterModel(action) => model::register(self, call, action),
            Action::RegisterWorker(action) => worker::register(self, call, action),
            Action::Stake(action) => stake::add(self, call, action),
            Action::Unstake(action) => stake::unstake(self, call, action),
            Action::Withdraw(action) => stake::withdraw(self, call, action),
            Action::PostJob(action) => job::post(self, call, action),
            Action::LeaseJob(action) => lease::take(self, call, action),
            Action::SubmitResult(action) => result::submit(self, call, action),
            Action::CommitCheck(action) => review::check::commit(self, call, action),
            Action::RevealCheck(action) => review::check::reveal(self, call, action),
            Action::Challenge(action) => review::dispute::challenge(self, call, action),
            Action::AnswerWithProof(action) => review::dispute::answer(self, call, action),
            Action::BindDevice(action) => device::bind(self, call, action),
            Action::UpdateWorker(action) => worker::update(self, call, action),
            Action::ReportImplausible(action) => standing::report(self, call, action),
            Action::ProposeAssignment(action) => assignment::propose(self, call, action),
            Action::ChallengeModel(action) => model::challenge::challenge(self, call, action),
            Action::Propose(action) => governance::propose(self, call, action),
            Action::Vote(action) => governance::vote(self, call, action),
            Action::Authorise(action) => authority::authorise(self, call, action),
            Action::ReportMisbehaviour(action) => misbehaviour::report(self, call, action),
            Action::AnchorReceipt(action) => anchor::anchor(self, call, action),
            Action::TeleportOut(action) => teleport::send(self, call, action),
            Action::ClaimTeleport(action) => teleport::claim(self, call, action),
            Action::RefundTeleport(action) => teleport::refund(self, call, action),
            Action::SyntheticResult(action) => synthetic::commit(self, call, action),
            Action::OpenSynthetic(action) => synthetic::open(self, call, action),
            Action::Appeal(action) => review::appeal::appeal(self, call, action),
            Action::RecordTeleport(action) => teleport::waiting::record(self, call, action),
            Action::ReleaseTeleport(action) => teleport::waiting::release(self, call, action),
            Action::PlantCanary(action) => review::canary::plant(self, call, action),
            Action::RevealCanary(action) => review::canary::reveal(self, call, action),
        }
    }
}

#[cfg(test)]
mod tests;
