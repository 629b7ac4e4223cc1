//! Sampled work in a [`World`]: handing it in, checking it, disputing it.

use circuits::model::tensor::Tensor;

use super::{Leased, World, account, evidence, output, sign_unchecked, worker_id};
use crate::state::{Key, Produced};
use crate::types::event::{Event, Outcome};
use crate::types::ids::{Hash, check_commitment};
use crate::types::job::{JobPolicy, JobResult, LeaseKind, ResultStage};
use crate::types::params::Params;
use crate::types::review::{Dispute, SpotCheck};
use crate::types::transaction::{Action, Challenge, CommitCheck, LeaseJob, PostJob, RevealCheck, SubmitResult};

/// What every test reveals its runs with.
pub(crate) const SALT: Hash = [9; 32];

/// An output that the model does not give.
pub(crate) fn wrong_output() -> Tensor {
    Tensor::vector(vec![6, 5]).unwrap()
}

impl World {
    /// A world with the model and workers 1 to 5.
    pub(crate) fn staffed(change: impl FnOnce(&mut Params)) -> Self {
        let mut world = Self::with(change);
        world.register_model();
        for number in 1..=5 {
            world.register_worker(number);
        }
        world
    }

    /// A job that asks for no proof but for a check of every result.
    pub(crate) fn sampled_job(&self) -> PostJob {
        let policy = JobPolicy { proof_required: false, trust_bps_min: 6_000, spot_rate_bps_min: 10_000 };
        PostJob { policy, ..self.job() }
    }

    /// A sampled lease of `job` for worker `number`.
    pub(crate) fn sampled_action(&self, job: Hash, number: u8) -> LeaseJob {
        LeaseJob { kind: LeaseKind::Sampled, ..self.lease_action(job, number) }
    }

    /// Leases `job` to worker `number` without a proof.
    pub(crate) fn lease_sampled(&mut self, job: Hash, number: u8) -> Leased {
        let action = Action::LeaseJob(self.sampled_action(job, number));
        match self.send(number, action).events.as_slice() {
            [Event::Leased { lease, context, .. }] => {
                let lease = crate::types::ObjectRef { id: *lease, version: 1 };
                Leased { number, job, lease, context: *context }
            }
            events => panic!("unexpected events {events:?}"),
        }
    }

    /// What worker `leased.number` hands in without a proof.
    pub(crate) fn sampled_submission(&self, leased: &Leased, output: Tensor) -> SubmitResult {
        let mut receipt = self.receipt(leased);
        receipt.output_hash = output.hash();
        SubmitResult {
            lease: leased.lease,
            signed: sign_unchecked(receipt, leased.number),
            input: None,
            output,
            evidence: evidence(leased),
            collateral: vec![],
            proofs: vec![],
        }
    }

    /// Hands in a result without a proof; returns its identifier.
    pub(crate) fn hand_in(&mut self, leased: &Leased, output: Tensor) -> Hash {
        let submission = self.sampled_submission(leased, output);
        match self.send(leased.number, Action::SubmitResult(Box::new(submission))).events.as_slice() {
            [Event::ResultPending { result, .. }] => *result,
            events => panic!("unexpected events {events:?}"),
        }
    }

    /// A staffed world in which worker 2 handed in `output` for a job that is always checked.
    pub(crate) fn handed_in(output: Tensor) -> (Self, Leased, Hash) {
        Self::handed_in_with(output, |_| {})
    }

    pub(crate) fn handed_in_with(output: Tensor, change: impl FnOnce(&mut Params)) -> (Self, Leased, Hash) {
        let mut world = Self::staffed(change);
        let job = world.post(world.sampled_job());
        let leased = world.lease_sampled(job, 2);
        let result = world.hand_in(&leased, output);
        (world, leased, result)
    }

    pub(crate) fn result(&self, result: &Hash) -> JobResult {
        self.machine().get(&Key::Result(*result)).unwrap().unwrap()
    }

