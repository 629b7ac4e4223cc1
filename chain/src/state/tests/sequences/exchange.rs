//! Steps of governance, mint authority, other chains, models and synthetic tasks.

use std::sync::LazyLock;

use circuits::statement::Statement;

use super::start::{EPOCH, changed_commitment, template};
use super::step::Exchange;
use super::{Play, handed_in};
use crate::state::{Key, StateMachine};
use crate::synthetic::{self, Row};
use crate::testing::{
    AUTHORITY, PROOF, World, account, input, opening, output, register_model, sign_unchecked, worker_id, wrong_output,
};
use crate::types::anchor::{COORDINATOR_DOMAIN, CoSignature, anchor_message};
use crate::types::authority::{Decision, MintAuthority};
use crate::types::canary::canary_commitment;
use crate::types::event::Event;
use crate::types::governance::Change;
use crate::types::ids::{Hash, ObjectRef, genesis_beacon, object_id, work_nullifier};
use crate::types::job::{InferenceJob, WorkLease};
use crate::types::snapshot::SyntheticClaim;
use crate::types::teleport::{Teleport, TeleportClaim};
use crate::types::transaction::{
    Action, AnchorReceipt, Appeal, ChallengeModel, ClaimTeleport, OpenSynthetic, OpenedRow, PlantCanary, Propose,
    ProposeAssignment, RecordTeleport, RefundTeleport, RegisterModel, ReleaseTeleport, ReportMisbehaviour,
    RevealCanary, SyntheticResult, TeleportOut, UpdateWorker,
};
use crate::types::worker::WorkerRegistration;

/// Who chooses workers for jobs.
pub(super) const COORDINATOR: u8 = 5;
/// Who plants canaries.
pub(super) const PLANTER: u8 = 4;
/// What hides them.
const SALT: Hash = [8; 32];
/// Number of the other chain.
pub(super) const OTHER: u32 = 200_200;
/// The worker that can compute its first task.
const HONEST: u8 = 2;

/// The product of the honest worker's first task.
fn product() -> &'static [Row<i32>] {
    static PRODUCT: LazyLock<Vec<Row<i32>>> = LazyLock::new(|| {
        let seed = genesis_beacon(&template().0.genesis.hash());
        synthetic::product(&synthetic::task(&seed, 0, &worker_id(HONEST)))
    });
    &PRODUCT
}

