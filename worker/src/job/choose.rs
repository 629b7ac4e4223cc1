//! Which open job to take, and how.
//!
//! What the chain would refuse is not tried: the same figures are read and the same functions asked. Among jobs that
//! fit, the best paid comes first; workers begin to look at different places, so that not all of them race for one job.

use std::collections::{BTreeMap, BTreeSet};

use chain::economics::bond;
use chain::state::{Clock, Key, Spent};
use chain::types::ids::work_nullifier;
use chain::types::{Hash, InferenceJob, JobClass, LeaseKind, ObjectRef, Params, Stake, Standing, WorkerRegistration};

use super::JobSettings;
use crate::error::WorkerError;
use crate::inputs;
use crate::models::Models;
use crate::operator::Operator;
use crate::report::WorkerReport;

/// Jobs that were passed over and are remembered.
const PASSED_MAX: usize = 4_096;
/// Jobs tried in one round.
const CANDIDATES_MAX: usize = 8;
/// Blocks until the input of a job that names it by hash is looked for again.
const INPUT_BLOCKS: u64 = 20;

/// Failed attempts in a row after which a model is not leased any more.
pub(super) const FAILURES_MAX: u32 = 3;

/// Why a worker passes over a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// A model it is not registered for or has no bundle of.
    #[error("its model is not served here")]
    Model,
    /// A model whose leases came to nothing here.
    #[error("its model failed here {failures} times in a row; mend what was reported and start the worker again")]
    Failing {
        /// Failed attempts since the last that worked.
        failures: u32,
    },
    /// More trust than its evidence earns.
    #[error("it asks for evidence trusted at {needed} bps, this worker's is at {got}")]
    Trust {
        /// Least trust of the job.
        needed: u32,
        /// Trust of this worker's evidence.
        got: u32,
    },
    /// A price under the operator's.
    #[error("it pays {got} micro-tokens per unit, the operator wants {needed}")]
    Price {
        /// What the operator wants.
        needed: u128,
        /// What the job pays.
        got: u128,
    },
    /// More video memory than the worker declares.
    #[error("it needs {needed} MiB of video memory, this worker declares {got}")]
    Memory {
        /// Least video memory, MiB.
        needed: u64,
        /// What is declared.
        got: u64,
    },
    /// No time for a whole lease.
    #[error("a lease would last until height {expires}, its deadline is {deadline}")]
    Deadline {
        /// Last height of the lease.
        expires: u64,
        /// Deadline of the job.
        deadline: u64,
    },
    /// Too little behind the worker to lease anything.
    #[error("a worker needs a stake of {needed} micro-tokens, there are {got}; add stake")]
    StakeShort {
        /// Least stake.
        needed: u128,
        /// Stake and bonds of the worker.
        got: u128,
    },
    /// Too little free stake for the bond.
    #[error("its bond is {needed} micro-tokens, {got} of the stake are free; add stake or wait for bonds")]
    BondShort {
        /// The bond.
        needed: u128,
        /// Free stake.
        got: u128,
    },
    /// Amounts that no bond is computed for.
    #[error("its amounts leave their range")]
    Overflow,
}

/// What the chain says about this worker now.
pub(super) struct View {
    pub(super) params: Params,
    pub(super) clock: Clock,
    pub(super) registration: WorkerRegistration,
    pub(super) stake: Stake,
    pub(super) standing: Standing,
    pub(super) trust_bps: u32,
    pub(super) settings: JobSettings,
    pub(super) models: Models,
    /// Failed attempts by model, since the last that worked.
    pub(super) failures: BTreeMap<Hash, u32>,
}

impl View {
    /// How to lease a job, or why not to.
    pub(super) fn fit(&self, job: &InferenceJob) -> Result<LeaseKind, Unfit> {
        if self.registration.models.binary_search(&job.model).is_err() || self.models.get(&job.model).is_none() {
            return Err(Unfit::Model);
        }
        // Every lease that runs out costs a part of its bond, so a machine that cannot do the work stops asking for it.
        let failures = self.failures.get(&job.model).copied().unwrap_or(0);
        if failures >= FAILURES_MAX {
            return Err(Unfit::Failing { failures });
        }
        let (needed, got) = (job.policy.trust_bps_min, self.trust_bps);
        if got < needed {
            return Err(Unfit::Trust { needed, got });
        }
        let (needed, got) = (self.settings.price_per_unit_min, job.price_per_unit);
        if got < needed {
            return Err(Unfit::Price { needed, got });
        }
        let (needed, got) = (job.placement.video_memory_mib_min, self.registration.profile.video_memory_mib);
        if got < needed {
            return Err(Unfit::Memory { needed, got });
        }
        let window = &self.params.window;
        let timeout = match job.class {
            JobClass::Standard => window.lease_standard,
            JobClass::Large => window.lease_large,
        };
        let expires = self.clock.height.saturating_add(1).saturating_add(timeout);
        if expires > job.deadline {
            return Err(Unfit::Deadline { expires, deadline: job.deadline });
        }
        let (needed, got) = (self.params.bond.worker_stake_min, self.stake.amount.saturating_add(self.stake.bonded));
        if got < needed {
            return Err(Unfit::StakeShort { needed, got });
        }
        self.covered(job)
    }

