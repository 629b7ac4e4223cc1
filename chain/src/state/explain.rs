//! "Why was I not paid": what the state says about a job, a lease, a result or a worker, in one answer.
//!
//! Every reason names the section of the specification that it follows from, so that a program can tell reasons apart
//! and a person can read the rule. It is read from the committed state alone: whoever asks two nodes at one height gets
//! one answer. What never got into the state has no reason here; its refusal was the answer.

use serde::{Deserialize, Serialize};

use super::keys::Key;
use super::machine::{Machine, StateMachine};
use super::overlay::StateError;
use super::store::Store;
use crate::economics::epoch::{later, uptime_bps};
use crate::economics::invariants::DRAWS_MAX;
use crate::types::epoch::Payout;
use crate::types::ids::Hash;
use crate::types::job::{InferenceJob, JobResult, JobStatus, LeaseKind, LeaseStatus, ResultStage, WorkLease};
use crate::types::ledger::Stake;
use crate::types::model::{Model, ModelStatus};
use crate::types::review::{Dispute, SpotCheck};
use crate::types::snapshot::{ResourceSnapshot, SyntheticClaim};
use crate::types::standing::Standing;
use crate::types::worker::{DeviceBinding, WorkerRegistration};

/// What is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Subject {
    /// A job.
    Job(#[serde(with = "attestation::hex")] Hash),
    /// A lease.
    Lease(#[serde(with = "attestation::hex")] Hash),
    /// A result.
    Result(#[serde(with = "attestation::hex")] Hash),
    /// A worker.
    Worker(#[serde(with = "attestation::hex")] Hash),
}

/// Whether something was paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Payment {
    /// Paid and minted for.
    Paid,
    /// Not yet; the reasons say what it waits for.
    Waiting,
    /// Not, and never will be.
    Unpaid,
}

/// One reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reason {
    /// Section of the specification.
    pub rule: String,
    /// What happened, with its numbers, and what can be done.
    pub message: String,
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Explanation {
    /// Height of the state it is read from.
    pub height: u64,
    /// What was asked about.
    pub subject: Subject,
    /// Whether it was paid.
    pub payment: Payment,
    /// Micro-tokens from the escrow; of a worker, in the epoch that runs.
    #[serde(with = "crate::types::twin::micro")]
    pub paid: u128,
    /// Micro-tokens minted; of a worker, in the epoch that runs.
    #[serde(with = "crate::types::twin::micro")]
    pub minted: u128,
    /// Why, the most telling first.
    pub reasons: Vec<Reason>,
}

impl<S: Store> Machine<S> {
    /// Why something was paid, is not paid yet, or never will be; `None` if the state knows nothing of it.
    ///
    /// # Errors
    /// [`StateError`] when the state cannot be read.
    // spec: chain#explanation
    pub fn explain(&self, subject: Subject) -> Result<Option<Explanation>, StateError> {
        let mut answer = Explanation {
            height: self.height(),
            subject,
            payment: Payment::Waiting,
            paid: 0,
            minted: 0,
            reasons: Vec::new(),
        };
        let known = match subject {
            Subject::Job(id) => self.explain_job(&id, &mut answer)?,
            Subject::Lease(id) => self.explain_lease(&id, &mut answer)?,
            Subject::Result(id) => self.explain_result(&id, &mut answer)?,
            Subject::Worker(id) => self.explain_worker(&id, &mut answer)?,
        };
        Ok(known.then_some(answer))
    }

    /// The same for whatever has this identifier: a result, a lease, a job or a worker.
    ///
    /// # Errors
    /// [`StateError`] when the state cannot be read.
    pub fn explain_any(&self, id: &Hash) -> Result<Option<Explanation>, StateError> {
        for subject in [Subject::Result(*id), Subject::Lease(*id), Subject::Job(*id), Subject::Worker(*id)] {
            if let Some(explanation) = self.explain(subject)? {
                return Ok(Some(explanation));
            }
        }
        Ok(None)
    }

    fn explain_job(&self, id: &Hash, answer: &mut Explanation) -> Result<bool, StateError> {
        let Some(job) = self.get::<InferenceJob>(&Key::Job(*id))? else { return Ok(false) };
        match job.status {
            JobStatus::Open => {
                answer.say("lease-job", format!("open: no worker has leased it; it expires at {}", job.deadline));
                if job.opening.exclusive_until >= answer.height {
                    let until = job.opening.exclusive_until;
                    answer.say("assignment-window", format!("kept for the best scored worker to height {until}"));
                }
                if !job.opening.failed.is_empty() {
                    let failed = job.opening.failed.len();
                    answer.say("lease-timeout", format!("{failed} leases of it ran out or were convicted before"));
                }
            }
            JobStatus::Leased(lease) => {
                return self.explain_lease(&lease, answer);
            }
            JobStatus::Pending(result) | JobStatus::Settled(result) => {
                return self.explain_result(&result, answer);
            }
            JobStatus::Expired => {
                answer.payment = Payment::Unpaid;
                let deadline = job.deadline;
                if deadline <= answer.height {
                    let ended = format!("over without a result by height {deadline}; its escrow went back");
                    answer.say("job-deadline", ended);
                } else if self.model_fell(Some(job.model))? {
                    answer.say("model-conviction", "its model was convicted; its escrow went back".to_owned());
                } else {
                    answer.say("void", "nobody could judge its result; its escrow went back".to_owned());
                }
            }
        }
        Ok(true)
    }

    fn explain_lease(&self, id: &Hash, answer: &mut Explanation) -> Result<bool, StateError> {
        let Some(lease) = self.get::<WorkLease>(&Key::Lease(*id))? else { return Ok(false) };
        let (expires, closes) = (lease.expires_height, lease.closes_height);
        match lease.status {
            LeaseStatus::Live => {
                answer.say("submit-result", format!("no result was handed in; the lease runs to height {expires}"));
            }
            LeaseStatus::Late => {
                answer.say("lease-timeout", format!("ran out at height {expires}: a share of its bond burned"));
                let late = match lease.kind {
                    LeaseKind::Proof => format!("a result is taken to height {closes} if nobody else has the job"),
                    LeaseKind::Sampled => "a sampled lease has no grace: nothing is taken any more".to_owned(),
                };
                answer.say("lease-grace", late);
            }
            LeaseStatus::Submitted | LeaseStatus::Settled => {
                let job: Option<InferenceJob> = self.get(&Key::Job(lease.context.job_id))?;
                if let Some(JobStatus::Pending(result) | JobStatus::Settled(result)) = job.map(|job| job.status) {
                    return self.explain_result(&result, answer);
                }
            }
            LeaseStatus::Closed => {
                answer.payment = Payment::Unpaid;
                if closes > answer.height && self.model_fell(Some(lease.context.model_hash))? {
                    answer.say(
                        "model-conviction",
                        "its model was convicted: the lease ended, its bond is back".to_owned(),
                    );
                } else {
                    let ended = format!("over: no result by height {closes}, or one that was not accepted");
                    answer.say("lease-grace", ended);
                }
            }
        }
        Ok(true)
    }

    fn explain_result(&self, id: &Hash, answer: &mut Explanation) -> Result<bool, StateError> {
        let Some(result) = self.get::<JobResult>(&Key::Result(*id))? else { return Ok(false) };
        let until = result.timer.map_or(result.closes_height, |slot| slot.height);
        let at = result.height;
        match result.stage {
            ResultStage::Drawing => {
                answer.say("draw", format!("the beacon of block {until} decides whether it is checked, and by whom"));
            }
            ResultStage::CheckCommit | ResultStage::CheckReveal => {
                let check: Option<SpotCheck> = self.get(&Key::SpotCheck(*id))?;
                let checker = check.map_or_else(String::new, |check| attestation::hex::encode(&check.seat.worker));
                answer.say("draw", format!("worker {checker} checks it to height {until}"));
            }
            ResultStage::Waiting => {
                answer.say("challenge-window", format!("anyone can challenge it to height {until}; then it is paid"));
            }
            ResultStage::Answering => {
                answer.say("dispute", format!("called wrong: its worker can answer with a proof to height {until}"));
            }
            ResultStage::JuryCommit | ResultStage::JuryReveal => {
                let dispute: Option<Dispute> = self.get(&Key::Dispute(*id))?;
                let jurors = dispute.map_or(0, |dispute| dispute.seats.len());
                answer.say("jury", format!("{jurors} jurors run it again; their stage ends at height {until}"));
            }
            ResultStage::Settled => {
                answer.payment = Payment::Paid;
                answer.paid = result.payment.saturating_sub(result.burned);
                answer.minted = result.reward;
                let trust = result.trust_bps;
                answer.say("settlement", format!("settled at height {at}, at a trust of {trust} bps"));
            }
            ResultStage::Appealing => {
                answer.say("appeal", format!("a jury found it wrong: convicted or judged again from height {until}"));
            }
            ResultStage::Convicted => {
                answer.payment = Payment::Unpaid;
                answer.say("conviction", format!("at height {at} a jury's majority had another output"));
            }
            ResultStage::Canary => {
                answer.payment = Payment::Unpaid;
                answer.say("reveal-canary", format!("revealed at height {at}: it was planted to be wrong"));
            }
            ResultStage::Void => {
                answer.payment = Payment::Unpaid;
                let lease: Option<WorkLease> = self.get(&Key::Lease(result.lease))?;
                // Without the draws that a void result takes, its model fell.
                if result.draws < DRAWS_MAX && self.model_fell(lease.map(|lease| lease.context.model_hash))? {
                    answer
                        .say("model-conviction", format!("its model was convicted at height {at}: nobody is punished"));
                } else {
                    answer.say("void", format!("at height {at} there were not enough workers to judge it"));
                }
            }
        }
        Ok(true)
    }

    /// Whether a model was convicted.
    fn model_fell(&self, model: Option<Hash>) -> Result<bool, StateError> {
        let Some(model) = model else { return Ok(false) };
        let model: Option<Model> = self.get(&Key::Model(model))?;
        Ok(model.is_some_and(|model| model.status == ModelStatus::Convicted))
    }

    fn explain_worker(&self, id: &Hash, answer: &mut Explanation) -> Result<bool, StateError> {
        let Some(worker) = self.get::<WorkerRegistration>(&Key::Worker(*id))? else { return Ok(false) };
        let standing = self.get::<Standing>(&Key::Standing(*id))?.unwrap_or_default();
        let params = self.params()?;
        if let Some(place) = standing.payout {
            let payout: Option<Payout> = self.get(&Key::Payout(place.epoch, place.index))?;
            if let Some(payout) = payout.filter(|payout| payout.epoch == self.epoch(&params)) {
                (answer.paid, answer.minted) = (payout.paid, payout.minted);
                answer.payment = Payment::Paid;
                answer.say("epoch-batch", format!("{} results settled in epoch {}", payout.results, payout.epoch));
            }
        }
        self.explain_eligibility(id, &worker, &standing, answer)?;
        let device: Option<DeviceBinding> = self.get(&Key::Device(worker.device))?;
        if let Some(lease) = device.and_then(|device| device.lease) {
            self.explain_lease(&lease, answer)?;
        }
        let snapshot: Option<ResourceSnapshot> = self.get(&Key::Snapshot(*id))?;
        let elapsed =
            snapshot.map_or(0, |snapshot| self.epoch(&params).saturating_sub(1).saturating_sub(snapshot.epoch));
        let history = snapshot.map_or(0, |snapshot| later(snapshot.history, elapsed));
        let uptime = uptime_bps(history, params.epoch.uptime_window);
        if uptime < 8_000 {
            answer.say("uptime", format!("uptime is {uptime} bps: 5 000 add 200 bps to rewards, 8 000 add 500"));
        }
        if let Some(claim) = self.get::<SyntheticClaim>(&Key::Synthetic(*id))? {
            let height = claim.timer.height;
            answer.say("open-synthetic", format!("a synthetic task waits: drawn or due at height {height}"));
        }
        if params.epoch.capacity_pool > 0 && standing.attested_mib == 0 {
            answer.say("capacity-pool", "no attested video memory: it has no share of the capacity pool".to_owned());
        }
        Ok(true)
    }

    /// What keeps a worker from leasing.
    fn explain_eligibility(
        &self,
        id: &Hash,
        worker: &WorkerRegistration,
        standing: &Standing,
        answer: &mut Explanation,
    ) -> Result<(), StateError> {
        let params = self.params()?;
        if worker.is_banned() {
            answer.payment = Payment::Unpaid;
            answer.say("worker-banned", format!("banned after {} convictions", worker.convictions));
        }
        if standing.implausible >= params.standing.fraud_max {
            answer.payment = Payment::Unpaid;
            answer.say("worker-fraudulent", format!("banned after {} implausible receipts", standing.implausible));
        }
        if standing.is_suspended(answer.height) {
            let until = standing.suspended_until;
            answer.say("worker-suspended", format!("suspended to height {until}: leases in a row ran out"));
        }
        if worker.models.is_empty() {
            answer.say("model-not-served", "it serves no model: update its registration".to_owned());
        }
        let stake = self.get::<Stake>(&Key::Stake(*id))?.unwrap_or_default();
        let (behind, needed) = (stake.amount.saturating_add(stake.bonded), params.bond.worker_stake_min);
        if behind < needed {
            let message = format!("{behind} micro-tokens behind it, {needed} are needed to lease: add stake");
            answer.say("stake-under-minimum", message);
        } else if stake.amount < params.bond.lease_min {
            let message = format!("{} micro-tokens of its stake are free, a lease locks more: add stake", stake.amount);
            answer.say("bond-uncovered", message);
        }
        Ok(())
    }

    fn epoch(&self, params: &crate::types::Params) -> u64 {
        self.height().checked_div(params.block.epoch_blocks).unwrap_or(0)
    }
}

impl Explanation {
    fn say(&mut self, rule: &str, message: String) {
        self.reasons.push(Reason { rule: rule.to_owned(), message });
    }
}