impl Play {
    pub(super) fn exchange(&mut self, step: Exchange) {
        match step {
            Exchange::Appeal { result } => {
                let Some(result) = self.result(result) else { return };
                let worker = World::number_of(&self.world.result(&result).worker);
                self.attempt(worker, Action::Appeal(Appeal { result }));
            }
            Exchange::Assign { worker, job } => {
                let Some(job) = self.job(job) else { return };
                let record: InferenceJob = self.world.machine().get(&Key::Job(job)).unwrap().unwrap();
                let job = ObjectRef { id: job, version: record.version };
                let action = ProposeAssignment { job, worker: worker_id(worker) };
                self.attempt(COORDINATOR, Action::ProposeAssignment(action));
            }
            Exchange::Update { worker, region, serves } => {
                let id = worker_id(worker);
                let record: WorkerRegistration = self.world.machine().get(&Key::Worker(id)).unwrap().unwrap();
                let models = if serves { self.models.clone() } else { vec![] };
                let (profile, rates) = (record.profile, Default::default());
                let action = UpdateWorker { worker: id, profile, models, region, rates };
                self.attempt(worker, Action::UpdateWorker(Box::new(action)));
            }
            Exchange::Model { variant, jobs, challenger, row } => self.model(variant, jobs, challenger, row),
            Exchange::Propose { worker, change, value } => self.propose(worker, change, value),
            Exchange::Vote { worker, proposal, yes } => {
                let Some(proposal) = self.proposals.iter().rev().nth(proposal).copied() else { return };
                self.attempt(worker, World::vote(proposal, worker, yes));
            }
            Exchange::Issue { to, amount, approvals } => {
                let decision = Decision::Issue { to: World::address(to), amount };
                self.decide(decision, approvals);
            }
            Exchange::HandOver => self.decide(Decision::Transfer, 2),
            Exchange::Equivocate { reporter, lease } => {
                let Some(leased) = self.leased(lease) else { return };
                let first = sign_unchecked(self.world.receipt(&leased), leased.number);
                let mut second = self.world.receipt(&leased);
                second.output_hash = wrong_output().hash();
                let second = sign_unchecked(second, leased.number);
                let report = ReportMisbehaviour { lease: leased.lease.id, first, second };
                self.attempt(reporter, Action::ReportMisbehaviour(Box::new(report)));
            }
            Exchange::Anchor { from, receipt, signed } => {
                let receipt = [receipt; 32];
                let key = account(COORDINATOR);
                let message = anchor_message(self.world.machine().genesis_hash(), &receipt);
                let signature = key.sign(COORDINATOR_DOMAIN, &message);
                let coordinator = signed.then(|| CoSignature { public_key: key.public_key(), signature });
                self.attempt(from, Action::AnchorReceipt(AnchorReceipt { receipt, coordinator }));
            }
            Exchange::Send { from, amount, claimed } => self.send(from, amount, claimed),
            Exchange::Refund { teleport } => self.refund(teleport),
            Exchange::Receive { to, amount, times, recorded } => self.receive(to, amount, times, recorded),
            Exchange::Plant { worker } => handed_in(self, worker, false),
            Exchange::Uncover { result } => self.uncover(result),
            Exchange::Commit { worker, honest } => {
                let (worker, root) = match honest {
                    true => (HONEST, synthetic::root(product())),
                    false => (worker, [worker; 32]),
                };
                let epoch = self.world.machine().height() / EPOCH;
                let action = SyntheticResult { worker: worker_id(worker), epoch, root };
                self.attempt(worker, Action::SyntheticResult(action));
            }
            Exchange::Open { worker } => {
                let claim: Option<SyntheticClaim> =
                    self.world.machine().get(&Key::Synthetic(worker_id(HONEST))).unwrap();
                // Nothing was drawn: rows of nobody's task, refused.
                let (worker, rows) = match claim {
                    Some(claim) if !claim.rows.is_empty() => (HONEST, claim.rows),
                    _ => (worker, vec![]),
                };
                let rows = rows.into_iter().map(|row| row as usize);
                let rows = rows.map(|row| OpenedRow {
                    values: product()[row].clone(),
                    path: synthetic::prove_row(product(), row).unwrap(),
                });
                let action = OpenSynthetic { worker: worker_id(worker), rows: rows.collect() };
                self.attempt(worker, Action::OpenSynthetic(Box::new(action)));
            }
        }
    }

    /// Commits to a wrong result of a worker for the last job.
    pub(super) fn plant(&mut self, worker: u8) {
        let Some(job) = self.job(0) else { return };
        let record: InferenceJob = self.world.machine().get(&Key::Job(job)).unwrap().unwrap();
        let chain_id = self.world.machine().genesis().chain_id();
        let work = work_nullifier(chain_id, &job, &record.model, &record.input_hash, &worker_id(worker));
        let commitment = canary_commitment(&work, &wrong_output().hash(), &SALT);
        self.attempt(PLANTER, Action::PlantCanary(PlantCanary { commitment }));
    }

    /// Calls a result a canary, with a proof of the right output.
    fn uncover(&mut self, result: usize) {
        let Some(result) = self.result(result) else { return };
        let record = self.world.result(&result);
        let lease: WorkLease = self.world.machine().get(&Key::Lease(record.lease)).unwrap().unwrap();
        let statement = Statement { context_digest: lease.context.digest(), input: input(), output: output() };
        self.world.vouch(&lease.context.model_hash, &statement);
        let reveal = RevealCanary { result, salt: SALT, input: None, output: output(), proof: PROOF.to_vec() };
        self.attempt(PLANTER, Action::RevealCanary(Box::new(reveal)));
    }

    /// Registers another model, posts jobs on it and challenges it in its window.
    fn model(&mut self, variant: usize, jobs: u8, challenger: u8, row: usize) {
        let commitment = borsh::to_vec(&changed_commitment(variant)).unwrap();
        let Some(outcome) = self.attempt(1, Action::RegisterModel(RegisterModel { commitment, ..register_model() }))
        else {
            return;
        };
        let [Event::ModelRegistered { model, .. }] = outcome.events.as_slice() else { panic!("{outcome:?}") };
        self.models.push(*model);
        self.models.sort_unstable();
        for _ in 0..jobs {
            let mut job = self.world.job();
            job.model = *model;
            job.deadline = self.world.machine().height() + 30;
            if let Some(outcome) = self.attempt(1, Action::PostJob(job)) {
                self.jobs.push(object_id(&outcome.transaction, 0));
            }
        }
        let challenge = ChallengeModel { model: *model, openings: opening(row), bond: 2_000_000 };
        self.attempt(challenger, Action::ChallengeModel(challenge));
    }