    pub(crate) fn stage(&self, result: &Hash) -> ResultStage {
        self.result(result).stage
    }

    /// Makes blocks until a result has left its stage; returns the last.
    pub(crate) fn next_stage(&mut self, result: &Hash) -> Produced {
        let before = self.result(result);
        for _ in 0..100 {
            let produced = self.block();
            let now = self.result(result);
            if now.stage != before.stage || now.draws != before.draws {
                return produced;
            }
        }
        panic!("stuck in {before:?}");
    }

    /// Number of the worker with an identifier.
    pub(crate) fn number_of(worker: &Hash) -> u8 {
        (1..=20).find(|number| worker_id(*number) == *worker).unwrap()
    }

    /// The checker of a result.
    pub(crate) fn checker(&self, result: &Hash) -> u8 {
        let check: SpotCheck = self.machine().get(&Key::SpotCheck(*result)).unwrap().unwrap();
        Self::number_of(&check.seat.worker)
    }

    /// The jurors of a result.
    pub(crate) fn jurors(&self, result: &Hash) -> Vec<u8> {
        let dispute: Dispute = self.machine().get(&Key::Dispute(*result)).unwrap().unwrap();
        dispute.seats.iter().map(|seat| Self::number_of(&seat.worker)).collect()
    }

    pub(crate) fn commit_action(result: &Hash, number: u8, output: &Tensor) -> CommitCheck {
        let worker = worker_id(number);
        CommitCheck { result: *result, worker, commitment: check_commitment(result, &worker, &output.hash(), &SALT) }
    }

    pub(crate) fn reveal_action(result: &Hash, number: u8, output: &Tensor) -> RevealCheck {
        let worker = worker_id(number);
        RevealCheck { result: *result, worker, output_hash: output.hash(), salt: SALT }
    }

    pub(crate) fn commit(&mut self, result: &Hash, number: u8, output: &Tensor) -> Outcome {
        self.send(number, Action::CommitCheck(Self::commit_action(result, number, output)))
    }

    pub(crate) fn reveal(&mut self, result: &Hash, number: u8, output: &Tensor) -> Outcome {
        self.send(number, Action::RevealCheck(Self::reveal_action(result, number, output)))
    }

    /// Draws the checker of a fresh result and lets it find `output`; returns its number.
    pub(crate) fn check(&mut self, result: &Hash, output: &Tensor) -> u8 {
        self.next_stage(result);
        let checker = self.checker(result);
        self.commit(result, checker, output);
        self.reveal(result, checker, output);
        checker
    }

    /// Lets the time to answer pass, and the jury find the honest output; returns the jurors.
    pub(crate) fn judge(&mut self, result: &Hash) -> Vec<u8> {
        self.next_stage(result);
        let jurors = self.jurors(result);
        for juror in &jurors {
            self.commit(result, *juror, &output());
        }
        for juror in &jurors {
            self.reveal(result, *juror, &output());
        }
        jurors
    }

    /// Challenges a result by account `number`.
    pub(crate) fn challenge(&mut self, result: &Hash, number: u8) -> Outcome {
        self.send(number, Action::Challenge(Challenge { result: *result, bond: 2_000_000 }))
    }

    /// Free and bonded stake of worker `number`.
    pub(crate) fn stake(&self, number: u8) -> (u128, u128) {
        let key = Key::Stake(worker_id(number));
        let stake: crate::types::Stake = self.machine().get(&key).unwrap().unwrap();
        (stake.amount, stake.bonded)
    }

    /// Standing of worker `number`.
    pub(crate) fn standing(&self, number: u8) -> crate::types::Standing {
        let key = Key::Standing(worker_id(number));
        self.machine().get(&key).unwrap().unwrap_or_default()
    }

    pub(crate) fn address(number: u8) -> crate::types::Address {
        account(number).public_key().address()
    }
}