    /// The kind that is preferred if its bond is covered, or else a proof.
    fn covered(&self, job: &InferenceJob) -> Result<LeaseKind, Unfit> {
        let got = self.stake.amount;
        let proof = bond::proof_lease_bond(&self.params.bond, job.escrow).ok_or(Unfit::Overflow)?;
        if self.settings.prefer == LeaseKind::Sampled && !job.policy.proof_required {
            let terms = bond::sampled_terms(&self.params, self.clock.epoch, job).ok_or(Unfit::Overflow)?;
            if terms.needed.is_some_and(|needed| needed.max(proof) <= got) {
                return Ok(LeaseKind::Sampled);
            }
        }
        if proof > got {
            return Err(Unfit::BondShort { needed: proof, got });
        }
        Ok(LeaseKind::Proof)
    }
}

/// A job to take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Candidate {
    pub(super) job: ObjectRef,
    pub(super) kind: LeaseKind,
    /// Last height at which it may be kept for another worker.
    pub(super) exclusive_until: u64,
}

/// Looks for jobs, and remembers what it passed over, so that each reason is said once.
pub(super) struct Chooser {
    operator: Operator,
    settings: JobSettings,
    trust_bps: u32,
    /// Version at which a job was passed over.
    passed: BTreeMap<Hash, u64>,
    /// Free stake when it was: with another, jobs may fit that did not.
    free: u128,
    /// Jobs whose reason was said, with their version, and the reason if another may follow while the job stays as it is.
    said: BTreeSet<(Hash, u64, Option<String>)>,
    failures: BTreeMap<Hash, u32>,
    /// Last height at which a job is kept for others or its input not looked for again, or this worker is suspended.
    waiting: BTreeMap<Hash, u64>,
}

impl Chooser {
    pub(super) fn new(operator: Operator, settings: JobSettings, trust_bps: u32) -> Self {
        let (passed, said, failures) = (BTreeMap::new(), BTreeSet::new(), BTreeMap::new());
        let waiting = BTreeMap::new();
        Self { operator, settings, trust_bps, passed, free: 0, said, failures, waiting }
    }

    /// Counts how an attempt with a model ended.
    pub(super) fn count(&mut self, model: Hash, failed: bool) {
        let failures = self.failures.entry(model).or_insert(0);
        *failures = if failed { failures.saturating_add(1) } else { 0 };
    }

    /// Does not look at a job again until it changes.
    pub(super) fn pass(&mut self, job: &ObjectRef) {
        if self.passed.len() >= PASSED_MAX {
            self.passed.clear();
        }
        self.passed.insert(job.id, job.version);
    }

    /// Does not look at a job while it is kept for another worker.
    pub(super) fn wait(&mut self, candidate: &Candidate) {
        self.put_off(&candidate.job, candidate.exclusive_until);
    }

    fn put_off(&mut self, job: &ObjectRef, until: u64) {
        self.pass(job);
        if self.waiting.len() >= PASSED_MAX {
            self.waiting.clear();
        }
        self.waiting.insert(job.id, until);
    }

    /// Looks again at what had to wait until this height; whether there was anything.
    pub(super) fn wake(&mut self, height: u64) -> bool {
        let before = self.waiting.len();
        let passed = &mut self.passed;
        self.waiting.retain(|id, until| {
            let waits = *until > height;
            if !waits {
                passed.remove(id);
            }
            waits
        });
        self.waiting.len() < before
    }

    fn say(&mut self, job: &ObjectRef, reason: String, may_change: bool) {
        if self.said.len() >= PASSED_MAX {
            self.said.clear();
        }
        if self.said.insert((job.id, job.version, may_change.then(|| reason.clone()))) {
            self.operator.report(WorkerReport::Passed { job: job.id, reason });
        }
    }