    fn propose(&mut self, worker: u8, change: u8, value: u32) {
        let mut params = self.world.machine().params().unwrap();
        match change % 5 {
            0 => params.fee.check_bps = value,
            1 => params.slash.winner_bps = value,
            2 => params.slash.silent_bps = value / 2,
            3 => params.bond.audit = u128::from(value) * 200,
            _ => params.bond.timeout_slash_bps = value,
        }
        let action = Propose { worker: worker_id(worker), change: Change::Params(Box::new(params)) };
        if let Some(outcome) = self.attempt(worker, Action::Propose(Box::new(action))) {
            self.proposals.push(object_id(&outcome.transaction, 0));
        }
    }

    fn decide(&mut self, decision: Decision, approvals: usize) {
        let authority: MintAuthority = self.world.machine().get(&Key::MintAuthority).unwrap().unwrap();
        let keys = &AUTHORITY[..approvals];
        let action = self.world.decided(authority.decisions, decision, keys);
        self.attempt(1, action);
    }

    /// Burns tokens for the other chain, which takes them or not.
    fn send(&mut self, from: u8, amount: u128, claimed: bool) {
        let expires = self.world.now + 80_000;
        let action = TeleportOut { destination: OTHER, recipient: World::address(from), amount, expires };
        let Some(outcome) = self.attempt(from, Action::TeleportOut(action)) else { return };
        let id = object_id(&outcome.transaction, 0);
        self.teleports.push(id);
        if claimed {
            let (teleport, proof) = self.world.shown::<Teleport>(&Key::Teleport(id));
            let claim = ClaimTeleport { id, teleport: teleport.unwrap(), proof };
            let other = self.other();
            let bytes = other.signed(5, Action::ClaimTeleport(Box::new(claim))).to_bytes();
            // Refused once a refund has moved its clock beyond the expiry.
            if other.chain.submit(&bytes).is_ok() {
                other.block();
            }
        }
    }

    /// Asks for tokens back after the other chain's clock has passed their expiry; the model is told by the event.
    fn refund(&mut self, teleport: usize) {
        let Some(id) = self.teleports.iter().rev().nth(teleport).copied() else { return };
        let teleport: Teleport = self.world.machine().get(&Key::Teleport(id)).unwrap().unwrap();
        let key = Key::TeleportClaim(teleport.nullifier(&id));
        let other = self.other();
        other.now = other.now.max(teleport.expires + 1);
        other.block();
        let (claim, proof) = other.shown::<TeleportClaim>(&key);
        let taken = self.attempt(1, Action::RefundTeleport(Box::new(RefundTeleport { id, proof })));
        assert!(taken.is_none() || claim.is_none(), "refunded although it was claimed");
    }

    /// Takes what the other chain burned, once however often it is claimed and released.
    fn receive(&mut self, to: u8, amount: u128, times: u8, recorded: bool) {
        let destination = self.world.machine().genesis().chain_id();
        let expires = self.world.now.max(self.other().now) + 80_000;
        let action = TeleportOut { destination, recipient: World::address(to), amount, expires };
        let other = self.other();
        let bytes = other.signed(3, Action::TeleportOut(action)).to_bytes();
        if other.chain.submit(&bytes).is_err() {
            return;
        }
        let outcome = other.block().commit.outcomes.remove(0);
        let id: Hash = object_id(&outcome.transaction, 0);
        let (teleport, proof) = other.shown::<Teleport>(&Key::Teleport(id));
        let teleport = teleport.unwrap();
        let claim = teleport.nullifier(&id);
        if recorded {
            let record = RecordTeleport { id, teleport, proof: proof.clone() };
            self.attempt(to, Action::RecordTeleport(Box::new(record)));
        }
        let proven = Action::ClaimTeleport(Box::new(ClaimTeleport { id, teleport, proof }));
        let released = Action::ReleaseTeleport(ReleaseTeleport { claim });
        let first = if recorded { released.clone() } else { proven.clone() };
        let actions = [first].into_iter().chain((1..times).flat_map(|_| [proven.clone(), released.clone()]));
        let taken = actions.map(|action| self.attempt(to, action).is_some());
        assert!(taken.filter(|taken| *taken).count() <= 1, "claimed twice");
    }
}