    /// The first of those whose input is at hand; the others are looked at again after a while, since their inputs come when they come.
    async fn at_hand<'a>(
        &mut self,
        fitting: Vec<(u128, Candidate, &'a InferenceJob)>,
        height: u64,
    ) -> Result<Vec<(u128, Candidate, &'a InferenceJob)>, WorkerError> {
        let mut found = Vec::new();
        for entry in fitting {
            if found.len() >= CANDIDATES_MAX {
                break;
            }
            let (_, candidate, job) = &entry;
            match inputs::of_job(&self.operator, &candidate.job.id, job).await {
                Ok(_) => found.push(entry),
                Err(WorkerError::Input { error, .. }) => {
                    let job = candidate.job;
                    self.say(&job, error.to_string(), true);
                    self.put_off(&job, height.saturating_add(INPUT_BLOCKS));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(found)
    }

    /// Jobs to try, the best first; empty when there are none.
    pub(super) async fn candidates(&mut self) -> Result<Vec<Candidate>, WorkerError> {
        let operator = self.operator.clone();
        let view = operator.patiently(|| self.view()).await?;
        if self.free != view.stake.amount {
            self.free = view.stake.amount;
            self.passed.clear();
        }
        let start = *operator.worker();
        if view.standing.is_suspended(view.clock.height.saturating_add(1)) {
            self.waiting.insert(start, view.standing.suspended_until);
            return Ok(Vec::new());
        }
        // From this worker's own place to the end, then from the beginning to there.
        for (from, until) in [(Some(start), None), (None, Some(start))] {
            let mut after = from;
            loop {
                let page = operator.patiently(|| async { Ok(operator.client().open_jobs(after).await?) }).await?;
                let Some(last) = page.last().map(|entry| entry.id) else { break };
                let mut fitting = Vec::new();
                for entry in page.iter().filter(|entry| until.is_none_or(|until| entry.id <= until)) {
                    let job = ObjectRef { id: entry.id, version: entry.job.version };
                    if self.passed.get(&job.id) == Some(&job.version) {
                        continue;
                    }
                    match view.fit(&entry.job) {
                        Ok(kind) => {
                            let exclusive_until = entry.job.opening.exclusive_until;
                            let candidate = Candidate { job, kind, exclusive_until };
                            fitting.push((entry.job.price_per_unit, candidate, &entry.job));
                        }
                        Err(unfit) => {
                            self.pass(&job);
                            self.say(&job, unfit.to_string(), false);
                        }
                    }
                }
                // Stable: jobs that pay the same stay in the order of this worker's own round.
                fitting.sort_by_key(|(price, ..)| std::cmp::Reverse(*price));
                let fitting = self.at_hand(fitting, view.clock.height).await?;
                let candidates = self.unspent(fitting).await?;
                if !candidates.is_empty() {
                    return Ok(candidates);
                }
                if until.is_some_and(|until| last >= until) {
                    break;
                }
                after = Some(last);
            }
        }
        Ok(Vec::new())
    }

    async fn view(&self) -> Result<View, WorkerError> {
        let operator = &self.operator;
        let worker = *operator.worker();
        let registration = operator.registration().await?.ok_or(WorkerError::NotRegistered { worker })?;
        let genesis = operator.account().genesis();
        Ok(View {
            params: operator.object(Key::Params, "parameters of chain", genesis).await?,
            clock: operator.object(Key::Clock, "clock of chain", genesis).await?,
            stake: operator.object(Key::Stake(worker), "stake", &worker).await?,
            standing: operator.client().get(&Key::Standing(worker)).await?.unwrap_or_default(),
            registration,
            trust_bps: self.trust_bps,
            settings: self.settings,
            models: operator.models().clone(),
            failures: self.failures.clone(),
        })
    }

    /// Those whose work this worker has not done before: a convicted result's job is open again, for others.
    async fn unspent(&mut self, fitting: Vec<(u128, Candidate, &InferenceJob)>) -> Result<Vec<Candidate>, WorkerError> {
        let operator = self.operator.clone();
        let mut candidates = Vec::new();
        for (_, candidate, job) in fitting {
            let chain_id = operator.account().chain_id();
            let (id, worker) = (candidate.job.id, operator.worker());
            let nullifier = work_nullifier(chain_id, &id, &job.model, &job.input_hash, worker);
            let spent = operator
                .patiently(|| async { Ok(operator.client().get::<Spent>(&Key::SpentWork(nullifier)).await?) })
                .await?;
            match spent {
                None => candidates.push(candidate),
                Some(_) => self.pass(&candidate.job),
            }
        }
        Ok(candidates)
    }
}

#[cfg(test)]
mod tests;
